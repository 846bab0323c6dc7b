/* conv_transpose2d against its definition: every pixel of x adds its window to y. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

static int64_t or_one(int64_t value) {
    return value ? value : 1;
}

/* Pixel (i, j) of one image: all its channels through the window onto y. */
static void scatter_pixel(const struct trial *trial, int64_t i, int64_t j, const double *x,
                          double *y) {
    const struct ls_conv_transpose2d_options *options = trial->example->options;
    const struct ls_conv2d_options *o = &options->convolution;
    const int64_t *w = trial->example->inputs[1].shape.dims, *out = trial->output->shape.dims;
    const int64_t inputs = w[3] / or_one(o->groups), outputs = w[2];
    for (int64_t tap = 0; tap < w[0] * w[1]; tap++) {
        const int64_t row =
            i * or_one(o->stride[0]) - o->padding[0] + tap / w[1] * or_one(o->dilation[0]);
        const int64_t column =
            j * or_one(o->stride[1]) - o->padding[2] + tap % w[1] * or_one(o->dilation[1]);
        if (row < 0 || row >= out[1] || column < 0 || column >= out[2])
            continue;
        for (int64_t c = 0; c < w[3]; c++)
            for (int64_t k = 0; k < outputs; k++)
                y[(row * out[2] + column) * out[3] + c / inputs * outputs + k] +=
                    x[c] * trial->values[1][(tap * outputs + k) * w[3] + c];
    }
}

static double *definition(const struct trial *trial) {
    const int64_t *in = trial->example->inputs[0].shape.dims, *out = trial->output->shape.dims;
    double *y = ls_calloc((size_t)trial_output_count(trial), sizeof *y);
    for (int64_t n = 0; n < in[0]; n++)
        for (int64_t pixel = 0; pixel < in[1] * in[2]; pixel++)
            scatter_pixel(trial, pixel / in[2], pixel % in[2],
                          trial->values[0] + (n * in[1] * in[2] + pixel) * in[3],
                          y + n * out[1] * out[2] * out[3]);
    for (int64_t k = 0; k < trial_output_count(trial); k++) {
        y[k] += trial->values[2] ? trial->values[2][k % out[3]] : 0;
        if (trial->example->activation == LS_ACTIVATION_RELU && y[k] < 0)
            y[k] = 0;
    }
    return y;
}

START_TEST(every_case_is_a_sum_of_windows) {
    const struct ls_op *op = ls_ops_f64[LS_OP_conv_transpose2d];
    for (int i = 0; i < op->case_count; i++) {
        struct trial *trial = trial_create(LS_OP_conv_transpose2d, &op->cases[i], LS_F64, false);
        trial_run(trial, 0, trial_microbatches(trial), false);
        double *expected = definition(trial);
        for (int64_t k = 0; k < trial_output_count(trial); k++)
            ck_assert_msg(fabs(trial->result[k] - expected[k]) < 1e-12,
                          "%s: element %lld is %.17g, by definition %.17g", trial_name(trial),
                          (long long)k, trial->result[k], expected[k]);
        free(expected);
        trial_destroy(trial);
    }
}
END_TEST

START_TEST(sizes_are_those_of_pytorch) {
    static const int64_t sizes[][2] = {{3, 2}, {6, 7}, {6, 7}, {4, 1}, {4, 6},
                                       {5, 4}, {6, 4}, {3, 5}, {4, 2}, {3, 4}};
    const struct ls_op *op = ls_ops_f64[LS_OP_conv_transpose2d];
    ck_assert_int_eq(op->case_count, (int)(sizeof sizes / sizeof *sizes));
    for (int i = 0; i < op->case_count; i++) {
        struct trial *trial = trial_create(LS_OP_conv_transpose2d, &op->cases[i], LS_F64, false);
        ck_assert_int_eq(trial->output->shape.dims[1], sizes[i][0]);
        ck_assert_int_eq(trial->output->shape.dims[2], sizes[i][1]);
        trial_destroy(trial);
    }
}
END_TEST

LS_SUITE(every_case_is_a_sum_of_windows, sizes_are_those_of_pytorch)
