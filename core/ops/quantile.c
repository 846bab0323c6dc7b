/* The pinball loss, least where x is the q-quantile of t (Koenker & Bassett 1978); the derivative
 * at x = t is taken as 0. */
#include "core/ops/loss.h"

LS_INLINE real loss(real x, real t, real q) {
    const real d = t - x;
    return d < 0 ? (q - 1) * d : q * d;
}

LS_INLINE real by_x(real x, real t, real q) {
    return (x > t ? 1 - q : 0) - (x < t ? q : 0);
}

LS_INLINE real by_t(real x, real t, real q) {
    return -by_x(x, t, q);
}

LS_INLINE real quantile_of(const struct ls_loss_options *options) {
    return (real)options->quantile;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_loss_options *options = node->options;
    if (!(options->quantile > 0 && options->quantile < 1))
        return ls_fail(error, LS_INVALID, "quantile: must be above 0 and below 1, found %g",
                       options->quantile);
    return ls_loss_infer(node, error);
}

static const struct ls_op_case cases[] = {
    /* |x| and |t| keep apart, so that x - t stays away from 0 */
    {.name = "a low quantile",
     .options = &(const struct ls_loss_options){.quantile = 0.1},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(5, 1), .low = -0.9, .high = 0.9}},
     .microbatches = 2},
    {.name = "a high one, with lengths",
     .options = &(const struct ls_loss_options){.quantile = 0.75},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 3,
     .inputs =
         {{.shape = LS_CASE_SHAPE(3, 4, 9), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
          {.shape = LS_CASE_SHAPE(3, 4, 9), .low = -0.9, .high = 0.9},
          {.shape = LS_CASE_SHAPE(3), .integer = true, .constant = true, .low = 0, .high = 4}}},
};

LS_LOSS_OP(quantile, "mean(t > x ? q (t - x) : (1 - q) (x - t))", infer, quantile_of);
