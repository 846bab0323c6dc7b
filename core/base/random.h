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
    LS_STREAM_SYNTHETIC,
    LS_STREAM_GENERATE /* step: the number of the sequence; row: the position in it */
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

/* A uniform draw in [0, 1) with 53 bits. */
double ls_random_uniform(struct ls_random_key key, uint64_t counter);

/* log(x) for 0 < x < 1, normal. x = 2^e m with m from sqrt(1/2) to sqrt(2), and
 * log m = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1), |s| < 0.172. Additions,
 * products, a division and fma alone: libm's logarithm has other bits on other hosts. */
static inline double ls_random_log(double x) {
    union {
        double real;
        uint64_t bits;
    } u = {.real = x};
    const uint64_t shifted = u.bits - 0x3fe6a09e667f3bcdu; /* the bits of sqrt(1/2) */
    const double e = (double)((int64_t)shifted >> 52);
    u.bits = (shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
    const double s = (u.real - 1.0) / (u.real + 1.0), z = s * s;
    double p = 1.0 / 21;
    p = __builtin_fma(p, z, 1.0 / 19);
    p = __builtin_fma(p, z, 1.0 / 17);
    p = __builtin_fma(p, z, 1.0 / 15);
    p = __builtin_fma(p, z, 1.0 / 13);
    p = __builtin_fma(p, z, 1.0 / 11);
    p = __builtin_fma(p, z, 1.0 / 9);
    p = __builtin_fma(p, z, 1.0 / 7);
    p = __builtin_fma(p, z, 1.0 / 5);
    p = __builtin_fma(p, z, 1.0 / 3);
    p = __builtin_fma(p * z, s, s);
    return __builtin_fma(e, 0.69314718055994530942, 2.0 * p);
}

/* exp(x) for x <= 0; 0 below -708. x = n log 2 + r with |r| <= log 2 / 2, taken off in two parts;
 * exp r by Taylor's series. The same operations as above, for the same reason. */
static inline double ls_random_exp(double x) {
    if (!(x >= -708.0))
        return 0;
    const double shifted = __builtin_fma(x, 1.44269504088896340736, 0x1.8p+52);
    const double n = shifted - 0x1.8p+52; /* the nearest whole number */
    double r = __builtin_fma(n, -0x1.62e42fefap-1, x);
    r = __builtin_fma(n, -0x1.cf79abc9e3b39p-40, r);
    double p = 1.0 / 6227020800; /* 1/13! */
    p = __builtin_fma(p, r, 1.0 / 479001600);
    p = __builtin_fma(p, r, 1.0 / 39916800);
    p = __builtin_fma(p, r, 1.0 / 3628800);
    p = __builtin_fma(p, r, 1.0 / 362880);
    p = __builtin_fma(p, r, 1.0 / 40320);
    p = __builtin_fma(p, r, 1.0 / 5040);
    p = __builtin_fma(p, r, 1.0 / 720);
    p = __builtin_fma(p, r, 1.0 / 120);
    p = __builtin_fma(p, r, 1.0 / 24);
    p = __builtin_fma(p, r, 1.0 / 6);
    p = __builtin_fma(p, r, 0.5);
    p = __builtin_fma(p, r, 1.0);
    p = __builtin_fma(p, r, 1.0);
    const union {
        uint64_t bits;
        double real;
    } power = {.bits = (uint64_t)((int64_t)n + 1023) << 52}; /* 2^n */
    return p * power.real;
}

/* cos(2 pi turn / 2^32). The nearest quarter turn is taken off exactly; what is left, at most an
 * eighth of a turn, goes into Taylor's series of the cosine or the sine. */
static inline double ls_random_cosine(uint32_t turn) {
    const uint32_t quarter = (turn + 0x20000000u) >> 30;
    const double a = (double)(int32_t)(turn - (quarter << 30)) * (6.28318530717958647693 * 0x1p-32);
    const double z = a * a;
    double c = 1.0 / 20922789888000; /* 1/16! */
    c = __builtin_fma(c, z, -1.0 / 87178291200);
    c = __builtin_fma(c, z, 1.0 / 479001600);
    c = __builtin_fma(c, z, -1.0 / 3628800);
    c = __builtin_fma(c, z, 1.0 / 40320);
    c = __builtin_fma(c, z, -1.0 / 720);
    c = __builtin_fma(c, z, 1.0 / 24);
    c = __builtin_fma(c, z, -0.5);
    c = __builtin_fma(c, z, 1.0);
    double s = 1.0 / 355687428096000; /* 1/17! */
    s = __builtin_fma(s, z, -1.0 / 1307674368000);
    s = __builtin_fma(s, z, 1.0 / 6227020800);
    s = __builtin_fma(s, z, -1.0 / 39916800);
    s = __builtin_fma(s, z, 1.0 / 362880);
    s = __builtin_fma(s, z, -1.0 / 5040);
    s = __builtin_fma(s, z, 1.0 / 120);
    s = __builtin_fma(s, z, -1.0 / 6);
    s = __builtin_fma(s * z, a, a);
    const double y = quarter & 1 ? s : c;
    return (quarter + 1) & 2 ? -y : y; /* c, -s, -c, s */
}

/* A standard normal draw (Box & Muller 1958, in double). The half keeps the radius away from log 0;
 * the largest draw is 6.7 standard deviations. */
static inline double ls_random_normal(struct ls_random_key key, uint64_t counter) {
    const struct ls_random_pair bits =
        ls_random_block(key, (uint32_t)counter, (uint32_t)(counter >> 32));
    const double logarithm = ls_random_log(((double)bits.word[0] + 0.5) * 0x1p-32);
    return __builtin_sqrt(-2.0 * logarithm) * ls_random_cosine(bits.word[1]);
}

/* Uniform in [0, bound), without bias that matters (bound < 2^32). */
uint32_t ls_random_below(struct ls_random_key key, uint64_t counter, uint32_t bound);

/* Element `position` of a permutation of 0 .. count-1 that only the key decides: swap or not (Hoang,
 * Morris & Rogaway 2012). In each round position x and its partner turn - x (mod count), with a
 * turn that all positions share, change places or do not, as a bit says that the two share. A round
 * halves what is left of any two positions' being more likely at one place than at another; so after
 * log2(count) + 32 of them no permutation is favoured by more than can be seen, whatever the count
 * (a Feistel network of few rounds favours many, and makes even ones alone where the count is a
 * power of four). */
enum { LS_PERMUTE_ROUNDS = 32 };
uint64_t ls_random_permute(struct ls_random_key key, uint64_t position, uint64_t count);

#endif
