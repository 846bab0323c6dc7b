/* Shifts and scales inputs by constants of the training data; the last dimension has one pair each,
 * or every element of a sample has. */
#include "core/ops/elementwise.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *x = node->inputs[0], *mean = node->inputs[1], *scale = node->inputs[2];
    char row_text[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX], other[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape row = ls_shape_of_row(x->shape);
    const struct ls_shape last = LS_SHAPE(ls_shape_last(x->shape));
    if (mean->batched || scale->batched || !ls_shape_equal(mean->shape, scale->shape) ||
        (!ls_shape_equal(mean->shape, last) && !ls_shape_equal(mean->shape, row)))
        return ls_fail(
            error, LS_INVALID,
            "standardise: mean and scale must be parameters of shape %lld or %s, found %s and %s",
            (long long)last.dims[0], ls_shape_print(row, row_text),
            ls_shape_print(mean->shape, found), ls_shape_print(scale->shape, other));
    ls_infer_like(node);
    node->flops = 2 * ls_shape_row_count(x->shape);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_run_elements(run, node->output);
    const int64_t period = ls_shape_count(node->inputs[1]->shape);
    const real *x = node->inputs[0]->data;
    const real *mean = node->inputs[1]->data, *scale = node->inputs[2]->data;
    real *y = node->output->data;
    for (int64_t i = 0; i < count; i += period)
#pragma GCC ivdep /* y may be x */
        for (int64_t c = 0; c < period; c++)
            y[i + c] = (x[i + c] - mean[c]) * scale[c];
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_run_elements(run, node->output);
    const int64_t period = ls_shape_count(node->inputs[1]->shape);
    const real *restrict dy = node->output->gradient;
    const real *restrict scale = node->inputs[2]->data;
    real *restrict dx = node->inputs[0]->gradient;
    for (int64_t i = 0; dx && i < count; i += period)
        if (node->accumulate[0])
            for (int64_t c = 0; c < period; c++)
                dx[i + c] += dy[i + c] * scale[c];
        else
            for (int64_t c = 0; c < period; c++)
                dx[i + c] = dy[i + c] * scale[c];
}

static const struct ls_op_case cases[] = {
    {.name = "per channel",
     .input_count = 3,
     .inputs =
         {{.shape = LS_CASE_SHAPE(3, 2, 2, 5), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(5), .parameter = true, .constant = true, .low = -1, .high = 1},
          {.shape = LS_CASE_SHAPE(5), .parameter = true, .constant = true, .low = 0.5, .high = 2}},
     .microbatches = 2},
    {.name = "per element",
     .input_count = 3,
     .inputs =
         {{.shape = LS_CASE_SHAPE(2, 3, 4), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(3, 4), .parameter = true, .constant = true, .low = -1, .high = 1},
          {.shape = LS_CASE_SHAPE(3, 4),
           .parameter = true,
           .constant = true,
           .low = 0.5,
           .high = 2}}},
};

const struct ls_op LS_NAME(ls_op_standardise) = {
    .name = "standardise",
    .formula = "y = (x - mean) * scale",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 2,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
