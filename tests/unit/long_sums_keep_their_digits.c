/* Ops whose sums are long, in float beside the same in double: core/tensor/chain.h. */
#include <math.h>

#include "core/graph/ops.h"
#include "core/ops/options.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

enum { TERMS = 120000 };

/* Values from 0 to 1: their sum grows all the way, as its roundings do. */
#define X(...)                                                                                     \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .low = 0, .high = 1 }
#define PARAMETER(...)                                                                             \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .parameter = true, .low = 0, .high = 1 }
#define PANELS(...)                                                                                \
    {                                                                                              \
        .shape = LS_CASE_SHAPE(__VA_ARGS__), .parameter = true, .layout = LS_LAYOUT_PANELS,        \
        .low = 0, .high = 1                                                                        \
    }
#define LABELS(most, ...)                                                                          \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .integer = true, .constant = true, .high = most }
#define NONE                                                                                       \
    { .absent = true }
#define OPTIONS(type, ...)                                                                         \
    .options = &(const struct type){__VA_ARGS__}, .options_size = sizeof(struct type)

static const struct {
    enum ls_op_id id;
    struct ls_op_case example;
} rows[] = {
    {LS_OP_linear,
     {.name = "positions",
      .input_count = 3,
      .inputs = {X(1, TERMS, 2), PANELS(2, 3), PARAMETER(3)}}},
    {LS_OP_linear,
     {.name = "inputs", .input_count = 3, .inputs = {X(3, TERMS), PANELS(TERMS, 1), PARAMETER(1)}}},
    {LS_OP_conv2d,
     {.name = "pixels",
      OPTIONS(ls_conv2d_options, .padding = {1, 1, 1, 1}),
      .input_count = 3,
      .inputs = {X(2, 300, 310, 1), PANELS(3, 3, 1, 2), PARAMETER(2)}}},
    {LS_OP_conv2d,
     {.name = "pixels of a row",
      OPTIONS(ls_conv2d_options, 0),
      .input_count = 3,
      .inputs = {X(1, 1, TERMS, 1), PANELS(1, 3, 1, 2), PARAMETER(2)}}},
    {LS_OP_conv2d,
     {.name = "each channel by itself",
      OPTIONS(ls_conv2d_options, .groups = 2),
      .input_count = 3,
      .inputs = {X(1, 400, 400, 2), PANELS(2, 2, 1, 2), PARAMETER(2)}}},
    {LS_OP_conv2d,
     {.name = "by Winograd",
      OPTIONS(ls_conv2d_options, .padding = {1, 1, 1, 1}),
      .winograd = LS_WINOGRAD_F2,
      .input_count = 3,
      .inputs = {X(1, 160, 160, 16), PANELS(3, 3, 16, 16), PARAMETER(16)}}},
    {LS_OP_embedding,
     {.name = "one word again and again",
      .input_count = 2,
      .inputs = {LABELS(0, 1, TERMS), PARAMETER(2, 3)}}},
    {LS_OP_add,
     {.name = "a vector for each position",
      .input_count = 2,
      .inputs = {X(1, 2 * TERMS, 1), PARAMETER(1)}}},
    {LS_OP_layer_norm,
     {.name = "a long row",
      OPTIONS(ls_norm_options, 0),
      .input_count = 3,
      .inputs = {X(1, TERMS), PARAMETER(TERMS), PARAMETER(TERMS)}}},
    {LS_OP_rms_norm,
     {.name = "a long row",
      OPTIONS(ls_norm_options, 0),
      .input_count = 2,
      .inputs = {X(1, TERMS), PARAMETER(TERMS)}}},
    {LS_OP_global_average_pool,
     {.name = "a large image", .input_count = 1, .inputs = {X(1, 500, 500, 2)}}},
    {LS_OP_average_pool,
     {.name = "a large window",
      OPTIONS(ls_pool_options, .window = {400, 300}, .stride = {100, 100}),
      .input_count = 1,
      .inputs = {X(1, 500, 300, 2)}}},
    {LS_OP_reduce,
     {.name = "many positions",
      OPTIONS(ls_reduce_options, .kind = LS_REDUCE_SUM, .axis = 1),
      .input_count = 2,
      .inputs = {X(1, TERMS, 2), NONE}}},
    {LS_OP_reduce,
     {.name = "many numbers",
      OPTIONS(ls_reduce_options, .kind = LS_REDUCE_MEAN, .axis = 1),
      .input_count = 2,
      .inputs = {X(1, TERMS), NONE}}},
    {LS_OP_softmax, {.name = "many classes", .input_count = 1, .inputs = {X(1, TERMS)}}},
    {LS_OP_log_softmax, {.name = "many classes", .input_count = 1, .inputs = {X(1, TERMS)}}},
    {LS_OP_softmax_cross_entropy,
     {.name = "many positions",
      OPTIONS(ls_cross_entropy_options, 0),
      .input_count = 4,
      .inputs = {X(1, TERMS, 2), LABELS(1, 1, TERMS), NONE, NONE}}},
    {LS_OP_squared_error,
     {.name = "many numbers",
      OPTIONS(ls_loss_options, .sum = true),
      .input_count = 2,
      .inputs = {X(1, TERMS), {.shape = LS_CASE_SHAPE(1, TERMS), .low = 2, .high = 3}}}},
    {LS_OP_distance,
     {.name = "many numbers",
      OPTIONS(ls_distance_options, .kind = LS_DISTANCE_SQUARED),
      .input_count = 2,
      .inputs = {X(1, TERMS), {.shape = LS_CASE_SHAPE(1, TERMS), .low = 2, .high = 3}}}},
    {LS_OP_prototypes,
     {.name = "many samples",
      .input_count = 2,
      .inputs = {X(TERMS / 2, 1),
                 {.shape = LS_CASE_SHAPE(1, 1), .parameter = true, .low = 2, .high = 3}}}},
    {LS_OP_batched_product,
     {.name = "a long sum",
      OPTIONS(ls_batched_product_options, 0),
      .input_count = 2,
      .inputs = {X(1, 2, TERMS), X(1, TERMS, 2)}}},
    {LS_OP_attention,
     {.name = "many keys",
      OPTIONS(ls_attention_options, 0),
      .input_count = 3,
      .inputs = {X(1, 2, 4), X(1, TERMS / 4, 8), NONE}}},
};

