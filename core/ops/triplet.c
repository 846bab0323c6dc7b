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

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_loss_options *options = node->options;
    return ls_loss_infer_positive(node, "margin", options->margin, error);
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

LS_LOSS_OP(triplet, "max(0, x - t + margin)", infer, ls_loss_margin);
