/* An element-wise product. */
#include "core/ops/pair.h"

LS_INLINE real multiply_value(real a, real b) {
    return a * b;
}

LS_INLINE real multiply_to_a(real dy, real a, real b) {
    (void)a;
    return dy * b;
}

LS_INLINE real multiply_to_b(real dy, real a, real b) {
    (void)b;
    return dy * a;
}

static const struct ls_op_case cases[] = {
    LS_PAIR_CASES((.low = -2, .high = 2), (.low = -2, .high = 2))};

LS_PAIR_OP(multiply, "y = a * b, element by element", true, .a = multiply_to_a, .b = multiply_to_b);
