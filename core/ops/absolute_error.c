/* Mean absolute error of a sample; the derivative at 0 is taken as 0. */
#include "core/ops/loss.h"

LS_INLINE real loss(real x, real t, real option) {
    (void)option;
    return ls_math_abs(x - t);
}

LS_INLINE real by_x(real x, real t, real option) {
    (void)option;
    return (x > t ? (real)1 : 0) - (x < t ? (real)1 : 0);
}

LS_INLINE real by_t(real x, real t, real option) {
    return by_x(t, x, option);
}

static const struct ls_op_case cases[] = {
    /* |x| and |t| keep apart, so that x - t stays away from 0 */
    {.name = "one output",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(5, 1), .low = -0.9, .high = 0.9}},
     .microbatches = 2},
    {.name = "several outputs",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 9), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(3, 2, 9), .low = -0.9, .high = 0.9}}},
    {.name = "a weight per position",
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 9), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(3, 2, 9), .low = -0.9, .high = 0.9},
                {.shape = LS_CASE_SHAPE(3, 2, 1), .constant = true, .low = 0, .high = 2}}},
};

LS_LOSS_OP(absolute_error, "mean(|x - t|)", ls_loss_infer, ls_loss_plain);
