/* Every op of the list, in float: the same bits on every instruction set and however the
 * microbatches are cut into runs, and close to the double reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/tree.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

typedef void comparison(const struct trial *a, const struct trial *b, const char *what,
                        const double *x, const double *y, int64_t count);

static void same_bits(const struct trial *a, const struct trial *b, const char *what,
                      const double *x, const double *y, int64_t count) {
    for (int64_t k = 0; k < count; k++)
        ck_assert_msg(!memcmp(x + k, y + k, sizeof *x), "%s: element %lld of %s is %a, in %s %a",
                      trial_name(a), (long long)k, what, x[k], ls_variant_name(b->variant), y[k]);
}

static void close(const struct trial *a, const struct trial *b, const char *what, const double *x,
                  const double *y, int64_t count) {
    double largest = 1e-3;
    (void)b;
    for (int64_t k = 0; k < count; k++)
        largest = fmax(largest, fabs(y[k]));
    for (int64_t k = 0; k < count; k++)
        ck_assert_msg(fabs(x[k] - y[k]) <= 1e-4 * largest,
                      "%s: element %lld of %s is %.9g, in double %.9g", trial_name(a), (long long)k,
                      what, x[k], y[k]);
}

/* Output, gradients and statistics of two trials of one case. */
static void compare_trials(const struct trial *a, const struct trial *b, comparison *compare) {
    compare(a, b, "the output", a->result, b->result, trial_output_count(a));
    for (int i = 0; i < a->example->input_count; i++) {
        char what[64];
        snprintf(what, sizeof what, "the gradient of input %d", i + 1);
        if (a->by_input[i])
            compare(a, b, what, a->by_input[i], b->by_input[i], trial_count(a, i));
        if (a->statistics[i])
            compare(a, b, what, a->statistics[i], b->statistics[i], trial_count(a, i));
    }
}

static void compare_variants(enum ls_op_id id, const struct ls_op_case *example, bool joined,
                             enum ls_variant one, enum ls_variant other, comparison *compare) {
    struct trial *a = trial_create(id, example, one, joined);
    struct trial *b = trial_create(id, example, other, joined);
    trial_run(a, 0, trial_microbatches(a), true);
    trial_run(b, 0, trial_microbatches(b), true);
    compare_trials(a, b, compare);
    trial_destroy(a);
    trial_destroy(b);
}

START_TEST(instruction_sets_give_the_same_bits) {
    for (int variant = LS_F32_AVX2; variant <= LS_F32_AVX512; variant++)
        for (int id = 0; id < LS_OP_COUNT && ls_variant_supported((enum ls_variant)variant); id++)
            for (int i = 0; i < ls_ops_f64[id]->case_count; i++)
                for (int joined = 0; joined < 2; joined++)
                    compare_variants((enum ls_op_id)id, &ls_ops_f64[id]->cases[i], joined,
                                     (enum ls_variant)variant, LS_F32_PORTABLE, same_bits);
}
END_TEST

START_TEST(float_is_close_to_double) {
    for (int id = 0; id < LS_OP_COUNT; id++)
        for (int i = 0; i < ls_ops_f64[id]->case_count; i++)
            compare_variants((enum ls_op_id)id, &ls_ops_f64[id]->cases[i], false, ls_variant_best(),
                             LS_F64, close);
}
END_TEST

/* Room for the parameters' gradients and statistics of one run, one after the other. */
static int64_t sums_count(const struct trial *trial) {
    int64_t count = 0;
    for (int i = 0; i < trial->example->input_count; i++)
        count += trial->example->inputs[i].parameter ? trial_count(trial, i) : 0;
    return count;
}

static void copy_sums(struct trial *trial, double *sums, bool back) {
    for (int i = 0; i < trial->example->input_count; i++) {
        double *slot = trial->by_input[i] ? trial->by_input[i] : trial->statistics[i];
        if (!trial->example->inputs[i].parameter || !slot)
            continue;
        memcpy(back ? slot : sums, back ? sums : slot,
               (size_t)trial_count(trial, i) * sizeof *sums);
        sums += trial_count(trial, i);
    }
}

/* Runs microbatches first .. first+count-1 in runs of at most `most`, added along the tree. */
static void run_node(struct trial *trial, int first, int count, int most, double *sums) {
    if (count <= most) {
        trial_run(trial, first, count, true);
        copy_sums(trial, sums, false);
        return;
    }
    const int left = ls_tree_split(count);
    const int64_t wide = sums_count(trial);
    double *right = ls_calloc((size_t)wide + 1, sizeof *right);
    run_node(trial, first, left, most, sums);
    run_node(trial, first + left, count - left, most, right);
    for (int64_t k = 0; k < wide; k++)
        sums[k] = (double)((float)sums[k] + (float)right[k]);
    free(right);
}

