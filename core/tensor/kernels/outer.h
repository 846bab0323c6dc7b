/* dW = X^T G summed over samples (rows, pixels) in their fixed order: the one register-tiled loop
 * behind the weight gradients of linear layers and convolutions.
 *
 * Samples come in `lines` of `count`. Element (i, c) is a chain of fused multiply-adds over samples
 *     chain += x[line][sample * x_step + i] * g[sample][c]
 * from +0, with + 0 at its end. With `tree`, every line is a microbatch: it has a chain of its
 * own, cut where it is long (tensor/chain.h), and the lines are added along the fixed tree
 * (base/tree.h) while the tile is in registers. Otherwise one chain runs through all lines, at most
 * LS_CHAIN_MAX samples, and with `add` it continues the one that `to` holds. */
#ifndef LS_KERNELS_OUTER_H
#define LS_KERNELS_OUTER_H

#include "core/tensor/kernels/product.h"

/* Microbatches of at most so many samples are taken two at a time, in tiles of half as many rows.
 */
enum { LS_OUTER_PAIR_SAMPLES = 48, LS_OUTER_PAIR_ROWS = LS_TILE_ROWS / 2 };

/* Rows of the largest tile of such a call. */
static inline int ls_outer_rows_max(bool tree, int64_t lines, int64_t count) {
    return tree && lines > 1 && count <= LS_OUTER_PAIR_SAMPLES ? LS_OUTER_PAIR_ROWS : LS_TILE_ROWS;
}

struct ls_outer {
    int64_t lines, count;
    int64_t last_count;   /* samples of the last line */
    const real *const *x; /* per line: sample 0 */
    int64_t x_step;       /* from sample to sample */
    const int64_t *taps;  /* where each stretch of `depth` values of i starts, from x[line] */
    int64_t depth;        /* a last stretch may be shorter */
    int64_t length;       /* values of i in all */
    const real *g;        /* samples of all lines, g_step apart */
    int64_t g_step, columns;
    bool tree, add;
    real *to;     /* panels [ceil(columns / 32)][length][32]; padding becomes zero */
    real *packed; /* scratch: LS_TILE_COLUMNS reals for each sample */
};

void LS_NAME(ls_outer)(const struct ls_outer *outer);

#endif
