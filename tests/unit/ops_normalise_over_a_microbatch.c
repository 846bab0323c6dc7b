/* batch_norm and layer_norm against their definitions. */
#include <math.h>
#include <string.h>

#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

enum { X, GAIN, OFFSET, MEAN, VARIANCE };

static const struct ls_op_case *norm_case(enum ls_op_id id, const char *name) {
    for (int k = 0; k < ls_ops_f64[id]->case_count; k++)
        if (!strcmp(ls_ops_f64[id]->cases[k].name, name))
            return &ls_ops_f64[id]->cases[k];
    ck_abort_msg("%s has no case '%s'", ls_ops_f64[id]->name, name);
    return NULL;
}

struct moments {
    double mean, variance; /* biased */
    int64_t count;
};

/* Of channel c over rows first .. first+rows-1. */
static struct moments measure(const struct trial *trial, int64_t first, int64_t rows, int64_t c) {
    const struct ls_shape shape = trial->example->inputs[X].shape;
    const int64_t channels = ls_shape_last(shape), row = ls_shape_row_count(shape);
    struct moments m = {0, 0, rows * (row / channels)};
    const double *x = trial->values[X] + first * row + c;
    for (int64_t k = 0; k < m.count; k++)
        m.mean += x[k * channels] / (double)m.count;
    for (int64_t k = 0; k < m.count; k++)
        m.variance += (x[k * channels] - m.mean) * (x[k * channels] - m.mean) / (double)m.count;
    return m;
}

static void check_batch_norm(const char *name) {
    struct trial *trial =
        trial_create(LS_OP_batch_norm, norm_case(LS_OP_batch_norm, name), LS_F64, false);
    const struct ls_norm_options *options = trial->example->options;
    const double epsilon = options->epsilon > 0 ? options->epsilon : 1e-5;
    const struct ls_shape shape = trial->example->inputs[X].shape;
    const int64_t channels = ls_shape_last(shape), row = ls_shape_row_count(shape);
    const bool relu = trial->example->activation == LS_ACTIVATION_RELU;
    trial_run(trial, 0, trial_microbatches(trial), false);
    trial_run(trial, 0, trial_microbatches(trial),
              true); /* the same again: nothing is left from before */
    for (int64_t c = 0; c < channels; c++) {
        double mean_slot = 0, variance_slot = 0;
        for (int64_t first = 0; first < trial->rows; first += trial->microbatch_rows) {
            const int64_t left = trial->rows - first;
            const int64_t rows = left < trial->microbatch_rows ? left : trial->microbatch_rows;
            struct moments m = measure(trial, first, rows, c);
            if (trial->example->evaluation || m.count < 2) {
                m.mean = trial->values[MEAN][c];
                m.variance = trial->values[VARIANCE][c];
            } else {
                mean_slot += m.mean - trial->values[MEAN][c];
                variance_slot += m.variance * (double)m.count / (double)(m.count - 1) -
                                 trial->values[VARIANCE][c];
            }
            for (int64_t k = first * row + c; k < (first + rows) * row; k += channels) {
                double y = trial->values[GAIN][c] * (trial->values[X][k] - m.mean) /
                               sqrt(m.variance + epsilon) +
                           trial->values[OFFSET][c];
                y = relu && y < 0 ? 0 : y;
                ck_assert_double_eq_tol(trial->result[k], y, 1e-10);
            }
        }
        ck_assert_double_eq_tol(trial->statistics[MEAN][c], mean_slot, 1e-10);
        ck_assert_double_eq_tol(trial->statistics[VARIANCE][c], variance_slot, 1e-10);
    }
    trial_destroy(trial);
}

START_TEST(each_microbatch_has_its_own_statistics) {
    check_batch_norm("vectors, one sample in the last microbatch");
    check_batch_norm("images");
    check_batch_norm("few channels with ReLU");
}
END_TEST

START_TEST(a_single_value_uses_the_running_statistics_and_leaves_them) {
    check_batch_norm("one sample per microbatch");
}
END_TEST

START_TEST(evaluation_uses_the_running_statistics) {
    check_batch_norm("evaluation");
}
END_TEST

START_TEST(layer_norm_normalises_each_vector) {
    struct trial *trial =
        trial_create(LS_OP_layer_norm,
                     norm_case(LS_OP_layer_norm, "sequences, more rows than lanes"), LS_F64, false);
    const int64_t columns = ls_shape_last(trial->example->inputs[X].shape);
    trial_run(trial, 0, trial_microbatches(trial), false);
    for (int64_t at = 0; at < trial_count(trial, X); at += columns) {
        const double *x = trial->values[X] + at;
        double mean = 0, variance = 0;
        for (int64_t c = 0; c < columns; c++)
            mean += x[c] / (double)columns;
        for (int64_t c = 0; c < columns; c++)
            variance += (x[c] - mean) * (x[c] - mean) / (double)columns;
        for (int64_t c = 0; c < columns; c++)
            ck_assert_double_eq_tol(trial->result[at + c],
                                    trial->values[GAIN][c] * (x[c] - mean) / sqrt(variance + 1e-3) +
                                        trial->values[OFFSET][c],
                                    1e-10);
    }
    trial_destroy(trial);
}
END_TEST

START_TEST(a_large_mean_does_not_spoil_the_variance) {
    struct trial *trial = trial_create(LS_OP_batch_norm, norm_case(LS_OP_batch_norm, "images"),
                                       LS_F32_PORTABLE, false);
    const int64_t channels = ls_shape_last(trial->example->inputs[X].shape);
    for (int64_t k = 0; k < trial_count(trial, X); k++)
        trial->values[X][k] = (double)(float)(1000 + trial->values[X][k]);
    trial_run(trial, 0, 1, false);
    trial_run(trial, 0, 1, true);
    for (int64_t c = 0; c < channels; c++) {
        const struct moments m = measure(trial, 0, trial->microbatch_rows, c);
        const double unbiased = m.variance * (double)m.count / (double)(m.count - 1);
        ck_assert_double_eq_tol(trial->statistics[VARIANCE][c],
                                unbiased - trial->values[VARIANCE][c], 1e-6);
    }
    trial_destroy(trial);
}
END_TEST

LS_SUITE(each_microbatch_has_its_own_statistics,
         a_single_value_uses_the_running_statistics_and_leaves_them,
         evaluation_uses_the_running_statistics, layer_norm_normalises_each_vector,
         a_large_mean_does_not_spoil_the_variance)
