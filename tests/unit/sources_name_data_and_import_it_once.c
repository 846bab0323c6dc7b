#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/source.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

static struct ls_error *const error = &ls_test_error;

static void own_cache(const char *name) {
    setenv("LOCKSTEP_CACHE", ls_test_path(name), 1);
}

static enum ls_status resolve_source(const char *text, enum ls_source_role role, const char *folder,
                                     bool import, char path[LS_TEXT_MAX]) {
    const struct ls_source source = {
        .text = text, .role = role, .folder = folder, .import = import};
    return ls_source_resolve(&source, path, error);
}

static enum ls_status resolve(const char *text, char path[LS_TEXT_MAX]) {
    return resolve_source(text, LS_SOURCE_TRAIN, ls_test_folder(), true, path);
}

static void refuse(const char *text, const char *folder, const char *part) {
    char path[LS_TEXT_MAX];
    ck_assert_int_eq(resolve_source(text, LS_SOURCE_TRAIN, folder, true, path), LS_INVALID);
    ls_test_error_has(part);
}

START_TEST(a_raw_file_is_imported_once) {
    char first[LS_TEXT_MAX], again[LS_TEXT_MAX];
    own_cache("cache/below");
    ls_test_text("a b.csv", "x,t\n1,2\n3,4\n");
    ck_assert_int_eq(resolve_source("'a b.csv'", LS_SOURCE_TEST, ls_test_folder(), false, first),
                     LS_OK);
    ck_assert(!ls_file_exists(first));
    ls_require(resolve("'a b.csv'", again));
    ck_assert_str_eq(first, again);
    ck_assert_ptr_nonnull(strstr(first, "/cache/below/a b-"));
    struct stat before, after;
    ck_assert_int_eq(stat(first, &before), 0);
    ls_require(resolve("csv \"a b.csv\"", again));
    ck_assert_int_eq(stat(again, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    ls_require(resolve("'a b.csv' --target 1", again)); /* other options, other file */
    ck_assert_str_ne(first, again);
    ls_test_text("a b.csv", "x,t\n1,2\n3,5\n"); /* same size, other time */
    ls_require(resolve("'a b.csv'", again));
    ck_assert_str_ne(first, again);
}
END_TEST

static void refill(const char *words, const char *path) {
    char again[LS_TEXT_MAX];
    ls_require(resolve(words, again));
    ck_assert_str_eq(path, again);
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {.path = path};
    ls_require(ls_dataset_open(&dataset, &options, error));
    const uint64_t rows[] = {0, 1};
    float x[2];
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 2, x));
    ck_assert(x[0] == 1 && x[1] == 3);
    ls_dataset_close(dataset);
}

START_TEST(damage_to_the_cache_is_found_and_leftovers_are_removed) {
    char path[LS_TEXT_MAX];
    own_cache("cache/damage");
    ls_test_text("d.csv", "x,t\n1,2\n3,4\n");
    ls_require(resolve("d.csv", path));
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    for (off_t at = 0; at < info.st_size; at += info.st_size / 16) { /* anywhere in it */
        const int file = open(path, O_RDWR);
        char byte;
        ck_assert_int_eq(pread(file, &byte, 1, at), 1);
        byte = (char)(byte ^ 4);
        ck_assert_int_eq(pwrite(file, &byte, 1, at), 1);
        close(file);
        refill("d.csv", path);
    }
    ck_assert_int_eq(truncate(path, info.st_size / 2), 0);
    refill("d.csv", path);
    /* What a killed import left; one that still runs holds the lock. */
    char leftover[LS_TEXT_MAX + 16];
    snprintf(leftover, sizeof leftover, "%s.tmp-4711-0", path);
    ls_require(ls_file_write(leftover, "x", 1, error));
    const int lock = open(ls_test_path("cache/damage/.lock"), O_RDWR);
    ck_assert_int_eq(flock(lock, LOCK_SH), 0);
    unlink(path);
    refill("d.csv", path);
    ck_assert(ls_file_exists(leftover));
    close(lock);
    unlink(path);
    refill("d.csv", path);
    ck_assert(!ls_file_exists(leftover));
}
END_TEST

static void locates(const char *text, const char *expected) {
    char located[LS_TEXT_MAX];
    const char *const folders[] = {ls_test_path("beside"), ls_test_path("data"), NULL};
    ls_require(ls_source_locate(text, folders, located, error));
    ck_assert_str_eq(located, expected);
}

START_TEST(files_get_their_absolute_names) {
    char expected[LS_TEXT_MAX], *folder = realpath(ls_test_folder(), NULL);
    ls_require(ls_folder_create(ls_test_path("beside"), error));
    ls_require(ls_folder_create(ls_test_path("data"), error));
    ls_test_text("beside/a b.csv", "x");
    ls_test_text("data/a b.csv", "x");
    ls_test_text("data/v.json", "x");
    ls_test_text("data/1.h5", "x");
    locates("fashion-mnist", "fashion-mnist");
    locates("nowhere.h5", "nowhere.h5");
    locates("/v.json", "/v.json");
    snprintf(expected, sizeof expected, "csv \"%s/beside/a b.csv\" --target v.json", folder);
    locates("csv 'a b.csv' --target v.json", expected);
    snprintf(expected, sizeof expected, "%s/data/[0-9].h5", folder);
    locates("[0-9].h5", expected);
    snprintf(expected, sizeof expected, "text %s/data/v.json --lines --vocabulary=%s/data/v.json",
             folder, folder);
    locates("text v.json --lines --vocabulary=v.json", expected);
    free(folder);
}
END_TEST

