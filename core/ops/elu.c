/* Exponential linear unit (Clevert et al. 2016). Below 0 the derivative is y + alpha, but written
 * in x, as alpha may be negative or 0. */
#include "core/ops/elementwise.h"

LS_INLINE struct ls_elementwise alpha_of(const void *node_options) {
    const struct ls_elu_options *options = node_options;
    return (struct ls_elementwise){.a = (real)options->alpha};
}

LS_INLINE real elu_value(real x, struct ls_elementwise alpha) {
    return x > 0 ? x : alpha.a * ls_math_expm1(x);
}

LS_INLINE real elu_gradient(real dy, real x, struct ls_elementwise alpha) {
    return x > 0 ? dy : dy * (alpha.a * ls_math_exp(x));
}

static const struct ls_op_case cases[] = {
    {.name = "alpha 1",
     .options = &(const struct ls_elu_options){.alpha = 1},
     .options_size = sizeof(struct ls_elu_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(3, 19), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9),
     .microbatches = 2},
    {.name = "another alpha",
     .options = &(const struct ls_elu_options){.alpha = 0.3},
     .options_size = sizeof(struct ls_elu_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(2, 2, 2), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9)},
};

LS_ELEMENTWISE_OP(elu, "y = x > 0 ? x : alpha (exp(x) - 1)", 14, LS_READS_X, alpha_of);
