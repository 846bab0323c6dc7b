/* Inputs and options of the example cases of lstm, gru and rnn. */
#ifndef LS_OPS_RECURRENCE_CASES_H
#define LS_OPS_RECURRENCE_CASES_H

#include "core/ops/affine_cases.h"
#include "core/ops/options.h"

#define NONE                                                                                       \
    { .absent = true }
/* From 0 to the number of positions. */
#define LENGTHS(rows, positions)                                                                   \
    { .shape = LS_CASE_SHAPE(rows), .integer = true, .constant = true, .low = 0, .high = positions }

static const struct ls_recurrence_options LS_FORWARD_IN_TIME = {0},
                                          LS_BACKWARD_IN_TIME = {.reverse = true};

#endif
