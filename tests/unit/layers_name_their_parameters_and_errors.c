#include <string.h>

#include "tests/support/layers.h"
#include "tests/support/support.h"

static struct ls_test_model made;

static void build(struct ls_layer_list *list, struct ls_shape input) {
    ls_require(ls_test_model_create(&made, list, LS_TASK_CLASSIFICATION, input, 8));
}

static void clear(struct ls_layer_list *list) {
    ls_test_model_destroy(&made);
    ls_layer_list_clear(list);
}

static const struct ls_parameter *parameter(const char *name) {
    const struct ls_parameter *found = ls_parameters_find(made.parameters, name);
    ck_assert_msg(found != NULL, "no parameter '%s'", name);
    return found;
}

static void expect(const char *name, struct ls_shape shape, enum ls_layout layout,
                   enum ls_parameter_kind kind, bool decay) {
    const struct ls_parameter *found = parameter(name);
    char text[LS_SHAPE_TEXT_MAX];
    ck_assert_msg(ls_shape_equal(found->shape, shape), "%s is %s", name,
                  ls_shape_print(found->shape, text));
    ck_assert_int_eq(found->layout, layout);
    ck_assert_int_eq(found->kind, kind);
    ck_assert_int_eq(found->decay, decay);
}

START_TEST(names_are_scopes_joined_by_dots) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "conv2d", "filters", "4", "groups", "2", "kernel", "[3, 2]", NULL);
    ls_test_layer(&list, "batch_norm", "name", "norm", "momentum", "0.25", NULL);
    struct ls_layer_spec *stage =
        ls_test_layer(&list, "repeat", "name", "stage1", "times", "2", NULL);
    struct ls_layer_spec *block =
        ls_test_layer(&stage->branches[0], "residual", "name", "unit", NULL);
    ls_test_layer(&block->branches[0], "conv2d", "filters", "4", "padding", "same", "bias", "false",
                  NULL);
    ls_test_layer(&block->branches[1], "conv2d", "filters", "4", "kernel", "1", NULL);
    ls_test_layer(&list, "flatten", NULL);
    ls_test_layer(&list, "linear", "name", "head", "units", "3", NULL);
    build(&list, LS_SHAPE(6, 5, 2));
    const enum ls_parameter_kind weight = LS_PARAMETER_WEIGHT, statistic = LS_PARAMETER_STATISTIC;
    expect("conv2d1.weight", LS_SHAPE(3, 2, 1, 4), LS_LAYOUT_PANELS, weight, true);
    expect("conv2d1.bias", LS_SHAPE(4), LS_LAYOUT_PLAIN, weight, false);
    expect("norm.gain", LS_SHAPE(4), LS_LAYOUT_PLAIN, weight, false);
    expect("norm.offset", LS_SHAPE(4), LS_LAYOUT_PLAIN, weight, false);
    expect("norm.mean", LS_SHAPE(4), LS_LAYOUT_PLAIN, statistic, false);
    expect("norm.variance", LS_SHAPE(4), LS_LAYOUT_PLAIN, statistic, false);
    ck_assert_double_eq(parameter("norm.variance")->momentum, 0.25);
    expect("stage1.block0.unit.conv2d1.weight", LS_SHAPE(3, 3, 4, 4), LS_LAYOUT_PANELS, weight,
           true);
    expect("stage1.block1.unit.conv2d1.weight", LS_SHAPE(3, 3, 4, 4), LS_LAYOUT_PANELS, weight,
           true);
    expect("stage1.block1.unit.shortcut.conv2d1.weight", LS_SHAPE(1, 1, 4, 4), LS_LAYOUT_PANELS,
           weight, true);
    ck_assert_ptr_null(ls_parameters_find(made.parameters, "stage1.block0.unit.conv2d1.bias"));
    expect("head.weight", LS_SHAPE(4 * 4 * 4, 3), LS_LAYOUT_PANELS, weight, true);
    ck_assert_int_eq(made.parameters->count, 2 + 4 + 2 * 3 + 2);
    clear(&list);
}
END_TEST

