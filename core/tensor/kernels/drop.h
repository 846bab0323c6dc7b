/* The factors of dropout (Srivastava et al. 2014): 0, or 1 / (1 - rate). Position i of a row takes
 * word i mod 2 of Threefry block i / 2 under the row's key, so nothing need be stored. Inline. */
#ifndef LS_KERNELS_DROP_H
#define LS_KERNELS_DROP_H

#include "core/base/random.h"
#include "core/tensor/variant.h"

enum { LS_DROP_MAX = 256 }; /* positions that are drawn at once, a multiple of 32 */

struct ls_drop {
    uint32_t threshold; /* the 24 upper bits of a draw, as an integer, decide: the same in float and
                           double; 0: nothing is dropped */
    real scale;
};

static inline struct ls_drop ls_drop(double rate) {
    return (struct ls_drop){.threshold = (uint32_t)ceil(rate * 0x1p24), /* bits * 2^-24 >= rate */
                            .scale = (real)(1 / (1 - rate))};
}

/* factors[k] for positions first .. first + count - 1 of a row; first is even, count at most
 * LS_DROP_MAX. What it writes ends at a multiple of 32. */
static inline void ls_drop_draw(struct ls_drop drop, struct ls_random_key key, int64_t first,
                                int64_t count, real factors[restrict LS_DROP_MAX]) {
    uint32_t even[LS_DROP_MAX / 2], odd[LS_DROP_MAX / 2];
    const uint32_t block = (uint32_t)(first / 2), blocks = (uint32_t)(count + 31) / 32 * 16;
    for (uint32_t k = 0; k < blocks; k++) {
        const struct ls_random_pair pair = ls_random_block(key, block + k, 0);
        even[k] = pair.word[0] >> 8;
        odd[k] = pair.word[1] >> 8;
    }
    for (uint32_t k = 0; k < blocks; k++) {
        factors[2 * k] = even[k] >= drop.threshold ? drop.scale : 0;
        factors[2 * k + 1] = odd[k] >= drop.threshold ? drop.scale : 0;
    }
}

#endif
