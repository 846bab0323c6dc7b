/* Small tensor ops by hand-made numbers, in double: what the gradient test cannot see, as it knows
 * forward only by itself. */
#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

enum { ROWS = 2, INPUTS_MAX = 4, ELEMENTS_MAX = 64 };

static struct ls_graph *graph;
static struct ls_parameter_set *set;
static struct ls_value *inputs[INPUTS_MAX];
static const double *contents[INPUTS_MAX];
static int input_count;
static double flat[ELEMENTS_MAX];

static void begin(int64_t step_positions) {
    set = ls_parameters_create();
    graph = ls_graph_create(&(const struct ls_graph_options){.variant = LS_F64,
                                                             .rows_max = ROWS,
                                                             .parameters = set,
                                                             .inference = true,
                                                             .step_positions = step_positions});
    input_count = 0;
}

static void end(void) {
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}

static struct ls_value *input(struct ls_shape row, enum ls_type type, const double *values) {
    contents[input_count] = values;
    inputs[input_count] = ls_graph_input(graph, "x", row, type);
    return inputs[input_count++];
}

#define REALS(row, ...) input(row, LS_TYPE_REAL, (const double[]){__VA_ARGS__})
#define INTEGERS(row, ...) input(row, LS_TYPE_INT32, (const double[]){__VA_ARGS__})

/* The only parameter of a graph: 100, 101, 102, ... */
static struct ls_value *parameter(struct ls_shape shape) {
    return ls_graph_parameter(graph, "p", shape, LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT, false, 0,
                              (struct ls_initialiser){.kind = LS_INIT_ZEROS});
}

static void forward(int64_t position) {
    const struct ls_run run = {.rows = ROWS,
                               .microbatch_rows = ROWS,
                               .microbatches = 1,
                               .row_ids = (const uint64_t[]){0, 1},
                               .position = position};
    for (int k = 0; k < input_count; k++)
        for (int64_t i = 0; i < ls_shape_count(inputs[k]->shape); i++)
            if (inputs[k]->type == LS_TYPE_INT32)
                ((int32_t *)inputs[k]->data)[i] = (int32_t)contents[k][i];
            else
                ((double *)inputs[k]->data)[i] = contents[k][i];
    for (int i = 0; i < ELEMENTS_MAX; i++)
        flat[i] = 100 + i;
    ls_graph_prepare(graph, flat);
    ls_graph_forward(graph, &run, NULL);
}

static void plan(struct ls_value *y) {
    if (y)
        ls_graph_keep(graph, y);
    ls_require(ls_graph_plan(graph, &ls_test_error));
}

static void compare(const struct ls_value *y, struct ls_shape row, const double *expected) {
    char found[LS_SHAPE_TEXT_MAX], wanted[LS_SHAPE_TEXT_MAX];
    ck_assert_msg(ls_shape_equal(ls_shape_of_row(y->shape), row), "found %s, expected %s",
                  ls_shape_print(ls_shape_of_row(y->shape), found), ls_shape_print(row, wanted));
    for (int64_t i = 0; i < ls_shape_count(y->shape); i++)
        ck_assert_double_eq_tol(((const double *)y->data)[i], expected[i], 1e-12);
}

/* Plans the graph, runs it and ends it; y must have rows of that shape and these values. */
static void check(struct ls_value *y, struct ls_shape row, const double *expected) {
    plan(y);
    forward(0);
    compare(y, row, expected);
    end();
    begin(0);
}

#define CHECK(y, row, ...) check(y, row, (const double[]){__VA_ARGS__})