START_TEST(a_linear_layer_sees_the_last_dimension_of_a_sequence) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "reshape", "shape", "[4, 9]", NULL);
    ls_test_layer(&list, "linear", "units", "3", NULL);
    build(&list, LS_SHAPE(36));
    expect("linear1.weight", LS_SHAPE(9, 3), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT, true);
    ck_assert(ls_shape_equal(made.model.output->shape, LS_SHAPE(8, 4, 3)));
    ck_assert(ls_shape_equal(made.model.terms.items[0].target->shape, LS_SHAPE(8, 4)));
    clear(&list);
}
END_TEST

START_TEST(initial_values_are_what_the_options_say) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "linear", "units", "3", "init", "constant", "init_scale", "0.5",
                  "bias_init", "2", NULL);
    ls_test_layer(&list, "batch_norm", NULL);
    build(&list, LS_SHAPE(4));
    float plain[12];
    const struct ls_parameter *weight = parameter("linear1.weight");
    ls_parameter_fetch(weight, made.weights + weight->offset, plain);
    for (int i = 0; i < 12; i++)
        ck_assert(plain[i] == 0.5f);
    ck_assert(made.weights[parameter("linear1.bias")->offset + 2] == 2);
    ck_assert(made.weights[parameter("batch_norm1.gain")->offset] == 1);
    ck_assert(made.weights[parameter("batch_norm1.offset")->offset] == 0);
    ck_assert(made.weights[parameter("batch_norm1.mean")->offset] == 0);
    ck_assert(made.weights[parameter("batch_norm1.variance")->offset] == 1);
    clear(&list);
}
END_TEST

static void check_size(const char *layer, const char *padding, const char *stride, int64_t height,
                       int64_t width) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, layer, "filters", "2", "kernel", "[3, 4]", "padding", padding, "stride",
                  stride, NULL);
    ls_test_layer(&list, "reshape", "shape", "[2, -1]", NULL);
    build(&list, LS_SHAPE(9, 8, 1));
    ck_assert_int_eq(ls_shape_last(made.model.output->shape), height * width);
    clear(&list);
}

static void check_padding(const char *padding, const char *stride, int64_t height, int64_t width) {
    check_size("conv2d", padding, stride, height, width);
}

START_TEST(padding_takes_words_and_numbers) {
    check_padding("valid", "1", 7, 5);
    check_padding("same", "1", 9, 8);
    check_padding("same", "2", 5, 4);
    check_padding("same", "[4, 3]", 3, 3);
    check_padding("1", "1", 9, 7);
    check_padding("[0, 2]", "1", 7, 9);
}
END_TEST

START_TEST(a_transposed_convolution_undoes_the_sizes_of_a_convolution) {
    check_size("conv_transpose2d", "valid", "1", 11, 11);
    check_size("conv_transpose2d", "valid", "2", 19, 18);
    check_size("conv_transpose2d", "same", "1", 9, 8);
    check_size("conv_transpose2d", "same", "2", 18, 16);
    check_size("conv_transpose2d", "same", "[5, 6]", 45, 48);
    check_size("conv_transpose2d", "1", "2", 17, 16);
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "conv_transpose2d", "filters", "6", "kernel", "[4, 1]", "stride", "2",
                  "groups", "2", "output_padding", "[0, 1]", NULL);
    ls_test_layer(&list, "flatten", NULL);
    build(&list, LS_SHAPE(3, 5, 4));
    ck_assert_int_eq(ls_shape_last(made.model.output->shape), 8 * 10 * 6);
    expect("conv_transpose2d1.weight", LS_SHAPE(4, 1, 3, 4), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT,
           true);
    expect("conv_transpose2d1.bias", LS_SHAPE(6), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT, false);
    /* 2 channels of a group; 4 taps / stride 2 above each other, 1 beside */
    ck_assert_double_eq(parameter("conv_transpose2d1.weight")->init.fan_in, 2 * 2);
    ck_assert_double_eq(parameter("conv_transpose2d1.weight")->init.fan_out, 4 * 6);
    clear(&list);
}
END_TEST