START_TEST(hdf5_files_are_taken_as_they_are) {
    char path[LS_TEXT_MAX];
    const float values[2] = {0};
    ls_test_dataset("x-1.h5", 2, LS_SHAPE(1), LS_KIND_F32, values, LS_KIND_F32, values);
    ls_require(resolve("x-1.h5", path));
    ck_assert_str_eq(path, ls_test_path("x-1.h5"));
    ls_require(resolve("x-*.h5", path));
    ck_assert_str_eq(path, ls_test_path("x-*.h5"));
    ls_require(resolve_source(ls_test_path("x-1.h5"), LS_SOURCE_TEST, "/nowhere", true, path));
    ck_assert_str_eq(path, ls_test_path("x-1.h5"));
}
END_TEST

START_TEST(the_cache_lies_where_the_environment_says) {
    char path[LS_TEXT_MAX];
    ls_test_text("c.csv", "x,t\n1,2\n");
    unsetenv("LOCKSTEP_CACHE");
    setenv("XDG_CACHE_HOME", ls_test_path("xdg"), 1);
    setenv("HOME", ls_test_path("home"), 1);
    ls_require(resolve("c.csv", path));
    ck_assert_ptr_nonnull(strstr(path, "/xdg/lockstep/c-"));
    unsetenv("XDG_CACHE_HOME");
    ls_require(resolve("c.csv", path));
    ck_assert_ptr_nonnull(strstr(path, "/home/.cache/lockstep/c-"));
    unsetenv("HOME");
    refuse("c.csv", ls_test_folder(), "set LOCKSTEP_CACHE");
    setenv("LOCKSTEP_CACHE", ls_test_path("c.csv/cache"), 1);
    refuse("c.csv", ls_test_folder(), "c.csv' is a file, not a folder");
    own_cache("cache");
}
END_TEST

START_TEST(what_is_missing_is_named) {
    refuse("none.csv", ls_test_folder(), "/none.csv: No such file");
    ck_assert_ptr_null(strstr(error->text, "LOCKSTEP_DATA"));
    refuse("none.csv", NULL, "cannot read none.csv");
    ls_test_error_has("LOCKSTEP_DATA");
    refuse("/none.csv", NULL, "cannot read /none.csv");
    ck_assert_ptr_null(strstr(error->text, "LOCKSTEP_DATA"));
    refuse("none.h5", ls_test_folder(), "/none.h5: No such file");
    refuse("none-*.h5", NULL, "LOCKSTEP_DATA");
    refuse("idx a-ubyte 'b", NULL, "a quote is not closed");
    refuse("  ", NULL, "no data source is named");
    refuse("mnist", NULL, "its name does not tell the format");
    char path[LS_TEXT_MAX];
    ck_assert_int_eq(resolve_source("fashion-mnist", LS_SOURCE_VALIDATION, NULL, true, path),
                     LS_INVALID);
    ls_test_error_has("data.split");
}
END_TEST

START_TEST(fashion_mnist_has_its_rows_and_labels) {
    static const uint64_t rows_expected[] = {60000, 0, 10000};
    for (int role = 0; role < 3; role += 2) {
        char path[LS_TEXT_MAX];
        struct ls_dataset *dataset;
        ls_require(resolve_source("fashion-mnist", (enum ls_source_role)role, NULL, true, path));
        const struct ls_dataset_options options = {.path = path};
        ls_require(ls_dataset_open(&dataset, &options, error));
        const struct ls_dataset_info info = ls_dataset_info(dataset);
        ck_assert_uint_eq(info.samples, rows_expected[role]);
        ck_assert(
            ls_shape_equal(ls_dataset_column(dataset, "/inputs")->shape, LS_SHAPE(28, 28, 1)));
        int64_t classes;
        ls_require(ls_dataset_limit(dataset, &ls_test_targets, &classes, error));
        ck_assert_int_eq(classes, 10);
        double mean, scale;
        const struct ls_part all = {.dataset = dataset, .count = info.samples};
        ls_require(ls_part_statistics(&all, &ls_test_inputs, 1, &mean, &scale, error));
        if (role == 0) { /* as published: mean 0.2860, standard deviation 0.3530 */
            ck_assert_double_eq_tol(mean, 0.2860, 5e-5);
            ck_assert_double_eq_tol(1 / scale, 0.3530, 5e-5);
        }
        ls_dataset_close(dataset);
    }
}
END_TEST

LS_SUITE(a_raw_file_is_imported_once, damage_to_the_cache_is_found_and_leftovers_are_removed,
         files_get_their_absolute_names, hdf5_files_are_taken_as_they_are,
         the_cache_lies_where_the_environment_says, what_is_missing_is_named,
         fashion_mnist_has_its_rows_and_labels)
