/* What one network of two against each other wants of the discriminator's output x, by a constant:
 * x is to be large (s = 1) or small (s = -1).
 *
 * - logistic: -log sigmoid(s x), both roles (Goodfellow et al. 2014; the generator's is the
 *   non-saturating one);
 * - hinge: max(0, 1 - s x), the discriminator's of Lim & Ye 2017; linear: -s x, the generator's. */
#include "core/ops/loss.h"

LS_INLINE real logistic(real x, real t, real s) {
    (void)t;
    return ls_math_softplus(-s * x);
}

LS_INLINE real logistic_by_x(real x, real t, real s) {
    (void)t;
    return -s * ls_math_sigmoid(-s * x);
}

LS_INLINE real hinge(real x, real t, real s) {
    (void)t;
    return ls_math_relu(1 - s * x);
}

LS_INLINE real hinge_by_x(real x, real t, real s) {
    (void)t;
    return 1 - s * x > 0 ? -s : 0;
}

LS_INLINE real linear(real x, real t, real s) {
    (void)t;
    return -s * x;
}

LS_INLINE real linear_by_x(real x, real t, real s) {
    (void)x;
    (void)t;
    return -s;
}

static real sign_of(const struct ls_node *node) {
    const struct ls_adversarial_options *options = node->options;
    return options->wanted ? 1 : -1;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_adversarial_options *options = node->options;
    if (options->wanted != 0 && options->wanted != 1)
        return ls_fail(error, LS_INVALID, "adversarial: wanted must be 0 or 1, found %d",
                       options->wanted);
    LS_ASSERT(node->input_count == 1, "adversarial with %d inputs", node->input_count);
    return ls_loss_infer(node, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_adversarial_options *options = node->options;
    if (options->kind == LS_ADVERSARIAL_HINGE)
        ls_loss_forward(node, run, hinge, sign_of(node));
    else if (options->kind == LS_ADVERSARIAL_LINEAR)
        ls_loss_forward(node, run, linear, sign_of(node));
    else
        ls_loss_forward(node, run, logistic, sign_of(node));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_adversarial_options *options = node->options;
    if (options->kind == LS_ADVERSARIAL_HINGE)
        ls_loss_backward(node, run, 0, hinge_by_x, sign_of(node));
    else if (options->kind == LS_ADVERSARIAL_LINEAR)
        ls_loss_backward(node, run, 0, linear_by_x, sign_of(node));
    else
        ls_loss_backward(node, run, 0, logistic_by_x, sign_of(node));
}

static const struct ls_op_case cases[] = {
    {.name = "to be taken for real",
     .options = &(const struct ls_adversarial_options){.wanted = 1},
     .options_size = sizeof(struct ls_adversarial_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -6, .high = 6}},
     .microbatches = 2},
    {.name = "made, in patches",
     .options = &(const struct ls_adversarial_options){0},
     .options_size = sizeof(struct ls_adversarial_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 9), .low = -6, .high = 6}}},
    {.name = "hinge, real",
     .options = &(const struct ls_adversarial_options){.kind = LS_ADVERSARIAL_HINGE, .wanted = 1},
     .options_size = sizeof(struct ls_adversarial_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 1), .low = -3, .high = 3, .gap = 0.1, .kink = 1}}},
    {.name = "hinge, made",
     .options = &(const struct ls_adversarial_options){.kind = LS_ADVERSARIAL_HINGE},
     .options_size = sizeof(struct ls_adversarial_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 1), .low = -3, .high = 3, .gap = 0.1, .kink = 1}}},
    {.name = "linear",
     .options = &(const struct ls_adversarial_options){.kind = LS_ADVERSARIAL_LINEAR, .wanted = 1},
     .options_size = sizeof(struct ls_adversarial_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 1), .low = -3, .high = 3}}},
};

const struct ls_op LS_NAME(ls_op_adversarial) = {
    .name = "adversarial",
    .formula = "mean of -log sigmoid(s x), max(0, 1 - s x) or -s x; s = 1 if wanted, else -1",
    .infer = infer,
    LS_LOSS_MEMBERS,
};
