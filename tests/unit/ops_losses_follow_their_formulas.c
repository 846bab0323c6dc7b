/* Losses against their definitions, and where naive forms would overflow. */
#include <math.h>

#include "core/ops/options.h"
#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

static double squared(double x, double t) {
    return (x - t) * (x - t);
}

static double absolute(double x, double t) {
    return fabs(x - t);
}

static double binary(double x, double t) {
    const double s = 1 / (1 + exp(-x));
    return -t * log(s) - (1 - t) * log(1 - s);
}

static double huber_quarter(double x, double t) {
    const double d = fabs(x - t);
    return d <= 0.25 ? d * d / 2 : 0.25 * (d - 0.125);
}

static void check_mean(enum ls_op_id id, int example, double (*loss)(double x, double t)) {
    struct trial *trial = trial_create(id, &ls_ops_f64[id]->cases[example], LS_F64, false);
    const int64_t count = ls_shape_row_count(trial->example->inputs[0].shape);
    trial_run(trial, 0, trial_microbatches(trial), false);
    for (int64_t n = 0; n < trial->rows; n++) {
        double sum = 0;
        for (int64_t i = n * count; i < (n + 1) * count; i++)
            sum += loss(trial->values[0][i], trial->values[1][i]);
        ck_assert_double_eq_tol(trial->result[2 * n], sum / (double)count, 1e-10);
        ck_assert_double_eq(trial->result[2 * n + 1], 1);
    }
    trial_destroy(trial);
}

START_TEST(element_losses_are_means_over_a_sample) {
    check_mean(LS_OP_squared_error, 1, squared);
    check_mean(LS_OP_absolute_error, 1, absolute);
    check_mean(LS_OP_binary_cross_entropy, 1, binary);
    check_mean(LS_OP_huber, 1, huber_quarter);
}
END_TEST

/* Loss and weight of one position as the formula says. */
static void position(const struct trial *trial, int64_t at, double *loss, double *weight) {
    const struct ls_cross_entropy_options *options = trial->example->options;
    const int64_t classes = ls_shape_last(trial->example->inputs[0].shape);
    const double *x = trial->values[0] + at * classes;
    const int label = (int)trial->values[1][at];
    if (options->has_ignored && label == options->ignored)
        return;
    const double own = trial->values[2] ? trial->values[2][label] : 1;
    double sum = 0;
    for (int64_t k = 0; k < classes; k++)
        sum += exp(x[k]);
    for (int64_t k = 0; k < classes; k++) {
        const double q =
            (k == label ? 1 - options->smoothing : 0) + options->smoothing / (double)classes;
        *loss -= own * q * (x[k] - log(sum));
    }
    *weight += own;
}

START_TEST(cross_entropy_sums_weighted_positions) {
    for (int k = 0; k < ls_ops_f64[LS_OP_softmax_cross_entropy]->case_count; k++) {
        struct trial *trial =
            trial_create(LS_OP_softmax_cross_entropy,
                         &ls_ops_f64[LS_OP_softmax_cross_entropy]->cases[k], LS_F64, false);
        const int64_t positions = ls_shape_row_count(trial->example->inputs[1].shape);
        trial_run(trial, 0, trial_microbatches(trial), false);
        for (int64_t n = 0; n < trial->rows; n++) {
            double loss = 0, weight = 0;
            for (int64_t i = 0; i < positions; i++)
                position(trial, n * positions + i, &loss, &weight);
            ck_assert_double_eq_tol(trial->result[2 * n], loss, 1e-10);
            ck_assert_double_eq_tol(trial->result[2 * n + 1], weight, 1e-12);
        }
        trial_destroy(trial);
    }
}
END_TEST

static const struct ls_op_case two = {
    .name = "two classes",
    .options = &(const struct ls_cross_entropy_options){0},
    .options_size = sizeof(struct ls_cross_entropy_options),
    .input_count = 3,
    .inputs = {{.shape = LS_CASE_SHAPE(1, 2), .low = 0, .high = 1},
               {.shape = LS_CASE_SHAPE(1), .integer = true, .constant = true, .low = 1, .high = 1},
               {.absent = true}}};
static const struct ls_op_case yes = {
    .name = "one logit",
    .input_count = 2,
    .inputs = {{.shape = LS_CASE_SHAPE(1, 1), .low = 0, .high = 1},
               {.shape = LS_CASE_SHAPE(1, 1), .constant = true, .low = 1, .high = 1}}};

START_TEST(large_logits_neither_overflow_nor_vanish) {
    struct trial *softmax = trial_create(LS_OP_softmax_cross_entropy, &two, LS_F32_PORTABLE, false);
    softmax->values[0][0] = 1000;
    softmax->values[0][1] = -1000;
    trial_run(softmax, 0, 1, true);
    ck_assert_double_eq(softmax->result[0], 2000);
    ck_assert_double_eq(softmax->by_input[0][0], softmax->slopes[0]);
    ck_assert_double_eq(softmax->by_input[0][1], -softmax->slopes[0]);
    trial_destroy(softmax);
    struct trial *binary_trial =
        trial_create(LS_OP_binary_cross_entropy, &yes, LS_F32_PORTABLE, false);
    binary_trial->values[0][0] = -1000;
    trial_run(binary_trial, 0, 1, true);
    ck_assert_double_eq(binary_trial->result[0], 1000);
    ck_assert_double_eq(binary_trial->by_input[0][0], -binary_trial->slopes[0]);
    trial_destroy(binary_trial);
}
END_TEST

LS_SUITE(element_losses_are_means_over_a_sample, cross_entropy_sums_weighted_positions,
         large_logits_neither_overflow_nor_vanish)
