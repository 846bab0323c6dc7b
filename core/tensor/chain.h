/* How long a float sum may get. Each addition to a large sum rounds away digits of what is added,
 * so a chain of additions has at most LS_CHAIN_MAX terms: a longer sum is cut at every multiple of
 * that, and the sums of its chains are added in order in double and rounded once. A sum of positive
 * terms is then off by at most LS_CHAIN_MAX 2^-24 = 2.5e-4 of it, and by some 1e-6 where roundings
 * go up as often as down, however many terms there are. A sum in 16 lanes is cut where a lane has
 * that many terms. What is not longer is one chain, with the bits that it would have without this.
 */
#ifndef LS_TENSOR_CHAIN_H
#define LS_TENSOR_CHAIN_H

#include "core/tensor/variant.h"

enum { LS_CHAIN_MAX = 4096 };

/* totals[i] += chains[i] */
static inline void ls_chain_add(int64_t count, const real *restrict chains,
                                double *restrict totals) {
    for (int64_t i = 0; i < count; i++)
        totals[i] += (double)chains[i];
}

/* chains[i] = totals[i] + chains[i]: the last chains, and with them the sums. */
static inline void ls_chain_finish(int64_t count, const double *restrict totals,
                                   real *restrict chains) {
    for (int64_t i = 0; i < count; i++)
        chains[i] = (real)(totals[i] + (double)chains[i]);
}

#endif
