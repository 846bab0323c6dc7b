/* Mean squared error of a sample. */
#include "core/ops/loss.h"

LS_INLINE real loss(real x, real t, real option) {
    (void)option;
    return (x - t) * (x - t);
}

LS_INLINE real by_x(real x, real t, real option) {
    (void)option;
    return 2 * (x - t);
}

LS_INLINE real by_t(real x, real t, real option) {
    (void)option;
    return 2 * (t - x);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_forward(node, run, loss, 0);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_loss_backward(node, run, 0, by_x, 0);
    ls_loss_backward(node, run, 1, by_t, 0);
}

static const struct ls_op_case cases[] = {
    {.name = "one output",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(5, 1), .low = -2, .high = 2}},
     .microbatches = 2},
    {.name = "more outputs than a block",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 91), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 3, 91), .low = -2, .high = 2}}},
    {.name = "lengths",
     .options = &(const struct ls_loss_options){0},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 3,
     .inputs =
         {{.shape = LS_CASE_SHAPE(7, 5, 3), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(7, 5, 3), .low = -2, .high = 2},
          {.shape = LS_CASE_SHAPE(7), .integer = true, .constant = true, .low = 0, .high = 5}},
     .microbatches = 2},
    {.name = "lengths, summed",
     .options = &(const struct ls_loss_options){.sum = true},
     .options_size = sizeof(struct ls_loss_options),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 300), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 300), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 1),
                 .integer = true,
                 .constant = true,
                 .low = 270,
                 .high = 290}}},
};

const struct ls_op LS_NAME(ls_op_squared_error) = {
    .name = "squared_error",
    .formula = "mean((x - t)^2)",
    .infer = ls_loss_infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1 | 1u << 2,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
