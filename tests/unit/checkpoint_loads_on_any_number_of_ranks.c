#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "tests/support/checkpoint_fixture.h"
#include "tests/support/support.h"

enum { WORLDS_MAX = 6 };

/* `written` is saved, `read` is loaded: the same parameters, perhaps in other groups. Steps come
 * after `after`. */
static void check_worlds(const struct ls_parameter_set *written,
                         const struct ls_parameter_set *read, uint64_t after) {
    for (int writers = 1; writers <= WORLDS_MAX; writers++) {
        const uint64_t step = after + (uint64_t)writers * 10;
        ls_require(ls_fixture_save(ls_test_folder(), written, step, writers, 2, &ls_test_error));
        struct ls_checkpoint checkpoint;
        bool found;
        ls_require(ls_checkpoint_newest(
            &(struct ls_checkpoint_search){.run = ls_test_folder(), .set_aside = true}, &checkpoint,
            &found, &ls_test_error));
        ck_assert(found);
        ck_assert_uint_eq(checkpoint.step, step);
        ck_assert_int_eq(checkpoint.world_size, writers);
        ck_assert_int_eq(checkpoint.file_count, writers + 1);
        for (int readers = 1; readers <= WORLDS_MAX; readers++)
            ls_require(ls_fixture_check(&checkpoint, read, readers, &ls_test_error));
        ls_checkpoint_clear(&checkpoint);
    }
}

START_TEST(any_number_of_writers_serves_any_number_of_readers) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    check_worlds(set, set, 0);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(checkpoints_from_before_there_were_groups_load) {
    struct ls_parameter_set *before = ls_fixture_one_group(), *now = ls_fixture_parameters();
    check_worlds(before, now, 100);
    ls_parameters_destroy(before);
    ls_parameters_destroy(now);
}
END_TEST

START_TEST(the_state_comes_back_as_it_was) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    ls_require(ls_fixture_save(ls_test_folder(), set, 70, 1, 2, &ls_test_error));
    struct ls_checkpoint checkpoint;
    ls_require(ls_checkpoint_open(ls_test_folder(), 70, &checkpoint, &ls_test_error));
    ck_assert_str_eq(checkpoint.state, "{\"epoch\":0.10000000000000001,\"next\":71}");
    ls_checkpoint_clear(&checkpoint);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(one_plain_parameter_is_read_without_its_model) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    ls_require(ls_fixture_save(ls_test_folder(), set, 75, 3, 2, &ls_test_error));
    struct ls_checkpoint checkpoint;
    ls_require(ls_checkpoint_open(ls_test_folder(), 75, &checkpoint, &ls_test_error));
    float *flat = ls_calloc((size_t)set->total, sizeof *flat);
    ls_require(ls_checkpoint_load_all(&checkpoint, set, flat, &ls_test_error));
    for (int p = 0; p < set->count; p++) {
        const struct ls_parameter *parameter = set->items[p];
        if (parameter->layout != LS_LAYOUT_PLAIN)
            continue;
        const size_t bytes = (size_t)ls_parameter_plain_count(parameter) * sizeof(float);
        float *expected = ls_calloc(bytes, 1), *found = ls_calloc(bytes, 1);
        ls_parameter_fetch(parameter, flat + parameter->offset, expected);
        ls_require(ls_checkpoint_load_one(&checkpoint, parameter->name, parameter->shape, found,
                                          &ls_test_error));
        ck_assert_int_eq(memcmp(found, expected, bytes), 0);
        free(expected);
        free(found);
    }
    float none;
    ck_assert_int_eq(
        ls_checkpoint_load_one(&checkpoint, "nobody", LS_SHAPE(1), &none, &ls_test_error),
        LS_DAMAGED);
    ck_assert_ptr_nonnull(strstr(ls_test_error.text, "nobody"));
    free(flat);
    ls_checkpoint_clear(&checkpoint);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(the_same_numbers_give_the_same_bytes) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    const char *const runs[] = {"one", "two"};
    struct ls_checkpoint checkpoints[2];
    for (int i = 0; i < 2; i++) {
        char run[512];
        snprintf(run, sizeof run, "%s/%s", ls_test_folder(), runs[i]);
        ls_require(ls_folder_create(run, &ls_test_error));
        ls_require(ls_fixture_save(run, set, 5, 3, 2, &ls_test_error));
        ls_require(ls_checkpoint_open(run, 5, &checkpoints[i], &ls_test_error));
    }
    for (int f = 0; f < checkpoints[0].file_count; f++)
        ck_assert_uint_eq(checkpoints[0].files[f].digest, checkpoints[1].files[f].digest);
    ls_checkpoint_clear(&checkpoints[0]);
    ls_checkpoint_clear(&checkpoints[1]);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(files_are_readable_as_the_umask_says) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    char path[1024];
    const mode_t before = umask(027);
    ls_require(ls_fixture_save(ls_test_folder(), set, 80, 1, 2, &ls_test_error));
    umask(before);
    struct stat info;
    snprintf(path, sizeof path, "%s/checkpoints/step-0000000080/shard-00000-of-00001.h5",
             ls_test_folder());
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq((int)(info.st_mode & 0777), 0640);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(any_number_of_writers_serves_any_number_of_readers,
         checkpoints_from_before_there_were_groups_load, the_state_comes_back_as_it_was,
         one_plain_parameter_is_read_without_its_model, the_same_numbers_give_the_same_bytes,
         files_are_readable_as_the_umask_says)
