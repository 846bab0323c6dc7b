/* Softmax down the columns of a panel [keys][32], whose columns are queries: vectors hold 16
 * queries at any width, and no sum goes across a vector.
 *
 * Sums over keys are taken in blocks of 64, inside a block in 16 lanes (lane = key mod 16, from +0,
 * keys ascending), lanes along the fixed tree, blocks in order from +0, then + 0. */
#ifndef LS_KERNELS_SOFTMAX_COLUMNS_H
#define LS_KERNELS_SOFTMAX_COLUMNS_H

#include "core/tensor/layout.h"
#include "core/tensor/variant.h"

#include <stdbool.h>

enum { LS_SOFTMAX_BLOCK = 64, LS_SOFTMAX_LANES = 16 };

struct ls_softmax_columns {
    int64_t keys;   /* at least 1 */
    int64_t hidden; /* column c does not see keys from hidden + c on; keys: none is hidden */
    bool half;      /* columns 0 .. 15 alone */
};

/* Per column: the largest score and the sum of exp(score - largest). */
struct ls_softmax_columns_sums {
    real largest[LS_PANEL], sum[LS_PANEL];
};

/* p[j][c] = exp(s[j][c] - largest[c]) / sum[c], 0 where key j is hidden; s is overwritten there.
 * Fills sums. */
void LS_NAME(ls_softmax_columns)(const struct ls_softmax_columns *columns, real *s, real *p,
                                 struct ls_softmax_columns_sums *sums);

/* The same p again, with the sums of before. */
void LS_NAME(ls_softmax_columns_again)(const struct ls_softmax_columns *columns, real *s, real *p,
                                       const struct ls_softmax_columns_sums *sums);

/* ds[j][c] = p[j][c] (dp[j][c] - sum over keys of p dp), each term of the sum a fused
 * multiply-add. Hidden keys have p = 0, and finite dp. */
void LS_NAME(ls_softmax_columns_gradient)(const struct ls_softmax_columns *columns, const real *p,
                                          const real *dp, real *ds);

#endif
