/* Between recurrence.c and recurrence_gradients.c: where the arrays of a run are, and which rows
 * take part at which step of the loops over time.
 *
 * Step s is at position s of a row, or s positions before its last where time is reversed; row n
 * takes part in the first length[n] steps. Rows are ordered by length, the longest first: those of
 * step s are the first active[s] of `order`, and products see no others. */
#ifndef LS_OPS_RECURRENCE_ROWS_H
#define LS_OPS_RECURRENCE_ROWS_H

#include "core/base/memory.h"
#include "core/ops/options.h"
#include "core/ops/recurrence.h"
#include "core/tensor/kernels/gemm.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"

struct ls_recurrence_run {
    const struct ls_node *node;
    const struct ls_recurrence *op;
    int64_t rows, positions, inputs, hidden, columns; /* N, T, I, H, G */
    bool reverse;

    /* In scratch: */
    int32_t *length; /* per row */
    int32_t *active; /* per step: how many rows; active[T] is 0 */
    int32_t *order;  /* rows, the longest first; equals as they come */
    int32_t *next;   /* per length, while rows are ordered: the place of the next one */
    real *zeros;     /* [G] */

    /* In memory that forward leaves to backward. A cell without `beside` has its z in the output.
     */
    real *z;      /* [N, T, G] */
    real *beside; /* [N, T, H] */

    /* Of all rows before step 0; NULL for zeros. */
    const real *start_h, *start_beside;
};

/* What was given for an input, or NULL. */
static inline void *ls_recurrence_data(const struct ls_node *node, int input) {
    return node->inputs[input] ? node->inputs[input]->data : NULL;
}

static inline struct ls_recurrence_run
ls_recurrence_sizes(const struct ls_node *node, const struct ls_recurrence *op, int64_t rows) {
    const struct ls_shape x = node->inputs[LS_RECURRENCE_X]->shape,
                          u = node->inputs[LS_RECURRENCE_U]->shape;
    return (struct ls_recurrence_run){.node = node,
                                      .op = op,
                                      .rows = rows,
                                      .positions = x.dims[1],
                                      .inputs = x.dims[2],
                                      .hidden = u.dims[0],
                                      .columns = u.dims[1]};
}

/* Places for the arrays. */
static inline void ls_recurrence_take(struct ls_recurrence_run *v, struct ls_scratch *scratch,
                                      struct ls_scratch *saved) {
    const int64_t places = v->rows * v->positions;
    v->length = ls_scratch_take(scratch, v->rows, sizeof(int32_t));
    v->active = ls_scratch_take(scratch, v->positions + 1, sizeof(int32_t));
    v->order = ls_scratch_take(scratch, v->rows, sizeof(int32_t));
    v->next = ls_scratch_take(scratch, v->positions + 1, sizeof(int32_t));
    v->zeros = ls_scratch_take(scratch, v->columns, sizeof(real));
    if (v->op->beside) {
        v->z = ls_scratch_take(saved, places * v->columns, sizeof(real));
        v->beside = ls_scratch_take(saved, places * v->hidden, sizeof(real));
    } else
        v->z = v->node->output->data;
}

/* The arrays of a run, with what both directions read filled in. */
struct ls_recurrence_run LS_NAME(ls_recurrence_begin)(const struct ls_node *node,
                                                      const struct ls_run *run,
                                                      const struct ls_recurrence *op,
                                                      struct ls_scratch *scratch);

/* The product with W: every (n, t) is a row. */
static inline struct ls_gemm ls_recurrence_gemm(const struct ls_recurrence_run *v,
                                                int64_t microbatch_rows) {
    return (struct ls_gemm){.rows = v->rows * v->positions,
                            .in = v->inputs,
                            .out = v->columns,
                            .microbatch_rows = microbatch_rows * v->positions};
}

/* Row n of [N, H]. */
static inline const real *ls_recurrence_row(const struct ls_recurrence_run *v, const real *rows,
                                            int64_t n) {
    return rows ? rows + n * v->hidden : v->zeros;
}

/* Where row n is at a step (from 0 to length[n] - 1) among all (n, t). */
static inline int64_t ls_recurrence_place(const struct ls_recurrence_run *v, int64_t n,
                                          int64_t step) {
    return n * v->positions + (v->reverse ? v->length[n] - 1 - step : step);
}

/* What both directions show the cell of row n at a step. */
static inline struct ls_cell ls_recurrence_cell(const struct ls_recurrence_run *v, int64_t n,
                                                int64_t step) {
    const int64_t H = v->hidden, place = ls_recurrence_place(v, n, step);
    real *h = v->node->output->data;
    struct ls_cell cell = {.hidden = H, .z = v->z + place * v->columns, .h = h + place * H};
    if (v->beside)
        cell.beside = v->beside + place * H;
    if (step > 0) {
        const int64_t before = ls_recurrence_place(v, n, step - 1);
        cell.h_before = h + before * H;
        cell.beside_before = v->beside ? v->beside + before * H : NULL;
    } else {
        cell.h_before = ls_recurrence_row(v, v->start_h, n);
        cell.beside_before = ls_recurrence_row(v, v->start_beside, n);
    }
    return cell;
}

/* Values first .. first+count-1 of a row, into blocks [ceil(length / 32)][rows][32]. */
static inline void ls_recurrence_block(real *blocks, int64_t rows, int64_t row, int64_t first,
                                       int64_t count, const real *from) {
    for (int64_t end = first + count, some; first < end; first += some, from += some) {
        const int64_t lane = first % LS_PANEL, left = end - first;
        real *to = blocks + (first / LS_PANEL * rows + row) * LS_PANEL + lane;
        some = left < LS_PANEL - lane ? left : LS_PANEL - lane;
        if (some == LS_PANEL)
            memcpy(to, from, LS_PANEL * sizeof(real));
        else
            memcpy(to, from, (size_t)some * sizeof(real));
    }
}

/* Bytes of scratch that backward needs for the sizes of v. */
size_t LS_NAME(ls_recurrence_gradient_bytes)(const struct ls_recurrence_run *v);

#endif
