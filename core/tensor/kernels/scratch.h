/* Cuts a block of scratch memory into arrays, each aligned to 64 bytes. Without memory it only
 * counts, so the function that takes a kernel's arrays also says how many bytes it needs. */
#ifndef LS_KERNELS_SCRATCH_H
#define LS_KERNELS_SCRATCH_H

#include "core/base/memory.h"

struct ls_scratch {
    void *memory; /* borrowed; NULL to count */
    size_t used;
};

/* The next `count` elements of `size` bytes; NULL when counting. */
static inline void *ls_scratch_take(struct ls_scratch *scratch, int64_t count, size_t size) {
    char *taken = scratch->memory ? (char *)scratch->memory + scratch->used : NULL;
    scratch->used += ls_round_up((size_t)count * size, LS_ALIGNMENT);
    return taken;
}

#endif
