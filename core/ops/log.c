/* The natural logarithm, of numbers above 0. */
#include "core/ops/elementwise.h"

LS_INLINE real log_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_log(x);
}

LS_INLINE real log_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    return dy / x;
}

LS_ELEMENTWISE_CASES(.low = 0.2, .high = 4);

LS_ELEMENTWISE_OP(log, "y = log(x)", 20, LS_READS_X, ls_elementwise_plain);
