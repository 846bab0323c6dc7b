#include <string.h>

#include "core/graph/ops.h"
#include "tests/support/support.h"

static struct ls_graph *open_graph(struct ls_parameter_set *set) {
    return ls_graph_create(
        &(struct ls_graph_options){.variant = ls_variant_best(), .rows_max = 4, .parameters = set});
}

static struct ls_value *weight(struct ls_graph *graph, int64_t in, int64_t out) {
    return ls_graph_parameter(graph, "weight", LS_SHAPE(in, out), LS_LAYOUT_PANELS,
                              LS_PARAMETER_WEIGHT, true, 0,
                              (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
}

static void expect_error(struct ls_graph *graph, struct ls_parameter_set *set, const char *start,
                         const char *part) {
    ck_assert_int_eq(ls_graph_plan(graph, &ls_test_error), LS_INVALID);
    ck_assert_msg(!strncmp(ls_test_error.text, start, strlen(start)),
                  "'%s' does not start with '%s'", ls_test_error.text, start);
    ck_assert_msg(strstr(ls_test_error.text, part), "'%s' lacks '%s'", ls_test_error.text, part);
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}

START_TEST(the_first_error_stays_and_later_calls_give_null) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = open_graph(set);
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    ls_graph_push(graph, "stage1");
    ls_graph_push(graph, "dense");
    struct ls_value *y = ls_linear(graph, x, weight(graph, 4, 2), NULL);
    ck_assert_ptr_null(y);
    ls_graph_pop(graph);
    ls_graph_pop(graph);
    ck_assert(ls_graph_failed(graph));
    ck_assert_ptr_null(ls_relu(graph, y));
    ck_assert_ptr_null(ls_add(graph, x, x));
    ck_assert_ptr_null(ls_graph_fail(graph, "a second error"));
    ls_graph_set_loss(graph, y);
    ls_graph_keep(graph, y);
    expect_error(graph, set, "layer stage1.dense: linear: ", "4 inputs, found 3");
}
END_TEST

START_TEST(a_layer_may_report_its_own_error) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = open_graph(set);
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    ls_relu(graph, x);
    ls_graph_push(graph, "pool");
    ls_graph_fail(graph, "window %d is too large", 9);
    ls_graph_pop(graph);
    expect_error(graph, set, "layer pool: window 9 is too large", "");
}
END_TEST

/* Its gradients for the two could not be told apart. */
START_TEST(a_weight_given_twice_to_one_op_is_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = open_graph(set);
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    ls_graph_push(graph, "norm");
    struct ls_value *gain =
        ls_graph_parameter(graph, "gain", LS_SHAPE(3), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT, false,
                           0, (struct ls_initialiser){.kind = LS_INIT_ZEROS});
    ls_layer_norm(graph, x, gain, gain, &(struct ls_norm_options){0});
    ls_graph_pop(graph);
    expect_error(graph, set, "layer norm: layer_norm takes the parameter norm.gain twice",
                 "inputs 2 and 3");
}
END_TEST

/* The linear layer's weight lies in panels, which a look-up would not find rows in. */
START_TEST(a_weight_used_by_ops_of_different_layouts_is_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = open_graph(set);
    struct ls_value *index = ls_graph_input(graph, "x", LS_SHAPE(2), LS_TYPE_INT32);
    ls_graph_push(graph, "tokens");
    struct ls_value *table =
        ls_graph_parameter(graph, "weight", LS_SHAPE(5, 3), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT,
                           true, 0, (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
    struct ls_value *x = ls_embedding(graph, index, table);
    ck_assert_ptr_null(weight(graph, 5, 3));
    ck_assert_ptr_nonnull(x);
    expect_error(graph, set, "layer tokens: parameter tokens.weight exists as 5x3 (weight, plain)",
                 "now asked for as 5x3 (weight, panels)");
    set = ls_parameters_create();
    graph = open_graph(set);
    x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    struct ls_value *plain =
        ls_graph_parameter(graph, "table", LS_SHAPE(3, 5), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT,
                           true, 0, (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
    ls_graph_push(graph, "head");
    ls_linear(graph, x, plain, NULL);
    ls_graph_pop(graph);
    expect_error(graph, set, "layer head: linear: the weight must be stored in panels", "plain");
}
END_TEST

START_TEST(a_loss_of_another_shape_is_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = open_graph(set);
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    ls_graph_set_loss(graph, ls_linear(graph, x, weight(graph, 3, 3), NULL));
    expect_error(graph, set, "the loss must be 4x2", "4x3");
}
END_TEST

START_TEST(shapes_and_names_beyond_limits_are_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = open_graph(set);
    ck_assert_ptr_null(ls_graph_input(graph, "x", LS_SHAPE(1, 2, 3, 4, 5, 6), LS_TYPE_REAL));
    expect_error(graph, set, "input x: ", "1x2x3x4x5x6");
    set = ls_parameters_create();
    graph = open_graph(set);
    ck_assert_ptr_null(
        ls_graph_input(graph, "x", LS_SHAPE((int64_t)1 << 40, (int64_t)1 << 40), LS_TYPE_REAL));
    expect_error(graph, set, "input x: ", "1099511627776");
    set = ls_parameters_create();
    graph = open_graph(set);
    for (int i = 0; i < 40; i++)
        ls_graph_push(graph, "level");
    ck_assert_ptr_null(weight(graph, 1, 1));
    expect_error(graph, set, "layer level.level.", "longer than 159");
}
END_TEST

START_TEST(another_models_parameters_are_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *first = open_graph(set), *graph = open_graph(set);
    struct ls_value *x = ls_graph_input(first, "x", LS_SHAPE(3), LS_TYPE_REAL);
    ls_linear(first, x, weight(first, 3, 3), NULL);
    ls_require(ls_graph_plan(first, &ls_test_error));
    ls_graph_push(graph, "other");
    weight(graph, 3, 3);
    ls_graph_pop(graph);
    ls_graph_destroy(first);
    expect_error(graph, set, "layer other: parameter other.weight is not among the 1", "");
}
END_TEST

LS_SUITE(the_first_error_stays_and_later_calls_give_null, a_layer_may_report_its_own_error,
         a_weight_given_twice_to_one_op_is_refused,
         a_weight_used_by_ops_of_different_layouts_is_refused, a_loss_of_another_shape_is_refused,
         shapes_and_names_beyond_limits_are_refused, another_models_parameters_are_refused)
