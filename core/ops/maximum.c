/* The larger of two values, NaN if one is; of equals the first one has the slope. */
#include "core/ops/pair.h"

LS_INLINE bool maximum_is_b(real a, real b) {
    return (b > a) | (b != b);
}

LS_INLINE real maximum_value(real a, real b) {
    return maximum_is_b(a, b) ? b : a;
}

LS_INLINE real maximum_to_a(real dy, real a, real b) {
    return maximum_is_b(a, b) ? 0 : dy;
}

LS_INLINE real maximum_to_b(real dy, real a, real b) {
    return maximum_is_b(a, b) ? dy : 0;
}

static const struct ls_op_case cases[] = {
    LS_PAIR_CASES((.low = -3, .high = 3, .gap = 1, .kink = 1e9), (.low = -0.9, .high = 0.9))};

LS_PAIR_OP(maximum, "y = max(a, b), element by element", true, .a = maximum_to_a,
           .b = maximum_to_b);
