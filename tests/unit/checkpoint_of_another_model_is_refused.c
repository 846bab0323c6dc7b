#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "tests/support/checkpoint_fixture.h"
#include "tests/support/support.h"

/* One of the fixture's parameters, changed; or left out; or one more. */
enum change { SHAPE, RANK, KIND, MISSING, EXTRA };

static void change_set(struct ls_parameter_set *set, enum change change) {
    struct ls_parameter *first = set->items[0], *last = set->items[set->count - 1];
    if (change == SHAPE)
        first->shape.dims[1] = 69; /* the same number of panels */
    if (change == RANK)
        first->shape = LS_SHAPE(1, 20, 70);
    if (change == KIND)
        first->kind = LS_PARAMETER_CONSTANT;
    if (change == MISSING)
        strcpy(first->name, "tail.weight");
    if (change == EXTRA) {
        set->total = set->groups[LS_GROUP_FIXED].end = last->offset;
        set->count--;
        free(last);
    }
}

static void expect_refusal(enum change change, const char *text) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    change_set(set, change);
    struct ls_checkpoint checkpoint;
    ls_require(ls_checkpoint_open(ls_test_folder(), 4, &checkpoint, &ls_test_error));
    ck_assert_int_eq(ls_fixture_check(&checkpoint, set, 2, &ls_test_error), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, text) != NULL, "'%s' is not in: %s", text,
                  ls_test_error.text);
    ls_checkpoint_clear(&checkpoint);
    ls_parameters_destroy(set);
}

START_TEST(the_text_names_the_tensor_what_was_expected_and_what_was_found) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    ls_require(ls_fixture_save(ls_test_folder(), set, 4, 2, 2, &ls_test_error));
    ls_parameters_destroy(set);
    expect_refusal(SHAPE, "another model: head.weight: expected shape 20x69, found 20x70");
    expect_refusal(RANK, "another model: head.weight: expected shape 1x20x70, found 20x70");
    expect_refusal(KIND, "another model: head.weight: expected a constant, found a weight");
    expect_refusal(MISSING, "another model: it has a parameter head.weight that the model lacks");
    expect_refusal(EXTRA,
                   "another model: it has a parameter standardise.offset that the model lacks");
}
END_TEST

START_TEST(an_array_that_was_not_saved_is_missed) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    struct ls_checkpoint checkpoint;
    ls_require(ls_checkpoint_open(ls_test_folder(), 4, &checkpoint, &ls_test_error));
    float *flat = ls_calloc((size_t)set->total, sizeof *flat);
    const struct ls_checkpoint_content content = {
        .parameters = set,
        .count = 1,
        .groups = {
            {.slice = set->groups[1], .count = 1, .names = {"optimizer/moment2"}, .data = {flat}}}};
    ck_assert_int_eq(ls_checkpoint_load(&checkpoint, &content, &ls_test_error), LS_INVALID);
    ck_assert_ptr_nonnull(strstr(ls_test_error.text, "it has no optimizer/moment2"));
    free(flat);
    ls_checkpoint_clear(&checkpoint);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(the_text_names_the_tensor_what_was_expected_and_what_was_found,
         an_array_that_was_not_saved_is_missed)
