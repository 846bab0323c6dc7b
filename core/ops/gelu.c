/* Gaussian error linear unit, the exact form (Hendrycks & Gimpel 2016): x times the normal
 * distribution function; its derivative adds x times the normal density. */
#include "core/ops/elementwise.h"

LS_INLINE real gelu_value(real x, real option) {
    (void)option;
    return x * ls_math_normal(x);
}

LS_INLINE real gelu_gradient(real dy, real x, real option) {
    (void)option;
    const real density = (real)0.39894228040143267794 * ls_math_exp((real)-0.5 * x * x);
    return dy * ls_fma(x, density, ls_math_normal(x));
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 25, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, gelu_value, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->inputs[0]->data, gelu_gradient, 0);
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

const struct ls_op LS_NAME(ls_op_gelu) = {
    .name = "gelu",
    .formula = "y = x/2 (1 + erf(x / sqrt 2))",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
