/* A smooth ReLU; no overflow for large x, since log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)). */
#include "core/ops/elementwise.h"

LS_INLINE real softplus_value(real x, struct ls_elementwise options) {
    (void)options;
    return ls_math_softplus(x);
}

LS_INLINE real softplus_gradient(real dy, real x, struct ls_elementwise options) {
    (void)options;
    return dy * ls_math_sigmoid(x);
}

LS_ELEMENTWISE_CASES(.low = -6, .high = 6);

LS_ELEMENTWISE_OP(softplus, "y = log(1 + exp(x))", 25, LS_READS_X, ls_elementwise_plain);