/* The layer at fault, found by its place among the specs, and a text that says what is wrong. */
static void refuse(struct ls_layer_list *list, struct ls_shape input,
                   const struct ls_layer_spec *failed, const char *text) {
    ck_assert_int_eq(ls_test_model_create(&made, list, LS_TASK_CLASSIFICATION, input, 8),
                     LS_INVALID);
    ck_assert_str_eq(ls_test_error.text, text);
    ck_assert_ptr_eq(made.model.failed, failed);
    clear(list);
}

START_TEST(a_layer_that_does_not_fit_its_input_is_named) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "relu", NULL);
    ls_test_layer(&list, "linear", "units", "4", NULL);
    refuse(&list, LS_SHAPE(28, 28, 1), &list.items[1],
           "layer linear1: expected [features] or [positions, features] (put a flatten or a "
           "global_average_pool before it), found samples of shape 28x28x1");
    ls_test_layer(&list, "conv2d", "filters", "4", NULL);
    refuse(&list, LS_SHAPE(13), &list.items[0],
           "layer conv2d1: expected images [height, width, channels], found samples of shape 13");
    ls_test_layer(&list, "conv2d", "filters", "4", "groups", "3", NULL);
    refuse(&list, LS_SHAPE(8, 8, 4), &list.items[0],
           "layer conv2d1: groups: expected a divisor of 4 channels and 4 filters, found 3");
    ls_test_layer(&list, "conv2d", "filters", "4", "padding", "some", NULL);
    refuse(&list, LS_SHAPE(8, 8, 4), &list.items[0],
           "layer conv2d1: padding: expected same, valid, or from 0 to 1024 pixels (3, or \"[3, "
           "5]\" in "
           "quotes), found 'some'");
    ls_test_layer(&list, "conv_transpose2d", "filters", "4", NULL);
    refuse(&list, LS_SHAPE(13), &list.items[0],
           "layer conv_transpose2d1: expected images [height, width, channels], found samples of "
           "shape 13");
    ls_test_layer(&list, "conv_transpose2d", "filters", "4", "stride", "[3, 2]", "output_padding",
                  "2", NULL);
    refuse(&list, LS_SHAPE(8, 8, 4), &list.items[0],
           "layer conv_transpose2d1: output_padding: expected less than the stride 2, found 2");
    ls_test_layer(&list, "conv_transpose2d", "filters", "4", "stride", "2", "padding", "same",
                  "output_padding", "1", NULL);
    refuse(&list, LS_SHAPE(8, 8, 4), &list.items[0],
           "layer conv_transpose2d1: output_padding: expected less than the stride 2 (0 with "
           "padding: same), found 1");
    ls_test_layer(&list, "conv_transpose2d", "filters", "4", "padding", "5", NULL);
    refuse(
        &list, LS_SHAPE(8, 8, 4), &list.items[0],
        "layer conv_transpose2d1: conv_transpose2d: expects padding that leaves an output, found "
        "5 and 5, which leave a height of 0");
    ls_test_layer(&list, "linear", "units", "4", "init", "normal", "init_scale", "0", NULL);
    refuse(&list, LS_SHAPE(8), &list.items[0],
           "layer linear1: init_scale: expected a number above 0 with init normal, found 0");
    ls_test_layer(&list, "reshape", "shape", "[2.5]", NULL);
    refuse(&list, LS_SHAPE(8), &list.items[0],
           "layer reshape1: shape: expected whole dimensions above 0, or -1, found 2.5");
    ls_test_layer(&list, "flatten", NULL);
    ls_test_layer(&list, "embedding", "vocabulary", "3", "width", "2", NULL);
    refuse(&list, LS_SHAPE(8), &list.items[1],
           "layer embedding1: expected indices, found numbers: an embedding is the first layer");
}
END_TEST

/* The feed is made by the layer that reads it, wherever that stands, outside of the scopes of
 * layers.
 */