static void check_cuts(enum ls_op_id id, const struct ls_op_case *example) {
    struct trial *whole = trial_create(id, example, ls_variant_best(), false);
    struct trial *cut = trial_create(id, example, ls_variant_best(), false);
    double *sums = ls_calloc((size_t)sums_count(cut) + 1, sizeof *sums);
    trial_run(whole, 0, trial_microbatches(whole), true);
    for (int most = 1; most < trial_microbatches(cut); most *= 2) {
        run_node(cut, 0, trial_microbatches(cut), most, sums);
        copy_sums(cut, sums, true);
        compare_trials(cut, whole, same_bits);
    }
    free(sums);
    trial_destroy(whole);
    trial_destroy(cut);
}

START_TEST(runs_may_be_cut_between_microbatches) {
    int cases = 0;
    for (int id = 0; id < LS_OP_COUNT; id++)
        for (int i = 0; i < ls_ops_f64[id]->case_count; i++)
            if (ls_ops_f64[id]->cases[i].microbatches > 1) {
                check_cuts((enum ls_op_id)id, &ls_ops_f64[id]->cases[i]);
                cases++;
            }
    ck_assert_int_ge(cases, LS_OP_COUNT);
}
END_TEST

/* A case in which nobody trains input `frozen`: all else stays as it is. */
static void check_frozen(enum ls_op_id id, const struct ls_op_case *example, int frozen) {
    struct ls_op_case without = *example;
    without.inputs[frozen].constant = true;
    struct trial *trial = trial_create(id, &without, ls_variant_best(), false);
    struct trial *whole = trial_create(id, example, ls_variant_best(), false);
    trial_run(trial, 0, trial_microbatches(trial), true);
    trial_run(whole, 0, trial_microbatches(whole), true);
    compare_trials(trial, whole, same_bits);
    trial_destroy(trial);
    trial_destroy(whole);
}

START_TEST(inputs_may_be_frozen_one_by_one) {
    int cases = 0;
    for (int id = 0; id < LS_OP_COUNT; id++)
        for (int c = 0; c < ls_ops_f64[id]->case_count; c++) {
            const struct ls_op_case *example = &ls_ops_f64[id]->cases[c];
            int trained = 0;
            for (int i = 0; i < example->input_count; i++)
                trained += !example->inputs[i].constant && !example->inputs[i].absent;
            for (int i = 0; i < example->input_count && trained > 1; i++)
                if (!example->inputs[i].constant && !example->inputs[i].absent) {
                    check_frozen((enum ls_op_id)id, example, i);
                    cases++;
                }
        }
    ck_assert_int_gt(cases, 100);
}
END_TEST

/* Output and input gradients of a row, run alone. */
static void check_rows_alone(enum ls_op_id id, const struct ls_op_case *example) {
    struct trial *whole = trial_create(id, example, ls_variant_best(), false);
    struct trial *alone = trial_create(id, example, ls_variant_best(), false);
    trial_run(whole, 0, trial_microbatches(whole), true);
    alone->microbatch_rows = 1;
    for (int row = 0; row < (int)alone->rows; row++)
        trial_run(alone, row, 1, true);
    same_bits(whole, alone, "the output of rows run alone", whole->result, alone->result,
              trial_output_count(whole));
    for (int i = 0; i < example->input_count; i++)
        if (whole->by_input[i] && !example->inputs[i].parameter)
            same_bits(whole, alone, "the input gradient of rows run alone", whole->by_input[i],
                      alone->by_input[i], trial_count(whole, i));
    trial_destroy(whole);
    trial_destroy(alone);
}

START_TEST(a_row_does_not_depend_on_the_others) {
    int left_out = 0;
    for (int id = 0; id < LS_OP_COUNT; id++)
        for (int i = 0; i < ls_ops_f64[id]->case_count; i++)
            if (ls_ops_f64[id]->over_microbatch)
                left_out++;
            else
                check_rows_alone((enum ls_op_id)id, &ls_ops_f64[id]->cases[i]);
    ck_assert_int_gt(left_out, 0);
}
END_TEST

LS_SUITE(instruction_sets_give_the_same_bits, float_is_close_to_double,
         runs_may_be_cut_between_microbatches, inputs_may_be_frozen_one_by_one,
         a_row_does_not_depend_on_the_others)
