#include "core/base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/support/support.h"

static void check_block(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1, uint32_t a,
                        uint32_t b) {
    const struct ls_random_pair block = ls_random_block((struct ls_random_key){{k0, k1}}, c0, c1);
    ck_assert_uint_eq(block.word[0], a);
    ck_assert_uint_eq(block.word[1], b);
}

/* Random123 1.14, tests/kat_vectors: threefry2x32 20. */
START_TEST(threefry_gives_the_known_answers) {
    check_block(0, 0, 0, 0, 0x6b200159, 0x99ba4efe);
    check_block(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7);
    check_block(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0);
}
END_TEST

START_TEST(every_part_of_a_key_changes_it) {
    const struct ls_random_key key = ls_random_key(1, 2, 3, 4);
    const struct ls_random_key others[] = {
        ls_random_key(2, 2, 3, 4),
        ls_random_key(1 + (1ull << 40), 2, 3, 4),
        ls_random_key(1, 3, 3, 4),
        ls_random_key(1, 2, 4, 4),
        ls_random_key(1, 2, 3 + (1ull << 40), 4),
        ls_random_key(1, 2, 3, 5),
        ls_random_key(1, 2, 3, 4 + (1ull << 40)),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(others[i].word[0] != key.word[0] || others[i].word[1] != key.word[1]);
    const struct ls_random_key again = ls_random_key(1, 2, 3, 4);
    ck_assert(again.word[0] == key.word[0] && again.word[1] == key.word[1]);
}
END_TEST

START_TEST(draws_have_the_moments_of_their_distribution) {
    enum { COUNT = 200000 };
    const struct ls_random_key key = ls_random_key(7, LS_STREAM_INITIALISE, 0, 0);
    double uniform = 0, uniform2 = 0, normal = 0, normal2 = 0, below = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        const double u = ls_random_uniform(key, i), z = ls_random_normal(key, i);
        const uint32_t b = ls_random_below(key, i, 10);
        if (!(u >= 0 && u < 1 && b < 10))
            ck_abort_msg("draw %llu: %g and %u", (unsigned long long)i, u, b);
        uniform += u;
        uniform2 += u * u;
        normal += z;
        normal2 += z * z;
        below += b;
    }
    /* Four standard errors. */
    ck_assert_double_eq_tol(uniform / COUNT, 0.5, 0.0026);
    ck_assert_double_eq_tol(uniform2 / COUNT, 1.0 / 3.0, 0.0027);
    ck_assert_double_eq_tol(normal / COUNT, 0.0, 0.009);
    ck_assert_double_eq_tol(normal2 / COUNT, 1.0, 0.0127);
    ck_assert_double_eq_tol(below / COUNT, 4.5, 0.026);
}
END_TEST

