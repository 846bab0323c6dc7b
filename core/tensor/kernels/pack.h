/* Matrices put in the order in which products read them. Inline. */
#ifndef LS_KERNELS_PACK_H
#define LS_KERNELS_PACK_H

#include "core/tensor/kernels/tile.h"
#include "core/tensor/kernels/transpose.h"

/* Rows of x [rows, columns], `step` apart, as [ceil(columns / 32)][rows][32], `next` elements from
 * block to block. Zeros fill up the last block. */
static inline void ls_pack_blocks(int64_t rows, int64_t columns, const real *x, int64_t step,
                                  real *to, int64_t next) {
    for (int64_t first = 0; first < columns; first += LS_PANEL, to += next) {
        const int64_t left = columns - first, some = left < LS_PANEL ? left : LS_PANEL;
        for (int64_t r = 0; r < rows; r++)
            if (some == LS_PANEL)
                memcpy(to + r * LS_PANEL, x + r * step + first, LS_PANEL * sizeof(real));
            else {
                memcpy(to + r * LS_PANEL, x + r * step + first, (size_t)some * sizeof(real));
                memset(to + r * LS_PANEL + some, 0, (size_t)(LS_PANEL - some) * sizeof(real));
            }
    }
}

#endif
