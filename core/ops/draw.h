/* Random numbers of a row, as ops draw them: a function of the row's key and of the position in the
 * row. They are made in double, by operations with one answer everywhere, and rounded to float, so
 * that every variant has the same. Backward draws again what forward drew; nothing is stored. */
#ifndef LS_OPS_DRAW_H
#define LS_OPS_DRAW_H

#include "core/base/random.h"
#include "core/ops/op.h"
#include "core/tensor/variant.h"

enum { LS_DRAW_BLOCK = 128 }; /* numbers that ops draw at once */

/* Of sample n of a run: by its number in the data set. */
static inline struct ls_random_key ls_draw_key(const struct ls_node *node, const struct ls_run *run,
                                               int64_t n) {
    LS_ASSERT(run->row_ids, "%s draws without row numbers", node->name);
    return ls_random_key(run->seed, node->ordinal, run->step, run->row_ids[n]);
}

/* e[k] for positions first .. first + count - 1: standard normal. */
LS_INLINE void ls_draw_normal(struct ls_random_key key, int64_t first, int64_t count, real *e) {
    for (int64_t k = 0; k < count; k++)
        e[k] = (real)(float)ls_random_normal(key, (uint64_t)(first + k));
}

/* The same, uniform in [-1, 1): multiples of 2^-23. */
LS_INLINE void ls_draw_uniform(struct ls_random_key key, int64_t first, int64_t count, real *e) {
    for (int64_t k = 0; k < count; k++) {
        const uint64_t at = (uint64_t)(first + k);
        const struct ls_random_pair bits = ls_random_block(key, (uint32_t)at, (uint32_t)(at >> 32));
        e[k] = (real)2 * (real)ls_random_unit(bits.word[0]) - (real)1;
    }
}

#endif