/* Noise is drawn in every step: no host's libm may decide a bit of it. */
START_TEST(normal_draws_have_the_same_bits_everywhere) {
    static const double known[] = {0x1.f34a6ce5afc9cp-3, -0x1.08b57a1acf4bbp+0,
                                   -0x1.1015bf333a34fp+0, 0x1.2075c3c089b4ap-1};
    const struct ls_random_key key = ls_random_key(7, LS_STREAM_INITIALISE, 0, 0);
    for (uint64_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_msg(ls_random_normal(key, i) == known[i], "draw %llu is %a",
                      (unsigned long long)i, ls_random_normal(key, i));
    for (uint32_t i = 0; i < 100000; i++) {
        const uint32_t bits = i * 2654435761u;
        const double x = ((double)bits + 0.5) * 0x1p-32;
        ck_assert_double_eq_tol(ls_random_log(x) / log(x), 1.0, 4e-16);
        ck_assert_double_eq_tol(ls_random_exp(-708 * x) / exp(-708 * x), 1.0, 4e-16);
        ck_assert_double_eq_tol(ls_random_cosine(bits), cos(0x1p-31 * M_PI * (double)bits), 1e-15);
    }
}
END_TEST

START_TEST(exponentials_end_in_zero) {
    ck_assert(ls_random_exp(0) == 1);
    ck_assert(ls_random_exp(-708) > 0);
    ck_assert(ls_random_exp(-709) == 0);
    ck_assert(ls_random_exp(-(double)INFINITY) == 0);
}
END_TEST

START_TEST(unit_floats_cover_zero_to_below_one) {
    ck_assert(ls_random_unit(0) == 0.0f);
    ck_assert(ls_random_unit(UINT32_MAX) < 1.0f);
    ck_assert(ls_random_unit(0x80000000u) == 0.5f);
}
END_TEST

static void check_permutation(uint64_t seed, uint64_t count) {
    const struct ls_random_key key = ls_random_key(seed, LS_STREAM_SHUFFLE, 0, 0);
    bool *seen = calloc(count, sizeof *seen);
    uint64_t moved = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t value = ls_random_permute(key, i, count);
        if (value >= count || seen[value])
            ck_abort_msg("%llu again, or too large, in a permutation of %llu",
                         (unsigned long long)value, (unsigned long long)count);
        seen[value] = true;
        moved += value != i;
    }
    free(seen);
    if (count >= 64)
        ck_assert_uint_gt(moved, count * 9 / 10);
}

START_TEST(a_permutation_is_a_bijection_of_every_size) {
    for (uint64_t count = 1; count <= 300; count++)
        check_permutation(count, count);
    const uint64_t sizes[] = {1023, 1024, 1025, 4096, 4097, 60000, 65536, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_permutation(3, sizes[i]);
}
END_TEST

START_TEST(permutations_of_different_keys_are_unrelated) {
    enum { COUNT = 60000 };
    uint64_t same = 0;
    for (uint64_t i = 0; i < COUNT; i++)
        same += ls_random_permute(ls_random_key(1, LS_STREAM_SHUFFLE, 0, 0), i, COUNT) ==
                ls_random_permute(ls_random_key(1, LS_STREAM_SHUFFLE, 1, 0), i, COUNT);
    ck_assert_uint_lt(same, 10); /* one is expected */
}
END_TEST

START_TEST(permutations_are_the_same_everywhere) {
    const struct ls_random_key key = ls_random_key(1, LS_STREAM_SHUFFLE, 0, 0);
    const uint64_t expected[] = {33732, 3241, 32721, UINT64_C(802048966569)};
    for (uint64_t i = 0; i < 4; i++)
        ck_assert_uint_eq(ls_random_permute(key, i, i == 3 ? UINT64_C(1) << 40 : 60000),
                          expected[i]);
}
END_TEST

/* What permutations of `count` are like over many keys, beside what all permutations are like. */
enum { KEYS = 20000 };

static void fill(uint64_t number, uint64_t count, uint64_t *to) {
    const struct ls_random_key key = ls_random_key(5, LS_STREAM_SHUFFLE, number, 0);
    for (uint64_t i = 0; i < count; i++)
        to[i] = ls_random_permute(key, i, count);
}

/* The number of an order among all, by how many of those behind are smaller (Lehmer's code). */
static int order_of(uint64_t count, const uint64_t *order) {
    int number = 0;
    for (uint64_t i = 0; i < count; i++) {
        int smaller = 0;
        for (uint64_t j = i + 1; j < count; j++)
            smaller += order[j] < order[i];
        number = number * (int)(count - i) + smaller;
    }
    return number;
}

START_TEST(all_orders_of_few_are_as_frequent) {
    int orders = 1;
    for (uint64_t count = 2; count <= 6; count++) {
        int seen[720] = {0};
        uint64_t order[6];
        orders *= (int)count;
        for (int k = 0; k < KEYS; k++) {
            fill((uint64_t)k, count, order);
            seen[order_of(count, order)]++;
        }
        const double expected = (double)KEYS / orders, freedom = orders - 1;
        double chi_square = 0;
        for (int i = 0; i < orders; i++)
            chi_square += (seen[i] - expected) * (seen[i] - expected) / expected;
        ck_assert_msg(chi_square < freedom + 4 * sqrt(2 * freedom) + 8,
                      "%d orders: chi-square %g, %g expected", orders, chi_square, freedom);
    }
}
END_TEST

/* Whether an even number of exchanges makes the order. */
static bool is_even(uint64_t count, uint64_t *order) {
    bool even = true;
    for (uint64_t i = 0; i < count; i++)
        while (order[i] != i) {
            const uint64_t at = order[i], moved = order[at];
            order[at] = at;
            order[i] = moved;
            even = !even;
        }
    return even;
}

START_TEST(half_of_the_orders_are_even) {
    const uint64_t counts[] = {2, 4, 5, 16, 64, 100, 256};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        int even = 0;
        uint64_t order[256];
        const int keys = KEYS / 10;
        for (int k = 0; k < keys; k++) {
            fill((uint64_t)k, counts[c], order);
            even += is_even(counts[c], order);
        }
        ck_assert_msg(abs(even - keys / 2) < 4 * sqrt(keys / 4.0), "%llu: %d of %d are even",
                      (unsigned long long)counts[c], even, keys);
    }
}
END_TEST

