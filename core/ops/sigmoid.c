/* The logistic function. Its derivative is y (1 - y), so backward needs the output only. */
#include "core/ops/elementwise.h"

LS_INLINE real sigmoid_value(real x, real option) {
    (void)option;
    return ls_math_sigmoid(x);
}

LS_INLINE real sigmoid_gradient(real dy, real y, real option) {
    (void)option;
    return dy * (y * ((real)1 - y));
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 12, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, sigmoid_value, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->output->data, sigmoid_gradient, 0);
}

static const struct ls_op_case cases[] = {
    {.name = "one number",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 1), .low = -6, .high = 6}}},
    {.name = "a vector remainder",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3, 7), .low = -6, .high = 6}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_sigmoid) = {
    .name = "sigmoid",
    .formula = "y = 1 / (1 + exp(-x))",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_output = true,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
