/* Root mean square normalisation (Zhang & Sennrich 2019): each vector along the last dimension (D
 * elements) gets mean square 1, then a gain per element. Saved: 1 / root mean square of each
 * vector. */
#include "core/ops/normalise.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shape x = node->inputs[0]->shape;
    const enum ls_status status = ls_normalise_check(node, error);
    if (status != LS_OK)
        return status;
    const int64_t columns = ls_shape_last(x);
    ls_infer_like(node);
    node->saved_bytes = (size_t)(ls_shape_count(x) / columns) * sizeof(real);
    node->scratch_bytes = ls_normalise_scratch_bytes(columns, columns, x.dims[0]);
    node->flops = 4 * ls_shape_row_count(x);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_norm_options *options = node->options;
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t vectors = ls_run_elements(run, node->output) / columns;
    const real epsilon = ls_norm_epsilon(options->epsilon);
    const real *x = node->inputs[0]->data, *gain = node->inputs[1]->data;
    real *y = node->output->data, *saved = node->saved;
    for (int64_t r = 0; r < vectors; r++, x += columns, y += columns) {
        const real inverse = 1 / ls_math_sqrt(ls_row_dot(x, x, columns) / (real)columns + epsilon);
#pragma GCC ivdep /* y may be x */
        for (int64_t c = 0; c < columns; c++)
            y[c] = x[c] * inverse * gain[c];
        saved[r] = inverse;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *x = node->inputs[0], *gain = node->inputs[1];
    const int64_t columns = ls_shape_last(x->shape);
    const int64_t per_sample = ls_shape_row_count(x->shape) / columns;
    real *dy = node->output->gradient, *dx = x->gradient;
    const real *values = x->data, *saved = node->saved;
    real *h = node->scratch, *g = h + columns;
    for (int64_t r = 0; r < run->rows * per_sample; r++) {
        const struct ls_normalised n = {
            columns, values + r * columns, gain->data, 0, 0, saved[r], dy + r * columns, h, g};
        ls_normalise_again(&n);
        if (dx)
            ls_normalise_gradient(&n, 0, ls_row_dot(g, h, columns) / (real)columns,
                                  node->accumulate[0], dx + r * columns);
    }
    if (gain->gradient)
        ls_column_sums(run, per_sample, columns, dy, gain->gradient,
                       (char *)node->scratch + ls_normalise_sums_at(columns));
}

static const struct ls_op_case cases[] = {
    {.name = "vectors",
     .options = &(const struct ls_norm_options){0},
     .options_size = sizeof(struct ls_norm_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(7, 19), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(19), .parameter = true, .low = 0.5, .high = 2}},
     .microbatches = 3},
    {.name = "sequences, more rows than lanes",
     .options = &(const struct ls_norm_options){.epsilon = 1e-3},
     .options_size = sizeof(struct ls_norm_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 9, 4), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(4), .parameter = true, .low = 0.5, .high = 2}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_rms_norm) = {
    .name = "rms_norm",
    .formula = "y = gain x / sqrt(mean of x^2 + epsilon) over the last dimension",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