START_TEST(the_first_layer_that_reads_the_inputs_says_what_they_are) {
    struct ls_layer_list list = {0};
    struct ls_layer_spec *stage = ls_test_layer(&list, "sequential", "name", "stage", NULL);
    struct ls_layer_spec *both = ls_test_layer(&stage->branches[0], "concat", NULL);
    for (int i = 0; i < 2; i++) {
        struct ls_layer_spec *branch = ls_test_layer(&both->branches[0], "sequential", NULL);
        ls_test_layer(&branch->branches[0], "embedding", "vocabulary", i ? "5" : "7", "width", "2",
                      NULL);
    }
    ls_test_layer(&list, "flatten", NULL);
    build(&list, LS_SHAPE(3));
    ck_assert_int_eq(made.model.input_count, 2);
    ck_assert_int_eq(made.model.inputs[0].feed, 0);
    ck_assert_int_eq(made.model.inputs[0].value->type, LS_TYPE_INT32);
    ck_assert_int_eq(made.model.inputs[0].limit, 5);
    ck_assert_int_eq(made.model.inputs[1].limit, 12);
    ck_assert(ls_shape_equal(made.model.output->shape, LS_SHAPE(8, 12)));
    clear(&list);
}
END_TEST

/* What a list on the feed "inputs" [4, 3] asks of the feed `name` (lengths, or words [4]). */
static int64_t limit_of(struct ls_layer_list *list, const char *name) {
    static const struct ls_feed feeds[] = {{.name = "inputs", .shape = {.rank = 2, .dims = {4, 3}}},
                                           {.name = "lengths", .integer = true},
                                           {.name = "words", .shape = {.rank = 1, .dims = {4}}}};
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(const struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = 2, .parameters = set, .inference = true});
    struct ls_builder builder = {.graph = graph, .feeds = feeds, .feed_count = 3};
    ls_layers_build(&builder, NULL, list);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    int64_t limit = -1;
    for (int i = 0; i < builder.taken_count; i++)
        if (!strcmp(feeds[builder.taken[i].feed].name, name))
            limit = builder.taken[i].limit;
    ls_builder_clear(&builder);
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
    ls_layer_list_clear(list);
    return limit;
}

START_TEST(lengths_and_indices_of_the_data_have_limits) {
    struct ls_layer_list list = {0};
    static const char *const layers[][3] = {{"attention", "heads", "1"},
                                            {"lstm", "units", "2"},
                                            {"gru", "units", "2"},
                                            {"last", "lengths", "lengths"},
                                            {"reduce", "kind", "mean"}};
    for (int i = 0; i < 5; i++) {
        struct ls_layer_spec *spec =
            ls_test_layer(&list, layers[i][0], layers[i][1], layers[i][2], NULL);
        if (!ls_layer_spec_refers(spec, "lengths"))
            ls_layer_spec_refer(spec, "lengths", "lengths");
        ck_assert_int_eq(limit_of(&list, "lengths"), 5);
    }
    ls_test_layer(&list, "one_hot", "count", "7", "from", "words", NULL);
    ck_assert_int_eq(limit_of(&list, "words"), 7);
}
END_TEST

START_TEST(a_layer_inside_others_is_the_one_that_failed) {
    struct ls_layer_list list = {0};
    struct ls_layer_spec *stage =
        ls_test_layer(&list, "repeat", "name", "stage", "times", "2", NULL);
    struct ls_layer_spec *block = ls_test_layer(&stage->branches[0], "residual", NULL);
    ls_test_layer(&block->branches[0], "relu", NULL);
    struct ls_layer_spec *inner = ls_test_layer(&block->branches[0], "max_pool", NULL);
    refuse(
        &list, LS_SHAPE(8), inner,
        "layer stage.block0.residual1.max_pool1: expected images [height, width, channels], found "
        "samples of shape 8");

    stage = ls_test_layer(&list, "sequential", NULL);
    block = ls_test_layer(&stage->branches[0], "residual", NULL);
    ls_test_layer(&block->branches[0], "linear", "units", "4", NULL);
    refuse(&list, LS_SHAPE(8), block,
           "layer sequential1.residual1: the body ends in 4, its input is in 8: give it a shortcut "
           "that "
           "ends in the body's shape");

    block = ls_test_layer(&list, "residual", NULL);
    ls_test_layer(&block->branches[0], "linear", "units", "4", NULL);
    ls_test_layer(&block->branches[1], "linear", "units", "5", NULL);
    refuse(&list, LS_SHAPE(8), block,
           "layer residual1: the body ends in 4, the shortcut ends in 5: the two must be equal to "
           "be added");
}
END_TEST

