#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "io/file.h"
#include "tests/support/checkpoint_fixture.h"
#include "tests/support/support.h"

static struct ls_parameter_set *set;
static char run[600];

/* A fresh run with checkpoints of steps 1 and 2, by three ranks. */
static void begin_run(void) {
    static int number;
    snprintf(run, sizeof run, "%s/run%d", ls_test_folder(), number++);
    ls_require(ls_folder_create(run, &ls_test_error));
    for (uint64_t step = 1; step <= 2; step++)
        ls_require(ls_fixture_save(run, set, step, 3, 2, &ls_test_error));
}

static const char *path_of(int step, const char *file) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/checkpoints/step-%010d/%s", run, step, file);
    return path;
}

static void flip_bit(const char *path, long place) {
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, place, place < 0 ? SEEK_END : SEEK_SET), 0);
    const int byte = fgetc(file);
    ck_assert_int_eq(fseek(file, -1, SEEK_CUR), 0);
    fputc(byte ^ 4, file);
    fclose(file);
}

/* Step 2 was damaged: the newest intact one is step 1, and `reason` is why. */
static void expect_previous(const char *reason) {
    struct ls_checkpoint checkpoint;
    ck_assert_int_eq(ls_checkpoint_open(run, 2, &checkpoint, &ls_test_error), LS_DAMAGED);
    ck_assert_msg(strstr(ls_test_error.text, reason) != NULL, "'%s' is not in: %s", reason,
                  ls_test_error.text);
    bool found;
    ls_require(ls_checkpoint_newest(&(struct ls_checkpoint_search){.run = run, .set_aside = true},
                                    &checkpoint, &found, &ls_test_error));
    ck_assert(found);
    ck_assert_uint_eq(checkpoint.step, 1);
    ls_require(ls_fixture_check(&checkpoint, set, 2, &ls_test_error));
    ls_checkpoint_clear(&checkpoint);
    char aside[700];
    snprintf(aside, sizeof aside, "%s/checkpoints/damaged-step-0000000002", run);
    ck_assert(ls_file_exists(aside));
    ck_assert(!ls_file_exists(path_of(2, "")));
    ls_require(ls_fixture_save(run, set, 2, 3, 2, &ls_test_error)); /* its step is free again */
}

START_TEST(a_truncated_shard) {
    begin_run();
    ck_assert_int_eq(truncate(path_of(2, "shard-00001-of-00003.h5"), 1000), 0);
    expect_previous("bytes, found 1000");
}
END_TEST

START_TEST(a_flipped_bit_anywhere) {
    const char *const files[] = {"shard-00000-of-00003.h5", "shard-00002-of-00003.h5", "index.h5"};
    for (int f = 0; f < 3; f++) {
        begin_run();
        flip_bit(path_of(2, files[f]), 700 * (f + 1));
        expect_previous("its bytes changed");
    }
}
END_TEST

START_TEST(a_missing_shard) {
    begin_run();
    ck_assert_int_eq(unlink(path_of(2, "shard-00002-of-00003.h5")), 0);
    expect_previous("shard-00002-of-00003.h5: the file is missing");
}
END_TEST

START_TEST(a_torn_changed_or_missing_manifest) {
    begin_run();
    struct stat info;
    ck_assert_int_eq(stat(path_of(2, "manifest"), &info), 0);
    const long size = (long)info.st_size;
    for (long length = 0; length < size; length += 97) {
        begin_run();
        ck_assert_int_eq(truncate(path_of(2, "manifest"), length), 0);
        expect_previous("digest does not fit");
    }
    for (long place = 0; place < size; place += 89) {
        begin_run();
        flip_bit(path_of(2, "manifest"), place);
        expect_previous("digest does not fit");
    }
    begin_run();
    ck_assert_int_eq(unlink(path_of(2, "manifest")), 0);
    expect_previous("manifest: the file is missing");
}
END_TEST

static void replace_by_pipe(const char *path) {
    struct ls_error ignored;
    (void)!ls_folder_remove(path, &ignored);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
}

