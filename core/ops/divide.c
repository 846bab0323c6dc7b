/* An element-wise quotient. */
#include "core/ops/pair.h"

LS_INLINE real divide_value(real a, real b) {
    return a / b;
}

LS_INLINE real divide_to_a(real dy, real a, real b) {
    (void)a;
    return dy / b;
}

LS_INLINE real divide_to_b(real dy, real a, real b) {
    return -(dy / b) * (a / b);
}

static const struct ls_op_case cases[] = {
    LS_PAIR_CASES((.low = -2, .high = 2), (.low = 0.5, .high = 2))};

LS_PAIR_OP(divide, "y = a / b, element by element", true, .a = divide_to_a, .b = divide_to_b);
