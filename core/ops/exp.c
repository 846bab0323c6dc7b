/* The exponential function; backward needs the output only. */
#include "core/ops/elementwise.h"

LS_INLINE real exp_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_exp(x);
}

LS_INLINE real exp_gradient(real dy, real y, struct ls_elementwise options) {
    (void)options;
    return dy * y;
}

LS_ELEMENTWISE_CASES(.low = -3, .high = 3);

LS_ELEMENTWISE_OP(exp, "y = exp(x)", 10, LS_READS_Y, ls_elementwise_plain);
