#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/tensor/augment.h"
#include "tests/support/support.h"

enum { H = 3, W = 4, C = 2, COUNT = H * W * C, DRAWS = 4000 };

static float image[COUNT];

static void fill_image(void) {
    for (int i = 0; i < COUNT; i++)
        image[i] = (float)(i + 1);
}

static void draw(const struct ls_augment_options *options, uint64_t row, float to[COUNT]) {
    ls_augment_image(options, ls_random_key(3, LS_STREAM_AUGMENT, 5, row), LS_SHAPE(H, W, C), image,
                     to);
}

/* By the definition: mirrored first, then moved by (dy, dx). */
static void expected(int flip, int dy, int dx, float to[COUNT]) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < C; c++) {
                const int fy = y - dy, fx = flip ? W - 1 - (x - dx) : x - dx;
                const int inside = fy >= 0 && fy < H && fx >= 0 && fx < W;
                to[(y * W + x) * C + c] = inside ? image[(fy * W + fx) * C + c] : 0;
            }
}

START_TEST(every_flip_and_shift_comes_about_equally_often) {
    fill_image();
    const struct ls_augment_options options = {.flip = true, .shift = 1};
    int seen[2][3][3] = {{{0}}};
    for (uint64_t row = 0; row < DRAWS; row++) {
        float got[COUNT], want[COUNT];
        int matches = 0;
        draw(&options, row, got);
        for (int f = 0; f < 2; f++)
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    expected(f, dy, dx, want);
                    if (memcmp(got, want, sizeof got))
                        continue;
                    seen[f][dy + 1][dx + 1]++;
                    matches++;
                }
        ck_assert_msg(matches == 1, "row %d matches %d of the 18 images", (int)row, matches);
    }
    for (int i = 0; i < 18; i++) /* 222 expected, deviation 14.5 */
        ck_assert_msg((&seen[0][0][0])[i] > 150 && (&seen[0][0][0])[i] < 295,
                      "image %d: %d times of %d", i, (&seen[0][0][0])[i], DRAWS);
}
END_TEST

/* An axis with what lies beyond it, by the definition of each fill; H is 3. */
START_TEST(what_comes_in_is_zero_the_edge_or_the_mirror_image) {
    static const int rows[3][9] = {/* of -3 .. 5; -1: zeros */
                                   {-1, -1, -1, 0, 1, 2, -1, -1, -1},
                                   {0, 0, 0, 0, 1, 2, 2, 2, 2},
                                   {1, 2, 1, 0, 1, 2, 1, 0, 1}};
    fill_image();
    for (int fill = 0; fill < 3; fill++) {
        const struct ls_augment_options options = {.shift = 3, .fill = fill};
        bool seen[7] = {false};
        for (uint64_t row = 0; row < 400; row++) {
            float got[COUNT];
            draw(&options, row, got);
            for (int dy = -3; dy <= 3; dy++)
                for (int dx = 0; dx < W; dx++) { /* the first row, moved to the right by dx */
                    bool fits = true;
                    for (int y = 0; y < H && fits; y++) {
                        const int from = rows[fill][y - dy + 3];
                        const float want = from < 0 ? 0 : image[from * W * C];
                        fits = got[(y * W + dx) * C] == want;
                    }
                    seen[dy + 3] |= fits;
                }
        }
        for (int i = 0; i < 7; i++)
            ck_assert_msg(seen[i], "fill %d: no image moved by %d", fill, i - 3);
    }
}
END_TEST

/* The definition in double, with libm's sine and cosine. */
static double turned(double degrees, double scale, int y, int x, int c) {
    const double angle = degrees / 180 * M_PI, v = y - (H - 1) / 2.0, u = x - (W - 1) / 2.0;
    const double at_y = (H - 1) / 2.0 + (cos(angle) * v + sin(angle) * u) / scale;
    const double at_x = (W - 1) / 2.0 + (cos(angle) * u - sin(angle) * v) / scale;
    double sum = 0;
    for (int fy = 0; fy < H; fy++)
        for (int fx = 0; fx < W; fx++)
            sum += fmax(0, 1 - fabs(at_y - fy)) * fmax(0, 1 - fabs(at_x - fx)) *
                   (double)image[(fy * W + fx) * C + c];
    return sum;
}

