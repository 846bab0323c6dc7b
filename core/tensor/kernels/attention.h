/* Attention of one head of one sample (Vaswani et al. 2017, section 3.2.1) and its gradients.
 *
 * Query i sees the keys j < keys, if causal those up to j = i. D = width, scale = 1 / sqrt D, f the
 * factors of dropout on p (1 without). Chains are of fused multiply-adds over the named index
 * ascending, from +0, with + 0 at the end, long ones cut (tensor/chain.h; where causal, over i they
 * begin at a multiple of 32); sums over keys are those of softmax_columns.h.
 *
 *   s[i,j]  = scale * (chain over d of q[i,d] k[j,d])
 *   p[i,j]  = exp(s[i,j] - max over j) / sum over j of exp(s[i,j] - max)
 *   y[i,d]  = chain over j of (f p)[i,j] v[j,d]
 *   dv[j,d] = chain over i of (f p)[i,j] dy[i,d]
 *   dp[i,j] = f (chain over d of dy[i,d] v[j,d])
 *   ds[i,j] = p[i,j] (dp[i,j] - sum over j of dp[i,j] p[i,j])
 *   dq[i,d] = scale * (chain over j of ds[i,j] k[j,d])
 *   dk[j,d] = scale * (chain over i of ds[i,j] q[i,d])
 *
 * A key that a query does not see has p = 0, so it adds exact zeros to the query's chains and sums:
 * the result for a query is the same whether later keys are there or not. Without keys y and the
 * gradients are 0. */
#ifndef LS_KERNELS_ATTENTION_H
#define LS_KERNELS_ATTENTION_H

#include <stddef.h>

#include "core/tensor/kernels/drop.h"
#include "core/tensor/kernels/tile.h"

struct ls_attention {
    int64_t queries, keys, width;
    int64_t keys_max; /* at least keys: distances in saved memory, and positions of dropout */
    bool causal;      /* with at most as many keys as queries */
    const real *q, *k, *v;
    int64_t q_step, kv_step; /* from query to query, from key to key */
    /* k and v lie in blocks of 32 channels, [ceil(width / 32)][..][32], already; kv_step elements
     * from block to block. */
    bool packed;
    struct ls_drop drop;
    struct ls_random_key key; /* of dropout */
    int64_t position;         /* of dropout: of query 0 and key 0 */
    void *saved; /* written by forward, read by backward; see ls_attention_saved_bytes */
    bool keeps;  /* p is saved; else it is made again from what softmax found */
    void *scratch;
};

struct ls_attention_gradients {
    const real *dy;
    int64_t dy_step;
    real *dq, *dk, *dv; /* NULL where none is wanted; dk and dv both or none */
    int64_t dq_step, dkv_step;
    bool add_q, add_kv; /* += instead of = */
};

void LS_NAME(ls_attention_forward)(const struct ls_attention *attention, real *y, int64_t y_step);
void LS_NAME(ls_attention_backward)(const struct ls_attention *attention,
                                    const struct ls_attention_gradients *gradients);

/* Bytes of scratch for both directions, and of `saved`, a multiple of 64, for calls of at most so
 * many queries, keys_max and width. */
size_t LS_NAME(ls_attention_scratch_bytes)(const struct ls_attention *attention);
size_t LS_NAME(ls_attention_saved_bytes)(const struct ls_attention *attention);

#endif
