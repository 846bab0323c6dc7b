/* Sums over samples in their fixed order, for every op: inside a microbatch 16 lanes (lane = row
 * mod 16, counted inside the microbatch), lanes along the fixed tree, then microbatches along
 * the fixed tree (base/tree.h). A microbatch of more than LS_SUM_ROWS rows is cut there: its lanes
 * are combined, and that is added up in double (tensor/chain.h). Neither pieces, ranks nor vector
 * widths change a bit. Lanes start from +0, so a sum is never -0 and an empty microbatch is exact
 * +0. Inline, compiled with the op that uses it. */
#ifndef LS_OPS_SUM_H
#define LS_OPS_SUM_H

#include "core/base/memory.h"
#include "core/ops/op.h"
#include "core/tensor/chain.h"
#include "core/tensor/kernels/tree_stack.h"

enum { LS_SUM_LANES = 16, LS_SUM_BLOCK = 256, LS_SUM_ROWS = LS_SUM_LANES * LS_CHAIN_MAX };

/* Lanes: [16][columns], zeroed by the caller before the first row of a microbatch. Adds `rows`
 * rows of x (dense, [rows][columns]); `first` is the number of the first of them inside its
 * microbatch. */
static inline void ls_lanes_add(real *lanes, int64_t columns, int64_t first, int64_t rows,
                                const real *x) {
    while (rows > 0) { /* rows are dense and lanes too, so up to 16 rows are one long addition */
        const int64_t lane = first % LS_SUM_LANES;
        const int64_t some = rows < LS_SUM_LANES - lane ? rows : LS_SUM_LANES - lane;
        real *restrict to = lanes + lane * columns;
        const real *restrict from = x;
        for (int64_t i = 0; i < some * columns; i++)
            to[i] += from[i];
        x += some * columns;
        first += some;
        rows -= some;
    }
}

/* Adds the 16 lanes along the fixed tree into to[columns]; overwrites lanes. */
static inline void ls_lanes_combine(real *lanes, int64_t columns, real *to) {
    for (int64_t step = 1; step < LS_SUM_LANES; step *= 2)
        for (int64_t lane = 0; lane < LS_SUM_LANES; lane += 2 * step) {
            real *restrict left = lanes + lane * columns;
            const real *restrict right = lanes + (lane + step) * columns;
            for (int64_t c = 0; c < columns; c++)
                left[c] += right[c];
        }
    memcpy(to, lanes, (size_t)columns * sizeof(real));
}

/* to[c] = sum of x[r * next + c] over rows, at most LS_SUM_ROWS: 16 lanes, along the tree. */
static inline void ls_lanes_sum(real *lanes, int64_t columns, int64_t rows, const real *x,
                                int64_t next, real *to) {
    memset(lanes, 0, (size_t)(LS_SUM_LANES * columns) * sizeof(real));
    if (next == columns)
        ls_lanes_add(lanes, columns, 0, rows, x);
    else
        for (int64_t r = 0; r < rows; r++)
            ls_lanes_add(lanes, columns, r, 1, x + r * next);
    ls_lanes_combine(lanes, columns, to);
}

/* The same of any number of rows; at most LS_SUM_BLOCK columns. */
static inline void ls_rows_sum(real *lanes, int64_t columns, int64_t rows, const real *x,
                               int64_t next, real *to) {
    double totals[LS_SUM_BLOCK] = {0};
    int64_t r = 0;
    for (; rows - r > LS_SUM_ROWS; r += LS_SUM_ROWS) {
        ls_lanes_sum(lanes, columns, LS_SUM_ROWS, x + r * next, next, to);
        ls_chain_add(columns, to, totals);
    }
    ls_lanes_sum(lanes, columns, rows - r, x + r * next, next, to);
    if (r > 0)
        ls_chain_finish(columns, totals, to);
}

/* Scratch bytes of ls_column_sums for runs of at most rows_max samples. */
static inline size_t ls_column_sums_bytes(int64_t columns, int64_t rows_max) {
    const int64_t wide = columns < LS_SUM_BLOCK ? columns : LS_SUM_BLOCK;
    const int64_t elements = LS_SUM_LANES * wide + (ls_tree_slots(rows_max) - 1) * wide;
    return ls_round_up((size_t)elements * sizeof(real), LS_ALIGNMENT);
}

/* to[c] = sum of x[r][c] over the run's rows; x [run->rows * vectors, columns] dense, `vectors`
 * rows per sample. Wide matrices go in blocks of columns, so that the lanes stay in the
 * first-level cache. */
static inline void ls_column_sums(const struct ls_run *run, int64_t vectors, int64_t columns,
                                  const real *x, real *to, void *scratch) {
    for (int64_t c = 0; c < columns; c += LS_SUM_BLOCK) {
        const int64_t wide = columns - c < LS_SUM_BLOCK ? columns - c : LS_SUM_BLOCK;
        real *lanes = scratch;
        struct ls_tree_stack stack = ls_tree_stack_begin(to + c, lanes + LS_SUM_LANES * wide, wide);
        for (int m = 0; m < run->microbatches; m++) {
            const int64_t rows = ls_run_microbatch_rows(run, m) * vectors;
            const real *from = x + ls_run_microbatch_first(run, m) * vectors * columns + c;
            ls_rows_sum(lanes, wide, rows, from, columns, ls_tree_stack_leaf(&stack));
            ls_tree_stack_push(&stack);
        }
        ls_tree_stack_finish(&stack);
    }
}

#endif
