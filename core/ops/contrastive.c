/* The contrastive loss of pairs (Hadsell, Chopra & LeCun 2006, equation 4) on their distance D:
 * pairs that are the same (t = 1) are pulled together, others (t = 0) are pushed apart up to a
 * margin. With squared distances the root is taken here; its derivative at 0, which is infinite, is
 * taken as 0. */
#include "core/ops/loss.h"

LS_INLINE real gap(real distance, real margin) {
    return ls_math_relu(margin - distance);
}

/* Of the parts for the same and for others. */
LS_INLINE real blend(real t, real same, real other) {
    return ls_fma(t, same, (1 - t) * other);
}

LS_INLINE real loss(real x, real t, real margin) {
    const real g = gap(x, margin);
    return (real)0.5 * blend(t, x * x, g * g);
}

LS_INLINE real by_x(real x, real t, real margin) {
    return blend(t, x, -gap(x, margin));
}

LS_INLINE real by_t(real x, real t, real margin) {
    const real g = gap(x, margin);
    (void)t;
    return (real)0.5 * (x * x - g * g);
}

LS_INLINE real root_of(real x) {
    return ls_math_sqrt(ls_math_relu(x));
}

LS_INLINE real squared_loss(real x, real t, real margin) {
    return loss(root_of(x), t, margin);
}

LS_INLINE real squared_by_x(real x, real t, real margin) {
    const real root = root_of(x);
    const real apart = root > 0 ? gap(root, margin) / root : 0;
    return (real)0.5 * blend(t, 1, -apart);
}

LS_INLINE real squared_by_t(real x, real t, real margin) {
    return by_t(root_of(x), t, margin);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_loss_options *options = node->options;
    return ls_loss_infer_positive(node, "margin", options->margin, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_loss_options *options = node->options;
    if (options->squared)
        ls_loss_forward(node, run, squared_loss, (real)options->margin);
    else
        ls_loss_forward(node, run, loss, (real)options->margin);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_loss_options *options = node->options;
    const real margin = (real)options->margin;
    if (options->squared) {
        ls_loss_backward(node, run, 0, squared_by_x, margin);
        ls_loss_backward(node, run, 1, squared_by_t, margin);
    } else {
        ls_loss_backward(node, run, 0, by_x, margin);
        ls_loss_backward(node, run, 1, by_t, margin);
    }
}

static const struct ls_op_case cases[] = {
    {.name = "distances",
     .options = &(const struct ls_loss_options){.margin = 1},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 1), .low = 0.1, .high = 2},
                {.shape = LS_CASE_SHAPE(9), .low = 0, .high = 1}},
     .microbatches = 2},
    {.name = "squared distances, same or not",
     .options = &(const struct ls_loss_options){.margin = 1, .squared = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(19, 1), .low = 0.1, .high = 2},
                {.shape = LS_CASE_SHAPE(19, 1), .low = 0, .high = 1, .gap = 0.49, .kink = 0.5}}},
};

const struct ls_op LS_NAME(ls_op_contrastive) = {
    .name = "contrastive",
    .formula = "t D^2 / 2 + (1 - t) max(0, margin - D)^2 / 2",
    .infer = infer,
    LS_LOSS_MEMBERS,
};