static void replace_by_folder(const char *path) {
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void replace_by_loop(const char *path) {
    struct ls_error ignored;
    (void)!ls_folder_remove(path, &ignored);
    ck_assert_int_eq(symlink(path, path), 0);
}

/* Opening a pipe would wait for ever; the others are refused by the system in words of its own. */
START_TEST(what_cannot_be_read_is_damaged) {
    const char *const files[] = {"manifest", "shard-00001-of-00003.h5", "index.h5"};
    for (int f = 0; f < 3; f++) {
        begin_run();
        replace_by_pipe(path_of(2, files[f]));
        expect_previous("it is not a regular file");
        begin_run();
        replace_by_folder(path_of(2, files[f]));
        expect_previous("it is not a regular file");
        begin_run();
        replace_by_loop(path_of(2, files[f]));
        expect_previous("Too many levels of symbolic links");
    }
}
END_TEST

START_TEST(a_checkpoint_that_is_no_folder_is_damaged) {
    char path[1024];
    for (int i = 0; i < 2; i++) {
        begin_run();
        snprintf(path, sizeof path, "%s/checkpoints/step-0000000002", run);
        if (i)
            replace_by_pipe(path);
        else
            replace_by_loop(path);
        struct ls_checkpoint checkpoint;
        bool found;
        const struct ls_checkpoint_search search = {.run = run, .set_aside = true};
        ls_require(ls_checkpoint_newest(&search, &checkpoint, &found, &ls_test_error));
        ck_assert(found);
        ck_assert_uint_eq(checkpoint.step, 1);
        ls_checkpoint_clear(&checkpoint);
        ls_require(ls_fixture_save(run, set, 2, 3, 2, &ls_test_error));
    }
}
END_TEST

/* Root may read what nobody may: this test then does so as somebody else. */
START_TEST(a_file_that_may_not_be_read_is_passed_over_and_keeps_its_name) {
    begin_run();
    ck_assert_int_eq(chmod(path_of(2, "shard-00000-of-00003.h5"), 0), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(ls_test_folder(), 0777), 0);
        ck_assert_int_eq(seteuid(65534), 0);
    }
    struct ls_checkpoint checkpoint;
    const enum ls_status status = ls_checkpoint_open(run, 2, &checkpoint, &ls_test_error);
    bool found;
    const struct ls_checkpoint_search search = {.run = run, .set_aside = true};
    const enum ls_status searched =
        ls_checkpoint_newest(&search, &checkpoint, &found, &ls_test_error);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(status, LS_SYSTEM);
    ck_assert_int_eq(searched, LS_OK);
    ck_assert_uint_eq(checkpoint.step, 1);
    ls_checkpoint_clear(&checkpoint);
    ck_assert_int_eq(chmod(path_of(2, "shard-00000-of-00003.h5"), 0666), 0);
    ls_require(ls_checkpoint_newest(&search, &checkpoint, &found, &ls_test_error));
    ck_assert_uint_eq(checkpoint.step, 2);
    ls_checkpoint_clear(&checkpoint);
}
END_TEST

static enum ls_status refuse_two(const struct ls_checkpoint *checkpoint, struct ls_error *error) {
    return checkpoint->step == 2 ? ls_fail(error, LS_DAMAGED, "a state of nobody") : LS_OK;
}

START_TEST(a_state_that_is_refused_makes_a_checkpoint_damaged) {
    begin_run();
    struct ls_checkpoint checkpoint;
    bool found;
    const struct ls_checkpoint_search search = {.run = run, .check = refuse_two};
    ls_require(ls_checkpoint_newest(&search, &checkpoint, &found, &ls_test_error));
    ck_assert_uint_eq(checkpoint.step, 1);
    ls_checkpoint_clear(&checkpoint);
}
END_TEST

START_TEST(none_intact_is_an_error_every_time) {
    begin_run();
    flip_bit(path_of(1, "manifest"), 5);
    flip_bit(path_of(2, "shard-00000-of-00003.h5"), -9);
    struct ls_checkpoint checkpoint;
    bool found;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            ls_checkpoint_newest(&(struct ls_checkpoint_search){.run = run, .set_aside = true},
                                 &checkpoint, &found, &ls_test_error),
            LS_DAMAGED);
        ck_assert(!found);
        ck_assert_ptr_nonnull(strstr(ls_test_error.text, "2 checkpoints, but none is intact"));
    }
}
END_TEST

START_TEST(no_checkpoint_at_all_is_a_fresh_start) {
    struct ls_checkpoint checkpoint;
    bool found = true;
    ls_require(ls_checkpoint_newest(
        &(struct ls_checkpoint_search){.run = ls_test_folder(), .set_aside = true}, &checkpoint,
        &found, &ls_test_error));
    ck_assert(!found);
}
END_TEST

START_TEST(a_manifest_of_a_later_format_is_refused_not_set_aside) {
    begin_run();
    /* A digest that fits, so that only the version speaks. */
    char *text;
    uint64_t count;
    ls_require(ls_file_read(path_of(2, "manifest"), 1 << 20, &text, &count, &ls_test_error));
    char *format = strstr(text, "\"format\": 1");
    ck_assert_ptr_nonnull(format);
    format[10] = '9';
    char command[2048];
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c 'import xxhash,sys; b=open(sys.argv[1],\"rb\").read(); "
             "b=b[:b.rindex(b\"digest: \")]; open(sys.argv[1],\"wb\").write(b+b\"digest: \"+"
             "xxhash.xxh64(b).hexdigest().encode()+b\"\\n\")' '%s'",
             path_of(2, "manifest"));
    ls_require(ls_file_write(path_of(2, "manifest"), text, count, &ls_test_error));
    ck_assert_int_eq(system(command), 0);
    free(text);
    struct ls_checkpoint checkpoint;
    bool found;
    ck_assert_int_eq(
        ls_checkpoint_newest(&(struct ls_checkpoint_search){.run = run, .set_aside = true},
                             &checkpoint, &found, &ls_test_error),
        LS_INVALID);
    ck_assert_ptr_nonnull(strstr(ls_test_error.text, "format 9"));
    ck_assert(ls_file_exists(path_of(2, "manifest")));
}
END_TEST

void ls_test_begin(void) {
    ls_log_set_level(LS_LOG_ERROR); /* not a warning for each set aside */
    set = ls_fixture_parameters();
}

void ls_test_end(void) {
    ls_parameters_destroy(set);
}

LS_SUITE(a_truncated_shard, a_flipped_bit_anywhere, a_missing_shard,
         a_torn_changed_or_missing_manifest, what_cannot_be_read_is_damaged,
         a_checkpoint_that_is_no_folder_is_damaged,
         a_file_that_may_not_be_read_is_passed_over_and_keeps_its_name,
         a_state_that_is_refused_makes_a_checkpoint_damaged, none_intact_is_an_error_every_time,
         no_checkpoint_at_all_is_a_fresh_start,
         a_manifest_of_a_later_format_is_refused_not_set_aside)
