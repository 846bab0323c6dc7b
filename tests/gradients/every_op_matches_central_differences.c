/* Every op of the list, in double: backward against central differences over all example cases,
 * once on its own and once where the inputs are used elsewhere too, so that backward must add. */
#include <math.h>

#include "tests/gradients/trial.h"
#include "tests/support/support.h"

static const double STEP = 1e-5;

static void check_element(struct trial *trial, int input, int64_t k, double found) {
    const double tolerance = trial->example->tolerance > 0 ? trial->example->tolerance : 1e-6;
    double *value = &trial->values[input][k];
    const double middle = *value;
    *value = middle + STEP;
    const double above = trial_check(trial);
    *value = middle - STEP;
    const double below = trial_check(trial);
    *value = middle;
    const double expected = (above - below) / (2 * STEP);
    ck_assert_msg(fabs(found - expected) <= tolerance * (1 + fabs(expected)),
                  "%s%s, input %d, element %lld: central difference %.9g, backward %.9g",
                  trial_name(trial), trial->joined ? " (adding)" : "", input + 1, (long long)k,
                  expected, found);
}

static int check_case(enum ls_op_id id, const struct ls_op_case *example, bool joined) {
    struct trial *trial = trial_create(id, example, LS_F64, joined);
    int checked = 0;
    trial_run(trial, 0, trial_microbatches(trial), true);
    for (int i = 0; i < example->input_count; i++)
        for (int64_t k = 0; trial->by_input[i] && k < trial_count(trial, i); k++, checked++)
            check_element(trial, i, k, trial->by_input[i][k]);
    trial_destroy(trial);
    return checked;
}

START_TEST(every_op_has_a_name_a_formula_and_cases) {
    for (int id = 0; id < LS_OP_COUNT; id++) {
        const struct ls_op *op = ls_ops_f64[id];
        ck_assert_msg(op->name && op->formula && op->infer,
                      "op %d lacks a name, formula or shape rule", id);
        ck_assert_msg(op->case_count > 0, "%s has no example cases", op->name);
        ck_assert_msg(op->alias || op->forward, "%s has no forward", op->name);
    }
}
END_TEST

START_TEST(backward_is_the_derivative_of_forward) {
    for (int id = 0; id < LS_OP_COUNT; id++)
        for (int i = 0; i < ls_ops_f64[id]->case_count; i++)
            ck_assert_msg(check_case((enum ls_op_id)id, &ls_ops_f64[id]->cases[i], false) > 0 ||
                              !(ls_ops_f64[id]->backward || ls_ops_f64[id]->alias),
                          "%s, case %d checks nothing", ls_ops_f64[id]->name, i);
}
END_TEST

START_TEST(backward_adds_where_a_value_is_used_twice) {
    for (int id = 0; id < LS_OP_COUNT; id++)
        for (int i = 0; i < ls_ops_f64[id]->case_count; i++)
            check_case((enum ls_op_id)id, &ls_ops_f64[id]->cases[i], true);
}
END_TEST

LS_SUITE(every_op_has_a_name_a_formula_and_cases, backward_is_the_derivative_of_forward,
         backward_adds_where_a_value_is_used_twice)
