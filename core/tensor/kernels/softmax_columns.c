#include "core/tensor/kernels/softmax_columns.h"

#include "core/tensor/kernels/tile.h"
#include "core/tensor/math.h"

/* What a column does not see becomes -infinity, whose exponential is 0. */
LS_INLINE void hide(const int wide, const struct ls_softmax_columns *c, real *s) {
    for (int64_t j = c->hidden; j < c->keys; j++)
        for (int l = 0; l < wide; l++)
            s[j * LS_PANEL + l] = l + c->hidden > j ? s[j * LS_PANEL + l] : -(real)INFINITY;
}

/* The largest of each column; four at a time, so that none waits for the one before it. */
LS_INLINE void find_largest(const int wide, int64_t keys, const real *s, real *largest) {
    for (int v = 0; v < wide; v += LS_LANES) {
        vreal best[4];
        int64_t j = 0;
        for (int i = 0; i < 4; i++)
            best[i] = ls_vload(s + v);
        for (; j + 4 <= keys; j += 4)
            LS_UNROLL
        for (int i = 0; i < 4; i++)
            best[i] = ls_vmax(best[i], ls_vload(s + (j + i) * LS_PANEL + v));
        for (; j < keys; j++)
            best[0] = ls_vmax(best[0], ls_vload(s + j * LS_PANEL + v));
        ls_vstore(largest + v, ls_vmax(ls_vmax(best[0], best[1]), ls_vmax(best[2], best[3])));
    }
}

/* One block's sum of x, or with y of x * y, for a vector of columns: a lane is finished before the
 * next one begins, and halves of the tree are added as soon as both are there. */
LS_INLINE vreal block_sum(const int64_t keys, const real *x, const real *y) {
    vreal waiting[4], sum = {0};
    int depth = 0;
    LS_UNROLL
    for (int lane = 0; lane < LS_SOFTMAX_LANES; lane++) {
        sum = (vreal){0};
        for (int64_t j = lane; j < keys; j += LS_SOFTMAX_LANES)
            if (y)
                sum = ls_vfma(ls_vload(x + j * LS_PANEL), ls_vload(y + j * LS_PANEL), sum);
            else
                sum += ls_vload(x + j * LS_PANEL);
        LS_UNROLL
        for (int left = lane; left & 1; left /= 2)
            sum = waiting[--depth] + sum;
        if (lane + 1 < LS_SOFTMAX_LANES)
            waiting[depth++] = sum;
    }
    return sum;
}

/* total[c] += the sum of a block of keys. */
LS_INLINE void add_block(const int wide, int64_t keys, const real *x, const real *y, real *total) {
    for (int v = 0; v < wide; v += LS_LANES) {
        const vreal sum = keys == LS_SOFTMAX_BLOCK
                              ? block_sum(LS_SOFTMAX_BLOCK, x + v, y ? y + v : NULL)
                              : block_sum(keys, x + v, y ? y + v : NULL);
        ls_vstore(total + v, ls_vload(total + v) + sum);
    }
}

LS_INLINE int64_t block_keys(int64_t keys, int64_t first) {
    return keys - first < LS_SOFTMAX_BLOCK ? keys - first : LS_SOFTMAX_BLOCK;
}

LS_INLINE void softmax(const int wide, const struct ls_softmax_columns *c, real *restrict s,
                       real *restrict p, struct ls_softmax_columns_sums *restrict sums) {
    hide(wide, c, s);
    find_largest(wide, c->keys, s, sums->largest);
    memset(sums->sum, 0, sizeof sums->sum);
    for (int64_t first = 0; first < c->keys; first += LS_SOFTMAX_BLOCK) {
        const int64_t some = block_keys(c->keys, first);
        for (int64_t j = first; j < first + some; j++)
            for (int l = 0; l < wide; l++)
                p[j * LS_PANEL + l] = ls_math_exp(s[j * LS_PANEL + l] - sums->largest[l]);
        add_block(wide, some, p + first * LS_PANEL, NULL, sums->sum);
    }
    for (int64_t j = 0; j < c->keys; j++)
        for (int l = 0; l < wide; l++)
            p[j * LS_PANEL + l] /= sums->sum[l];
}

LS_INLINE void softmax_again(const int wide, const struct ls_softmax_columns *c, real *restrict s,
                             real *restrict p,
                             const struct ls_softmax_columns_sums *restrict sums) {
    hide(wide, c, s);
    for (int64_t j = 0; j < c->keys; j++)
        for (int l = 0; l < wide; l++)
            p[j * LS_PANEL + l] =
                ls_math_exp(s[j * LS_PANEL + l] - sums->largest[l]) / sums->sum[l];
}

LS_INLINE void gradient(const int wide, int64_t keys, const real *restrict p,
                        const real *restrict dp, real *restrict ds) {
    real sum[LS_PANEL] = {0};
    for (int64_t first = 0; first < keys; first += LS_SOFTMAX_BLOCK)
        add_block(wide, block_keys(keys, first), p + first * LS_PANEL, dp + first * LS_PANEL, sum);
    for (int l = 0; l < wide; l++)
        sum[l] += (real)0;
    for (int64_t j = 0; j < keys; j++)
        for (int l = 0; l < wide; l++)
            ds[j * LS_PANEL + l] = p[j * LS_PANEL + l] * (dp[j * LS_PANEL + l] - sum[l]);
}

void LS_NAME(ls_softmax_columns)(const struct ls_softmax_columns *c, real *s, real *p,
                                 struct ls_softmax_columns_sums *sums) {
    if (c->half)
        softmax(LS_PANEL / 2, c, s, p, sums);
    else
        softmax(LS_PANEL, c, s, p, sums);
}

void LS_NAME(ls_softmax_columns_again)(const struct ls_softmax_columns *c, real *s, real *p,
                                       const struct ls_softmax_columns_sums *sums) {
    if (c->half)
        softmax_again(LS_PANEL / 2, c, s, p, sums);
    else
        softmax_again(LS_PANEL, c, s, p, sums);
}

void LS_NAME(ls_softmax_columns_gradient)(const struct ls_softmax_columns *c, const real *p,
                                          const real *dp, real *ds) {
    if (c->half)
        gradient(LS_PANEL / 2, c->keys, p, dp, ds);
    else
        gradient(LS_PANEL, c->keys, p, dp, ds);
}
