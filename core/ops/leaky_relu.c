/* Leaky ReLU (Maas et al. 2013). */
#include "core/ops/elementwise.h"

LS_INLINE struct ls_elementwise slope_of(const void *node_options) {
    const struct ls_leaky_relu_options *options = node_options;
    return (struct ls_elementwise){.a = (real)options->slope};
}

LS_INLINE real leaky_relu_value(real x, struct ls_elementwise slope) {
    return x > 0 ? x : slope.a * x;
}

LS_INLINE real leaky_relu_gradient(real dy, real x, struct ls_elementwise slope) {
    return x > 0 ? dy : slope.a * dy;
}

static const struct ls_op_case cases[] = {
    {.name = "usual slope",
     .options = &(const struct ls_leaky_relu_options){.slope = 0.01},
     .options_size = sizeof(struct ls_leaky_relu_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(4, 33), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9),
     .microbatches = 2},
    {.name = "negative slope",
     .options = &(const struct ls_leaky_relu_options){.slope = -0.5},
     .options_size = sizeof(struct ls_leaky_relu_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(1, 2, 3), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9)},
};

LS_ELEMENTWISE_OP(leaky_relu, "y = x > 0 ? x : slope x", 2, LS_READS_X, slope_of);
