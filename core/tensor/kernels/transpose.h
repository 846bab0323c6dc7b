/* to[c][r] = from[r][c] in square blocks of registers: 8 x 8 where vectors have 8 lanes or more,
 * else 4 x 4. */
#ifndef LS_KERNELS_TRANSPOSE_H
#define LS_KERNELS_TRANSPOSE_H

#include "core/tensor/kernels/tile.h"

enum { LS_TRANSPOSE_SIDE = LS_LANES >= 8 ? 8 : 4 };

typedef real ls_transpose_row __attribute__((vector_size(LS_TRANSPOSE_SIDE * sizeof(real)),
                                             aligned(sizeof(real)), may_alias));

#if LS_LANES >= 8
LS_INLINE void ls_transpose_block(const real *from, int64_t from_stride, real *to,
                                  int64_t to_stride) {
    ls_transpose_row a[8], b[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        a[i] = *(const ls_transpose_row *)(from + i * from_stride);
        /* Elements of neighbouring rows, then pairs, then halves meet: shuffles inside 128 bits,
         * which are cheap, and one across. */
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 1] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        a[i + 2] = __builtin_shufflevector(b[i + 1], b[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 3] = __builtin_shufflevector(b[i + 1], b[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        *(ls_transpose_row *)(to + i * to_stride) =
            __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(ls_transpose_row *)(to + (i + 4) * to_stride) =
            __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#else
LS_INLINE void ls_transpose_block(const real *from, int64_t from_stride, real *to,
                                  int64_t to_stride) {
    ls_transpose_row a[4], b[4];
    for (int i = 0; i < 4; i++)
        a[i] = *(const ls_transpose_row *)(from + i * from_stride);
    for (int i = 0; i < 4; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 4, 1, 5);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 6, 3, 7);
    }
    for (int i = 0; i < 2; i++) {
        *(ls_transpose_row *)(to + 2 * i * to_stride) =
            __builtin_shufflevector(b[i], b[i + 2], 0, 1, 4, 5);
        *(ls_transpose_row *)(to + (2 * i + 1) * to_stride) =
            __builtin_shufflevector(b[i], b[i + 2], 2, 3, 6, 7);
    }
}
#endif

/* The side with the longer stride, whose rows may fall on the same few cache sets, has a block's
 * rows in flight. */
static inline void ls_transpose(int64_t rows, int64_t columns, const real *from,
                                int64_t from_stride, real *to, int64_t to_stride) {
    enum { SIDE = LS_TRANSPOSE_SIDE };
    const int64_t whole_rows = rows / SIDE * SIDE, whole_columns = columns / SIDE * SIDE;
    const int64_t wide = from_stride > to_stride ? 16 : SIDE;
    for (int64_t first = 0; first < whole_columns; first += wide)
        for (int64_t r = 0; r < whole_rows; r += SIDE) {
            if (wide > SIDE)
                for (int64_t i = r; i < r + SIDE; i++)
                    __builtin_prefetch(from + i * from_stride + first + 64);
            for (int64_t c = first; c < first + wide && c < whole_columns; c += SIDE)
                ls_transpose_block(from + r * from_stride + c, from_stride, to + c * to_stride + r,
                                   to_stride);
        }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            to[c * to_stride + r] = from[r * from_stride + c];
}

/* Up to 32 rows of a matrix [rows, columns], `step` apart, as a panel [columns][32]. */
static inline void ls_turn_rows(int64_t rows, int64_t columns, const real *from, int64_t step,
                                real *panel) {
    ls_transpose(rows, columns, from, step, panel, LS_PANEL);
    for (int64_t c = 0; rows < LS_PANEL && c < columns; c++)
        memset(panel + c * LS_PANEL + rows, 0, (size_t)(LS_PANEL - rows) * sizeof(real));
}

/* A matrix [length, columns] in panels as its transpose [columns, length] in panels. */
static inline void ls_turn_panels(int64_t length, int64_t columns, const real *from, real *to) {
    for (int64_t k = 0; k < length; k += LS_PANEL, to += columns * LS_PANEL)
        for (int64_t c = 0; c < columns; c += LS_PANEL) {
            const int64_t rows = length - k, some = columns - c;
            ls_turn_rows(rows < LS_PANEL ? rows : LS_PANEL, some < LS_PANEL ? some : LS_PANEL,
                         from + c * length + k * LS_PANEL, LS_PANEL, to + c * LS_PANEL);
        }
}

#endif
