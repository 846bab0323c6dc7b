/* to[c][r] = from[r][c] in 4 x 4 blocks of registers. */
#ifndef LS_KERNELS_TRANSPOSE_H
#define LS_KERNELS_TRANSPOSE_H

#include "core/tensor/variant.h"

typedef real ls_vreal4
    __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real)), may_alias));

LS_INLINE void ls_transpose_block(const real *from, int64_t from_stride, real *to,
                                  int64_t to_stride) {
    const ls_vreal4 a = *(const ls_vreal4 *)from;
    const ls_vreal4 b = *(const ls_vreal4 *)(from + from_stride);
    const ls_vreal4 c = *(const ls_vreal4 *)(from + 2 * from_stride);
    const ls_vreal4 d = *(const ls_vreal4 *)(from + 3 * from_stride);
    const ls_vreal4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const ls_vreal4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const ls_vreal4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const ls_vreal4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(ls_vreal4 *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(ls_vreal4 *)(to + to_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(ls_vreal4 *)(to + 2 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(ls_vreal4 *)(to + 3 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* The side with the longer stride, whose rows may fall on the same few cache sets, has four rows
 * in flight. */
static inline void ls_transpose(int64_t rows, int64_t columns, const real *from,
                                int64_t from_stride, real *to, int64_t to_stride) {
    const int64_t rows4 = rows / 4 * 4, columns4 = columns / 4 * 4;
    const int64_t wide = from_stride > to_stride ? 16 : 4;
    for (int64_t first = 0; first < columns4; first += wide)
        for (int64_t r = 0; r < rows4; r += 4)
            for (int64_t c = first; c < first + wide && c < columns4; c += 4)
                ls_transpose_block(from + r * from_stride + c, from_stride, to + c * to_stride + r,
                                   to_stride);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = r < rows4 ? columns4 : 0; c < columns; c++)
            to[c * to_stride + r] = from[r * from_stride + c];
}

#endif
