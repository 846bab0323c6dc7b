/* References in a config's model: what they find, what the resolved config says of them, and what a
 * wrong one is told. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/config/config.h"
#include "tests/support/support.h"

static const char head[] = "data: {train: x.h5}\nmodel:\n";

static void parse(struct ls_config *config, const char *model) {
    char text[2048];
    const int length = snprintf(text, sizeof text, "%s%s", head, model);
    ls_require(ls_config_parse(config, text, (size_t)length, "x.yaml", NULL, 0, &ls_test_error));
}

/* y of the model for one sample of two numbers. */
static void run(const char *model, double a, double b, const double *expected, int count) {
    struct ls_config config;
    parse(&config, model);
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = 1, .parameters = parameters, .inference = true});
    struct ls_value *input = ls_graph_input(graph, "input", LS_SHAPE(2), LS_TYPE_REAL);
    struct ls_builder builder = {.graph = graph};
    struct ls_value *output = ls_layers_build(&builder, input, &config.model.items[0].layers);
    if (output)
        ls_graph_keep(graph, output);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    ck_assert_int_eq(ls_shape_row_count(output->shape), count);
    ((float *)input->data)[0] = (float)a;
    ((float *)input->data)[1] = (float)b;
    const uint64_t id = 0;
    const struct ls_run step = {.rows = 1, .microbatch_rows = 1, .microbatches = 1, .row_ids = &id};
    float *weights = ls_memory_map((size_t)(parameters->total + 1) * sizeof *weights);
    ls_parameters_initialise(parameters, 1, weights);
    ls_graph_prepare(graph, weights);
    ls_graph_forward(graph, &step, NULL);
    for (int i = 0; i < count; i++)
        ck_assert_double_eq_tol((double)((float *)output->data)[i], expected[i], 1e-6);
    ls_memory_unmap(weights, (size_t)(parameters->total + 1) * sizeof *weights);
    ls_builder_clear(&builder);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
    ls_config_clear(&config);
}

START_TEST(a_name_gives_the_value_of_that_layer) {
    run("  - relu: {name: positive}\n"
        "  - sigmoid\n"
        "  - relu: {from: positive, name: again}\n"
        "  - add: {of: [positive, again, positive]}\n",
        -1, 2, (const double[]){0, 6}, 2);
    run("  - relu: {name: a}\n  - multiply: {of: [a, a]}\n  - concat: {of: [a, multiply1]}\n", -1,
        3, (const double[]){0, 3, 0, 9}, 4);
}
END_TEST

START_TEST(a_level_is_taken_away_and_added_again) {
    run("  - reshape: [2, 1]\n  - from_last: {name: level}\n", -1, 2, (const double[]){-3, 0}, 2);
    run("  - reshape: [2, 1]\n  - from_last: {name: level}\n  - scale: 10\n  - add_level: {level: "
        "level}\n",
        -1, 2, (const double[]){-28, 2}, 2);
    /* Two channels at one position; the forecast has the second. */
    run("  - reshape: [1, 2]\n  - from_last: {name: level}\n  - slice: {axis: 2, count: 1}\n  - "
        "add_level: {level: level, first_channel: 1}\n",
        -1, 2, (const double[]){2}, 1);
    run("  - reshape: [2, 1]\n  - from_last: {name: level}\n  - add_level: level\n", -1, 2,
        (const double[]){-1, 2}, 2);
}
END_TEST

START_TEST(the_nearest_list_around_a_layer_is_looked_up_first) {
    run("  - relu: {name: x}\n" /* [0, 2] */
        "  - repeat:\n"
        "      name: blocks\n"
        "      times: 2\n"
        "      body:\n"
        "        - add: {of: [x, x], name: twice}\n" /* of the outer x: [0, 4], both times */
        "        - add: {of: [twice, blocks.block0.twice], name: y}\n",
        -1, 2, (const double[]){0, 8}, 2);
    run("  - relu: {name: x}\n"
        "  - sequential:\n"
        "      body:\n"
        "        - add: {of: [x, x], name: x}\n" /* not yet its own name */
        "        - add: {of: [x, x]}\n",         /* the inner x */
        -1, 2, (const double[]){0, 8}, 2);
}
END_TEST

START_TEST(a_weight_is_shared_by_name) {
    run("  - linear: {units: 2, name: a, init: constant, init_scale: 2, bias: false}\n"
        "  - linear: {weight_of: a, bias_init: 1}\n",
        -1, 2, (const double[]){9, 9}, 2);
    run("  - sequential:\n      name: inner\n      body:\n"
        "        - linear: {units: 2, name: a, init: constant, init_scale: 2, bias: false}\n"
        "  - linear: {weight_of: inner.a, bias: false, name: b}\n"
        "  - linear: {weight_of: b, bias: false}\n",
        -1, 2, (const double[]){32, 32}, 2);
}
END_TEST

static void refuse(const char *model, const char *expected) {
    struct ls_config config;
    parse(&config, model);
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = 1, .parameters = parameters, .inference = true});
    struct ls_value *input = ls_graph_input(graph, "input", LS_SHAPE(2), LS_TYPE_REAL);
    struct ls_builder builder = {.graph = graph};
    ck_assert_ptr_null(ls_layers_build(&builder, input, &config.model.items[0].layers));
    struct ls_error error;
    ck_assert_int_eq(ls_graph_plan(graph, &error), LS_INVALID);
    ck_assert_msg(strstr(error.text, expected), "expected '%s' in: %s", expected, error.text);
    ck_assert_ptr_nonnull(builder.failed);
    ls_builder_clear(&builder);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
    ls_config_clear(&config);
}

