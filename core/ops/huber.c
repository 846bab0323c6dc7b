/* Huber's loss (Huber 1964): quadratic near the target, linear beyond delta. */
#include "core/ops/loss.h"

LS_INLINE real loss(real x, real t, real delta) {
    const real d = ls_math_abs(x - t);
    return d <= delta ? (real)0.5 * d * d : delta * (d - (real)0.5 * delta);
}

LS_INLINE real by_x(real x, real t, real delta) {
    const real d = x - t;
    const real low = d < -delta ? -delta : d;
    return low > delta ? delta : low;
}

LS_INLINE real by_t(real x, real t, real delta) {
    return by_x(t, x, delta);
}

LS_INLINE real delta_of(const struct ls_loss_options *options) {
    return (real)options->delta;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_loss_options *options = node->options;
    return ls_loss_infer_positive(node, "delta", options->delta, error);
}

static const struct ls_op_case cases[] = {
    {.name = "both sides of delta",
     .options = &(const struct ls_loss_options){.delta = 1},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3), .low = -3, .high = 3},
                {.shape = LS_CASE_SHAPE(5, 3), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "a small delta",
     .options = &(const struct ls_loss_options){.delta = 0.25},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 19), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(1, 19), .low = -1, .high = 1}}},
    {.name = "a weight per sample, summed",
     .options = &(const struct ls_loss_options){.delta = 1, .sum = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3), .low = -3, .high = 3},
                {.shape = LS_CASE_SHAPE(5, 3), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(5), .constant = true, .low = 0, .high = 2}},
     .microbatches = 2},
};

LS_LOSS_OP(huber, "mean(d <= delta ? d^2 / 2 : delta (d - delta/2)), d = |x - t|", infer, delta_of);
