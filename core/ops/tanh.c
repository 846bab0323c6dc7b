/* The hyperbolic tangent; backward needs the output only: 1 - y^2. */
#include "core/ops/elementwise.h"

LS_INLINE real tanh_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_tanh(x);
}

LS_INLINE real tanh_gradient(real dy, real y, struct ls_elementwise options) {
    (void)options;
    return dy * ((real)1 - y * y);
}

LS_ELEMENTWISE_CASES(.low = -4, .high = 4);

LS_ELEMENTWISE_OP(tanh, "y = tanh(x)", 15, LS_READS_Y, ls_elementwise_plain);
