/* The shortcut without parameters of He et al. 2016 (option A): every stride-th pixel, and zero
 * channels on both sides (the odd one after) where the output has more. */
#include "core/ops/check.h"
#include "core/ops/options.h"
#include "core/tensor/variant.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shortcut_options *options = node->options;
    const struct ls_shape x = node->inputs[0]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 4, error);
    if (status != LS_OK)
        return status;
    if (x.rank != 4)
        return ls_fail(error, LS_INVALID,
                       "shortcut: expected images (samples, height, width, channels), found %s",
                       ls_shape_print(x, text));
    if (options->stride < 1 || options->channels < x.dims[3])
        return ls_fail(error, LS_INVALID,
                       "shortcut: expected stride >= 1 and channels >= %lld, found stride %lld and "
                       "channels %lld",
                       (long long)x.dims[3], (long long)options->stride,
                       (long long)options->channels);
    ls_infer_like(node);
    node->output->shape =
        LS_SHAPE(x.dims[0], (x.dims[1] + options->stride - 1) / options->stride,
                 (x.dims[2] + options->stride - 1) / options->stride, options->channels);
    return LS_OK;
}

/* Channels of zeros in front. */
static int64_t before(const struct ls_node *node) {
    return (node->output->shape.dims[3] - node->inputs[0]->shape.dims[3]) / 2;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shortcut_options *options = node->options;
    const struct ls_shape in = node->inputs[0]->shape, out = node->output->shape;
    const int64_t channels = in.dims[3];
    real *y = node->output->data;
    memset(y, 0, (size_t)ls_run_elements(run, node->output) * sizeof(real));
    y += before(node);
    for (int64_t n = 0; n < run->rows; n++) {
        const real *image = (const real *)node->inputs[0]->data + n * ls_shape_row_count(in);
        for (int64_t i = 0; i < in.dims[1]; i += options->stride)
            for (int64_t j = 0; j < in.dims[2]; j += options->stride, y += out.dims[3])
                memcpy(y, image + (i * in.dims[2] + j) * channels, (size_t)channels * sizeof(real));
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shortcut_options *options = node->options;
    const struct ls_shape in = node->inputs[0]->shape, out = node->output->shape;
    const int64_t channels = in.dims[3];
    const real *dy = (const real *)node->output->gradient + before(node);
    real *dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (!node->accumulate[0])
        memset(dx, 0, (size_t)ls_run_elements(run, node->inputs[0]) * sizeof(real));
    for (int64_t n = 0; n < run->rows; n++) {
        real *image = dx + n * ls_shape_row_count(in);
        for (int64_t i = 0; i < in.dims[1]; i += options->stride)
            for (int64_t j = 0; j < in.dims[2]; j += options->stride, dy += out.dims[3]) {
                const real *restrict from = dy;
                real *restrict to = image + (i * in.dims[2] + j) * channels;
                for (int64_t c = 0; c < channels; c++)
                    to[c] += from[c];
            }
    }
}

static const struct ls_op_case cases[] = {
    {.name = "stride 2, channels doubled",
     .options = &(const struct ls_shortcut_options){.stride = 2, .channels = 6},
     .options_size = sizeof(struct ls_shortcut_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 5, 4, 3), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "an odd number of new channels",
     .options = &(const struct ls_shortcut_options){.stride = 1, .channels = 5},
     .options_size = sizeof(struct ls_shortcut_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 2, 2, 2), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_shortcut) = {
    .name = "shortcut",
    .formula = "y[n,i,j,:] = x[n, i*stride, j*stride, :] between zero channels",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
