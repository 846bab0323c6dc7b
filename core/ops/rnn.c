/* A simple recurrence (Elman 1990), with tanh or ReLU. */
#include "core/tensor/math.h"
#include "core/ops/recurrence.h"
#include "core/ops/recurrence_cases.h"

static bool is_relu(const struct ls_node *node) {
    return ((const struct ls_recurrence_options *)node->options)->relu;
}

/* z is the output's memory: h takes its place. */
static void cell_forward(const struct ls_node *node, const struct ls_cell *cell) {
    const real *restrict u = cell->u;
    real *restrict h = cell->h;
    if (is_relu(node))
#pragma GCC ivdep
        for (int64_t j = 0; j < cell->hidden; j++)
            h[j] = ls_math_relu(h[j] + u[j]);
    else
#pragma GCC ivdep
        for (int64_t j = 0; j < cell->hidden; j++)
            h[j] = ls_math_tanh(h[j] + u[j]);
}

static void cell_backward(const struct ls_node *node, const struct ls_cell *cell) {
    const real *restrict h = cell->h, *restrict dy = cell->dy, *restrict dh = cell->dh;
    real *restrict dz = cell->dz;
    if (is_relu(node))
#pragma GCC ivdep
        for (int64_t j = 0; j < cell->hidden; j++)
            dz[j] = h[j] > 0 ? dy[j] + dh[j] : 0;
    else
#pragma GCC ivdep
        for (int64_t j = 0; j < cell->hidden; j++)
            dz[j] = (dy[j] + dh[j]) * ls_fma(-h[j], h[j], (real)1);
}

static const struct ls_recurrence rnn = {
    .gates = 1, .forward = cell_forward, .backward = cell_backward};

static const struct ls_recurrence_options relu = {.relu = true};

static const struct ls_op_case cases[] = {
    {.name = "one position",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 6,
     .inputs = {X(3, 1, 4), W(4, 5), W(5, 5), B(5), NONE, NONE}},
    {.name = "a state to begin with, more units than a panel, three microbatches",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 6,
     .inputs = {X(5, 3, 3), W(3, 35), W(35, 35), B(35), X(5, 35), NONE},
     .microbatches = 3},
    {.name = "lengths, no bias",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 6,
     .inputs = {X(6, 4, 3), W(3, 7), W(7, 7), NONE, X(6, 7), LENGTHS(6, 4)},
     .microbatches = 2},
    {.name = "reversed, lengths",
     .options = &LS_BACKWARD_IN_TIME,
     .options_size = sizeof LS_BACKWARD_IN_TIME,
     .input_count = 6,
     .inputs = {X(6, 4, 2), W(2, 17), W(17, 17), B(17), X(6, 17), LENGTHS(6, 4)},
     .microbatches = 3},
    {.name = "ReLU",
     .options = &relu,
     .options_size = sizeof relu,
     .input_count = 6,
     .inputs = {X(4, 3, 2), W(2, 6), W(6, 6), B(6), NONE, NONE},
     .microbatches = 2},
    {.name = "lengths without a state",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 6,
     .inputs = {X(5, 3, 2), W(2, 2), W(2, 2), B(2), NONE, LENGTHS(5, 3)}},
};

LS_RECURRENCE_OP(rnn, "h[n,t] = tanh(x[n,t] W + b + h[n,t-1] U), or max(0, the same)", 0u);