/* Of the rank correlation with the order of the file, times the root of count - 1: mean 0, variance
 * 1. And of the places where a row is followed by the next one: one is expected. */
START_TEST(the_order_of_the_file_is_forgotten) {
    enum { COUNT = 1000, ORDERS = 600 };
    uint64_t order[COUNT];
    double sum = 0, square = 0, successors = 0;
    for (int k = 0; k < ORDERS; k++) {
        double product = 0;
        fill((uint64_t)k, COUNT, order);
        for (int i = 0; i < COUNT; i++) {
            product += (i - (COUNT - 1) / 2.0) * ((double)order[i] - (COUNT - 1) / 2.0);
            successors += i > 0 && order[i] == order[i - 1] + 1;
        }
        const double correlation = product / (COUNT * ((double)COUNT * COUNT - 1) / 12);
        sum += correlation * sqrt(COUNT - 1);
        square += correlation * correlation * (COUNT - 1);
    }
    ck_assert_double_lt(fabs(sum / ORDERS), 4 / sqrt(ORDERS));
    ck_assert_double_lt(fabs(square / ORDERS - 1), 4 * sqrt(2.0 / ORDERS));
    ck_assert_double_lt(fabs(successors / ORDERS - (COUNT - 1.0) / COUNT), 4 / sqrt(ORDERS));
}
END_TEST

/* As a split into parts takes them: the last tenth is the test part. */
START_TEST(every_row_has_the_same_chance_of_the_test_part) {
    enum { ROWS = 50, TEST = 5 };
    int chances[ROWS] = {0};
    uint64_t order[ROWS];
    for (int k = 0; k < KEYS; k++) {
        fill((uint64_t)k, ROWS, order);
        for (int i = ROWS - TEST; i < ROWS; i++)
            chances[order[i]]++;
    }
    for (int row = 0; row < ROWS; row++)
        ck_assert_msg(fabs(chances[row] / (double)KEYS - 0.1) < 0.01,
                      "row %d is in the test part %d times of %d", row, chances[row], KEYS);
}
END_TEST

LS_SUITE(threefry_gives_the_known_answers, every_part_of_a_key_changes_it,
         draws_have_the_moments_of_their_distribution, normal_draws_have_the_same_bits_everywhere,
         exponentials_end_in_zero, unit_floats_cover_zero_to_below_one,
         a_permutation_is_a_bijection_of_every_size, permutations_of_different_keys_are_unrelated,
         permutations_are_the_same_everywhere, all_orders_of_few_are_as_frequent,
         half_of_the_orders_are_even, the_order_of_the_file_is_forgotten,
         every_row_has_the_same_chance_of_the_test_part)
