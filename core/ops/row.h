/* Sums inside one row, in an order that no vector width changes. Along a vector: 16 lanes, element
 * i in lane i mod 16, lanes along the fixed tree. Over positions, element by element: ascending.
 * Over positions and elements: lanes per position, positions ascending in double. Long chains are
 * cut, those in lanes at every LS_ROW_MAX elements (tensor/chain.h). (Sums over rows are in sum.h.)
 */
#ifndef LS_OPS_ROW_H
#define LS_OPS_ROW_H

#include "core/tensor/chain.h"

enum {
    LS_ROW_LANES = 16,
    LS_ROW_VECTORS = LS_ROW_LANES / LS_LANES,
    LS_ROW_MAX = LS_ROW_LANES * LS_CHAIN_MAX
};

LS_INLINE real ls_row_combine(real lanes[LS_ROW_LANES]) {
    for (int step = 1; step < LS_ROW_LANES; step *= 2)
        for (int i = 0; i < LS_ROW_LANES; i += 2 * step)
            lanes[i] += lanes[i + step];
    return lanes[0];
}

/* A sum of more than LS_ROW_MAX elements, from `part`, the sum of so many of them from `i` on. */
#define LS_ROW_LONG(part)                                                                          \
    do {                                                                                           \
        double total = 0;                                                                          \
        for (int64_t i = 0, some; i < count; i += some) {                                          \
            some = count - i < LS_ROW_MAX ? count - i : LS_ROW_MAX;                                \
            total += (double)part;                                                                 \
        }                                                                                          \
        return (real)total;                                                                        \
    } while (0)
#define LS_ROW_RARE static __attribute__((noinline, unused))

/* Of at most LS_ROW_MAX elements. */
LS_INLINE real ls_row_short_sum(const real *x, int64_t count) {
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

LS_ROW_RARE real ls_row_long_sum(const real *x, int64_t count) {
    LS_ROW_LONG(ls_row_short_sum(x + i, some));
}

/* Sum of x[i]. */
LS_INLINE real ls_row_sum(const real *x, int64_t count) {
    return count > LS_ROW_MAX ? ls_row_long_sum(x, count) : ls_row_short_sum(x, count);
}

/* Of at most LS_ROW_MAX elements. */
LS_INLINE real ls_row_short_dot(const real *x, const real *y, int64_t count) {
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

LS_ROW_RARE real ls_row_long_dot(const real *x, const real *y, int64_t count) {
    LS_ROW_LONG(ls_row_short_dot(x + i, y + i, some));
}

/* Sum of x[i] * y[i]. */
LS_INLINE real ls_row_dot(const real *x, const real *y, int64_t count) {
    return count > LS_ROW_MAX ? ls_row_long_dot(x, y, count) : ls_row_short_dot(x, y, count);
}

/* Of at most LS_ROW_MAX elements. */
LS_INLINE real ls_row_short_distance(const real *x, const real *y, int64_t count) {
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

LS_ROW_RARE real ls_row_long_distance(const real *x, const real *y, int64_t count) {
    LS_ROW_LONG(ls_row_short_distance(x + i, y + i, some));
}

/* Sum of (x[i] - y[i])^2. */
LS_INLINE real ls_row_squared_distance(const real *x, const real *y, int64_t count) {
    return count > LS_ROW_MAX ? ls_row_long_distance(x, y, count)
                              : ls_row_short_distance(x, y, count);
}

/* Of at most LS_ROW_MAX elements; adds to `sum` and `square`. */
LS_INLINE void ls_row_short_centre(const real *x, int64_t count, real shift, real *y, double *sum,
                                   double *square) {
    vreal sums[LS_ROW_VECTORS] = {0}, squares[LS_ROW_VECTORS] = {0};
    real sum_lanes[LS_ROW_LANES], square_lanes[LS_ROW_LANES];
    int64_t i = 0;
    for (; i + LS_ROW_LANES <= count; i += LS_ROW_LANES)
        for (int v = 0; v < LS_ROW_VECTORS; v++) {
            const vreal moved = ls_vload(x + i + v * LS_LANES) - shift;
            ls_vstore(y + i + v * LS_LANES, moved);
            sums[v] += moved;
            squares[v] = ls_vfma(moved, moved, squares[v]);
        }
    memcpy(sum_lanes, sums, sizeof sum_lanes);
    memcpy(square_lanes, squares, sizeof square_lanes);
    for (int lane = 0; i < count; i++, lane++) {
        y[i] = x[i] - shift;
        sum_lanes[lane] += y[i];
        square_lanes[lane] = ls_fma(y[i], y[i], square_lanes[lane]);
    }
    *sum += (double)ls_row_combine(sum_lanes);
    *square += (double)ls_row_combine(square_lanes);
}

/* Moves x[count] by `shift`, and says what that leaves: the sum of y = x - shift, and of y^2,
 * each as above. y may be x. */
LS_INLINE void ls_row_centre(const real *x, int64_t count, real shift, real *y, double *sum,
                             double *square) {
    *sum = *square = 0;
    for (int64_t i = 0, some; i < count; i += some) {
        some = count - i < LS_ROW_MAX ? count - i : LS_ROW_MAX;
        ls_row_short_centre(x + i, some, shift, y + i, sum, square);
    }
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

/* Vectors in rows: of a window over an image, or of a sequence, which is one row. */
struct ls_positions {
    int64_t rows, positions;
    int64_t next_row, next; /* elements from row to row, and from position to position */
};

/* to[c] = sum over rows and positions ascending of x[...][c], from +0; at most LS_CHAIN_MAX. */
LS_INLINE void ls_positions_chain(struct ls_positions at, int64_t columns, const real *x,
                                  real *restrict to) {
    memset(to, 0, (size_t)columns * sizeof(real));
    for (int64_t r = 0; r < at.rows; r++, x += at.next_row) {
        const real *restrict from = x;
        for (int64_t p = 0; p < at.positions; p++, from += at.next)
            for (int64_t c = 0; c < columns; c++)
                to[c] += from[c];
    }
}

/* The same of any number, a few columns at a time: term number k belongs to chain k / LS_CHAIN_MAX.
 */
LS_ROW_RARE void ls_positions_long(struct ls_positions at, int64_t columns, const real *x,
                                   real *to) {
    enum { COLUMNS = 64 };
    for (int64_t c = 0, some; c < columns; c += some) {
        real chains[COLUMNS] = {0};
        double totals[COLUMNS] = {0};
        some = columns - c < COLUMNS ? columns - c : COLUMNS;
        for (int64_t k = 0; k < at.rows * at.positions; k++) {
            const real *from = x + k / at.positions * at.next_row + k % at.positions * at.next + c;
            if (k && k % LS_CHAIN_MAX == 0) {
                ls_chain_add(some, chains, totals);
                memset(chains, 0, sizeof chains);
            }
            for (int64_t i = 0; i < some; i++)
                chains[i] += from[i];
        }
        ls_chain_finish(some, totals, chains);
        memcpy(to + c, chains, (size_t)some * sizeof(real));
    }
}

/* to[c] = sum over rows and positions ascending of x[...][c], from +0. */
LS_INLINE void ls_positions_sum(struct ls_positions at, int64_t columns, const real *x, real *to) {
    if (at.rows * at.positions > LS_CHAIN_MAX)
        ls_positions_long(at, columns, x, to);
    else
        ls_positions_chain(at, columns, x, to);
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
