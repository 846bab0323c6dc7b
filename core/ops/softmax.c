/* Softmax over the last dimension, shifted by the largest element so that nothing overflows. */
#include "core/ops/softmax.h"

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t count = ls_run_elements(run, node->output);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t i = 0; i < count; i += columns) {
        real largest;
        const real sum = ls_softmax_row(x + i, columns, y + i, &largest);
        for (int64_t c = 0; c < columns; c++)
            y[i + c] /= sum;
    }
}

/* dx = y (dy - sum(dy y)) */
static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t count = ls_run_elements(run, node->output);
    const real *restrict y = node->output->data;
    const real *restrict dy = node->output->gradient;
    real *restrict dx = node->inputs[0]->gradient;
    for (int64_t i = 0; dx && i < count; i += columns) {
        const real mean = ls_row_dot(dy + i, y + i, columns);
        if (node->accumulate[0])
            for (int64_t c = 0; c < columns; c++)
                dx[i + c] += y[i + c] * (dy[i + c] - mean);
        else
            for (int64_t c = 0; c < columns; c++)
                dx[i + c] = y[i + c] * (dy[i + c] - mean);
    }
}

const struct ls_op LS_NAME(ls_op_softmax) = {
    .name = "softmax",
    .formula = "y = exp(x) / sum(exp(x)) over the last dimension",
    .infer = ls_softmax_infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_output = true,
    .in_place = true,
    .cases = ls_softmax_cases,
    .case_count = LS_SOFTMAX_CASES,
};
