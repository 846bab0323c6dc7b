/* Sigmoid-weighted linear unit, also called swish (Ramachandran et al. 2017). */
#include "core/ops/elementwise.h"

LS_INLINE real silu_value(real x, struct ls_elementwise options) {
    (void)options;
    return x * ls_math_sigmoid(x);
}

LS_INLINE real silu_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    const real s = ls_math_sigmoid(x);
    return dy * ls_fma(x * s, (real)1 - s, s); /* s + x s (1 - s) */
}

LS_ELEMENTWISE_CASES(.low = -6, .high = 6);

LS_ELEMENTWISE_OP(silu, "y = x / (1 + exp(-x))", 13, LS_READS_X, ls_elementwise_plain);
