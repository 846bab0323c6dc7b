/* The square. */
#include "core/ops/elementwise.h"

LS_INLINE real square_value(real x, struct ls_elementwise options) {
    (void)options;
    return x * x;
}

LS_INLINE real square_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    return dy * ((real)2 * x);
}

LS_ELEMENTWISE_CASES(.low = -3, .high = 3);

LS_ELEMENTWISE_OP(square, "y = x^2", 1, LS_READS_X, ls_elementwise_plain);
