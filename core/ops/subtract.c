/* A difference of two values. */
#include "core/ops/pair.h"

LS_INLINE real subtract_value(real a, real b) {
    return a - b;
}

LS_INLINE real subtract_to_b(real dy, real a, real b) {
    (void)a, (void)b;
    return -dy;
}

static const struct ls_op_case cases[] = {
    LS_PAIR_CASES((.low = -1, .high = 1), (.low = -1, .high = 1))};

LS_PAIR_OP(subtract, "y = a - b", false, .b = subtract_to_b);
