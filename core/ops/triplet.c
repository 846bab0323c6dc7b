/* The triplet loss (Schroff, Kalenichenko & Philbin 2015, equation 3), on squared distances there:
 * an anchor's distance x to a sample of its kind is to be smaller by a margin than the distance t
 * to another one. */
#include "core/ops/loss.h"

LS_INLINE real loss(real x, real t, real margin) {
    return ls_math_relu((x - t) + margin);
}

LS_INLINE real by_x(real x, real t, real margin) {
    return (x - t) + margin > 0 ? 1 : 0;
}

LS_INLINE real by_t(real x, real t, real margin) {
    return -by_x(x, t, margin);
}

static real margin_of(const struct ls_node *node) {
    const struct ls_loss_options *options = node->options;
    return (real)options->margin;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_loss_options *options = node->options;
    if (!(options->margin > 0))
        return ls_fail(error, LS_INVALID, "triplet: the margin must be above 0, found %g",
                       options->margin);
    return ls_loss_infer(node, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_forward(node, run, loss, margin_of(node));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_backward(node, run, 0, by_x, margin_of(node));
    ls_loss_backward(node, run, 1, by_t, margin_of(node));
}

static const struct ls_op_case cases[] = {
    /* x lies around 0 and 2, t around 0.5: x - t + 1 stays away from 0 */
    {.name = "near and far",
     .options = &(const struct ls_loss_options){.margin = 1},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 1), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(9, 1), .low = 0.3, .high = 0.7}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_triplet) = {
    .name = "triplet",
    .formula = "max(0, x - t + margin)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1 | 1u << 2,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
