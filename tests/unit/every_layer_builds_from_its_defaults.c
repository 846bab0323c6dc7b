#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/layers/list.h"
#include "core/layers/network.h"
#include "tests/support/layers.h"
#include "tests/support/support.h"

/* What each layer is put on, and what must come out. Options that must be given are; all others
 * have their defaults. A layer without a case fails the test. */
struct layer_case {
    const char *layer, *option, *value;
    const char *second_option, *second_value;
    const char *before, *key; /* the layer before it, which it takes as `key` */
    const char *after;        /* a layer behind it */
    struct ls_shape input, output;
    bool integer;
    int parameters;
};

#define SHAPE(...)                                                                                 \
    {                                                                                              \
        .rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dims = { __VA_ARGS__ } \
    }
#define ROW SHAPE(5)
#define SEQUENCE SHAPE(4, 3)
#define IMAGE SHAPE(8, 6, 3)

static const struct layer_case cases[] = {
    {.layer = "linear",
     .option = "units",
     .value = "7",
     .input = ROW,
     .output = SHAPE(7),
     .parameters = 2},
    {.layer = "conv2d",
     .option = "filters",
     .value = "4",
     .input = IMAGE,
     .output = SHAPE(6, 4, 4),
     .parameters = 2},
    {.layer = "conv1d",
     .option = "filters",
     .value = "4",
     .input = SEQUENCE,
     .output = SHAPE(4, 4),
     .parameters = 2},
    {.layer = "conv_transpose2d",
     .option = "filters",
     .value = "4",
     .input = IMAGE,
     .output = SHAPE(10, 8, 4),
     .parameters = 2},
    {.layer = "embedding",
     .option = "vocabulary",
     .value = "11",
     .second_option = "width",
     .second_value = "4",
     .input = ROW,
     .output = SHAPE(5, 4),
     .integer = true,
     .parameters = 1},
    {.layer = "lstm",
     .option = "units",
     .value = "6",
     .input = SEQUENCE,
     .output = SHAPE(4, 6),
     .parameters = 3},
    {.layer = "gru",
     .option = "units",
     .value = "6",
     .input = SEQUENCE,
     .output = SHAPE(4, 6),
     .parameters = 4},
    {.layer = "rnn",
     .option = "units",
     .value = "6",
     .input = SEQUENCE,
     .output = SHAPE(4, 6),
     .parameters = 3},
    {.layer = "attention_pooling", .input = SEQUENCE, .output = SHAPE(3), .parameters = 3},
    {.layer = "attention",
     .option = "heads",
     .value = "2",
     .input = SHAPE(5, 6),
     .output = SHAPE(5, 6),
     .parameters = 4},
    {.layer = "position", .input = SHAPE(5, 6), .output = SHAPE(5, 6), .parameters = 1},
    {.layer = "max_pool", .input = IMAGE, .output = SHAPE(4, 3, 3)},
    {.layer = "average_pool", .input = IMAGE, .output = SHAPE(4, 3, 3)},
    {.layer = "global_average_pool", .input = IMAGE, .output = SHAPE(3)},
    {.layer = "flatten", .input = IMAGE, .output = SHAPE(144)},
    {.layer = "reshape",
     .option = "shape",
     .value = "[4, -1]",
     .input = IMAGE,
     .output = SHAPE(4, 36)},
    {.layer = "relu", .input = ROW, .output = ROW},
    {.layer = "leaky_relu", .input = ROW, .output = ROW},
    {.layer = "elu", .input = ROW, .output = ROW},
    {.layer = "gelu", .input = ROW, .output = ROW},
    {.layer = "silu", .input = ROW, .output = ROW},
    {.layer = "softplus", .input = ROW, .output = ROW},
    {.layer = "sigmoid", .input = ROW, .output = ROW},
    {.layer = "tanh", .input = ROW, .output = ROW},
    {.layer = "softmax", .input = ROW, .output = ROW},
    {.layer = "log_softmax", .input = ROW, .output = ROW},
    {.layer = "batch_norm", .input = IMAGE, .output = IMAGE, .parameters = 4},
    {.layer = "layer_norm", .input = ROW, .output = ROW, .parameters = 2},
    {.layer = "group_norm",
     .option = "groups",
     .value = "3",
     .input = IMAGE,
     .output = IMAGE,
     .parameters = 2},
    {.layer = "rms_norm", .input = ROW, .output = ROW, .parameters = 1},
    {.layer = "upsample", .input = IMAGE, .output = SHAPE(16, 12, 3)},
    {.layer = "transpose",
     .option = "order",
     .value = "[3, 1, 2]",
     .input = IMAGE,
     .output = SHAPE(3, 8, 6)},
    {.layer = "slice", .option = "first", .value = "-2", .input = SEQUENCE, .output = SHAPE(2, 3)},
    {.layer = "take", .input = SEQUENCE, .output = SHAPE(3)},
    {.layer = "last", .input = SEQUENCE, .output = SHAPE(3)},
    {.layer = "repeat_vector",
     .option = "count",
     .value = "4",
     .input = ROW,
     .output = SHAPE(4, 5)},
    {.layer = "reduce", .input = IMAGE, .output = SHAPE(6, 3)},
    {.layer = "one_hot",
     .option = "count",
     .value = "11",
     .input = ROW,
     .output = SHAPE(5, 11),
     .integer = true},
    {.layer = "exp", .input = ROW, .output = ROW},
    {.layer = "log", .before = "exp", .key = "from", .input = ROW, .output = ROW},
    {.layer = "square", .input = ROW, .output = ROW},
    {.layer = "abs", .input = ROW, .output = ROW},
    {.layer = "clamp",
     .option = "low",
     .value = "-1",
     .second_option = "high",
     .second_value = "0.5",
     .input = ROW,
     .output = ROW},
    {.layer = "scale", .option = "factor", .value = "2", .input = ROW, .output = ROW},
    {.layer = "stop_gradient", .input = ROW, .output = ROW},
    {.layer = "from_last", .input = SEQUENCE, .output = SEQUENCE},
    {.layer = "add_level",
     .before = "from_last",
     .key = "level",
     .input = SEQUENCE,
     .output = SEQUENCE},
    {.layer = "noise", .option = "shape", .value = "[3, 2]", .input = ROW, .output = SHAPE(3, 2)},
    {.layer = "gaussian_noise", .input = ROW, .output = ROW},
    {.layer = "sample_normal",
     .before = "tanh",
     .key = "log_variance",
     .input = ROW,
     .output = ROW},
    {.layer = "class_token", .input = SEQUENCE, .output = SHAPE(5, 3), .parameters = 1},
    {.layer = "network", .option = "of", .value = "net", .input = ROW, .output = ROW},
    {.layer = "input",
     .option = "feed",
     .value = "other",
     .after = "relu",
     .input = ROW,
     .output = SHAPE(2)},
    {.layer = "prototypes",
     .option = "count",
     .value = "6",
     .input = SEQUENCE,
     .output = SHAPE(6),
     .parameters = 1},
    {.layer = "distance", .before = "tanh", .key = "of", .input = ROW, .output = SHAPE(1)},
    {.layer = "dropout", .input = ROW, .output = ROW},
    {.layer = "sequential", .input = ROW, .output = ROW},
    {.layer = "repeat", .option = "times", .value = "3", .input = ROW, .output = ROW},
    {.layer = "residual", .input = ROW, .output = ROW},
    {.layer = "shortcut", .input = IMAGE, .output = IMAGE},
    {.layer = "concat", .input = IMAGE, .output = SHAPE(8, 6, 6)},
    {.layer = "add", .input = ROW, .output = ROW},
    {.layer = "multiply", .input = ROW, .output = ROW},
};