/* How far a is from b, relative to the largest of b. */
static double distance(const double *a, const double *b, int64_t count) {
    double far = 0, size = 1e-300;
    for (int64_t i = 0; i < count; i++) {
        far = fmax(far, fabs(a[i] - b[i]));
        size = fmax(size, fabs(b[i]));
        if (isnan(a[i]))
            return (double)INFINITY;
    }
    return far / size;
}

static struct trial *run(size_t row, enum ls_variant variant) {
    struct trial *trial = trial_create(rows[row].id, &rows[row].example, variant, false);
    for (int64_t i = 0; i < trial_output_count(trial); i++)
        trial->slopes[i] = fabs(trial->slopes[i]);
    trial_run(trial, 0, trial_microbatches(trial), true);
    return trial;
}

/* (The gradients of attention are small differences of large sums.) */
START_TEST(float_is_close_to_double_in_every_long_sum) {
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct trial *exact = run(row, LS_F64), *found = run(row, ls_variant_best());
        const double off = distance(found->result, exact->result, trial_output_count(found));
        ck_assert_msg(off < 4e-6, "%s: the result is off by %g", trial_name(found), off);
        for (int i = 0; i < rows[row].example.input_count; i++) {
            const double by = found->by_input[i] ? distance(found->by_input[i], exact->by_input[i],
                                                            trial_count(found, i))
                                                 : 0;
            ck_assert_msg(by < (rows[row].id == LS_OP_attention ? 2e-3 : 4e-6),
                          "%s: the gradient of input %d is off by %g", trial_name(found), i, by);
        }
        trial_destroy(exact);
        trial_destroy(found);
    }
}
END_TEST

/* A row far from 0, of values that are all alike or hardly differ. */
static void check_far_row(enum ls_op_id id, const struct ls_op_case *example, double low,
                          double high) {
    struct trial *trial = trial_create(id, example, ls_variant_best(), false);
    struct trial *exact = trial_create(id, example, LS_F64, false);
    for (int64_t i = 0; i < trial_count(trial, 0); i++)
        trial->values[0][i] = exact->values[0][i] =
            (double)(float)(low + (high - low) * (double)(i * 37 % 101) / 100);
    trial_run(trial, 0, 1, true);
    trial_run(exact, 0, 1, true);
    for (int64_t i = 0; i < trial_output_count(trial); i++)
        ck_assert_msg(fabs(trial->result[i] - exact->result[i]) < 1e-4,
                      "%s, %g to %g: element %lld is %g, expected %g", trial_name(trial), low, high,
                      (long long)i, trial->result[i], exact->result[i]);
    ck_assert_double_lt(distance(trial->by_input[1], exact->by_input[1], trial_count(trial, 1)),
                        1e-4);
    trial_destroy(trial);
    trial_destroy(exact);
}

START_TEST(norms_of_rows_far_from_zero_are_those_of_rows_near_it) {
    const struct ls_op_case layer = {.name = "a row far from 0",
                                     OPTIONS(ls_norm_options, 0),
                                     .input_count = 3,
                                     .inputs = {X(2, 1000), PARAMETER(1000), PARAMETER(1000)}};
    const struct ls_op_case group = {.name = "a group far from 0",
                                     OPTIONS(ls_group_norm_options, .groups = 2),
                                     .input_count = 3,
                                     .inputs = {X(2, 10, 10, 6), PARAMETER(6), PARAMETER(6)}};
    const double lows[] = {12345.678, 12345.678, 1e6, -1e7}, spans[] = {0, 1, 1, 100};
    for (int i = 0; i < 4; i++) {
        check_far_row(LS_OP_layer_norm, &layer, lows[i], lows[i] + spans[i]);
        check_far_row(LS_OP_group_norm, &group, lows[i], lows[i] + spans[i]);
    }
}
END_TEST

LS_SUITE(float_is_close_to_double_in_every_long_sum,
         norms_of_rows_far_from_zero_are_those_of_rows_near_it)
