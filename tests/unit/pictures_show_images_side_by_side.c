/* PNG files, read back with libpng. */
#include "io/png.h"

#include <dirent.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/support.h"

static const char *in_folder(const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", ls_test_folder(), name);
    return path;
}

/* Pixels of a file, as it says it has them; owned by the caller. */
static unsigned char *read_png(const char *path, int channels, unsigned width, unsigned height) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    ck_assert_msg(png_image_begin_read_from_file(&image, path), "%s: %s", path, image.message);
    ck_assert_uint_eq(image.width, width);
    ck_assert_uint_eq(image.height, height);
    ck_assert_uint_eq(image.format, channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY);
    unsigned char *bytes = malloc(PNG_IMAGE_SIZE(image));
    ck_assert(png_image_finish_read(&image, NULL, bytes, 0, NULL));
    return bytes;
}

START_TEST(grey_images_lie_in_a_grid) {
    /* five images of 1x2 in three columns with a border of 1: 8x3 pixels */
    const float images[10] = {0, 1, 2, 3, 4, 5, -1, 9, NAN, 2.5f};
    const unsigned char expected[3][8] = {
        {0, 51, 0, 102, 153, 0, 204, 255}, {0, 0, 0, 0, 0, 0, 0, 0}, {0, 255, 0, 0, 128, 0, 0, 0}};
    const struct ls_png_grid grid = {.count = 5,
                                     .height = 1,
                                     .width = 2,
                                     .channels = 1,
                                     .low = 0,
                                     .high = 5,
                                     .columns = 3,
                                     .border = 1};
    ls_require(ls_png_write_grid(in_folder("grey.png"), images, &grid, &ls_test_error));
    unsigned char *bytes = read_png(in_folder("grey.png"), 1, 8, 3);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
    free(bytes);
}
END_TEST

START_TEST(colours_keep_their_channels) {
    /* two images of 2x1, one above the other */
    const float images[12] = {-1, 0, 1, 1, -1, -1, -1, 1, -1, 0.5f, 0.5f, 0.5f};
    const unsigned char expected[12] = {0, 128, 255, 255, 0, 0, 0, 255, 0, 191, 191, 191};
    const struct ls_png_grid grid = {
        .count = 2, .height = 2, .width = 1, .channels = 3, .low = -1, .high = 1, .columns = 1};
    ls_require(ls_png_write_grid(in_folder("colour.png"), images, &grid, &ls_test_error));
    unsigned char *bytes = read_png(in_folder("colour.png"), 3, 1, 4);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
    free(bytes);
}
END_TEST

static void check_columns(int64_t count, int64_t columns, unsigned width, unsigned height) {
    const float images[10] = {0};
    const struct ls_png_grid grid = {
        .count = count, .height = 1, .width = 1, .channels = 1, .high = 1, .columns = columns};
    ls_require(ls_png_write_grid(in_folder("columns.png"), images, &grid, &ls_test_error));
    free(read_png(in_folder("columns.png"), 1, width, height));
}

START_TEST(the_grid_is_about_square_unless_told) {
    check_columns(1, 0, 1, 1);
    check_columns(2, 0, 2, 1);
    check_columns(9, 0, 3, 3);
    check_columns(10, 0, 4, 3);
    check_columns(3, 8, 3, 1);
}
END_TEST

static void refuse(const char *name, struct ls_png_grid grid, const char *text) {
    const float images[12] = {0};
    ck_assert_int_eq(ls_png_write_grid(in_folder(name), images, &grid, &ls_test_error), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, text) && strstr(ls_test_error.text, name),
                  "found '%s'", ls_test_error.text);
}

START_TEST(errors_name_the_file_and_leave_nothing) {
    const struct ls_png_grid good = {.count = 1, .height = 1, .width = 1, .channels = 1, .high = 1};
    struct ls_png_grid grid = good;
    grid.channels = 2;
    refuse("bad.png", grid, "1 channel or 3, found 2");
    grid = good;
    grid.high = 0;
    refuse("bad.png", grid, "white must be above black, found 0 to 0");
    grid = good;
    grid.count = 0;
    refuse("bad.png", grid, "found 0 of 1x1");
    grid = good;
    grid.border = -1;
    refuse("bad.png", grid, "0 and -1");
    grid = good;
    grid.count = grid.width = 1 << 20;
    refuse("bad.png", grid, "too large");
    ck_assert_int_eq(mkdir(in_folder("folder.png"), 0777), 0);
    refuse("folder.png", good, "Is a directory");
    refuse("none/bad.png", good, "does not exist");
    DIR *listing = opendir(ls_test_folder());
    for (struct dirent *entry; (entry = readdir(listing));)
        ck_assert_msg(!strstr(entry->d_name, "bad") && !strstr(entry->d_name, "tmp"), "%s is left",
                      entry->d_name);
    closedir(listing);
}
END_TEST

LS_SUITE(grey_images_lie_in_a_grid, colours_keep_their_channels,
         the_grid_is_about_square_unless_told, errors_name_the_file_and_leave_nothing)
