/* The order of a part's samples in an epoch: a function of (seed, epoch), and of nothing else.
 *
 * Of all samples: a permutation of their positions. Of blocks: the blocks come in a random order,
 * and the samples of each window of LS_SHUFFLE_WINDOW blocks are permuted among themselves. So a
 * file is read a window at a time, in large pieces. What that costs: two samples of one block are
 * never more than a window apart, and a batch mixes samples of at most two windows; data that is
 * sorted (all of one class in a row) needs blocks that are small beside such a run. */
#ifndef LS_IO_SHUFFLE_H
#define LS_IO_SHUFFLE_H

#include <stdbool.h>
#include <stdint.h>

enum { LS_SHUFFLE_WINDOW = 16 }; /* blocks */

struct ls_shuffle {
    uint64_t seed, count;
    uint64_t block; /* samples; 0: a permutation of all */
    /* What follows is of the epoch that was last asked for, where there are blocks. */
    uint64_t blocks, epoch;
    uint64_t *order;             /* [blocks] owned */
    uint64_t short_at, short_by; /* where the last, shorter block comes, and what it lacks */
};

void ls_shuffle_create(struct ls_shuffle *shuffle, uint64_t seed, uint64_t count, uint64_t block);
void ls_shuffle_destroy(struct ls_shuffle *shuffle);

/* Goes to an epoch: allocates nothing. */
void ls_shuffle_begin(struct ls_shuffle *shuffle, uint64_t epoch);

/* The position of the part that comes at `at` in the epoch. */
uint64_t ls_shuffle_position(const struct ls_shuffle *shuffle, uint64_t at);

/* Of blocks: the window that `at` is in, and the i-th run of positions of a window; false: it has
 * no such run. */
uint64_t ls_shuffle_window(const struct ls_shuffle *shuffle, uint64_t at);
bool ls_shuffle_run(const struct ls_shuffle *shuffle, uint64_t window, int i, uint64_t *first,
                    uint64_t *count);

#endif
