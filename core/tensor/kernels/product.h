/* Y = X W with rows found through pointers: the one register-tiled loop behind linear layers, their
 * input gradients, and convolutions.
 *
 * Element (r, c) is one chain of fused multiply-adds over k = 0 .. length-1, starting from +0:
 *     chain += x_r[k] * w[k][c]
 * then + 0 (so that -0 becomes +0), + bias, ReLU. It depends on nothing else of the call, so
 * neither the number of rows, nor the tile sizes of an instruction set change a bit. W is stored
 * in panels of 32 columns, [ceil(columns / 32)][length][32], the last one filled up with zeros. */
#ifndef LS_KERNELS_PRODUCT_H
#define LS_KERNELS_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/graph/parameters.h"
#include "core/tensor/variant.h"

/* A register tile: rows x (vectors of LS_LANES). 14 x 2 x 16 fills 32 registers, 6 x 2 x 8 fills
 * 16. */
enum {
    LS_TILE_ROWS = LS_LANES == 16 ? 14 : 6,
    LS_TILE_VECTORS = 2,
    LS_TILE_COLUMNS = LS_TILE_VECTORS * LS_LANES
};

#define LS_UNROLL _Pragma("GCC unroll 32")

struct ls_product {
    int64_t rows, columns;
    const real *const *x; /* per row; k = 0 is at x[r] + taps[0] */
    real *const *y;       /* per row; column c is at y[r][c] */
    const int64_t *taps;  /* where each stretch of `depth` values of k starts, relative to x[r] */
    int64_t depth;        /* a last stretch may be shorter */
    int64_t length;       /* values of k in all; 0 gives zeros */
    const real *w;        /* panels; the first at w, the next panel_stride on */
    int64_t panel_stride;
    const real *bias; /* [columns] or NULL */
    bool relu;
    bool add; /* y += instead of y = (not with bias or relu) */
};

void LS_NAME(ls_product)(const struct ls_product *product);

/* X(rows, vectors) for every number of rows that a tile can have. */
#define LS_TILES_6(X, vectors)                                                                     \
    X(1, vectors) X(2, vectors) X(3, vectors) X(4, vectors) X(5, vectors) X(6, vectors)
#if LS_LANES == 16
#define LS_TILES(X, vectors)                                                                       \
    LS_TILES_6(X, vectors)                                                                         \
    X(7, vectors)                                                                                  \
    X(8, vectors)                                                                                  \
    X(9, vectors) X(10, vectors) X(11, vectors) X(12, vectors) X(13, vectors) X(14, vectors)
#else
#define LS_TILES(X, vectors) LS_TILES_6(X, vectors)
#endif

/* Rows of the next tile when `left` remain: tiles of a call differ by at most one row. */
static inline int ls_tile_rows(int64_t left) {
    const int64_t tiles = (left + LS_TILE_ROWS - 1) / LS_TILE_ROWS;
    return (int)((left + tiles - 1) / tiles);
}

/* v < 0 becomes 0; NaN stays NaN, so that a broken run is noticed. */
LS_INLINE vreal ls_vrelu(vreal v) {
    return (vreal)((vbits)v & ~(vbits)(v < (vreal){0}));
}

static inline int64_t ls_panels(int64_t columns) {
    return (columns + LS_PANEL - 1) / LS_PANEL;
}

/* Elements of a [length, columns] matrix in panels, and where element (k, c) is. */
static inline int64_t ls_panel_elements(int64_t length, int64_t columns) {
    return ls_panels(columns) * length * LS_PANEL;
}

static inline int64_t ls_panel_index(int64_t length, int64_t k, int64_t c) {
    return (c / LS_PANEL * length + k) * LS_PANEL + c % LS_PANEL;
}

#endif
