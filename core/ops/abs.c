/* The absolute value; its derivative at 0 is taken as 0. */
#include "core/ops/elementwise.h"

LS_INLINE real abs_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_abs(x);
}

LS_INLINE real abs_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    return x > 0 ? dy : x < 0 ? -dy : 0;
}

LS_ELEMENTWISE_CASES(.low = -2, .high = 2, .gap = 0.01, .kink = 1e9);

LS_ELEMENTWISE_OP(abs, "y = |x|", 1, LS_READS_X, ls_elementwise_plain);