START_TEST(a_name_that_is_not_there_is_an_error_with_the_nearest) {
    refuse("  - relu: {name: hidden}\n  - tanh: {from: hiden}\n",
           "layer tanh1: from: nothing before this layer is called 'hiden'; nearest is 'hidden'");
    refuse(
        "  - sequential: {name: inner, body: [relu: {name: hidden}]}\n  - tanh: {from: hidden}\n",
        "nothing before this layer is called 'hidden'; nearest is 'inner.hidden'");
    refuse("  - relu: {from: later}\n  - tanh: {name: later}\n",
           "layer relu1: from: nothing before this layer is called 'later'");
    refuse("  - relu\n  - add_level\n", "level: expected the name of a from_last layer");
    refuse("  - reshape: [1, 2]\n  - from_last: {name: level}\n  - slice: {axis: 2, count: 1}\n  - "
           "add_level: {level: level}\n",
           "expected which of the level's 2 channels the 1 channels of x start with");
    refuse("  - relu\n  - add\n", "expected from 1 to 32 names in `of`, or layers in branches");
    refuse("  - relu\n  - add: {of: relu1, branches: [tanh]}\n", "expected one of the two");
}
END_TEST

START_TEST(a_weight_that_cannot_be_shared_is_refused) {
    static const char *const wrong[][2] = {
        {"weight_of: later}\n  - linear: {units: 2, name: later}\n",
         "layer linear2: weight_of: nothing before this layer is called 'later'"},
        {"weight_of: codd}\n", "is called 'codd'; nearest is 'code'"},
        {"weight_of: relu1}\n", "weight_of: there is no weight to share in 'relu1'"},
        {"weight_of: code}\n", "weight_of: that weight is for 2 features, found 3"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char model[256];
        snprintf(model, sizeof model,
                 "  - linear: {units: 3, name: code}\n  - relu\n  - linear: {name: linear2, %s",
                 wrong[i][0]);
        refuse(model, wrong[i][1]);
    }
}
END_TEST

START_TEST(the_resolved_config_says_the_same) {
    struct ls_config config, again;
    parse(&config,
          "  - relu: {name: a}\n  - tanh: {from: a}\n  - concat: {of: [a, tanh1]}\n  - linear: "
          "{units: 2, name: b}\n  - linear: {weight_of: b}\n");
    char *text = ls_config_print(&config);
    ck_assert_msg(strstr(text, "from: a\n") && strstr(text, "of: [a, tanh1]\n") &&
                      strstr(text, "weight_of: b\n        bias: true\n        bias_init: 0\n"),
                  "%s", text);
    ls_require(ls_config_parse(&again, text, strlen(text), "x.yaml", NULL, 0, &ls_test_error));
    ls_require(ls_config_resumable(&config, &again, &ls_test_error));
    ls_config_clear(&again);
    parse(&again, "  - relu: {name: a}\n  - tanh\n  - concat: {of: [a, tanh1]}\n  - linear: "
                  "{units: 2, name: b}\n  - linear: {units: 2}\n");
    struct ls_error error;
    ck_assert_int_eq(ls_config_resumable(&config, &again, &error), LS_INVALID);
    ck_assert_msg(strstr(error.text, "model.tanh1 was from: a, is empty"), "%s", error.text);
    ck_assert_msg(strstr(error.text, "model.linear2 was weight_of: b, is empty"), "%s", error.text);
    free(text);
    ls_config_clear(&config);
    ls_config_clear(&again);
}
END_TEST

START_TEST(a_reference_that_is_no_name_is_told_its_place) {
    static const char *const wrong[][2] = {
        {"  - relu: {from: [a]}\n", "x.yaml:3:18: error: from: expected the name of an earlier"},
        {"  - relu: {from: a b}\n", "x.yaml:3:18: error: from: expected the name of an earlier"},
        {"  - relu: {form: a}\n", "unknown key 'form' in layer relu; nearest is 'from'"},
        {"  - relu: {from: a, from: b}\n", "'from' is given twice; first on line 3"},
        {"  - linear: {weight_if: a}\n",
         "unknown key 'weight_if' in layer linear; nearest is 'weight_of'"},
        {"  - linear: {weight_of: a, weight_of: b}\n",
         "'weight_of' is given twice; first on line 3"},
        {"  - linear: {bias: false}\n", "x.yaml:3:5: error: layer linear: 'units' is missing"},
        {"  - linear: {weight_of: a, units: 2}\n",
         "x.yaml:3:5: error: layer linear: 'units' follows from the layer in weight_of"},
        {"  - relu: {weight_of: a}\n", "unknown key 'weight_of' in layer relu"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ls_config config;
        struct ls_error error;
        char text[1024];
        const int length = snprintf(text, sizeof text, "%s%s", head, wrong[i][0]);
        ck_assert_int_eq(ls_config_parse(&config, text, (size_t)length, "x.yaml", NULL, 0, &error),
                         LS_INVALID);
        ck_assert_msg(strstr(error.text, wrong[i][1]), "expected '%s' in: %s", wrong[i][1],
                      error.text);
    }
}
END_TEST

LS_SUITE(a_weight_is_shared_by_name, a_weight_that_cannot_be_shared_is_refused,
         a_name_gives_the_value_of_that_layer, a_level_is_taken_away_and_added_again,
         the_nearest_list_around_a_layer_is_looked_up_first,
         a_name_that_is_not_there_is_an_error_with_the_nearest, the_resolved_config_says_the_same,
         a_reference_that_is_no_name_is_told_its_place)