START_TEST(images_are_turned_and_enlarged_about_their_middle) {
    fill_image();
    const struct ls_augment_options options = {.rotate = 180, .scale = 0.5};
    for (uint64_t row = 0; row < 50; row++) {
        float got[COUNT];
        draw(&options, row, got);
        const struct ls_random_key key = ls_random_key(3, LS_STREAM_AUGMENT, 5, row);
        const double degrees = 180 * (2 * ls_random_uniform(key, 3) - 1);
        const double scale = 1 + 0.5 * (2 * ls_random_uniform(key, 4) - 1);
        for (int i = 0; i < COUNT; i++)
            ck_assert_double_eq_tol((double)got[i],
                                    turned(degrees, scale, i / (W * C), i / C % W, i % C), 1e-4);
    }
}
END_TEST

START_TEST(values_get_brightness_and_noise_and_a_square_of_zeros) {
    fill_image();
    const struct ls_augment_options bright = {.brightness = 0.5}, noisy = {.noise = 2},
                                    cut = {.cutout = 2};
    double sum = 0, squares = 0;
    int zeros[5] = {0};
    for (uint64_t row = 0; row < DRAWS; row++) {
        float got[COUNT];
        draw(&bright, row, got);
        const float added = got[0] - image[0];
        ck_assert(fabsf(added) <= 0.5f);
        for (int i = 0; i < COUNT; i++)
            ck_assert(fabsf(got[i] - image[i] - added) <= 1e-5f);
        draw(&noisy, row, got);
        for (int i = 0; i < COUNT; i++) {
            sum += (double)(got[i] - image[i]);
            squares += pow((double)(got[i] - image[i]), 2);
        }
        draw(&cut, row, got);
        int gone = 0;
        for (int i = 0; i < COUNT; i++) {
            ck_assert(got[i] == 0 || got[i] == image[i]);
            gone += got[i] == 0;
        }
        ck_assert_int_eq(gone % C, 0);
        ck_assert_int_le(gone / C, 4);
        zeros[gone / C]++;
    }
    ck_assert_double_eq_tol(sum / (DRAWS * COUNT), 0, 0.03); /* deviation 0.0065 */
    ck_assert_double_eq_tol(sqrt(squares / (DRAWS * COUNT)), 2, 0.03);
    ck_assert(!zeros[0] && !zeros[3]); /* of the 12 middles, 1 is in the corner, 5 at an edge */
    ck_assert_msg(abs(zeros[1] - DRAWS / 12) < 100 && abs(zeros[2] - DRAWS * 5 / 12) < 160,
                  "%d squares of 1 pixel, %d of 2", zeros[1], zeros[2]);
}
END_TEST

/* Beta(1 + a, a) has the mean (1 + a) / (1 + 2 a), the variance (1 + a) a / ((1 + 2 a)^2 (2 + 2
 * a)).
 */
START_TEST(shares_of_mixed_samples_are_beta) {
    static const double alphas[] = {0.2, 1, 4};
    for (int k = 0; k < 3; k++) {
        const double a = alphas[k], mean = (1 + a) / (1 + 2 * a);
        const double variance = (1 + a) * a / ((1 + 2 * a) * (1 + 2 * a) * (2 + 2 * a));
        double sum = 0, squares = 0, partners = 0;
        for (uint64_t row = 0; row < DRAWS; row++) {
            const struct ls_random_key key = ls_random_key(3, LS_STREAM_AUGMENT, 5, row);
            const double share = ls_augment_share(a, key);
            ck_assert(share >= 0 && share <= 1);
            sum += share;
            squares += share * share;
            const uint64_t partner = ls_augment_partner(key, 10);
            ck_assert_uint_lt(partner, 10);
            partners += (double)partner;
        }
        const double found = sum / DRAWS;
        ck_assert_double_eq_tol(found, mean, 5 * sqrt(variance / DRAWS));
        ck_assert_double_eq_tol(squares / DRAWS - found * found, variance, 0.1 * variance);
        ck_assert_double_eq_tol(partners / DRAWS, 4.5, 0.2);
    }
}
END_TEST

