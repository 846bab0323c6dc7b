/* max_pool, average_pool, global_average_pool and shortcut against their definitions, pixel by
 * pixel. */
#include <math.h>

#include "core/ops/options.h"
#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The largest or the mean of window (i, j) of image n, channel c. */
static double window(const struct trial *trial, bool largest, int64_t n, int64_t i, int64_t j,
                     int64_t c) {
    const struct ls_pool_options *options = trial->example->options;
    const int64_t *dims = trial->example->inputs[0].shape.dims;
    double best = -INFINITY, sum = 0;
    int count = 0;
    for (int64_t a = 0; a < options->window[0]; a++)
        for (int64_t b = 0; b < options->window[1]; b++) {
            const int64_t y = i * (options->stride[0] ? options->stride[0] : options->window[0]) +
                              a - options->padding[0];
            const int64_t x = j * (options->stride[1] ? options->stride[1] : options->window[1]) +
                              b - options->padding[1];
            if (y < 0 || x < 0 || y >= dims[1] || x >= dims[2])
                continue;
            const double value = trial->values[0][((n * dims[1] + y) * dims[2] + x) * dims[3] + c];
            best = fmax(best, value);
            sum += value;
            count++;
        }
    return largest ? best : sum / count;
}

static void check_pooling(enum ls_op_id id, bool largest) {
    for (int k = 0; k < ls_ops_f64[id]->case_count; k++) {
        struct trial *trial = trial_create(id, &ls_ops_f64[id]->cases[k], LS_F64, false);
        const int64_t *out = trial->output->shape.dims;
        const double *y = trial->result;
        trial_run(trial, 0, trial_microbatches(trial), false);
        for (int64_t n = 0; n < trial->rows; n++)
            for (int64_t i = 0; i < out[1]; i++)
                for (int64_t j = 0; j < out[2]; j++)
                    for (int64_t c = 0; c < out[3]; c++, y++)
                        ck_assert_double_eq_tol(*y, window(trial, largest, n, i, j, c), 1e-12);
        trial_destroy(trial);
    }
}

START_TEST(max_pool_takes_the_largest) {
    check_pooling(LS_OP_max_pool, true);
}
END_TEST

START_TEST(average_pool_counts_only_pixels_that_are_there) {
    check_pooling(LS_OP_average_pool, false);
}
END_TEST

static const struct ls_op_case two_by_two = {
    .name = "one window",
    .options = &(const struct ls_pool_options){.window = {2, 2}},
    .options_size = sizeof(struct ls_pool_options),
    .input_count = 1,
    .inputs = {{.shape = LS_CASE_SHAPE(1, 2, 2, 1), .low = -1, .high = 1}},
};

START_TEST(the_first_of_equals_gets_the_gradient) {
    struct trial *trial = trial_create(LS_OP_max_pool, &two_by_two, LS_F32_PORTABLE, false);
    const double values[] = {-1, 2, 2, 2};
    for (int i = 0; i < 4; i++)
        trial->values[0][i] = values[i];
    trial_run(trial, 0, 1, true);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(trial->by_input[0][i], i == 1 ? trial->slopes[0] : 0);
    trial_destroy(trial);
}
END_TEST

START_TEST(nan_is_not_pooled_away) {
    for (int at = 0; at < 4; at++) {
        struct trial *trial = trial_create(LS_OP_max_pool, &two_by_two, LS_F32_PORTABLE, false);
        trial->values[0][at] = NAN;
        trial_run(trial, 0, 1, false);
        ck_assert(isnan(trial->result[0]));
        trial_destroy(trial);
    }
}
END_TEST

START_TEST(global_average_pool_is_the_mean_over_pixels) {
    struct trial *trial = trial_create(
        LS_OP_global_average_pool, &ls_ops_f64[LS_OP_global_average_pool]->cases[0], LS_F64, false);
    const int64_t *dims = trial->example->inputs[0].shape.dims, pixels = dims[1] * dims[2];
    trial_run(trial, 0, trial_microbatches(trial), false);
    for (int64_t n = 0; n < dims[0]; n++)
        for (int64_t c = 0; c < dims[3]; c++) {
            double sum = 0;
            for (int64_t p = 0; p < pixels; p++)
                sum += trial->values[0][(n * pixels + p) * dims[3] + c];
            ck_assert_double_eq_tol(trial->result[n * dims[3] + c], sum / (double)pixels, 1e-12);
        }
    trial_destroy(trial);
}
END_TEST

START_TEST(shortcut_takes_every_second_pixel_between_zero_channels) {
    struct trial *trial =
        trial_create(LS_OP_shortcut, &ls_ops_f64[LS_OP_shortcut]->cases[0], LS_F64, false);
    const struct ls_shortcut_options *options = trial->example->options;
    const int64_t *in = trial->example->inputs[0].shape.dims, *out = trial->output->shape.dims;
    const int64_t before = (out[3] - in[3]) / 2;
    const double *y = trial->result;
    ck_assert_int_eq(out[1], 3); /* of 5 pixels */
    ck_assert_int_eq(out[2], 2); /* of 4 */
    trial_run(trial, 0, trial_microbatches(trial), false);
    for (int64_t n = 0; n < in[0]; n++)
        for (int64_t i = 0; i < out[1]; i++)
            for (int64_t j = 0; j < out[2]; j++)
                for (int64_t c = -before; c < out[3] - before; c++, y++) {
                    const int64_t pixel =
                        (n * in[1] + i * options->stride) * in[2] + j * options->stride;
                    const double expected =
                        c >= 0 && c < in[3] ? trial->values[0][pixel * in[3] + c] : 0;
                    ck_assert_double_eq(*y, expected);
                }
    trial_destroy(trial);
}
END_TEST

START_TEST(concat_puts_columns_side_by_side) {
    struct trial *trial =
        trial_create(LS_OP_concat, &ls_ops_f64[LS_OP_concat]->cases[1], LS_F64, false);
    trial_run(trial, 0, 1, false);
    for (int64_t n = 0; n < 2; n++) /* [2, 3, 4] and [2, 1, 4] along axis 1 */
        for (int64_t k = 0; k < 16; k++)
            ck_assert_double_eq(trial->result[n * 16 + k],
                                k < 12 ? trial->values[0][n * 12 + k]
                                       : trial->values[1][n * 4 + least(k - 12, 3)]);
    trial_destroy(trial);
}
END_TEST

LS_SUITE(max_pool_takes_the_largest, average_pool_counts_only_pixels_that_are_there,
         the_first_of_equals_gets_the_gradient, nan_is_not_pooled_away,
         global_average_pool_is_the_mean_over_pixels,
         shortcut_takes_every_second_pixel_between_zero_channels, concat_puts_columns_side_by_side)