START_TEST(two_layers_of_one_name_do_not_share_weights_silently) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "linear", "name", "a", "units", "8", NULL);
    ls_test_layer(&list, "linear", "name", "a", "units", "8", NULL);
    refuse(&list, LS_SHAPE(8), &list.items[1], "two layers of one list are named 'a'");
    ls_test_layer(&list, "linear", "name", "a.b", "units", "8", NULL);
    refuse(&list, LS_SHAPE(8), &list.items[0],
           "layer names are made of letters, digits, _ and -, found 'a.b'");
}
END_TEST

START_TEST(what_is_wrong_outside_the_layers_names_none) {
    struct ls_layer_list list = {0};
    refuse(&list, LS_SHAPE(8), NULL, "a model has at least one layer, found none");
    ls_test_layer(&list, "flatten", NULL);
    ck_assert_int_eq(ls_test_model_create(&made, &list, LS_TASK_CLASSIFICATION, LS_SHAPE(70000), 1),
                     LS_INVALID);
    ck_assert_ptr_null(made.model.failed);
    ck_assert_str_eq(
        ls_test_error.text,
        "layer loss: cross_entropy expects from 2 to 65536 outputs of the model, found 70000");
    clear(&list);
}
END_TEST

/* Of 64 microbatches of 8 samples: all where activations are small, 16 images of a convolution. */
START_TEST(convolutions_run_in_small_pieces) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "conv2d", "filters", "4", NULL);
    ls_test_layer(&list, "flatten", NULL);
    ls_test_layer(&list, "linear", "units", "4", NULL);
    build(&list, LS_SHAPE(6, 5, 2));
    ck_assert_int_eq(ls_models_piece(&made.model, 1, 8, 0, 64), 2);
    ck_assert_int_eq(ls_models_piece(&made.model, 1, 8, 40, 64), 5);
    clear(&list);
    ls_test_layer(&list, "linear", "units", "4", NULL);
    build(&list, LS_SHAPE(5));
    ck_assert_int_eq(ls_models_piece(&made.model, 1, 8, 0, 64), 64);
    clear(&list);
    ls_test_layer(&list, "linear", "units", "100000", NULL);
    ls_test_layer(&list, "linear", "units", "4", NULL);
    build(&list, LS_SHAPE(5));
    const int piece = ls_models_piece(&made.model, 1, 8, 0, 64);
    ck_assert_msg(piece > 0 && piece < 16, "%d microbatches", piece);
    clear(&list);
    struct ls_layer_spec *block = ls_test_layer(&list, "residual", NULL);
    ls_test_layer(&block->branches[1], "conv2d", "filters", "2", "padding", "same",
                  NULL); /* the shortcut */
    ls_test_layer(&list, "flatten", NULL);
    build(&list, LS_SHAPE(6, 5, 2));
    ck_assert_int_eq(ls_models_piece(&made.model, 1, 8, 0, 64), 2);
    clear(&list);
    ls_test_layer(&list, "conv_transpose2d", "filters", "4", NULL);
    ls_test_layer(&list, "flatten", NULL);
    build(&list, LS_SHAPE(6, 5, 2));
    ck_assert_int_eq(ls_models_piece(&made.model, 1, 8, 0, 64), 2);
    clear(&list);
}
END_TEST

LS_SUITE(lengths_and_indices_of_the_data_have_limits, names_are_scopes_joined_by_dots,
         a_linear_layer_sees_the_last_dimension_of_a_sequence,
         initial_values_are_what_the_options_say, padding_takes_words_and_numbers,
         a_transposed_convolution_undoes_the_sizes_of_a_convolution,
         a_layer_that_does_not_fit_its_input_is_named,
         the_first_layer_that_reads_the_inputs_says_what_they_are,
         a_layer_inside_others_is_the_one_that_failed,
         two_layers_of_one_name_do_not_share_weights_silently,
         what_is_wrong_outside_the_layers_names_none, convolutions_run_in_small_pieces)
