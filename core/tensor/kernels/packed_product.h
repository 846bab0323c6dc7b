/* Y = scale X W for small matrices that lie packed: the products of attention. (product.h is for
 * layers, whose rows come from anywhere.)
 *
 * Element (r, c) is one chain of fused multiply-adds over k = 0 .. length-1, starting from +0:
 *     chain += x_r[k] * w[k][c]
 * then + 0 (so that -0 becomes +0), then scale times that; a long chain is cut (tensor/chain.h). It
 * depends on nothing else of the call. */
#ifndef LS_KERNELS_PACKED_PRODUCT_H
#define LS_KERNELS_PACKED_PRODUCT_H

#include "core/tensor/kernels/tile.h"

struct ls_packed_product {
    int64_t rows, columns;
    int64_t length; /* values of k; 0 gives zeros */
    /* X in blocks of 32 values of k, [rows][32], x_next elements from block to block; turned: at
     * most 32 rows as one panel, [length][32], row r at x + r. */
    const real *x;
    int64_t x_next;
    bool turned;
    const real *w; /* panels [length][32]; the first at w, the next w_next on */
    int64_t w_next;
    real scale;
    bool add; /* y += instead of y = */
    real *y;  /* row r at y + r * y_step */
    int64_t y_step;
};

void LS_NAME(ls_packed_product)(const struct ls_packed_product *product);

#endif
