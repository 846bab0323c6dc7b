/* Minus the log likelihood of a target under a normal distribution of given mean and log variance
 * (Nix & Weigend 1994), averaged over a sample's elements or summed. Inputs: mean x, log variance
 * v, target t, and perhaps what counts (loss.h). */
#include "core/ops/loss.h"

static const double HALF_LOG_TWO_PI = 0.91893853320467274178;

/* The loss of element i, and its derivatives by x and v: with d = x - t,
 * (v + d^2 exp(-v) + log 2 pi) / 2. */
LS_INLINE real loss(real x, real v, real t) {
    const real d = x - t;
    return (real)0.5 * ls_fma(d * d, ls_math_exp(-v), v) + (real)HALF_LOG_TWO_PI;
}

LS_INLINE real by_x(real x, real v, real t) {
    return (x - t) * ls_math_exp(-v);
}

LS_INLINE real by_v(real x, real v, real t) {
    const real d = x - t;
    return (real)0.5 * (1 - d * d * ls_math_exp(-v));
}

LS_INLINE real by_t(real x, real v, real t) {
    return -by_x(x, v, t);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    enum ls_status status = ls_loss_check_normal(node, error);
    if (status == LS_OK)
        status = ls_loss_check_pair(node, 2, "targets", error);
    if (status == LS_OK)
        status = ls_loss_check_valid(node, 3, error);
    if (status != LS_OK)
        return status;
    ls_loss_output(node);
    node->flops = 25 * ls_shape_row_count(node->inputs[0]->shape);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_forward_of(node, run, 3, loss, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_backward_of(node, run, 3, 0, by_x, 0);
    ls_loss_backward_of(node, run, 3, 1, by_v, 0);
    ls_loss_backward_of(node, run, 3, 2, by_t, 0);
}

static const struct ls_op_case cases[] = {
    {.name = "one output",
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(5, 1), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(5, 1), .low = -2, .high = 2}},
     .microbatches = 2},
    {.name = "lengths, summed",
     .options = &(const struct ls_loss_options){.sum = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 4,
     .inputs =
         {{.shape = LS_CASE_SHAPE(3, 4, 91), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(3, 4, 91), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(3, 4, 91), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(3), .integer = true, .constant = true, .low = 0, .high = 4}}},
};

const struct ls_op LS_NAME(ls_op_gaussian_nll) = {
    .name = "gaussian_nll",
    .formula = "mean((v + (mean - t)^2 exp(-v) + log 2 pi) / 2)",
    .infer = infer,
    LS_LOSS_MEMBERS,
};
