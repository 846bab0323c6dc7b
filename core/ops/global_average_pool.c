/* The mean over all pixels, per channel. */
#include "core/ops/check.h"
#include "core/ops/row.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shape x = node->inputs[0]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    if (x.rank != 4)
        return ls_fail(
            error, LS_INVALID,
            "global_average_pool: expected images (samples, height, width, channels), found %s",
            ls_shape_print(x, text));
    ls_infer_like(node);
    node->output->shape = LS_SHAPE(x.dims[0], x.dims[3]);
    node->flops = ls_shape_row_count(x);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shape shape = node->inputs[0]->shape;
    const int64_t pixels = shape.dims[1] * shape.dims[2], channels = shape.dims[3];
    const real share = (real)(1.0 / (double)pixels);
    const real *restrict x = node->inputs[0]->data;
    real *restrict y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, y += channels) {
        ls_positions_sum((struct ls_positions){1, pixels, 0, channels}, channels,
                         x + n * pixels * channels, y);
        for (int64_t c = 0; c < channels; c++)
            y[c] *= share;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shape shape = node->inputs[0]->shape;
    const int64_t pixels = shape.dims[1] * shape.dims[2], channels = shape.dims[3];
    const real share = (real)(1.0 / (double)pixels);
    const real *restrict dy = node->output->gradient;
    real *restrict dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    for (int64_t n = 0; n < run->rows; n++, dy += channels)
        for (int64_t p = 0; p < pixels; p++, dx += channels)
            if (node->accumulate[0])
                for (int64_t c = 0; c < channels; c++)
                    dx[c] += dy[c] * share;
            else
                for (int64_t c = 0; c < channels; c++)
                    dx[c] = dy[c] * share;
}

static const struct ls_op_case cases[] = {
    {.name = "images",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4, 5, 9), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "one pixel",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 1, 1, 3), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_global_average_pool) = {
    .name = "global_average_pool",
    .formula = "y[n,c] = mean of x[n,:,:,c]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
