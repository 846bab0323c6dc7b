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

static real delta_of(const struct ls_node *node) {
    const struct ls_loss_options *options = node->options;
    return (real)options->delta;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_loss_options *options = node->options;
    if (!(options->delta > 0))
        return ls_fail(error, LS_INVALID, "huber: delta must be above 0, found %g", options->delta);
    return ls_loss_infer(node, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_forward(node, run, loss, delta_of(node));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_backward(node, run, 0, by_x, delta_of(node));
    ls_loss_backward(node, run, 1, by_t, delta_of(node));
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

const struct ls_op LS_NAME(ls_op_huber) = {
    .name = "huber",
    .formula = "mean(d <= delta ? d^2 / 2 : delta (d - delta/2)), d = |x - t|",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1 | 1u << 2,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
