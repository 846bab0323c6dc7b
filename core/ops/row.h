/* Sums inside one row, in an order that no vector width changes. Along a vector: 16 lanes, element
 * i in lane i mod 16, lanes along the fixed tree. Over positions, element by element: ascending.
 * Over positions and elements: lanes per position, positions ascending in double. (Sums over rows
 * are in sum.h.) */
#ifndef LS_OPS_ROW_H
#define LS_OPS_ROW_H

#include "core/tensor/variant.h"

enum { LS_ROW_LANES = 16, LS_ROW_VECTORS = LS_ROW_LANES / LS_LANES };

LS_INLINE real ls_row_combine(real lanes[LS_ROW_LANES]) {
    for (int step = 1; step < LS_ROW_LANES; step *= 2)
        for (int i = 0; i < LS_ROW_LANES; i += 2 * step)
            lanes[i] += lanes[i + step];
    return lanes[0];
}

/* Sum of x[i]. */
LS_INLINE real ls_row_sum(const real *x, int64_t count) {
    vreal sums[LS_ROW_VECTORS] = {0};
    real lanes[LS_ROW_LANES];
    int64_t i = 0;
    for (; i + LS_ROW_LANES <= count; i += LS_ROW_LANES)
        for (int v = 0; v < LS_ROW_VECTORS; v++)
            sums[v] += ls_vload(x + i + v * LS_LANES);
    memcpy(lanes, sums, sizeof lanes);
    for (int lane = 0; i < count; i++, lane++)
        lanes[lane] += x[i];
    return ls_row_combine(lanes);
}

/* Sum of x[i] * y[i]. */
LS_INLINE real ls_row_dot(const real *x, const real *y, int64_t count) {
    vreal sums[LS_ROW_VECTORS] = {0};
    real lanes[LS_ROW_LANES];
    int64_t i = 0;
    for (; i + LS_ROW_LANES <= count; i += LS_ROW_LANES)
        for (int v = 0; v < LS_ROW_VECTORS; v++)
            sums[v] =
                ls_vfma(ls_vload(x + i + v * LS_LANES), ls_vload(y + i + v * LS_LANES), sums[v]);
    memcpy(lanes, sums, sizeof lanes);
    for (int lane = 0; i < count; i++, lane++)
        lanes[lane] = ls_fma(x[i], y[i], lanes[lane]);
    return ls_row_combine(lanes);
}

/* Sum of (x[i] - y[i])^2. */
LS_INLINE real ls_row_squared_distance(const real *x, const real *y, int64_t count) {
    vreal sums[LS_ROW_VECTORS] = {0};
    real lanes[LS_ROW_LANES];
    int64_t i = 0;
    for (; i + LS_ROW_LANES <= count; i += LS_ROW_LANES)
        for (int v = 0; v < LS_ROW_VECTORS; v++) {
            const vreal d = ls_vload(x + i + v * LS_LANES) - ls_vload(y + i + v * LS_LANES);
            sums[v] = ls_vfma(d, d, sums[v]);
        }
    memcpy(lanes, sums, sizeof lanes);
    for (int lane = 0; i < count; i++, lane++)
        lanes[lane] = ls_fma(x[i] - y[i], x[i] - y[i], lanes[lane]);
    return ls_row_combine(lanes);
}

/* The largest x[i]; count is at least 1. */
LS_INLINE real ls_row_max(const real *x, int64_t count) {
    real lanes[LS_ROW_LANES];
    int64_t i = 0;
    if (count >= LS_ROW_LANES) {
        vreal best[LS_ROW_VECTORS];
        memcpy(best, x, sizeof best);
        for (i = LS_ROW_LANES; i + LS_ROW_LANES <= count; i += LS_ROW_LANES)
            for (int v = 0; v < LS_ROW_VECTORS; v++) {
                const vreal next = ls_vload(x + i + v * LS_LANES);
                const vbits larger = (vbits)(next > best[v]);
                best[v] = (vreal)((larger & (vbits)next) | (~larger & (vbits)best[v]));
            }
        memcpy(lanes, best, sizeof lanes);
    } else
        for (int lane = 0; lane < LS_ROW_LANES; lane++)
            lanes[lane] = x[0];
    for (int lane = 0; i < count; i++, lane++)
        lanes[lane] = x[i] > lanes[lane] ? x[i] : lanes[lane];
    real largest = lanes[0];
    for (int lane = 1; lane < LS_ROW_LANES; lane++)
        largest = lanes[lane] > largest ? lanes[lane] : largest;
    return largest;
}

/* to[c] = sum over p ascending of x[p * next + c], from +0. */
LS_INLINE void ls_positions_sum(int64_t positions, int64_t columns, const real *restrict x,
                                int64_t next, real *restrict to) {
    memset(to, 0, (size_t)columns * sizeof(real));
    for (int64_t p = 0; p < positions; p++, x += next)
        for (int64_t c = 0; c < columns; c++)
            to[c] += x[c];
}

/* Sum of x[p * next + c] over p and c. */
LS_INLINE double ls_block_sum(int64_t positions, int64_t columns, const real *x, int64_t next) {
    double sum = 0;
    for (int64_t p = 0; p < positions; p++)
        sum += (double)ls_row_sum(x + p * next, columns);
    return sum;
}

/* Sum of x[p * next + c] * y[p * next + c] over p and c. */
LS_INLINE double ls_block_dot(int64_t positions, int64_t columns, const real *x, const real *y,
                              int64_t next) {
    double sum = 0;
    for (int64_t p = 0; p < positions; p++)
        sum += (double)ls_row_dot(x + p * next, y + p * next, columns);
    return sum;
}

#endif