enum { ROWS = 4 };

static void fill(struct ls_value *input, bool integer) {
    for (int64_t i = 0; i < ROWS * ls_shape_row_count(input->shape); i++)
        if (integer)
            ((int32_t *)input->data)[i] = (int32_t)(i % 11);
        else
            ((float *)input->data)[i] = (float)sin((double)i);
}

static void check_forward(struct ls_graph *graph, struct ls_value *input,
                          const struct ls_value *output, const struct layer_case *c, float *flat) {
    const uint64_t ids[ROWS] = {0, 1, 2, 3};
    const struct ls_run run = {
        .rows = ROWS, .microbatch_rows = ROWS, .microbatches = 1, .row_ids = ids};
    if (input->data) /* some layers read something else */
        fill(input, c->integer);
    ls_graph_prepare(graph, flat);
    ls_graph_forward(graph, &run, NULL);
    for (int64_t i = 0; i < ROWS * ls_shape_row_count(output->shape); i++)
        ck_assert_msg(isfinite(((const float *)output->data)[i]), "%s: output %lld is %g", c->layer,
                      (long long)i, (double)((const float *)output->data)[i]);
}

static void check_case(const struct layer_case *c) {
    struct ls_layer_list list = {0};
    if (c->before)
        ls_test_layer(&list, c->before, "name", "before", NULL);
    struct ls_layer_spec *spec = ls_test_layer(&list, c->layer, NULL);
    if (c->before)
        ls_layer_spec_refer(spec, c->key, "before");
    const char *const options[2][2] = {{c->option, c->value}, {c->second_option, c->second_value}};
    for (int i = 0; i < 2; i++)
        if (options[i][0])
            ls_require(ls_field_parse(ls_fields_find(spec->layer->fields, options[i][0]),
                                      options[i][1], spec->options, &ls_test_error));
    if (spec->layer->branches) {
        ls_test_layer(&spec->branches[0], "relu", NULL);
        ls_test_layer(&spec->branches[0], "tanh", NULL);
    }
    if (c->after)
        ls_test_layer(&list, c->after, NULL);
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph =
        ls_graph_create(&(struct ls_graph_options){.variant = ls_variant_best(),
                                                   .rows_max = ROWS,
                                                   .parameters = parameters,
                                                   .inference = true});
    struct ls_value *input =
        ls_graph_input(graph, "input", c->input, c->integer ? LS_TYPE_INT32 : LS_TYPE_REAL);
    const struct ls_feed feed = {.name = "other", .shape = LS_SHAPE(2)};
    struct ls_networks networks = {.count = 1, .items[0].name = "net"};
    ls_test_layer(&networks.items[0].layers, "tanh", NULL);
    struct ls_builder builder = {
        .graph = graph, .feeds = &feed, .feed_count = 1, .networks = &networks};
    struct ls_value *output = ls_layers_build(&builder, input, &list);
    if (output)
        ls_graph_keep(graph, output);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    ck_assert_ptr_null(builder.failed);
    ls_builder_clear(&builder);
    ls_networks_clear(&networks);
    ck_assert_int_eq(parameters->count, c->parameters);
    struct ls_shape expected = {.rank = c->output.rank + 1, .dims = {ROWS}};
    memcpy(expected.dims + 1, c->output.dims, sizeof expected.dims - sizeof *expected.dims);
    char text[LS_SHAPE_TEXT_MAX];
    ck_assert_msg(ls_shape_equal(output->shape, expected), "%s gives %s", c->layer,
                  ls_shape_print(output->shape, text));
    float *flat = ls_memory_map((size_t)parameters->total * sizeof *flat);
    ls_parameters_initialise(parameters, 1, flat);
    check_forward(graph, input, output, c, flat);
    ls_memory_unmap(flat, (size_t)parameters->total * sizeof *flat);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
    ls_layer_list_clear(&list);
}

