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
static char run[600], text[1024];

static void begin_run(const char *name) {
    snprintf(run, sizeof run, "%s/%s", ls_test_folder(), name);
    ls_require(ls_folder_create(run, &ls_test_error));
}

static void save(uint64_t step, int keep) {
    ls_require(ls_fixture_save(run, set, step, 2, keep, &ls_test_error));
}

static void truncate_shard(int step) {
    char path[1024];
    snprintf(path, sizeof path, "%s/checkpoints/step-%010d/shard-00001-of-00002.h5", run, step);
    ck_assert_int_eq(truncate(path, 1000), 0);
}

/* "3 4 5" */
static const char *steps_left(void) {
    uint64_t *steps;
    int count;
    ls_require(ls_checkpoint_list(run, &steps, &count, &ls_test_error));
    text[0] = '\0';
    for (int i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s%llu", i ? " " : "", (unsigned long long)steps[i]);
    free(steps);
    return text;
}

/* What lies in checkpoints/ and is no checkpoint, for example "tmp-0000000007-3". */
static int others_left(void) {
    char path[700];
    snprintf(path, sizeof path, "%s/checkpoints", run);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.' && strncmp(entry->d_name, "step-", 5) != 0;
    closedir(folder);
    return count;
}

START_TEST(the_newest_are_kept) {
    begin_run("newest");
    for (uint64_t step = 1; step <= 5; step++)
        save(step, 2);
    ck_assert_str_eq(steps_left(), "4 5");
    save(99999999999ull, 3); /* more digits than the name is padded to */
    ck_assert_str_eq(steps_left(), "4 5 99999999999");
    ck_assert_int_eq(others_left(), 0);
}
END_TEST

START_TEST(a_damaged_one_does_not_count) {
    begin_run("damaged");
    for (uint64_t step = 1; step <= 3; step++)
        save(step, 3);
    truncate_shard(3);
    truncate_shard(2);
    save(4, 2);
    ck_assert_str_eq(steps_left(), "1 2 3 4"); /* 1 and 4 are the two intact ones */
    save(5, 2);
    ck_assert_str_eq(steps_left(), "4 5");
}
END_TEST

START_TEST(an_intact_one_is_never_written_over) {
    begin_run("again");
    save(1, 2);
    for (int i = 0; i < 2; i++) {
        ls_require(ls_fixture_save(run, set, 1, 3 + i, 2, &ls_test_error));
        struct ls_checkpoint checkpoint;
        ls_require(ls_checkpoint_open(run, 1, &checkpoint, &ls_test_error));
        ck_assert_int_eq(checkpoint.world_size, 3 + i);
        ls_checkpoint_clear(&checkpoint);
    }
    ck_assert_int_eq(others_left(), 2); /* replaced-step-0000000001, and -2 */
}
END_TEST

START_TEST(a_damaged_one_of_the_same_step_makes_room) {
    begin_run("room");
    save(1, 2);
    truncate_shard(1);
    save(1, 2);
    ck_assert_str_eq(steps_left(), "1");
    struct ls_checkpoint checkpoint;
    ls_require(ls_checkpoint_open(run, 1, &checkpoint, &ls_test_error));
    ls_checkpoint_clear(&checkpoint);
    ck_assert_int_eq(others_left(), 1); /* damaged-step-0000000001 */
}
END_TEST

START_TEST(only_leftovers_of_other_incarnations_are_cleaned_away) {
    begin_run("clean");
    save(1, 2);
    const struct ls_checkpoint_write writes[] = {
        {.run = run, .step = 2, .incarnation = 3, .world_size = 1},
        {.run = run, .step = 2, .incarnation = 13, .world_size = 1}};
    for (int i = 0; i < 2; i++)
        ls_require(ls_checkpoint_begin(&writes[i], &ls_test_error));
    char removing[700];
    snprintf(removing, sizeof removing, "%s/checkpoints/removing-0000000000", run);
    ck_assert_int_eq(mkdir(removing, 0777), 0);
    ck_assert_int_eq(others_left(), 3);
    ls_checkpoint_clean(run, 13);
    ck_assert_int_eq(others_left(), 1);
    ls_checkpoint_abandon(&writes[1]);
    ck_assert_int_eq(others_left(), 0);
    ck_assert_str_eq(steps_left(), "1");
}
END_TEST

START_TEST(begin_starts_empty_after_a_failed_attempt) {
    begin_run("attempt");
    const struct ls_checkpoint_write write = {
        .run = run, .step = 6, .incarnation = 1, .world_size = 2};
    char junk[700];
    ls_require(ls_checkpoint_begin(&write, &ls_test_error));
    snprintf(junk, sizeof junk, "%s/checkpoints/tmp-0000000006-1/junk", run);
    ck_assert_int_eq(mkdir(junk, 0777), 0);
    ls_require(ls_checkpoint_begin(&write, &ls_test_error));
    ck_assert(!ls_file_exists(junk));
    ls_checkpoint_abandon(&write);
}
END_TEST

void ls_test_begin(void) {
    ls_log_set_level(LS_LOG_ERROR);
    set = ls_fixture_parameters();
}

void ls_test_end(void) {
    ls_parameters_destroy(set);
}

LS_SUITE(the_newest_are_kept, a_damaged_one_does_not_count, an_intact_one_is_never_written_over,
         a_damaged_one_of_the_same_step_makes_room,
         only_leftovers_of_other_incarnations_are_cleaned_away,
         begin_starts_empty_after_a_failed_attempt)
