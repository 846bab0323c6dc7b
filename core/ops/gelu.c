/* Gaussian error linear unit (Hendrycks & Gimpel 2016): x times the normal distribution function;
 * its derivative adds x times the normal density. The approximation with tanh puts a sigmoid in the
 * distribution's place: (1 + tanh u) / 2 = sigmoid(2 u), which has no cancellation for u < 0. */
#include "core/ops/elementwise.h"

LS_INLINE real gelu_value(real x, struct ls_elementwise options) {
    (void)options;
    return x * ls_math_normal(x);
}

LS_INLINE real gelu_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    real bell;
    const real below = ls_math_normal_bell(x, &bell);
    return dy * ls_fma(x, (real)0.39894228040143267794 * bell, below);
}

#define TWICE_SQRT_2_PI ((real)1.59576912160573071176) /* 2 sqrt(2 / pi) */
#define CUBE ((real)0.044715)

/* sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3). */
LS_INLINE real gate(real x) {
    return ls_math_sigmoid(TWICE_SQRT_2_PI * (x * ls_fma(CUBE * x, x, (real)1)));
}

LS_INLINE real gelu_tanh_value(real x, struct ls_elementwise options) {
    (void)options;
    return x * gate(x);
}

LS_INLINE real gelu_tanh_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    const real s = gate(x);
    const real slope = TWICE_SQRT_2_PI * ls_fma((real)3 * CUBE * x, x, (real)1); /* of 2 u */
    return dy * ls_fma(x * slope, s * ((real)1 - s), s);
}

static bool by_tanh(const struct ls_node *node) {
    const struct ls_gelu_options *options = node->options;
    return options->approximation == LS_GELU_TANH;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, by_tanh(node) ? 18 : 25, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_elementwise none = {0};
    if (by_tanh(node))
        ls_elementwise_forward(node, run, gelu_tanh_value, none);
    else
        ls_elementwise_forward(node, run, gelu_value, none);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_elementwise none = {0};
    if (by_tanh(node))
        ls_elementwise_backward(node, run, LS_READS_X, gelu_tanh_gradient, none);
    else
        ls_elementwise_backward(node, run, LS_READS_X, gelu_gradient, none);
}

#define ERF                                                                                        \
    .options = &(const struct ls_gelu_options){LS_GELU_ERF},                                       \
    .options_size = sizeof(struct ls_gelu_options)
#define TANH                                                                                       \
    .options = &(const struct ls_gelu_options){LS_GELU_TANH},                                      \
    .options_size = sizeof(struct ls_gelu_options)

static const struct ls_op_case cases[] = {
    {.name = "one number", ERF, LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(1, 1), .low = -4, .high = 4)},
    {.name = "a vector remainder",
     ERF,
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(5, 3, 7), .low = -4, .high = 4),
     .microbatches = 2},
    {.name = "the approximation with tanh",
     TANH,
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(5, 3, 7), .low = -4, .high = 4),
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_gelu) = {
    .name = "gelu",
    .formula = "y = x/2 (1 + erf(x / sqrt 2)), or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
    LS_ELEMENTWISE_MEMBERS(LS_READS_X)};