START_TEST(functions_of_one_number) {
    const double c = sqrt(2 / acos(-1));
#define TANH_FORM(x) (x) / 2 * (1 + tanh(c * ((x) + 0.044715 * (x) * (x) * (x))))
    const struct ls_shape one = LS_SHAPE(2);
    begin(0);
    CHECK(ls_exp(graph, REALS(one, 0, 1, -1, 2)), one, 1, exp(1), exp(-1), exp(2));
    CHECK(ls_logarithm(graph, REALS(one, 1, 2, 0.5, 10)), one, 0, log(2), -log(2), log(10));
    CHECK(ls_square(graph, REALS(one, 0, 3, -1.5, 2)), one, 0, 9, 2.25, 4);
    CHECK(ls_abs(graph, REALS(one, 0, 3, -1.5, 2)), one, 0, 3, 1.5, 2);
    CHECK(ls_clamp(graph, REALS(one, 0, 3, -1.5, 2), -1, 2.5), one, 0, 2.5, -1, 2);
    CHECK(ls_scale(graph, REALS(one, 0, 3, -1.5, 2), -2, 1), one, 1, -5, 4, -3);
    CHECK(ls_stop_gradient(graph, REALS(one, 0, 3, -1.5, 2)), one, 0, 3, -1.5, 2);
    CHECK(ls_gelu_tanh(graph, REALS(one, 0, 1, -2, 3)), one, 0, TANH_FORM(1.0), TANH_FORM(-2.0),
          TANH_FORM(3.0));
    end();
}
END_TEST

START_TEST(functions_of_two_values) {
    const struct ls_shape row = LS_SHAPE(2);
    begin(0);
#define A REALS(row, 1, 2, 3, -4)
#define B REALS(row, 5, 2, -1, 8)
    CHECK(ls_subtract(graph, A, B), row, -4, 0, 4, -12);
    CHECK(ls_divide(graph, A, B), row, 0.2, 1, -3, -0.5);
    CHECK(ls_maximum(graph, A, B), row, 5, 2, 3, 8);
    CHECK(ls_subtract(graph, A, parameter(row)), row, -99, -99, -97, -105);
    CHECK(ls_add(graph, REALS(LS_SHAPE(2, 2), 0, 1, 2, 3, 4, 5, 6, 7), parameter(LS_SHAPE(2, 2))),
          LS_SHAPE(2, 2), 100, 102, 104, 106, 104, 106, 108, 110);
    CHECK(ls_distance(graph, A, B, LS_DISTANCE_SQUARED), LS_SHAPE(1), 16, 160);
    CHECK(ls_distance(graph, A, B, LS_DISTANCE_COSINE), LS_SHAPE(1), 1 - 9 / sqrt(5 * 29),
          1 + 35 / sqrt(25 * 65));
    CHECK(ls_distance(graph, A, REALS(row, 0, 0, 0, 0), LS_DISTANCE_COSINE), LS_SHAPE(1), 1, 1);
    end();
}
END_TEST

START_TEST(positions_of_steps_take_their_rows) {
    begin(3);
    struct ls_value *x = REALS(LS_SHAPE(1, 2), 1, 2, 3, 4);
    struct ls_value *y = ls_add(graph, x, parameter(LS_SHAPE(4, 2)));
    plan(y);
    forward(0);
    compare(y, LS_SHAPE(1, 2), (const double[]){101, 103, 103, 105});
    forward(2);
    compare(y, LS_SHAPE(1, 2), (const double[]){105, 107, 107, 109});
    end();
    begin(3); /* one vector for all positions stays what it is */
    y = ls_add(graph, REALS(LS_SHAPE(1, 2), 1, 2, 3, 4), parameter(LS_SHAPE(2)));
    plan(y);
    forward(2);
    compare(y, LS_SHAPE(1, 2), (const double[]){101, 103, 103, 105});
    end();
}
END_TEST

#define CUBE REALS(LS_SHAPE(2, 3), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)

