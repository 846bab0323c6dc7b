#include "core/tasks/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 };

/* Unsigned numbers in the order of the scores; both zeros are one. */
static uint32_t key_of(float score) {
    uint32_t bits;
    score += 0.0f;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* Sorts by the upper 32 bits, digit by digit from the lowest on (Knuth, volume 3, section 5.2.5).
 */
static void sort(uint64_t *items, uint64_t *room, int64_t count) {
    for (int pass = 0; pass < PASSES; pass++) {
        const int shift = 32 + pass * DIGIT_BITS;
        int64_t starts[DIGITS] = {0}, before = 0;
        for (int64_t i = 0; i < count; i++)
            starts[items[i] >> shift & (DIGITS - 1)]++;
        for (int digit = 0; digit < DIGITS; digit++) {
            const int64_t here = starts[digit];
            starts[digit] = before;
            before += here;
        }
        for (int64_t i = 0; i < count; i++)
            room[starts[items[i] >> shift & (DIGITS - 1)]++] = items[i];
        memcpy(items, room, (size_t)count * sizeof *items);
    }
}

/* Pairs in the right order, in halves: whole numbers. */
static double count_pairs(const uint64_t *items, int64_t count, double *pairs) {
    double halves = 0, others = 0, positives = 0;
    for (int64_t i = 0, end; i < count; i = end) {
        double same = 0;
        for (end = i; end < count && items[end] >> 32 == items[i] >> 32; end++)
            same += (double)(items[end] & 1);
        const double rest = (double)(end - i) - same;
        halves += same * (2 * others + rest);
        others += rest;
        positives += same;
    }
    *pairs = positives * others;
    return halves;
}

double ls_auroc(const struct ls_ranking *r) {
    uint64_t *items = ls_calloc((size_t)r->count + 1, sizeof *items);
    uint64_t *room = ls_calloc((size_t)r->count + 1, sizeof *room);
    int64_t count = 0;
    bool numbers = true;
    for (int64_t i = 0; i < r->count; i++) {
        const float label = r->labels[i * r->step], score = r->scores[i * r->step];
        if (label < 0)
            continue;
        numbers = numbers && !isnan(score);
        items[count++] = (uint64_t)key_of(score) << 32 | (label == r->positive);
    }
    sort(items, room, count);
    double pairs;
    const double halves = count_pairs(items, count, &pairs);
    free(items);
    free(room);
    return numbers && pairs > 0 ? halves / 2 / pairs : (double)NAN;
}
