/* The register tile of products: rows x (vectors of LS_LANES) sums, and its inner loop. `rows` and
 * `vectors` are constants where these are inlined. */
#ifndef LS_KERNELS_TILE_H
#define LS_KERNELS_TILE_H

#include <stdbool.h>

#include "core/tensor/layout.h"
#include "core/tensor/variant.h"

/* 14 x 2 x 16 fills 32 registers, 6 x 2 x 8 fills 16. */
enum {
    LS_TILE_ROWS = LS_LANES == 16 ? 14 : 6,
    LS_TILE_VECTORS = 2,
    LS_TILE_COLUMNS = LS_TILE_VECTORS * LS_LANES
};

#define LS_UNROLL _Pragma("GCC unroll 32")

/* X(rows, vectors) for every number of rows that a tile can have, and half a tile. */
#define LS_TILES_3(X, vectors) X(1, vectors) X(2, vectors) X(3, vectors)
#define LS_TILES_7(X, vectors)                                                                     \
    LS_TILES_3(X, vectors) X(4, vectors) X(5, vectors) X(6, vectors) X(7, vectors)
#if LS_LANES == 16
#define LS_HALF_TILES LS_TILES_7
#define LS_TILES(X, vectors)                                                                       \
    LS_TILES_7(X, vectors)                                                                         \
    X(8, vectors)                                                                                  \
    X(9, vectors) X(10, vectors) X(11, vectors) X(12, vectors) X(13, vectors) X(14, vectors)
#else
#define LS_HALF_TILES LS_TILES_3
#define LS_TILES(X, vectors) LS_TILES_3(X, vectors) X(4, vectors) X(5, vectors) X(6, vectors)
#endif

/* How `count` rows are cut into tiles: the first `larger` have rows + 1, the others rows. Divisions
 * take as long as a part of a short tile, so cuts are made outside the loops over tiles:
 *
 *     for (int64_t i = 0, n = 0, rows; i < count; i += rows, n++)
 *         rows = ls_cut_rows(cut, n);
 */
struct ls_cut {
    int64_t rows, larger;
};

static inline struct ls_cut ls_cut(int64_t count, int rows_max) {
    const int64_t tiles = count > 0 ? (count + rows_max - 1) / rows_max : 1;
    return (struct ls_cut){count / tiles, count % tiles};
}

static inline int64_t ls_cut_rows(struct ls_cut cut, int64_t tile) {
    return cut.rows + (tile < cut.larger);
}

/* Rows of the first tile, the largest. */
static inline int ls_tile_rows(int64_t count, int rows_max) {
    return (int)ls_cut_rows(ls_cut(count, rows_max), 0);
}

LS_INLINE void ls_tile_clear(const int rows, const int vectors, vreal *acc) {
    LS_UNROLL
    for (int i = 0; i < rows * vectors; i++)
        acc[i] = (vreal){0};
}

/* One step of every chain: acc[r][v] += a[r * step] * b[v]. */
LS_INLINE void ls_tile_step(const int rows, const int vectors, const real *a, const int64_t step,
                            const real *b, vreal *acc) {
    vreal w[LS_TILE_VECTORS];
    LS_UNROLL
    for (int v = 0; v < vectors; v++)
        w[v] = ls_vload(b + v * LS_LANES);
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        const vreal x = ls_vset(a[r * step]);
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r * vectors + v] = ls_vfma(x, w[v], acc[r * vectors + v]);
    }
}

/* acc += over k ascending of a(r, k) * b(k, v). a lies in blocks of `width` values of k,
 * [rows][width], `next` elements from block to block: with the constant distances the loop needs
 * one pointer. b lies in a panel, LS_PANEL elements from k to k. With `far`, a comes from beyond
 * the second-level cache: what the next tile of rows will read is fetched. */
LS_INLINE void ls_tile_chain(const int rows, const int vectors, const int width, const bool far,
                             int64_t length, const real *a, int64_t next, const real *b,
                             vreal *acc) {
    for (int64_t left = length; left > 0; left -= width, a += next) {
        const int64_t some = left < width ? left : width;
        for (int64_t k = 0; k < some; k++, b += LS_PANEL) {
            if (far)
                __builtin_prefetch(a + rows * width + k * 16);
            ls_tile_step(rows, vectors, a + k, width, b, acc);
        }
    }
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
