/* A line; its slope is the same everywhere. */
#include "core/ops/elementwise.h"

LS_INLINE struct ls_elementwise line_of(const void *node_options) {
    const struct ls_scale_options *options = node_options;
    return (struct ls_elementwise){(real)options->factor, (real)options->shift};
}

LS_INLINE real scale_value(real x, struct ls_elementwise line) {
    return ls_fma(line.a, x, line.b);
}

LS_INLINE real scale_gradient(real dy, real none, struct ls_elementwise line) {
    (void)none;
    return line.a * dy;
}

static const struct ls_op_case cases[] = {
    {.name = "factor and shift",
     .options = &(const struct ls_scale_options){.factor = -1.5, .shift = 0.25},
     .options_size = sizeof(struct ls_scale_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(4, 33), .low = -2, .high = 2),
     .microbatches = 2},
    {.name = "one number",
     .options = &(const struct ls_scale_options){.factor = 3},
     .options_size = sizeof(struct ls_scale_options),
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(1, 1), .low = -2, .high = 2)},
};

LS_ELEMENTWISE_OP(scale, "y = factor x + shift", 2, LS_READS_NEITHER, line_of);