START_TEST(parts_are_picked_and_moved) {
    begin(0);
    CHECK(ls_slice(graph, CUBE, &(struct ls_slice_options){.axis = 2, .first = -2}), LS_SHAPE(2, 2),
          1, 2, 4, 5, 7, 8, 10, 11);
    CHECK(ls_take(graph, CUBE, 1), LS_SHAPE(3), 3, 4, 5, 9, 10, 11);
    CHECK(ls_take(graph, CUBE, -2), LS_SHAPE(3), 0, 1, 2, 6, 7, 8);
    CHECK(ls_last(graph, CUBE, NULL), LS_SHAPE(3), 3, 4, 5, 9, 10, 11);
    CHECK(ls_last(graph, CUBE, INTEGERS(LS_SHAPE(1), 0, 1)), LS_SHAPE(3), 0, 0, 0, 6, 7, 8);
    CHECK(ls_transpose(graph, CUBE, &(struct ls_transpose_options){2, {2, 1}}), LS_SHAPE(3, 2), 0,
          3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11);
    CHECK(ls_repeat(graph, REALS(LS_SHAPE(2), 1, 2, 3, 4), 3), LS_SHAPE(3, 2), 1, 2, 1, 2, 1, 2, 3,
          4, 3, 4, 3, 4);
    CHECK(ls_one_hot(graph, INTEGERS(LS_SHAPE(1), 2, 0), 3), LS_SHAPE(1, 3), 0, 0, 1, 1, 0, 0);
    CHECK(ls_upsample(graph, REALS(LS_SHAPE(1, 2, 1), 1, 2, 3, 4),
                      &(struct ls_upsample_options){{2, 2}}),
          LS_SHAPE(2, 4, 1), 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4);
    end();
}
END_TEST

static struct ls_value *reduce(struct ls_value *x, struct ls_value *lengths,
                               enum ls_reduce_kind kind, int axis) {
    return ls_reduce(graph, x, lengths, &(struct ls_reduce_options){kind, axis});
}

START_TEST(dimensions_are_summed_up) {
    const struct ls_shape row = LS_SHAPE(3);
#define SOME INTEGERS(LS_SHAPE(1), 1, 0)
    begin(0);
    CHECK(reduce(CUBE, NULL, LS_REDUCE_SUM, 1), row, 3, 5, 7, 15, 17, 19);
    CHECK(reduce(CUBE, NULL, LS_REDUCE_MEAN, -1), LS_SHAPE(2), 1, 4, 7, 10);
    CHECK(reduce(CUBE, NULL, LS_REDUCE_MAX, 2), LS_SHAPE(2), 2, 5, 8, 11);
    CHECK(reduce(CUBE, SOME, LS_REDUCE_MEAN, 1), row, 0, 1, 2, 0, 0, 0);
    CHECK(reduce(CUBE, SOME, LS_REDUCE_MAX, 1), row, 0, 1, 2, 0, 0, 0);
    end();
}
END_TEST

START_TEST(matrices_are_multiplied) {
#define LEFT REALS(LS_SHAPE(2, 2), 1, 2, 3, 4, 0, 1, 1, 0)
#define RIGHT REALS(LS_SHAPE(2, 2), 5, 6, 7, 8, 1, 2, 3, 4)
#define PRODUCT(a, b)                                                                              \
    ls_batched_product(graph, LEFT, RIGHT, &(struct ls_batched_product_options){a, b})
    const struct ls_shape row = LS_SHAPE(2, 2);
    begin(0);
    CHECK(PRODUCT(false, false), row, 19, 22, 43, 50, 3, 4, 1, 2);
    CHECK(PRODUCT(true, false), row, 26, 30, 38, 44, 3, 4, 1, 2);
    CHECK(PRODUCT(false, true), row, 17, 23, 39, 53, 2, 4, 1, 3);
    CHECK(PRODUCT(true, true), row, 23, 31, 34, 46, 2, 4, 1, 3);
    end();
}
END_TEST

START_TEST(norms_give_their_mean_and_variance) {
    /* gain 100, 101, ...: seen by dividing through it. */
    const double rms = sqrt(12.5), tiny = 1e-30;
    begin(0);
    struct ls_value *x = REALS(LS_SHAPE(2), 3, 4, -3, 4);
    struct ls_value *gain = parameter(LS_SHAPE(2));
    CHECK(ls_rms_norm(graph, x, gain, &(struct ls_norm_options){tiny}), LS_SHAPE(2), 300 / rms,
          404 / rms, -300 / rms, 404 / rms);
    /* Two positions, two groups of one channel: each to -1 and 1. */
    x = REALS(LS_SHAPE(2, 2), 0, 5, 2, 3, 7, 1, 9, 0);
    struct ls_value *both = parameter(LS_SHAPE(2));
    struct ls_value *y =
        ls_group_norm(graph, x, both, both, &(struct ls_group_norm_options){2, 1e-30});
    CHECK(y, LS_SHAPE(2, 2), 0, 202, 200, 0, 0, 202, 200, 0);
    end();
}
END_TEST

