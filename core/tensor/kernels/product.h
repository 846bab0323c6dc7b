/* Y = X W: the one register-tiled loop behind linear layers, their input gradients, and direct
 * convolutions. Rows of X lie in blocks, or are found through pointers.
 *
 * Element (r, c) is one chain of fused multiply-adds over k = 0 .. length-1, starting from +0:
 *     chain += x_r[k] * w[k][c]
 * then + 0 (so that -0 becomes +0), + bias, ReLU; a long chain is cut (tensor/chain.h). It depends
 * on nothing else of the call, so neither the number of rows, nor the tile sizes of an instruction
 * set change a bit. W is stored
 * in panels of 32 columns, [ceil(columns / 32)][length][32], the last one filled up with zeros. */
#ifndef LS_KERNELS_PRODUCT_H
#define LS_KERNELS_PRODUCT_H

#include <stddef.h>

#include "core/tensor/kernels/tile.h"

struct ls_product {
    int64_t rows, columns;
    /* X in blocks of 32 values of k, [rows][32], block_next elements from block to block; or NULL,
     * and then: */
    const real *blocks;
    int64_t block_next;
    bool far;             /* the blocks come from beyond the second-level cache */
    const real *const *x; /* per row; k = 0 is at x[r] + taps[0] */
    int64_t run, step;    /* run > 0: so many rows at a time are `step` elements apart */
    real *const *y;       /* per row; column c is at y[r][c] */
    const int64_t *taps;  /* where each stretch of `depth` values of k starts, relative to x[r] */
    int64_t depth;        /* a last stretch may be shorter */
    int64_t skip;         /* so many values of the first stretch are left out */
    int64_t length;       /* values of k in all; 0 gives zeros */
    const real *w;        /* panels; the first at w, the next panel_stride on */
    int64_t panel_stride;
    const real *bias; /* [columns] or NULL */
    bool relu;
    bool add; /* y += instead of y = (not with bias or relu) */
};

void LS_NAME(ls_product)(const struct ls_product *product);

#endif
