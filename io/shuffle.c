#include "io/shuffle.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"

enum { NO_EPOCH = -1 };

void ls_shuffle_create(struct ls_shuffle *shuffle, uint64_t seed, uint64_t count, uint64_t block) {
    *shuffle = (struct ls_shuffle){
        .seed = seed, .count = count, .block = block, .epoch = (uint64_t)NO_EPOCH};
    if (!block)
        return;
    shuffle->blocks = (count - 1) / block + 1;
    shuffle->short_by = shuffle->blocks * block - count;
    shuffle->order = ls_calloc(shuffle->blocks, sizeof *shuffle->order);
}

void ls_shuffle_destroy(struct ls_shuffle *shuffle) {
    free(shuffle->order);
    *shuffle = (struct ls_shuffle){0};
}

void ls_shuffle_begin(struct ls_shuffle *shuffle, uint64_t epoch) {
    if (shuffle->epoch == epoch)
        return;
    shuffle->epoch = epoch;
    const struct ls_random_key key = ls_random_key(shuffle->seed, LS_STREAM_SHUFFLE, epoch, 0);
    for (uint64_t i = 0; i < shuffle->blocks; i++) {
        shuffle->order[i] = ls_random_permute(key, i, shuffle->blocks);
        if (shuffle->order[i] == shuffle->blocks - 1)
            shuffle->short_at = i;
    }
}

/* Where a window begins; the one behind the last begins at the end. */
static uint64_t window_first(const struct ls_shuffle *shuffle, uint64_t window) {
    const uint64_t first = window * LS_SHUFFLE_WINDOW * shuffle->block;
    const bool behind = window > shuffle->short_at / LS_SHUFFLE_WINDOW;
    const uint64_t at = behind ? first - shuffle->short_by : first;
    return at < shuffle->count ? at : shuffle->count;
}

uint64_t ls_shuffle_window(const struct ls_shuffle *shuffle, uint64_t at) {
    const uint64_t window = at / (LS_SHUFFLE_WINDOW * shuffle->block);
    return at < window_first(shuffle, window + 1) ? window : window + 1;
}

bool ls_shuffle_run(const struct ls_shuffle *shuffle, uint64_t window, int i, uint64_t *first,
                    uint64_t *count) {
    const uint64_t at = window * LS_SHUFFLE_WINDOW + (uint64_t)i;
    if (i >= LS_SHUFFLE_WINDOW || at >= shuffle->blocks)
        return false;
    *first = shuffle->order[at] * shuffle->block;
    *count = at == shuffle->short_at ? shuffle->block - shuffle->short_by : shuffle->block;
    return true;
}

static uint64_t in_window(const struct ls_shuffle *shuffle, uint64_t at) {
    const uint64_t window = ls_shuffle_window(shuffle, at), first = window_first(shuffle, window);
    const struct ls_random_key key =
        ls_random_key(shuffle->seed, LS_STREAM_SHUFFLE, shuffle->epoch, 1 + window);
    uint64_t place = ls_random_permute(key, at - first, window_first(shuffle, window + 1) - first);
    /* Blocks lie one behind the other in the window; behind the short one, as if it were whole. */
    const uint64_t short_in = shuffle->short_at - window * LS_SHUFFLE_WINDOW;
    if (shuffle->short_at / LS_SHUFFLE_WINDOW == window &&
        place >= (short_in + 1) * shuffle->block - shuffle->short_by)
        place += shuffle->short_by;
    const uint64_t block = shuffle->order[window * LS_SHUFFLE_WINDOW + place / shuffle->block];
    return block * shuffle->block + place % shuffle->block;
}

uint64_t ls_shuffle_position(const struct ls_shuffle *shuffle, uint64_t at) {
    LS_ASSERT(at < shuffle->count && shuffle->epoch != (uint64_t)NO_EPOCH, "position %llu of %llu",
              (unsigned long long)at, (unsigned long long)shuffle->count);
    if (shuffle->block)
        return in_window(shuffle, at);
    const struct ls_random_key key =
        ls_random_key(shuffle->seed, LS_STREAM_SHUFFLE, shuffle->epoch, 0);
    return ls_random_permute(key, at, shuffle->count);
}
