/* Numbers cut off at two limits; what is cut off has no slope. */
#include "core/ops/elementwise.h"

LS_INLINE struct ls_elementwise limits_of(const void *node_options) {
    const struct ls_clamp_options *options = node_options;
    return (struct ls_elementwise){(real)options->low, (real)options->high};
}

LS_INLINE real clamp_value(real x, struct ls_elementwise limits) {
    const real above = x < limits.a ? limits.a : x;
    return above > limits.b ? limits.b : above;
}

LS_INLINE real clamp_gradient(real dy, real x, struct ls_elementwise limits) {
    return x < limits.a || x > limits.b ? 0 : dy;
}

static const struct ls_op_case cases[] = {
    {.name = "both limits",
     .options = &(const struct ls_clamp_options){.low = -1, .high = 1},
     .options_size = sizeof(struct ls_clamp_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(4, 33), .low = -1.9, .high = 1.9, .gap = 0.01, .kink = 1),
     .microbatches = 2},
    {.name = "all inside",
     .options = &(const struct ls_clamp_options){.low = -3, .high = 3},
     .options_size = sizeof(struct ls_clamp_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(1, 2, 3), .low = -2, .high = 2)},
};

LS_ELEMENTWISE_OP(clamp, "y = min(max(x, low), high)", 2, LS_READS_X, limits_of);