START_TEST(each_layer_of_the_list_builds_and_runs) {
    int count;
    const struct ls_layer *const *layers = ls_layers(&count);
    for (int i = 0; i < count; i++) {
        const struct layer_case *found = NULL;
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++)
            if (!strcmp(cases[j].layer, layers[i]->name))
                found = &cases[j];
        ck_assert_msg(found != NULL, "layer %s has no case here", layers[i]->name);
        check_case(found);
    }
}
END_TEST

/* One sample [-1, 0.5] through a composition whose branches hold a tanh each (and one more layer).
 */
static void check_composition(const char *name, const char *branch_layer, const double *expected,
                              int count) {
    struct ls_layer_list list = {0};
    struct ls_layer_spec *spec = ls_test_layer(&list, name, NULL);
    for (int b = 0; spec->layer->branches[b]; b++) {
        ls_test_layer(&spec->branches[b], b == 0 ? "tanh" : "sigmoid", NULL);
        if (branch_layer && b == 0)
            ls_test_layer(&spec->branches[b], branch_layer, NULL);
    }
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = 1, .parameters = parameters, .inference = true});
    struct ls_value *input = ls_graph_input(graph, "input", LS_SHAPE(2), LS_TYPE_REAL);
    struct ls_builder builder = {.graph = graph};
    struct ls_value *output = ls_layers_build(&builder, input, &list);
    ls_builder_clear(&builder);
    if (output)
        ls_graph_keep(graph, output);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    ((float *)input->data)[0] = -1;
    ((float *)input->data)[1] = 0.5f;
    const uint64_t id = 0;
    const struct ls_run run = {.rows = 1, .microbatch_rows = 1, .microbatches = 1, .row_ids = &id};
    float none = 0;
    ls_graph_prepare(graph, &none);
    ls_graph_forward(graph, &run, NULL);
    ck_assert_int_eq(ls_shape_row_count(output->shape), count);
    for (int i = 0; i < count; i++)
        ck_assert_double_eq_tol((double)((float *)output->data)[i], expected[i], 1e-6);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
    ls_layer_list_clear(&list);
}

