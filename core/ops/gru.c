/* Gated recurrent units (Cho et al. 2014), in the variant of cuDNN and PyTorch: the reset gate
 * takes the product of the candidate, which has a bias of its own, instead of the state that goes
 * into it; so one product per position serves all gates. */
#include "core/tensor/math.h"
#include "core/ops/recurrence.h"
#include "core/ops/recurrence_cases.h"

/* z: r, z, n; they become the gates and the candidate. beside: what the reset gate takes. */
static void cell_forward(const struct ls_node *node, const struct ls_cell *cell) {
    const int64_t H = cell->hidden;
    const struct ls_value *value = node->inputs[LS_RECURRENCE_EXTRA];
    const real *restrict bias = value ? value->data : NULL, *restrict before = cell->h_before;
    const real *restrict ur = cell->u, *restrict uz = ur + H, *restrict un = uz + H;
    real *restrict zr = cell->z, *restrict zz = zr + H, *restrict zn = zz + H;
    real *restrict q = cell->beside, *restrict h = cell->h;
#pragma GCC ivdep
    for (int64_t j = 0; j < H; j++)
        q[j] = bias ? un[j] + bias[j] : un[j];
#pragma GCC ivdep
    for (int64_t j = 0; j < H; j++) {
        const real r = ls_math_sigmoid(zr[j] + ur[j]), z = ls_math_sigmoid(zz[j] + uz[j]);
        const real n = ls_math_tanh(ls_fma(r, q[j], zn[j]));
        zr[j] = r;
        zz[j] = z;
        zn[j] = n;
        h[j] = ls_fma(z, before[j] - n, n);
    }
}

static void cell_backward(const struct ls_node *node, const struct ls_cell *cell) {
    const int64_t H = cell->hidden;
    const real *restrict zr = cell->z, *restrict zz = zr + H, *restrict zn = zz + H;
    const real *restrict q = cell->beside, *restrict before = cell->h_before;
    const real *restrict dy = cell->dy;
    real *restrict dh = cell->dh, *restrict dq = cell->dq;
    real *restrict dr = cell->dz, *restrict dz = dr + H, *restrict dn = dz + H;
    (void)node;
#pragma GCC ivdep
    for (int64_t j = 0; j < H; j++) {
        const real r = zr[j], z = zz[j], n = zn[j], slope = dy[j] + dh[j];
        const real d = slope * ((real)1 - z) * ls_fma(-n, n, (real)1);
        dr[j] = d * q[j] * (r * ((real)1 - r));
        dz[j] = slope * (before[j] - n) * (z * ((real)1 - z));
        dn[j] = d;
        dq[j] = d * r;
        dh[j] = slope * z;
    }
}

static const struct ls_recurrence gru = {
    .gates = 3,
    .forward = cell_forward,
    .backward = cell_backward,
    .beside = true,
    .passes = true,
    .apart = true,
};

static const struct ls_op_case cases[] = {
    {.name = "one position",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(3, 1, 4), W(4, 15), W(5, 15), B(15), NONE, NONE, B(5)}},
    {.name = "a state to begin with, more units than a panel, three microbatches",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(5, 3, 3), W(3, 105), W(35, 105), B(105), X(5, 35), NONE, B(35)},
     .microbatches = 3},
    {.name = "lengths, no bias",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(6, 4, 3), W(3, 21), W(7, 21), NONE, X(6, 7), LENGTHS(6, 4), NONE},
     .microbatches = 2},
    {.name = "reversed",
     .options = &LS_BACKWARD_IN_TIME,
     .options_size = sizeof LS_BACKWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(4, 3, 5), W(5, 9), W(3, 9), B(9), NONE, NONE, B(3)},
     .microbatches = 4},
    {.name = "reversed, lengths",
     .options = &LS_BACKWARD_IN_TIME,
     .options_size = sizeof LS_BACKWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(6, 4, 2), W(2, 51), W(17, 51), B(51), X(6, 17), LENGTHS(6, 4), B(17)},
     .microbatches = 3},
    {.name = "lengths without a state",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(5, 3, 2), W(2, 6), W(2, 6), B(6), NONE, LENGTHS(5, 3), B(2)}},
};

LS_RECURRENCE_OP(gru,
                 "r, z, n = x[n,t] W + b; q = h[n,t-1] U; r = sigmoid(r + q_r); z = sigmoid(z + "
                 "q_z); h[n,t] = (1 - z) tanh(n + r (q_n + b')) + z h[n,t-1]",
                 0u);
