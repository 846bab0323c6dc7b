/* The natural logarithm: minus infinity of 0, NaN of negative numbers. What is above 0 but below
 * the smallest normal float counts as about that one. */
#include "core/ops/elementwise.h"

LS_INLINE real log_value(real x, struct ls_elementwise options) {
    (void)options;
    return x > 0 ? ls_math_log(x) : x == 0 ? -(real)INFINITY : (real)NAN;
}

LS_INLINE real log_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    return dy / x;
}

LS_ELEMENTWISE_CASES(.low = 0.2, .high = 4);

LS_ELEMENTWISE_OP(log, "y = log(x)", 20, LS_READS_X, ls_elementwise_plain);
