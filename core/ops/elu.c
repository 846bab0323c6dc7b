/* Exponential linear unit (Clevert et al. 2016). Below 0 the derivative is y + alpha, but written
 * in x, as alpha may be negative or 0. */
#include "core/ops/elementwise.h"
#include "core/ops/options.h"

LS_INLINE real elu_value(real x, real alpha) {
    return x > 0 ? x : alpha * ls_math_expm1(x);
}

LS_INLINE real elu_gradient(real dy, real x, real alpha) {
    return x > 0 ? dy : dy * (alpha * ls_math_exp(x));
}

static real alpha_of(const struct ls_node *node) {
    const struct ls_elu_options *options = node->options;
    return (real)options->alpha;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 14, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, elu_value, alpha_of(node));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->inputs[0]->data, elu_gradient, alpha_of(node));
}

static const struct ls_op_case cases[] = {
    {.name = "alpha 1",
     .options = &(const struct ls_elu_options){.alpha = 1},
     .options_size = sizeof(struct ls_elu_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 19), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9}},
     .microbatches = 2},
    {.name = "another alpha",
     .options = &(const struct ls_elu_options){.alpha = 0.3},
     .options_size = sizeof(struct ls_elu_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 2, 2), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9}}},
};

const struct ls_op LS_NAME(ls_op_elu) = {
    .name = "elu",
    .formula = "y = x > 0 ? x : alpha (exp(x) - 1)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
