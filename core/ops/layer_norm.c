/* Layer normalisation (Ba et al. 2016): each vector along the last dimension (D elements) gets mean
 * 0 and variance 1, then a gain and an offset per element. Saved: mean, what was rounded off it, and
 * 1 / deviation of each vector. */
#include "core/ops/normalise.h"

enum { SAVED = 3 }; /* numbers of a vector */

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shape x = node->inputs[0]->shape;
    const enum ls_status status = ls_normalise_check(node, error);
    if (status != LS_OK)
        return status;
    const int64_t columns = ls_shape_last(x);
    ls_infer_like(node);
    node->saved_bytes = (size_t)(SAVED * ls_shape_count(x) / columns) * sizeof(real);
    node->scratch_bytes = ls_normalise_scratch_bytes(columns, columns, x.dims[0]);
    node->flops = 8 * ls_shape_row_count(x);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t vectors = ls_run_elements(run, node->output) / columns;
    const struct ls_norm_options *options = node->options;
    const real epsilon = ls_norm_epsilon(options->epsilon);
    const real *x = node->inputs[0]->data;
    const real *gain = node->inputs[1]->data, *offset = node->inputs[2]->data;
    real *y = node->output->data, *saved = node->saved;
    for (int64_t r = 0; r < vectors; r++, x += columns, y += columns, saved += SAVED) {
        double sum, square;
        real rest, inverse;
        const real mean = ls_row_sum(x, columns) / (real)columns;
        ls_row_centre(x, columns, mean, y, &sum, &square);
        ls_norm_finish_sums(sum, square, (double)columns, epsilon, &rest, &inverse);
#pragma GCC ivdep
        for (int64_t c = 0; c < columns; c++)
            y[c] = ls_fma((y[c] - rest) * inverse, gain[c], offset[c]);
        saved[0] = mean;
        saved[1] = rest;
        saved[2] = inverse;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *x = node->inputs[0], *gain = node->inputs[1], *offset = node->inputs[2];
    const int64_t columns = ls_shape_last(x->shape);
    const int64_t per_sample = ls_shape_row_count(x->shape) / columns,
                  vectors = run->rows * per_sample;
    real *dy = node->output->gradient, *dx = x->gradient;
    const real *values = x->data, *saved = node->saved;
    real *h = node->scratch, *g = h + columns;
    void *sums = (char *)node->scratch + ls_normalise_sums_at(columns);
    if (offset->gradient)
        ls_column_sums(run, per_sample, columns, dy, offset->gradient, sums);
    for (int64_t r = 0; r < vectors; r++, saved += SAVED) {
        const struct ls_normalised n = {columns,  values + r * columns, gain->data,       saved[0],
                                        saved[1], saved[2],             dy + r * columns, h,
                                        g};
        ls_normalise_again(&n);
        if (dx)
            ls_normalise_gradient(&n, ls_row_sum(g, columns) / (real)columns,
                                  ls_row_dot(g, h, columns) / (real)columns, node->accumulate[0],
                                  dx + r * columns);
    }
    if (gain->gradient)
        ls_column_sums(run, per_sample, columns, dy, gain->gradient, sums);
}

static const struct ls_op_case cases[] = {
    {.name = "vectors",
     .options = &(const struct ls_norm_options){0},
     .options_size = sizeof(struct ls_norm_options),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(7, 19), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(19), .parameter = true, .low = 0.5, .high = 2},
                {.shape = LS_CASE_SHAPE(19), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 3},
    {.name = "sequences, more rows than lanes",
     .options = &(const struct ls_norm_options){.epsilon = 1e-3},
     .options_size = sizeof(struct ls_norm_options),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 9, 4), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(4), .parameter = true, .low = 0.5, .high = 2},
                {.shape = LS_CASE_SHAPE(4), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_layer_norm) = {
    .name = "layer_norm",
    .formula = "y = gain (x - mean) / sqrt(variance + epsilon) + offset over the last dimension",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
