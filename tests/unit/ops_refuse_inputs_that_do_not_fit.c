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

static void begin_steps(int64_t positions) {
    set = ls_parameters_create();
    graph = ls_graph_create(&(const struct ls_graph_options){.variant = LS_F64,
                                                             .rows_max = 4,
                                                             .parameters = set,
                                                             .inference = positions > 0,
                                                             .step_positions = positions});
}

static void begin(void) {
    begin_steps(0);
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

static struct ls_value *panels(const char *name, int64_t inputs, int64_t outputs) {
    return ls_graph_parameter(graph, name, LS_SHAPE(inputs, outputs), LS_LAYOUT_PANELS,
                              LS_PARAMETER_WEIGHT, false, 0,
                              (struct ls_initialiser){.kind = LS_INIT_ZEROS});
}

static struct ls_value *recurrent(struct ls_shape x, int64_t columns,
                                  struct ls_recurrence_values values) {
    const struct ls_recurrence_options options = {0};
    values.weight = panels("w", 3, 8);
    values.recurrent_weight = panels("u", 2, columns);
    return ls_lstm(graph, input(x), &values, &options);
}

START_TEST(misfits_of_recurrences_are_named) {
    const struct ls_recurrence_values none = {0};
    begin();
    expect(recurrent(LS_SHAPE(3), 8, none), "positions x channels", "found 3");
    expect(recurrent(LS_SHAPE(5, 3), 6, none), "[units, 4 units]", "found 2x6");
    expect(recurrent(LS_SHAPE(5, 4), 8, none), "weight must be a parameter of shape 4x8",
           "found 3x8");
    expect(recurrent(LS_SHAPE(5, 3), 8, (struct ls_recurrence_values){.bias = parameter("b", 2)}),
           "bias must be a parameter of shape 8", "found 2");
    expect(recurrent(LS_SHAPE(5, 3), 8, (struct ls_recurrence_values){.state = input(LS_SHAPE(7))}),
           "state must have 2 values per sample", "found 7");
    expect(recurrent(LS_SHAPE(5, 3), 8, (struct ls_recurrence_values){.cell = input(LS_SHAPE(4))}),
           "cell must have 2 values per sample", "found 4");
    expect(
        recurrent(LS_SHAPE(5, 3), 8, (struct ls_recurrence_values){.lengths = labels(LS_SHAPE(2))}),
        "one integer per sample", "4x2");
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(misfits_are_named) {
    const struct ls_pool_options large = {.window = {9, 9}},
                                 padded = {.window = {2, 2}, .padding = {2, 2}};
    const struct ls_cross_entropy_options plain = {0};
    const struct ls_norm_options norm = {0};
    const struct ls_attention_options heads = {.heads = 2};
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
    expect(ls_prototypes(graph, input(LS_SHAPE(3)), parameter("p", 3)), "shape (count, 3)",
           "found 3");
    expect(ls_noise(graph, LS_SHAPE(3, 0), LS_NOISE_NORMAL), "dimensions from 1 on",
           "found a row of shape 3x0");
    expect(ls_gaussian_noise(graph, input(LS_SHAPE(8)), -1), "at least 0", "found -1");
    expect(ls_sample_normal(graph, input(LS_SHAPE(8)), input(LS_SHAPE(2, 4))), "means of shape 4x8",
           "found 4x2x4");
    expect(ls_slice(graph, input(LS_SHAPE(8)),
                    &(struct ls_slice_options){.axis = 1, .first = 6, .count = 3}),
           "some of the 8 entries of dimension 1", "found 3 from 6 on");
    expect(ls_slice(graph, input(LS_SHAPE(8)), &(struct ls_slice_options){.axis = 2}), "1 to 1",
           "found 2");
    expect(ls_take(graph, input(LS_SHAPE(8, 3)), 8), "8 entries", "from 8 on");
    expect(ls_transpose(graph, input(LS_SHAPE(8, 3)), &(struct ls_transpose_options){2, {1, 1}}),
           "each of the dimensions 1 to 2", "4x8x3");
    expect(ls_last(graph, input(LS_SHAPE(8, 3)), input(LS_SHAPE(1))), "one integer per sample",
           "real numbers of shape 4x1");
    expect(ls_reduce(graph, input(LS_SHAPE(8, 3)), labels(LS_SHAPE(1)),
                     &(struct ls_reduce_options){.axis = 2}),
           "dimension 1, the positions", "axis 2");
    expect(ls_repeat(graph, input(LS_SHAPE(8)), 0), "from 1 on", "found 0");
    expect(ls_one_hot(graph, input(LS_SHAPE(8)), 3), "expected integers", "real numbers");
    expect(ls_upsample(graph, input(LS_SHAPE(8)), &(struct ls_upsample_options){{2, 2}}),
           "expected images", "4x8");
    expect(ls_distance(graph, input(LS_SHAPE(8)), input(LS_SHAPE(7)), LS_DISTANCE_COSINE), "4x8",
           "4x7");
    expect(ls_batched_product(graph, input(LS_SHAPE(2, 3)), input(LS_SHAPE(4, 3)),
                              &(struct ls_batched_product_options){0}),
           "matrices that fit", "4x2x3 and 4x4x3");
    expect(ls_group_norm(graph, input(LS_SHAPE(6)), parameter("g", 6), parameter("o", 6),
                         &(struct ls_group_norm_options){.groups = 4}),
           "divides the 6 channels", "found 4");
    expect(ls_rms_norm(graph, input(LS_SHAPE(8)), parameter("g", 7), &norm),
           "gain must be a parameter of shape 8", "found 7");
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
    expect(ls_attention(graph, input(LS_SHAPE(5, 8)), NULL, NULL, &heads), "3 channels]", "4x5x8");
    expect(ls_attention(graph, input(LS_SHAPE(5, 12)), NULL, NULL,
                        &(struct ls_attention_options){.heads = 3}),
           "divide the 4 channels", "found 3");
    expect(ls_attention(graph, input(LS_SHAPE(5, 4)), input(LS_SHAPE(3, 4)), NULL, &heads),
           "2 channels", "found 4x3x4");
    expect(ls_attention(graph, input(LS_SHAPE(5, 12)), NULL, input(LS_SHAPE(1)), &heads),
           "one integer per sample", "real numbers of shape 4x1");
    expect(ls_attention(graph, input(LS_SHAPE(5, 12)), NULL, labels(LS_SHAPE(2)), &heads),
           "one integer per sample", "integers of shape 4x2");
    expect(ls_attention(graph, input(LS_SHAPE(5, 12)), NULL, NULL,
                        &(struct ls_attention_options){.dropout = 1}),
           "below 1", "found 1");
    expect(ls_rotary(graph, input(LS_SHAPE(5, 9)), &(struct ls_rotary_options){0}),
           "even and divide the 9 channels", "found 9");
    expect(ls_rotary(graph, input(LS_SHAPE(5, 8)), &(struct ls_rotary_options){.channels = 10}),
           "1 to 8 channels", "found 10");
    expect(ls_squared_error(graph, input(LS_SHAPE(3)), input(LS_SHAPE(4)), NULL, NULL), "4x3",
           "4x4");
    expect(ls_huber(graph, input(LS_SHAPE(3)), input(LS_SHAPE(3)), NULL, NULL), "above 0",
           "found 0");
    expect(
        ls_softmax_cross_entropy(graph, input(LS_SHAPE(3)), input(LS_SHAPE(1)), NULL, NULL, &plain),
        "whole-number label", "real targets");
    expect(ls_softmax_cross_entropy(graph, input(LS_SHAPE(3)), labels(LS_SHAPE(2)), NULL, NULL,
                                    &plain),
           "4x3", "4x2");
    expect(ls_softmax_cross_entropy(graph, input(LS_SHAPE(3)), labels(LS_SHAPE(1)),
                                    parameter("w", 4), NULL, &plain),
           "class weights must be a parameter of shape 3", "found 4");
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(misfits_of_losses_are_named) {
    const struct ls_loss_options none = {0};
    const struct ls_cross_entropy_options plain = {0};
    const double weights[LS_TERMS_MAX + 1] = {1, -1};
    struct ls_value *many[LS_TERMS_MAX + 1];
    begin();
    expect(ls_squared_error(graph, input(LS_SHAPE(3, 2)), input(LS_SHAPE(3, 2)),
                            labels(LS_SHAPE(3)), NULL),
           "a length per sample", "lengths of shape 4x3");
    expect(ls_squared_error(graph, input(LS_SHAPE(3, 2)), input(LS_SHAPE(3, 2)), input(LS_SHAPE(2)),
                            NULL),
           "their first dimensions", "weights of shape 4x2");
    expect(ls_squared_error(graph, input(LS_SHAPE(3)), input(LS_SHAPE(3)), parameter("w", 3), NULL),
           "come with the data", "that are trained");
    expect(ls_softmax_cross_entropy(graph, input(LS_SHAPE(2, 3)), labels(LS_SHAPE(2)), NULL,
                                    labels(LS_SHAPE(2)), &plain),
           "one integer per sample", "integers of shape 4x2");
    expect(ls_quantile(graph, input(LS_SHAPE(3)), input(LS_SHAPE(3)), NULL, &none),
           "above 0 and below 1", "found 0");
    expect(ls_gaussian_nll(graph, input(LS_SHAPE(3)), input(LS_SHAPE(2)), input(LS_SHAPE(3)), NULL,
                           NULL),
           "as many log variances per sample (3)", "found log variances of shape 4x2");
    expect(ls_kl_normal(graph, input(LS_SHAPE(3)), input(LS_SHAPE(2))),
           "as many log variances per sample (3)", "found log variances of shape 4x2");
    expect(ls_adversarial(graph, input(LS_SHAPE(1)), 2, LS_ADVERSARIAL_HINGE), "0 or 1", "found 2");
    expect(ls_contrastive(graph, input(LS_SHAPE(1)), input(LS_SHAPE(1)), &none), "above 0",
           "found 0");
    expect(ls_triplet(graph, input(LS_SHAPE(1)), input(LS_SHAPE(1)), &none), "above 0", "found 0");
    expect(ls_weighted_loss(graph, (struct ls_value *[]){input(LS_SHAPE(3))}, weights, 1),
           "a loss and a weight per sample", "found 4x3");
    many[0] = input(LS_SHAPE(2));
    many[1] = input(LS_SHAPE(2));
    expect(ls_weighted_loss(graph, many, weights, 2), "loss 2 must be at least 0", "found -1");
    for (int i = 0; i <= LS_TERMS_MAX; i++)
        many[i] = input(LS_SHAPE(2));
    expect(ls_weighted_loss(graph, many, weights, LS_TERMS_MAX + 1), "at most 8", "found 9");
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

/* In step mode a sequence has one position. */
static void expect_whole(const struct ls_value *value, const char *op) {
    expect(value, op, "it looks over all positions of a sequence");
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
    begin_steps(5);
}

START_TEST(what_looks_over_all_positions_refuses_steps) {
    const struct ls_shape one = LS_SHAPE(1, 6);
    begin_steps(5);
    expect_whole(ls_last(graph, input(one), NULL), "last");
    expect_whole(ls_take(graph, input(one), 0), "slice");
    expect_whole(ls_reduce(graph, input(one), NULL, &(struct ls_reduce_options){.axis = 1}),
                 "reduce");
    expect_whole(ls_transpose(graph, input(one), &(struct ls_transpose_options){2, {2, 1}}),
                 "transpose");
    expect_whole(ls_batched_product(graph, input(one), input(one),
                                    &(struct ls_batched_product_options){.transpose_a = true}),
                 "batched_product");
    expect_whole(ls_group_norm(graph, input(one), parameter("g", 6), parameter("o", 6),
                               &(struct ls_group_norm_options){.groups = 2}),
                 "group_norm");
    /* The others do not. */
    ls_reduce(graph, input(one), NULL, &(struct ls_reduce_options){.axis = 2});
    ls_rms_norm(graph, input(one), parameter("g", 6), &(struct ls_norm_options){0});
    ck_assert(!ls_graph_failed(graph));
    struct ls_value *places =
        ls_graph_parameter(graph, "p", LS_SHAPE(4, 6), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT, false,
                           0, (struct ls_initialiser){.kind = LS_INIT_ZEROS});
    expect(ls_add(graph, input(one), places), "4x6 has 4 positions", "may have 5");
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(misfits_are_named, misfits_of_recurrences_are_named, misfits_of_losses_are_named,
         what_looks_over_all_positions_refuses_steps)
