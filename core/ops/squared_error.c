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

LS_LOSS_OP(squared_error, "mean((x - t)^2)", ls_loss_infer, ls_loss_plain);
