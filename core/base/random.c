#include "core/base/random.h"

static struct ls_random_key chain(struct ls_random_key key, uint32_t c0, uint32_t c1) {
    const struct ls_random_pair block = ls_random_block(key, c0, c1);
    return (struct ls_random_key){{block.word[0], block.word[1]}};
}

struct ls_random_key ls_random_key(uint64_t seed, uint32_t stream, uint64_t step, uint64_t row) {
    struct ls_random_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    key = chain(key, stream, 0);
    key = chain(key, (uint32_t)step, (uint32_t)(step >> 32));
    return chain(key, (uint32_t)row, (uint32_t)(row >> 32));
}

double ls_random_uniform(struct ls_random_key key, uint64_t counter) {
    const struct ls_random_pair bits =
        ls_random_block(key, (uint32_t)counter, (uint32_t)(counter >> 32));
    const uint64_t high = (uint64_t)bits.word[1] << 32 | bits.word[0];
    return (double)(high >> 11) * 0x1p-53;
}

/* The high part of a 64 x 32 bit product: off from uniform by less than 2^-32 (Lemire 2019). */
uint32_t ls_random_below(struct ls_random_key key, uint64_t counter, uint32_t bound) {
    const struct ls_random_pair bits =
        ls_random_block(key, (uint32_t)counter, (uint32_t)(counter >> 32));
    const uint64_t carry = (uint64_t)bits.word[0] * bound >> 32;
    return (uint32_t)(((uint64_t)bits.word[1] * bound + carry) >> 32);
}

/* The output function of SplitMix64 (Steele, Lea & Flood 2014): every bit depends on all. */
static inline uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* The high half of the product: uniform below `bound`, off by less than bound / 2^64. */
static inline uint64_t scale_down(uint64_t bits, uint64_t bound) {
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)bits * bound >> 64);
}

static int bits_of(uint64_t value) {
    int bits = 0;
    while (bits < 64 && value >> bits)
        bits++;
    return bits;
}

uint64_t ls_random_permute(struct ls_random_key key, uint64_t position, uint64_t count) {
    const uint64_t step = 0x9e3779b97f4a7c15u; /* SplitMix64's: 2^64 / the golden ratio, odd */
    const int rounds = LS_PERMUTE_ROUNDS + bits_of(count);
    uint64_t state = (uint64_t)key.word[1] << 32 | key.word[0], value = position;
    for (int round = 0; round < rounds; round++) {
        const uint64_t turn = scale_down(mix(state += step), count), salt = mix(state += step);
        const uint64_t partner = turn >= value ? turn - value : turn - value + count;
        const uint64_t larger = partner > value ? partner : value;
        value = mix(larger ^ salt) >> 63 ? partner : value;
    }
    return value;
}
