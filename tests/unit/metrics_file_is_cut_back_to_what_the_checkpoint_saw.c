#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "io/metrics_file.h"
#include "tests/support/support.h"

static const char *path(void) {
    static char text[600];
    snprintf(text, sizeof text, "%s/metrics.jsonl", ls_test_folder());
    return text;
}

static void append(struct ls_metrics_file *file, uint64_t step, double loss) {
    const struct ls_metrics metrics = {.count = 1, .items = {{.name = "loss", .value = loss}}};
    const struct ls_metric extra = {.name = "learning_rate", .value = 0.1};
    ls_require(ls_metrics_append(file, step, (double)step / 8.0, "train", &metrics, &extra, 1,
                                 &ls_test_error));
}

static char *contents(void) {
    static char *text;
    uint64_t count;
    free(text);
    ls_require(ls_file_read(path(), 1 << 20, &text, &count, &ls_test_error));
    return text;
}

static void write_text(const char *text) {
    ls_require(ls_file_write(path(), text, strlen(text), &ls_test_error));
}

START_TEST(lines_read_back_to_the_same_numbers) {
    struct ls_metrics_file *file;
    ls_require(ls_metrics_open(&file, path(), 0, 0, &ls_test_error));
    append(file, 1, 1.0 / 3.0);
    append(file, 2, NAN);
    append(file, 3, 2.0);
    ls_require(ls_metrics_sync(file, &ls_test_error));
    ls_metrics_close(file);
    ck_assert_str_eq(
        contents(),
        "{\"step\": 1, \"epoch\": 0.125, \"split\": \"train\", \"loss\": 0.33333333333333331, "
        "\"learning_rate\": 0.10000000000000001}\n"
        "{\"step\": 2, \"epoch\": 0.25, \"split\": \"train\", \"loss\": null, "
        "\"learning_rate\": 0.10000000000000001}\n"
        "{\"step\": 3, \"epoch\": 0.375, \"split\": \"train\", \"loss\": 2.0, "
        "\"learning_rate\": 0.10000000000000001}\n");
    ck_assert(strtod(strstr(contents(), "0.333"), NULL) == 1.0 / 3.0);
}
END_TEST

START_TEST(what_the_checkpoint_had_not_seen_is_removed_and_writing_goes_on_behind) {
    struct ls_metrics_file *file;
    write_text("left by an older run");
    ls_require(ls_metrics_open(&file, path(), 0, 0, &ls_test_error));
    append(file, 1, 0.5);
    append(file, 2, 0.25);
    const uint64_t bytes = ls_metrics_size(file);
    char *kept = strdup(contents());
    ck_assert_uint_eq(bytes, strlen(kept));
    append(file, 3, 0.125);
    ls_metrics_close(file);
    ls_require(ls_metrics_open(&file, path(), bytes, 2, &ls_test_error));
    ck_assert_uint_eq(ls_metrics_size(file), bytes);
    ck_assert_str_eq(contents(), kept);
    append(file, 3, 0.0625);
    ck_assert_uint_eq(ls_metrics_size(file), strlen(contents()));
    ls_metrics_close(file);
    ck_assert_int_eq(strncmp(contents(), kept, bytes), 0);
    ck_assert_ptr_nonnull(strstr(contents(), "\n{\"step\": 3, \"epoch\""));
    free(kept);
}
END_TEST

/* Opens `text` as what a checkpoint of step 2 saw in `bytes` bytes: `kept` is taken over, and
 * `text` is kept beside it. */
static void open_damaged(const char *text, uint64_t bytes, const char *kept) {
    char aside[700], *there;
    uint64_t count;
    snprintf(aside, sizeof aside, "%s.damaged", path());
    unlink(aside);
    if (text)
        write_text(text);
    else
        unlink(path());
    struct ls_metrics_file *file;
    ls_require(ls_metrics_open(&file, path(), bytes, 2, &ls_test_error));
    ck_assert_str_eq(contents(), kept);
    ck_assert_uint_eq(ls_metrics_size(file), strlen(kept));
    append(file, 3, 1.0);
    ck_assert_uint_eq(ls_metrics_size(file), strlen(contents()));
    ls_metrics_close(file);
    ck_assert_int_eq(ls_file_exists(aside), text != NULL);
    if (!text)
        return;
    ls_require(ls_file_read(aside, 1 << 20, &there, &count, &ls_test_error));
    ck_assert_str_eq(there, text);
    free(there);
}

