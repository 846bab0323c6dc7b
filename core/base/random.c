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

uint64_t ls_random_permute(struct ls_random_key key, uint64_t position, uint64_t count) {
    unsigned half = 0; /* bits of one half: 4^half is the least power of four that count fits in */
    while (half < 32 && (uint64_t)1 << (2 * half) < count)
        half++;
    const uint64_t mask = ((uint64_t)1 << half) - 1;
    uint64_t value = position;
    do {
        uint64_t left = value >> half, right = value & mask;
        for (uint32_t round = 0; round < 4; round++) {
            const uint64_t mixed = left ^ ls_random_block(key, (uint32_t)right, round).word[0];
            left = right;
            right = mixed & mask;
        }
        value = left << half | right;
    } while (value >= count);
    return value;
}
