/* The logistic function. Its derivative is y (1 - y), so backward needs the output only. */
#include "core/ops/elementwise.h"

LS_INLINE real sigmoid_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_sigmoid(x);
}

LS_INLINE real sigmoid_gradient(real dy, real y, struct ls_elementwise options) {
    (void)options;
    return dy * (y * ((real)1 - y));
}

LS_ELEMENTWISE_CASES(.low = -6, .high = 6);

LS_ELEMENTWISE_OP(sigmoid, "y = 1 / (1 + exp(-x))", 12, LS_READS_Y, ls_elementwise_plain);
