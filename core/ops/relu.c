/* Rectified linear unit; its derivative at 0 is taken as 0. */
#include "core/ops/elementwise.h"

LS_INLINE real relu_value(real x, real option) {
    (void)option;
    return ls_math_relu(x);
}

LS_INLINE real relu_gradient(real dy, real y, real option) {
    (void)option;
    return y > 0 ? dy : 0;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 1, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, relu_value, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->output->data, relu_gradient, 0);
}

static const struct ls_op_case cases[] = {
    {.name = "one number",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 1), .low = -2, .high = 2, .gap = 0.01, .kink = 1e9}}},
    {.name = "a vector remainder",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3, 7), .low = -2, .high = 2, .gap = 0.01, .kink = 1e9}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_relu) = {
    .name = "relu",
    .formula = "y = max(x, 0)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_output = true,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