START_TEST(without_options_the_image_stays) {
    fill_image();
    const struct ls_augment_options options = {0};
    ck_assert(!ls_augment_active(&options));
    for (uint64_t row = 0; row < 20; row++) {
        float got[COUNT];
        draw(&options, row, got);
        ck_assert_mem_eq(got, image, sizeof got);
    }
}
END_TEST

START_TEST(the_same_key_gives_the_same_image) {
    fill_image();
    const struct ls_augment_options options = {.flip = true,
                                               .shift = 2,
                                               .rotate = 20,
                                               .scale = 0.2,
                                               .brightness = 1,
                                               .noise = 1,
                                               .cutout = 1};
    float first[COUNT], again[COUNT];
    int different = 0;
    for (uint64_t row = 0; row < 50; row++) {
        draw(&options, row, first);
        draw(&options, row, again);
        ck_assert_mem_eq(first, again, sizeof first);
        draw(&options, row + 1000, again);
        different += memcmp(first, again, sizeof first) != 0;
    }
    ck_assert_int_gt(different, 40);
}
END_TEST

/* Of each token that may be hidden, one in four is chosen; of those 8 in 10 are masks. */
START_TEST(masks_hide_what_they_leave_to_be_said) {
    enum { TOKENS = 20, MASK = 4, SPECIAL = 5, ALL = 55 };
    const struct ls_mask_tokens tokens = {.mask = MASK, .special = SPECIAL, .count = ALL};
    int chosen = 0, masks = 0, kept = 0, drawn = 0;
    for (uint64_t row = 0; row < DRAWS; row++) {
        int32_t inputs[TOKENS], targets[TOKENS];
        for (int i = 0; i < TOKENS; i++)
            inputs[i] = targets[i] = i < 2 ? i : 10 + i;
        const struct ls_random_key key = ls_random_key(3, LS_STREAM_AUGMENT, 5, row);
        ls_augment_mask(0.25, &tokens, key, TOKENS, inputs, targets);
        for (int i = 0; i < TOKENS; i++) {
            const int32_t original = i < 2 ? i : 10 + i;
            ck_assert(targets[i] == -1 ? inputs[i] == original : targets[i] == original);
            ck_assert(i >= 2 || targets[i] == -1);
            ck_assert(inputs[i] == original || inputs[i] == MASK ||
                      (inputs[i] >= SPECIAL && inputs[i] < ALL));
            chosen += targets[i] >= 0;
            masks += targets[i] >= 0 && inputs[i] == MASK;
            kept += targets[i] >= 0 && inputs[i] == original;
            drawn += inputs[i] != MASK && inputs[i] != original;
        }
        int32_t again[TOKENS], said[TOKENS];
        for (int i = 0; i < TOKENS; i++)
            again[i] = said[i] = i < 2 ? i : 10 + i;
        ls_augment_mask(0.25, &tokens, key, TOKENS, again, said);
        ck_assert_int_eq(memcmp(again, inputs, sizeof again), 0);
    }
    /* 18000 of 72000 expected, deviation 116; then 14400 (54), 1836 (41), 1764 (40) */
    ck_assert_msg(abs(chosen - 18000) < 500, "chosen: %d", chosen);
    ck_assert_msg(abs(masks - chosen * 8 / 10) < 250, "masks: %d of %d", masks, chosen);
    ck_assert_msg(abs(kept - chosen * 102 / 1000) < 180, "kept: %d of %d", kept, chosen);
    ck_assert_msg(abs(drawn - chosen * 98 / 1000) < 180, "drawn: %d of %d", drawn, chosen);
}
END_TEST

LS_SUITE(masks_hide_what_they_leave_to_be_said, every_flip_and_shift_comes_about_equally_often,
         what_comes_in_is_zero_the_edge_or_the_mirror_image,
         images_are_turned_and_enlarged_about_their_middle,
         values_get_brightness_and_noise_and_a_square_of_zeros, shares_of_mixed_samples_are_beta,
         without_options_the_image_stays, the_same_key_gives_the_same_image)
