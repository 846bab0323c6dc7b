/* A smooth ReLU; no overflow for large x, since log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)). */
#include "core/ops/elementwise.h"

LS_INLINE real softplus_value(real x, real option) {
    (void)option;
    return ls_math_softplus(x);
}

LS_INLINE real softplus_gradient(real dy, real x, real option) {
    (void)option;
    return dy * ls_math_sigmoid(x);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 25, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, softplus_value, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->inputs[0]->data, softplus_gradient, 0);
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

const struct ls_op LS_NAME(ls_op_softplus) = {
    .name = "softplus",
    .formula = "y = log(1 + exp(x))",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
