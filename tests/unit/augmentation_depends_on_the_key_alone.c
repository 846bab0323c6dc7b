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
    const struct ls_augment_options options = {.flip = true, .shift = 2};
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
         without_options_the_image_stays, the_same_key_gives_the_same_image)
