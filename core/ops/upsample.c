/* Larger images whose pixels repeat those of smaller ones. */
#include "core/ops/elementwise.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_upsample_options *options = node->options;
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape x = node->inputs[0]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (x.rank != 4)
        return ls_fail(error, LS_INVALID,
                       "upsample: expected images (samples, height, width, channels), found %s",
                       ls_shape_print(x, text));
    ls_infer_like(node);
    for (int i = 0; i < 2; i++)
        if (options->factor[i] < 1 ||
            __builtin_mul_overflow(x.dims[1 + i], options->factor[i],
                                   &node->output->shape.dims[1 + i]) ||
            node->output->shape.dims[1 + i] > INT32_MAX)
            return ls_fail(error, LS_INVALID,
                           "upsample: expected factors from 1 on and images below 2^31 pixels high "
                           "and wide, found %lld times %lld",
                           (long long)options->factor[i], (long long)x.dims[1 + i]);
    return LS_OK;
}

/* Number of the large pixel at row i, column j of the block of the small pixel p; both are counted
 * over all images. */
static int64_t place(const struct ls_node *node, int64_t p, int64_t i, int64_t j) {
    const struct ls_upsample_options *options = node->options;
    const int64_t width = node->inputs[0]->shape.dims[2];
    const int64_t row = p / width * options->factor[0] + i;
    return (row * width + p % width) * options->factor[1] + j;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_upsample_options *options = node->options;
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t pixels = ls_run_elements(run, node->inputs[0]) / channels;
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t i = 0; i < options->factor[0]; i++)
            for (int64_t j = 0; j < options->factor[1]; j++)
                memcpy(y + place(node, p, i, j) * channels, x + p * channels,
                       (size_t)channels * sizeof(real));
}

/* The sum of each block, row by row, is made in its first pixel. */
static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_upsample_options *options = node->options;
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t pixels = ls_run_elements(run, node->inputs[0]) / channels;
    real *dy = node->output->gradient, *dx = node->inputs[0]->gradient;
    for (int64_t p = 0; dx && p < pixels; p++) {
        real *sum = dy + place(node, p, 0, 0) * channels;
        for (int64_t i = 0; i < options->factor[0]; i++)
            for (int64_t j = i ? 0 : 1; j < options->factor[1]; j++)
                ls_pass_elements(channels, dy + place(node, p, i, j) * channels, sum, true);
        ls_pass_elements(channels, sum, dx + p * channels, node->accumulate[0]);
    }
}

static const struct ls_op_case cases[] = {
    {.name = "three times as high, twice as wide",
     .options = &(const struct ls_upsample_options){.factor = {3, 2}},
     .options_size = sizeof(struct ls_upsample_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 3, 5), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "as large as before",
     .options = &(const struct ls_upsample_options){.factor = {1, 1}},
     .options_size = sizeof(struct ls_upsample_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 2, 2, 1), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_upsample) = {
    .name = "upsample",
    .formula = "y[n,i,j,c] = x[n, i / factor, j / factor, c], divisions rounded down",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
