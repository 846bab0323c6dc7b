/* What lstm, gru and rnn share: everything but the cell, the function that makes a new state of
 * what comes in and of the state before.
 *
 * N samples, T positions, I inputs, H hidden values, G values per position that a cell takes (4H,
 * 3H, H). Definition, for every sample n and its positions t in the order of time:
 *
 *     z[n,t] = x[n,t] W + b                        one product for all (n, t)
 *     h[n,t] = cell(z[n,t], h[n,t-1] U, state)     one product per position for all n
 *
 * and back:
 *
 *     dh[n,t-1] = dy[n,t-1] + dz[n,t] U^T (+ what passes by the product), t descending
 *     dx = dz W^T, dW = x^T dz, dU = h(one position before)^T dz, db = the column sums of dz
 *
 * where each of the last four is taken once over all (n, t), sample by sample, as linear.c does: a
 * chain in each microbatch, then along the tree. A row's positions are its first length[n] (all
 * without lengths), taken from the last to the first where the option says `reverse`. At the
 * positions behind them the state stays as it is and dz is +0. No row looks at another. */
#ifndef LS_OPS_RECURRENCE_H
#define LS_OPS_RECURRENCE_H

#include "core/ops/op.h"
#include "core/tensor/variant.h"

enum {
    LS_RECURRENCE_X,       /* [N, T, I] */
    LS_RECURRENCE_W,       /* [I, G] in panels */
    LS_RECURRENCE_U,       /* [H, G] in panels */
    LS_RECURRENCE_BIAS,    /* [G], or absent */
    LS_RECURRENCE_START,   /* [N, H]: h before the first position; absent: zeros */
    LS_RECURRENCE_LENGTHS, /* int32, one for each sample; or absent */
    LS_RECURRENCE_EXTRA    /* lstm: [N, H], c before the first position; gru: [H], a second bias */
};

/* One position of one row. The state before it, and `u`, are zeros where there is none. */
struct ls_cell {
    int64_t hidden;
    const real *h_before;      /* [H] */
    const real *beside_before; /* [H]: what the cell wrote to `beside` one position before */
    real *z;                   /* [G]: x W + b; the cell may keep here what backward will need */
    real *beside;              /* [H]: more of that */
    real *h;                   /* [H] */
    /* Forward: */
    const real *u; /* [G]: h_before U */
    /* Backward: */
    const real *dy; /* [H]: dy + dh is the gradient of h */
    real *dh;       /* [H]: the cell leaves here what passes by the product, if anything does */
    real *dc; /* [H]: of a second state, from position to position; zeros at the last one; else NULL
               */
    real *dz; /* [G] */
    real *dq; /* [H]: the last H values of the gradient of u where they are not those of dz */
};

struct ls_recurrence {
    int64_t gates; /* G / H */
    void (*forward)(const struct ls_node *node, const struct ls_cell *cell);
    void (*backward)(const struct ls_node *node, const struct ls_cell *cell);
    bool beside;  /* the cell uses `beside` */
    bool carries; /* `beside` is a second state, which EXTRA begins; else EXTRA is a second bias */
    bool passes;  /* the cell leaves something in dh */
    bool apart;   /* the cell writes dq */
};

/* The parts of an op, called with what its cell is. */
enum ls_status LS_NAME(ls_recurrence_infer)(struct ls_node *node, const struct ls_recurrence *op,
                                            struct ls_error *error);
/* Turns U for backward, once per step. */
void LS_NAME(ls_recurrence_prepare)(struct ls_node *node);
void LS_NAME(ls_recurrence_forward)(const struct ls_node *node, const struct ls_run *run,
                                    const struct ls_recurrence *op);
void LS_NAME(ls_recurrence_backward)(const struct ls_node *node, const struct ls_run *run,
                                     const struct ls_recurrence *op);

/* The op itself, from `static const struct ls_recurrence NAME` and cases[]; also_reads: what its
 * backward reads beside the inputs that all of them read. */
#define LS_RECURRENCE_OP(op_name, op_formula, also_reads)                                          \
    static enum ls_status infer(struct ls_node *node, struct ls_error *error) {                    \
        return LS_NAME(ls_recurrence_infer)(node, &op_name, error);                                \
    }                                                                                              \
    static void forward(const struct ls_node *node, const struct ls_run *run) {                    \
        LS_NAME(ls_recurrence_forward)(node, run, &op_name);                                       \
    }                                                                                              \
    static void backward(const struct ls_node *node, const struct ls_run *run) {                   \
        LS_NAME(ls_recurrence_backward)(node, run, &op_name);                                      \
    }                                                                                              \
    const struct ls_op LS_NAME(ls_op_##op_name) = {                                                \
        .name = #op_name,                                                                          \
        .formula = op_formula,                                                                     \
        .infer = infer,                                                                            \
        .prepare = LS_NAME(ls_recurrence_prepare),                                                 \
        .forward = forward,                                                                        \
        .backward = backward,                                                                      \
        .backward_reads_inputs = 1u << LS_RECURRENCE_X | 1u << LS_RECURRENCE_W |                   \
                                 1u << LS_RECURRENCE_START | 1u << LS_RECURRENCE_LENGTHS |         \
                                 (also_reads),                                                     \
        .backward_reads_output = true,                                                             \
        .cases = cases,                                                                            \
        .case_count = (int)(sizeof cases / sizeof *cases),                                         \
    }

#endif