START_TEST(a_stopped_gradient_does_not_come_through) {
    set = ls_parameters_create();
    graph = ls_graph_create(
        &(const struct ls_graph_options){.variant = LS_F64, .rows_max = ROWS, .parameters = set});
    input_count = 0;
    struct ls_value *x = REALS(LS_SHAPE(2), 1, 2, 3, 4);
    ls_graph_want_gradient(graph, x);
    struct ls_value *y = ls_multiply(graph, ls_stop_gradient(graph, x), ls_scale(graph, x, 3, 0));
    plan(y);
    forward(0);
    const struct ls_run run = {.rows = ROWS, .microbatch_rows = ROWS, .microbatches = 1};
    for (int i = 0; i < 4; i++)
        ((double *)y->gradient)[i] = 1;
    ls_graph_backward_from(graph, y, &run, flat);
    for (int i = 0; i < 4; i++) /* y = stop(x) 3 x */
        ck_assert_double_eq_tol(((const double *)x->gradient)[i], 3 * contents[0][i], 1e-12);
    end();
}
END_TEST

/* The results of an op on one sample of two inputs of three numbers, in every variant. */
static void check_all(enum ls_op_id id, struct ls_op_case example, const double *x, const double *t,
                      const double *expected, int count) {
    for (int i = 0; i < example.input_count; i++)
        if (!example.inputs[i].absent)
            example.inputs[i].shape = LS_SHAPE(1, 3);
    for (int variant = LS_F32_PORTABLE; variant <= LS_F64; variant++) {
        if (!ls_variant_supported((enum ls_variant)variant))
            continue;
        struct trial *trial = trial_create(id, &example, (enum ls_variant)variant, false);
        memcpy(trial->values[0], x, 3 * sizeof *x);
        if (t)
            memcpy(trial->values[1], t, 3 * sizeof *t);
        trial_run(trial, 0, 1, false);
        for (int i = 0; i < count; i++) {
            const double found = trial->result[i];
            ck_assert_msg(isnan(expected[i]) ? isnan(found) : found == expected[i],
                          "%s: %g, expected %g", trial_name(trial), found, expected[i]);
        }
        trial_destroy(trial);
    }
}

START_TEST(what_is_no_number_is_not_hidden) {
    const struct ls_reduce_options largest = {.kind = LS_REDUCE_MAX, .axis = 1};
    const struct ls_op_case one = {.input_count = 1}, two = {.input_count = 2};
    const struct ls_op_case reduce = {.options = &largest,
                                      .options_size = sizeof largest,
                                      .input_count = 2,
                                      .inputs = {{.low = 0}, {.absent = true}}};
    const double infinite = (double)INFINITY, none = (double)NAN;
    check_all(LS_OP_log, one, (const double[]){1, 0, -1}, NULL,
              (const double[]){0, -infinite, none}, 3);
    check_all(LS_OP_log, one, (const double[]){-1e30, none, -infinite}, NULL,
              (const double[]){none, none, none}, 3);
    check_all(LS_OP_maximum, two, (const double[]){1, none, 2}, (const double[]){none, 1, 3},
              (const double[]){none, none, 3}, 3);
    for (int at = 0; at < 3; at++) {
        double x[] = {1, 3, 2};
        x[at] = none;
        check_all(LS_OP_reduce, reduce, x, NULL, &none, 1);
        check_all(LS_OP_nearest_prototype, one, x, NULL, &none, 1);
        check_all(LS_OP_nearest_sample, one, x, NULL, &none, 1);
    }
}
END_TEST

LS_SUITE(functions_of_one_number, what_is_no_number_is_not_hidden, functions_of_two_values,
         positions_of_steps_take_their_rows, parts_are_picked_and_moved, dimensions_are_summed_up,
         matrices_are_multiplied, norms_give_their_mean_and_variance,
         a_stopped_gradient_does_not_come_through)
