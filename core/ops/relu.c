/* Rectified linear unit; its derivative at 0 is taken as 0. */
#include "core/ops/elementwise.h"

LS_INLINE real relu_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_relu(x);
}

LS_INLINE real relu_gradient(real dy, real y, struct ls_elementwise options) {
    (void)options;
    return y > 0 ? dy : 0;
}

LS_ELEMENTWISE_CASES(.low = -2, .high = 2, .gap = 0.01, .kink = 1e9);

LS_ELEMENTWISE_OP(relu, "y = max(x, 0)", 1, LS_READS_Y, ls_elementwise_plain);
