/* The logarithm of softmax over the last dimension, without taking it of a rounded probability. */
#include "core/ops/softmax.h"

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t count = ls_run_elements(run, node->output);
    const real *restrict x = node->inputs[0]->data;
    real *restrict y = node->output->data; /* holds the exponentials before */
    for (int64_t i = 0; i < count; i += columns) {
        real largest;
        const real log_sum = ls_math_log(ls_softmax_row(x + i, columns, y + i, &largest));
        for (int64_t c = 0; c < columns; c++)
            y[i + c] = (x[i + c] - largest) - log_sum;
    }
}

/* dx = dy - exp(y) sum(dy) */
static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t count = ls_run_elements(run, node->output);
    const real *restrict y = node->output->data;
    const real *restrict dy = node->output->gradient;
    real *restrict dx = node->inputs[0]->gradient;
    for (int64_t i = 0; dx && i < count; i += columns) {
        const real sum = ls_row_sum(dy + i, columns);
        if (node->accumulate[0])
            for (int64_t c = 0; c < columns; c++)
                dx[i + c] += dy[i + c] - ls_math_exp(y[i + c]) * sum;
        else
            for (int64_t c = 0; c < columns; c++)
                dx[i + c] = dy[i + c] - ls_math_exp(y[i + c]) * sum;
    }
}

const struct ls_op LS_NAME(ls_op_log_softmax) = {
    .name = "log_softmax",
    .formula = "y = x - log(sum(exp(x))) over the last dimension",
    .infer = ls_softmax_infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_output = true,
    .cases = ls_softmax_cases,
    .case_count = LS_SOFTMAX_CASES,
};