START_TEST(what_is_left_of_a_damaged_file_is_taken_over) {
    const char *text = "{\"step\": 1}\n{\"step\": 2}\n";
    open_damaged(text, strlen(text) + 1, text);
    open_damaged(text, strlen(text) - 1, "{\"step\": 1}\n"); /* does not end a line there */
    open_damaged(text, 3, "");
    open_damaged("{\"step\": 1}\n{\"st", 24, "{\"step\": 1}\n");           /* cut */
    open_damaged("{\"step\": 1}\n{\"stop\": 2}\n", 24, "{\"step\": 1}\n"); /* changed */
    open_damaged("{\"step\": 1}\n{\"step\": 9}\n", 24, "{\"step\": 1}\n"); /* of later */
    open_damaged("nothing of ours, but as long\n", 29, "");
    open_damaged("", 24, "");
    open_damaged(NULL, 24, "");
}
END_TEST

START_TEST(a_file_that_is_removed_or_replaced_meanwhile_is_written_again) {
    struct ls_metrics_file *file;
    ls_require(ls_metrics_open(&file, path(), 0, 0, &ls_test_error));
    for (int i = 0; i < 2; i++) {
        append(file, 1, 0.5);
        char *before = strdup(contents());
        unlink(path());
        if (i)
            write_text("of another");
        ls_require(ls_metrics_sync(file, &ls_test_error));
        ck_assert_str_eq(contents(), before);
        ck_assert_uint_eq(ls_metrics_size(file), strlen(before));
        free(before);
    }
    append(file, 2, 0.25);
    ck_assert_uint_eq(ls_metrics_size(file), strlen(contents()));
    ck_assert_int_eq(truncate(path(), 0), 0); /* what is cut is gone, but nothing else is */
    ls_require(ls_metrics_sync(file, &ls_test_error));
    append(file, 3, 0.125);
    ck_assert_uint_eq(ls_metrics_size(file), strlen(contents()));
    ls_metrics_close(file);
}
END_TEST

START_TEST(a_line_that_does_not_fit_on_the_disk_waits) {
    write_text("{\"step\": 1}\n");
    struct ls_metrics_file *file;
    ls_require(ls_metrics_open(&file, path(), 12, 1, &ls_test_error));
    struct rlimit before, small = {20, 20};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    const struct ls_metrics metrics = {.count = 1, .items = {{"loss", 1.0}}};
    const enum ls_status status =
        ls_metrics_append(file, 2, 1.0, "train", &metrics, NULL, 0, &ls_test_error);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(status, LS_SYSTEM);
    ck_assert_ptr_nonnull(strstr(ls_test_error.text, "metrics.jsonl"));
    ck_assert_str_eq(contents(), "{\"step\": 1}\n");
    append(file, 3, 1.0);
    ck_assert_ptr_nonnull(strstr(contents(), "{\"step\": 1}\n{\"step\": 2"));
    ck_assert_ptr_nonnull(strstr(contents(), "\n{\"step\": 3"));
    ck_assert_uint_eq(ls_metrics_size(file), strlen(contents()));
    ls_metrics_close(file);
}
END_TEST

/* Long lines, so that few are enough. */
START_TEST(lines_that_wait_for_too_long_are_lost_from_the_oldest_on) {
    enum { LINE_BYTES = 1 << 20, LINES = 80 };
    struct ls_metrics_file *file;
    ls_require(ls_metrics_open(&file, path(), 0, 0, &ls_test_error));
    struct rlimit before, none = {0, 0};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    none.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    char *split = ls_calloc(LINE_BYTES + 1, 1);
    memset(split, 'x', LINE_BYTES);
    const struct ls_metrics metrics = {0};
    for (uint64_t step = 1; step <= LINES; step++)
        ck_assert_int_eq(
            ls_metrics_append(file, step, 1.0, split, &metrics, NULL, 0, &ls_test_error),
            LS_SYSTEM);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ls_require(ls_metrics_sync(file, &ls_test_error));
    char *text, last[32];
    uint64_t count, first;
    ls_require(ls_file_read(path(), 1 << 30, &text, &count, &ls_test_error));
    ck_assert_uint_eq(count, ls_metrics_size(file));
    ck_assert_int_eq(sscanf(text, "{\"step\": %" SCNu64, &first), 1);
    ck_assert(first > 1 && first < LINES / 2);
    snprintf(last, sizeof last, "\n{\"step\": %d,", LINES);
    ck_assert_ptr_nonnull(strstr(text + count - LINE_BYTES - 200, last));
    free(text);
    free(split);
    ls_metrics_close(file);
}
END_TEST

void ls_test_begin(void) {
    ls_log_set_level(LS_LOG_ERROR); /* not a warning for each */
}

LS_SUITE(lines_read_back_to_the_same_numbers,
         what_the_checkpoint_had_not_seen_is_removed_and_writing_goes_on_behind,
         what_is_left_of_a_damaged_file_is_taken_over,
         a_file_that_is_removed_or_replaced_meanwhile_is_written_again,
         a_line_that_does_not_fit_on_the_disk_waits,
         lines_that_wait_for_too_long_are_lost_from_the_oldest_on)