START_TEST(compositions_compute_what_they_say) {
    const double a = tanh(-1), b = tanh(0.5), sa = 1 / (1 + exp(1)), sb = 1 / (1 + exp(-0.5));
    check_composition("sequential", "relu", (const double[]){0, b}, 2);
    check_composition("concat", "relu", (const double[]){a, b, 0, 0.5}, 4);
    /* relu(tanh(x) + sigmoid(x)) */
    check_composition("add", NULL, (const double[]){a, b}, 2);
    check_composition("multiply", "relu", (const double[]){a * 0, b * 0.5}, 2);
    check_composition("residual", NULL, (const double[]){fmax(a + sa, 0), b + sb}, 2);
}
END_TEST

/* Windows of two ones over 1, 2, 3, 4, 5. */
static void check_windows(const char *option, const char *value, const double *expected,
                          int count) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "conv1d", "filters", "1", "kernel", "2", "init", "constant", option, value,
                  NULL);
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = 1, .parameters = parameters, .inference = true});
    struct ls_value *input = ls_graph_input(graph, "input", LS_SHAPE(5, 1), LS_TYPE_REAL);
    struct ls_builder builder = {.graph = graph};
    struct ls_value *output = ls_layers_build(&builder, input, &list);
    ls_builder_clear(&builder);
    if (output)
        ls_graph_keep(graph, output);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    float *flat = ls_memory_map((size_t)parameters->total * sizeof *flat);
    ls_parameters_initialise(parameters, 1, flat);
    for (int i = 0; i < 5; i++)
        ((float *)input->data)[i] = (float)(i + 1);
    const uint64_t id = 0;
    const struct ls_run run = {.rows = 1, .microbatch_rows = 1, .microbatches = 1, .row_ids = &id};
    ls_graph_prepare(graph, flat);
    ls_graph_forward(graph, &run, NULL);
    ck_assert_int_eq(output->shape.dims[1], count);
    for (int i = 0; i < count; i++)
        ck_assert_double_eq_tol((double)((float *)output->data)[i], expected[i], 1e-6);
    ls_memory_unmap(flat, (size_t)parameters->total * sizeof *flat);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
    ls_layer_list_clear(&list);
}

START_TEST(windows_move_along_sequences) {
    check_windows("padding", "same", (const double[]){3, 5, 7, 9, 5}, 5);
    check_windows("padding", "valid", (const double[]){3, 5, 7, 9}, 4);
    check_windows("padding", "causal", (const double[]){1, 3, 5, 7, 9}, 5);
    check_windows("stride", "2", (const double[]){3, 7, 5}, 3);
    check_windows("dilation", "2", (const double[]){2, 4, 6, 8, 4}, 5);
}
END_TEST

/* What launcher/config and its help rely on. */
START_TEST(each_layer_describes_itself) {
    int count;
    const struct ls_layer *const *layers = ls_layers(&count);
    ck_assert_int_eq(count, (int)(sizeof cases / sizeof *cases));
    for (int i = 0; i < count; i++) {
        const struct ls_layer *layer = layers[i];
        ck_assert_ptr_eq(ls_layer_find(layer->name), layer);
        ck_assert(layer->help && *layer->help && !strchr(layer->help, '\n'));
        ck_assert(!layer->main_field || ls_fields_find(layer->fields, layer->main_field) ||
                  ls_layer_input_key(layer, layer->main_field));
        for (int f = 0; f < layer->fields.count; f++) {
            const struct ls_field *field = &layer->fields.items[f];
            ck_assert_msg(field->help && *field->help, "%s.%s has no help", layer->name,
                          field->name);
            ck_assert_str_ne(field->name, "name");
        }
        for (int b = 0; layer->branches && layer->branches[b]; b++)
            ck_assert_int_lt(b, LS_BRANCHES_MAX);
    }
    ck_assert_ptr_null(ls_layer_find("liner"));
}
END_TEST

LS_SUITE(each_layer_of_the_list_builds_and_runs, compositions_compute_what_they_say,
         windows_move_along_sequences, each_layer_describes_itself)
