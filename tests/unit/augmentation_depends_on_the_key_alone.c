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

LS_SUITE(every_flip_and_shift_comes_about_equally_often, without_options_the_image_stays,
         the_same_key_gives_the_same_image)
