/* The hyperbolic tangent; backward needs the output only: 1 - y^2. */
#include "core/ops/elementwise.h"

LS_INLINE real tanh_value(real x, real option) {
    (void)option;
    return ls_math_tanh(x);
}

LS_INLINE real tanh_gradient(real dy, real y, real option) {
    (void)option;
    return dy * ((real)1 - y * y);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 15, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, tanh_value, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->output->data, tanh_gradient, 0);
}

static const struct ls_op_case cases[] = {
    {.name = "one number",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 1), .low = -4, .high = 4}}},
    {.name = "a vector remainder",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3, 7), .low = -4, .high = 4}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_tanh) = {
    .name = "tanh",
    .formula = "y = tanh(x)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_output = true,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
