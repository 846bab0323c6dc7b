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

LS_INLINE real by_v(real x, real v, real option) {
    (void)x;
    (void)option;
    return (real)0.5 * ls_math_expm1(v);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status == LS_OK)
        status = ls_loss_check_pair(node, 1, "log variances", error);
    return status == LS_OK ? ls_loss_infer(node, error) : status;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_forward(node, run, loss, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_backward(node, run, 0, by_x, 0);
    ls_loss_backward(node, run, 1, by_v, 0);
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

const struct ls_op LS_NAME(ls_op_kl_normal) = {
    .name = "kl_normal",
    .formula = "sum(-(1 + v - mean^2 - exp(v)) / 2)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
