/* Cross-entropy of independent yes/no outputs, on logits: -t log s - (1 - t) log(1 - s) with s =
 * sigmoid(x), in the form that neither overflows nor cancels. Of a target that is not from 0 to 1
 * the loss and its slope are NaN: it would have no least value. */
#include "core/ops/loss.h"

/* t, or NaN. */
LS_INLINE real share(real t) {
    return ((t >= 0) & (t <= 1)) ? t : (real)NAN;
}

LS_INLINE real loss(real x, real t, real option) {
    (void)option;
    return (ls_math_relu(x) - x * share(t)) + ls_math_log1p(ls_math_exp(-ls_math_abs(x)));
}

LS_INLINE real by_x(real x, real t, real option) {
    (void)option;
    return ls_math_sigmoid(x) - share(t);
}

LS_INLINE real by_t(real x, real t, real option) {
    (void)t;
    (void)option;
    return -x;
}

static const struct ls_op_case cases[] = {
    {.name = "one output",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -6, .high = 6},
                {.shape = LS_CASE_SHAPE(5, 1), .low = 0.01, .high = 0.99}},
     .microbatches = 2},
    {.name = "several outputs",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4, 5), .low = -6, .high = 6},
                {.shape = LS_CASE_SHAPE(2, 4, 5), .low = 0.01, .high = 0.99}}},
    {.name = "summed",
     .options = &(const struct ls_loss_options){.sum = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 300), .low = -6, .high = 6},
                {.shape = LS_CASE_SHAPE(2, 300), .low = 0.01, .high = 0.99}}},
    {.name = "a weight per output",
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4, 5), .low = -6, .high = 6},
                {.shape = LS_CASE_SHAPE(2, 4, 5), .low = 0.01, .high = 0.99},
                {.shape = LS_CASE_SHAPE(2, 20), .constant = true, .low = 0, .high = 2}}},
};

LS_LOSS_OP(binary_cross_entropy, "mean(max(x, 0) - x t + log(1 + exp(-|x|)))", ls_loss_infer,
           ls_loss_plain);
