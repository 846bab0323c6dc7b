/* Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000). */
#include "core/tensor/math.h"
#include "core/ops/recurrence.h"
#include "core/ops/recurrence_cases.h"

/* z: i, f, g, o; they become the gates. beside: c. */
static void cell_forward(const struct ls_node *node, const struct ls_cell *cell) {
    const int64_t H = cell->hidden;
    const real *restrict c_before = cell->beside_before;
    const real *restrict ui = cell->u, *restrict uf = ui + H, *restrict ug = uf + H,
                         *restrict uo = ug + H;
    real *restrict zi = cell->z, *restrict zf = zi + H, *restrict zg = zf + H,
                   *restrict zo = zg + H;
    real *restrict c = cell->beside, *restrict h = cell->h;
    (void)node;
#pragma GCC ivdep
    for (int64_t j = 0; j < H; j++) {
        const real i = ls_math_sigmoid(zi[j] + ui[j]), f = ls_math_sigmoid(zf[j] + uf[j]);
        const real g = ls_math_tanh(zg[j] + ug[j]), o = ls_math_sigmoid(zo[j] + uo[j]);
        const real now = ls_fma(f, c_before[j], i * g);
        zi[j] = i;
        zf[j] = f;
        zg[j] = g;
        zo[j] = o;
        c[j] = now;
        h[j] = o * ls_math_tanh(now);
    }
}

static void cell_backward(const struct ls_node *node, const struct ls_cell *cell) {
    const int64_t H = cell->hidden;
    const real *restrict zi = cell->z, *restrict zf = zi + H, *restrict zg = zf + H,
                         *restrict zo = zg + H;
    const real *restrict c = cell->beside, *restrict c_before = cell->beside_before;
    const real *restrict dy = cell->dy, *restrict dh = cell->dh;
    real *restrict dc = cell->dc;
    real *restrict di = cell->dz, *restrict df = di + H, *restrict dg = df + H,
                   *restrict dout = dg + H;
    (void)node;
#pragma GCC ivdep
    for (int64_t j = 0; j < H; j++) {
        const real i = zi[j], f = zf[j], g = zg[j], o = zo[j];
        const real slope = dy[j] + dh[j], squashed = ls_math_tanh(c[j]);
        const real d = ls_fma(slope * o, ls_fma(-squashed, squashed, (real)1), dc[j]);
        di[j] = d * g * (i * ((real)1 - i));
        df[j] = d * c_before[j] * (f * ((real)1 - f));
        dg[j] = d * i * ls_fma(-g, g, (real)1);
        dout[j] = slope * squashed * (o * ((real)1 - o));
        dc[j] = d * f;
    }
}

static const struct ls_recurrence lstm = {
    .gates = 4,
    .forward = cell_forward,
    .backward = cell_backward,
    .beside = true,
    .carries = true,
};

static const struct ls_op_case cases[] = {
    {.name = "one position",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(3, 1, 4), W(4, 20), W(5, 20), B(20), NONE, NONE, NONE}},
    {.name = "states to begin with, more units than a panel, three microbatches",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(5, 3, 3), W(3, 140), W(35, 140), B(140), X(5, 35), NONE, X(5, 35)},
     .microbatches = 3},
    {.name = "lengths, states, no bias",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(6, 4, 3), W(3, 28), W(7, 28), NONE, X(6, 7), LENGTHS(6, 4), X(6, 7)},
     .microbatches = 2},
    {.name = "reversed",
     .options = &LS_BACKWARD_IN_TIME,
     .options_size = sizeof LS_BACKWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(4, 3, 5), W(5, 12), W(3, 12), B(12), NONE, NONE, NONE},
     .microbatches = 4},
    {.name = "reversed, lengths, states",
     .options = &LS_BACKWARD_IN_TIME,
     .options_size = sizeof LS_BACKWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(6, 4, 2), W(2, 68), W(17, 68), B(68), X(6, 17), LENGTHS(6, 4), X(6, 17)},
     .microbatches = 3},
    {.name = "lengths without states",
     .options = &LS_FORWARD_IN_TIME,
     .options_size = sizeof LS_FORWARD_IN_TIME,
     .input_count = 7,
     .inputs = {X(5, 3, 2), W(2, 8), W(2, 8), B(8), NONE, LENGTHS(5, 3), NONE}},
};

LS_RECURRENCE_OP(
    lstm,
    "i, f, g, o = x[n,t] W + b + h[n,t-1] U; c[n,t] = sigmoid(f) c[n,t-1] + sigmoid(i) "
    "tanh(g); h[n,t] = sigmoid(o) tanh(c[n,t])",
    1u << LS_RECURRENCE_EXTRA);
