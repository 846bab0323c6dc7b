/* Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"). A number is a pure function of (key, counter); no generator state
 * exists, so none is saved and no rank, thread or piece can change a draw.
 *
 * Who draws what:
 *   key     = ls_random_key(seed, stream, step, row): stream is a node's ordinal in the graph
 *             (or one of enum ls_random_stream), step the optimiser step (augmentation: the
 *             epoch), row the index of the sample in the data set (batch-level noise: the
 *             position in the batch);
 *   counter = the position inside the row.
 * Inline, because kernels draw inside their loops. */
#ifndef LS_BASE_RANDOM_H
#define LS_BASE_RANDOM_H

#include <stdint.h>

/* Streams that are not nodes; node ordinals are below. */
enum ls_random_stream {
    LS_STREAM_INITIALISE = 0x70000000, /* step: the index of the parameter by name */
    LS_STREAM_SHUFFLE,
    LS_STREAM_SPLIT,
    LS_STREAM_AUGMENT,
    LS_STREAM_SYNTHETIC
};

struct ls_random_key {
    uint32_t word[2];
};

struct ls_random_pair {
    uint32_t word[2];
};

#define LS_ROTATE(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#define LS_THREEFRY_ROUND(n)                                                                       \
    do {                                                                                           \
        x0 += x1;                                                                                  \
        x1 = LS_ROTATE(x1, n) ^ x0;                                                                \
    } while (0)

/* One block: 64 random bits for a 64-bit counter. Known answer: key 0, counter 0 gives
 * 6b200159 99ba4efe. */
static inline struct ls_random_pair ls_random_block(struct ls_random_key key, uint32_t c0,
                                                    uint32_t c1) {
    const uint32_t k0 = key.word[0], k1 = key.word[1], k2 = 0x1BD11BDAu ^ k0 ^ k1;
    uint32_t x0 = c0 + k0, x1 = c1 + k1;
    LS_THREEFRY_ROUND(13);
    LS_THREEFRY_ROUND(15);
    LS_THREEFRY_ROUND(26);
    LS_THREEFRY_ROUND(6);
    x0 += k1;
    x1 += k2 + 1;
    LS_THREEFRY_ROUND(17);
    LS_THREEFRY_ROUND(29);
    LS_THREEFRY_ROUND(16);
    LS_THREEFRY_ROUND(24);
    x0 += k2;
    x1 += k0 + 2;
    LS_THREEFRY_ROUND(13);
    LS_THREEFRY_ROUND(15);
    LS_THREEFRY_ROUND(26);
    LS_THREEFRY_ROUND(6);
    x0 += k0;
    x1 += k1 + 3;
    LS_THREEFRY_ROUND(17);
    LS_THREEFRY_ROUND(29);
    LS_THREEFRY_ROUND(16);
    LS_THREEFRY_ROUND(24);
    x0 += k1;
    x1 += k2 + 4;
    LS_THREEFRY_ROUND(13);
    LS_THREEFRY_ROUND(15);
    LS_THREEFRY_ROUND(26);
    LS_THREEFRY_ROUND(6);
    x0 += k2;
    x1 += k0 + 5;
    return (struct ls_random_pair){{x0, x1}};
}

/* The key of one row; three chained blocks, so every argument takes part with all its bits. */
struct ls_random_key ls_random_key(uint64_t seed, uint32_t stream, uint64_t step, uint64_t row);

/* 24 random bits as a float in [0, 1). */
static inline float ls_random_unit(uint32_t bits) {
    return (float)(int32_t)(bits >> 8) * 0x1p-24f;
}

/* A uniform draw in [0, 1) with 53 bits, and a standard normal one (Box-Muller, in double). */
double ls_random_uniform(struct ls_random_key key, uint64_t counter);
double ls_random_normal(struct ls_random_key key, uint64_t counter);

/* Uniform in [0, bound), without bias that matters (bound < 2^32). */
uint32_t ls_random_below(struct ls_random_key key, uint64_t counter, uint32_t bound);

/* Element `position` of a permutation of 0 .. count-1 that only the key decides: a four-round
 * Feistel network on the next power of four, walked until the value is below count (Black & Rogaway
 * 2002). */
uint64_t ls_random_permute(struct ls_random_key key, uint64_t position, uint64_t count);

#endif
