/* Shape rules: a misfit is an error that names what was expected and what was found. */
#include <string.h>

#include "core/ops/options.h"
#include "core/graph/ops.h"
#include "tests/support/support.h"

static struct ls_graph *graph;
static struct ls_parameter_set *set;

static struct ls_value *input(struct ls_shape row) {
    return ls_graph_input(graph, "x", row, LS_TYPE_REAL);
}

static struct ls_value *labels(struct ls_shape row) {
    return ls_graph_input(graph, "t", row, LS_TYPE_INT32);
}

static struct ls_value *parameter(const char *name, int64_t count) {
    return ls_graph_parameter(graph, name, LS_SHAPE(count), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT,
                              false, 0, (struct ls_initialiser){.kind = LS_INIT_ZEROS});
}

static struct ls_value *window(int64_t outputs, int64_t inputs) {
    return ls_graph_parameter(graph, "w", LS_SHAPE(3, 3, outputs, inputs), LS_LAYOUT_PANELS,
                              LS_PARAMETER_WEIGHT, false, 0,
                              (struct ls_initialiser){.kind = LS_INIT_ZEROS});
}

static void begin(void) {
    set = ls_parameters_create();
    graph = ls_graph_create(
        &(const struct ls_graph_options){.variant = LS_F64, .rows_max = 4, .parameters = set});
}

/* Both texts stand in the graph's error. */
static void expect(const struct ls_value *value, const char *expected, const char *found) {
    struct ls_error error;
    ck_assert_ptr_null(value);
    ck_assert_int_eq(ls_graph_plan(graph, &error), LS_INVALID);
    ck_assert_msg(strstr(error.text, expected) && strstr(error.text, found), "found '%s'",
                  error.text);
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
    begin();
}

START_TEST(misfits_are_named) {
    const struct ls_pool_options large = {.window = {9, 9}},
                                 padded = {.window = {2, 2}, .padding = {2, 2}};
    const struct ls_cross_entropy_options plain = {0};
    const struct ls_norm_options norm = {0};
    begin();
    const struct ls_conv_transpose2d_options uneven = {.output_padding = {0, 1}}, whole = {0};
    expect(ls_conv_transpose2d(graph, input(LS_SHAPE(8)), parameter("w", 8), NULL, &whole),
           "height x width x channels", "found 8");
    expect(ls_conv_transpose2d(graph, input(LS_SHAPE(8, 8, 3)), parameter("w", 8), NULL, &whole),
           "outputs / groups, inputs]", "found 8");
    expect(ls_conv_transpose2d(graph, input(LS_SHAPE(8, 8, 3)), window(2, 4), NULL, &whole),
           "expects 4 input channels", "found 3");
    expect(ls_conv_transpose2d(graph, input(LS_SHAPE(8, 8, 4)), window(2, 4), parameter("b", 4),
                               &whole),
           "bias must be a parameter of shape 2", "found 4");
    expect(ls_conv_transpose2d(graph, input(LS_SHAPE(8, 8, 4)), window(2, 4), NULL, &uneven),
           "below the stride 1", "found 1 in width");
    expect(ls_add(graph, input(LS_SHAPE(3)), input(LS_SHAPE(4))), "4x3", "4x4");
    expect(ls_multiply(graph, input(LS_SHAPE(3)), parameter("p", 5)), "last dimension 3",
           "a parameter 5");
    expect(ls_reshape(graph, input(LS_SHAPE(4, 3)), LS_SHAPE(5, -1)), "4x3 (12 elements)", "5x-1");
    expect(ls_reshape(graph, input(LS_SHAPE(4)), LS_SHAPE(-1, -1)), "4 elements", "-1x-1");
    expect(ls_concat(graph, (struct ls_value *[]){input(LS_SHAPE(2, 3)), input(LS_SHAPE(3, 3))}, 2,
                     -1),
           "4x2x3", "4x3x3");
    expect(ls_concat(graph, (struct ls_value *[]){input(LS_SHAPE(2))}, 1, 0), "1 to 1", "found 0");
    expect(ls_max_pool(graph, input(LS_SHAPE(8, 8, 3)), &large), "window of 9", "height of 8");
    expect(ls_max_pool(graph, input(LS_SHAPE(8, 8, 3)), &padded), "below the window", "padding 2");
    expect(ls_average_pool(graph, input(LS_SHAPE(8)), &padded), "expected images", "4x8");
    expect(ls_global_average_pool(graph, input(LS_SHAPE(8))), "expected images", "4x8");
    expect(ls_shortcut(graph, input(LS_SHAPE(8, 8, 16)), 2, 8), "channels >= 16", "channels 8");
    expect(ls_dropout(graph, input(LS_SHAPE(8)), 1.0), "below 1", "found 1");
    expect(ls_relu(graph, labels(LS_SHAPE(8))), "real numbers", "integers");
    expect(ls_relu(graph, parameter("p", 5)), "per sample", "a plain 5");
    expect(ls_layer_norm(graph, input(LS_SHAPE(8)), parameter("g", 7), parameter("o", 8), &norm),
           "gain must be a parameter of shape 8", "found 7");
    expect(ls_batch_norm(graph, input(LS_SHAPE(6)), parameter("g", 6), parameter("o", 6),
                         parameter("m", 6), parameter("v", 5), &norm),
           "running variance must be a parameter of shape 6", "found 5");
    expect(ls_standardise(graph, input(LS_SHAPE(2, 3)), parameter("m", 6), parameter("s", 6)),
           "3 or 2x3", "found 6");
    expect(ls_embedding(graph, input(LS_SHAPE(3)), parameter("t", 6)), "must be integers",
           "real numbers");
    expect(ls_embedding(graph, labels(LS_SHAPE(3)), parameter("t", 6)), "(entries, width)",
           "found 6");
    expect(ls_squared_error(graph, input(LS_SHAPE(3)), input(LS_SHAPE(4))), "4x3", "4x4");
    expect(ls_huber(graph, input(LS_SHAPE(3)), input(LS_SHAPE(3)), 0), "above 0", "found 0");
    expect(ls_softmax_cross_entropy(graph, input(LS_SHAPE(3)), input(LS_SHAPE(1)), NULL, &plain),
           "whole-number label", "real targets");
    expect(ls_softmax_cross_entropy(graph, input(LS_SHAPE(3)), labels(LS_SHAPE(2)), NULL, &plain),
           "4x3", "4x2");
    expect(ls_softmax_cross_entropy(graph, input(LS_SHAPE(3)), labels(LS_SHAPE(1)),
                                    parameter("w", 4), &plain),
           "class weights must be a parameter of shape 3", "found 4");
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(misfits_are_named)
