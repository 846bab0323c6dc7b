/* How far normal distributions, by their means and log variances, are from the standard one: the
 * Kullback-Leibler divergence (Kingma & Welling 2014, appendix B). */
#include "core/ops/loss.h"

/* x the mean, v the log of the variance. */
LS_INLINE real loss(real x, real v, real option) {
    (void)option;
    return (real)0.5 * (x * x + (ls_math_expm1(v) - v));
}

LS_INLINE real by_x(real x, real v, real option) {
    (void)v;
    (void)option;
    return x;
}

LS_INLINE real by_t(real x, real v, real option) {
    (void)x;
    (void)option;
    return (real)0.5 * ls_math_expm1(v);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const enum ls_status status = ls_loss_check_normal(node, error);
    return status == LS_OK ? ls_loss_infer(node, error) : status;
}

static const struct ls_op_case cases[] = {
    {.name = "one dimension",
     .options = &(const struct ls_loss_options){.sum = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(5, 1), .low = -3, .high = 2}},
     .microbatches = 2},
    {.name = "more dimensions than a block",
     .options = &(const struct ls_loss_options){.sum = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 301), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 301), .low = -3, .high = 2}}},
};

LS_LOSS_OP(kl_normal, "sum(-(1 + v - mean^2 - exp(v)) / 2)", infer, ls_loss_plain);
