#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "tests/support/layers.h"
#include "tests/support/support.h"

enum { ROWS = 64 };

static struct ls_test_model made;

static void clear(struct ls_layer_list *list) {
    ls_test_model_destroy(&made);
    ls_layer_list_clear(list);
}

/* Plain gradient descent on one batch; returns the last loss and gives the first. */
static double descend(int steps, double rate, int64_t microbatch_rows, double *first) {
    double loss = 0;
    for (int step = 0; step < steps; step++) {
        loss = ls_test_model_run(&made, ROWS, microbatch_rows, (uint64_t)step);
        if (step == 0)
            *first = loss;
        ls_test_model_descend(&made, rate, ROWS);
    }
    return loss;
}

/* Two classes that no line separates: points of a square, by the signs of their coordinates. */
static void write_exclusive_or(void) {
    float *x = made.model.inputs[0].value->data;
    int32_t *label = made.model.terms.items[0].target->data;
    for (int i = 0; i < ROWS; i++) {
        x[2 * i] = (float)(i % 8) / 3.5f - 1;
        x[2 * i + 1] = (float)(i / 8) / 3.5f - 1;
        label[i] = (x[2 * i] > 0) != (x[2 * i + 1] > 0);
    }
}

START_TEST(a_perceptron_of_three_layers_learns_exclusive_or) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "linear", "units", "24", NULL);
    ls_test_layer(&list, "tanh", NULL);
    ls_test_layer(&list, "linear", "units", "24", NULL);
    ls_test_layer(&list, "relu", NULL);
    ls_test_layer(&list, "linear", "units", "2", NULL);
    ls_require(ls_test_model_create(&made, &list, LS_TASK_CLASSIFICATION, LS_SHAPE(2), ROWS));
    write_exclusive_or();
    double first;
    const double last = descend(300, 0.3, 16, &first);
    ck_assert_msg(last < 0.1 * first && last < 0.1, "loss %g -> %g", first, last);
    clear(&list);
}
END_TEST

/* Images 8x8 with a bar across or down, at any place, and some noise. */
static void write_bars(void) {
    float *x = made.model.inputs[0].value->data;
    int32_t *label = made.model.terms.items[0].target->data;
    for (int i = 0; i < ROWS; i++) {
        const struct ls_random_key key = ls_random_key(5, LS_STREAM_SYNTHETIC, 0, (uint64_t)i);
        label[i] = i % 2;
        for (int p = 0; p < 64; p++) {
            const int line = label[i] ? p / 8 : p % 8;
            x[64 * i + p] = (float)(0.3 * ls_random_normal(key, (uint64_t)p)) + (line == i / 2 % 8);
        }
    }
}

START_TEST(a_small_convolutional_network_tells_bars_apart) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "conv2d", "filters", "8", "padding", "same", "bias", "false", NULL);
    ls_test_layer(&list, "batch_norm", NULL);
    ls_test_layer(&list, "relu", NULL);
    ls_test_layer(&list, "max_pool", NULL);
    ls_test_layer(&list, "conv2d", "filters", "8", "stride", "2", "padding", "same", NULL);
    ls_test_layer(&list, "relu", NULL);
    ls_test_layer(&list, "dropout", "rate", "0.1", NULL);
    ls_test_layer(&list, "flatten", NULL);
    ls_test_layer(&list, "linear", "units", "2", NULL);
    ls_require(ls_test_model_create(&made, &list, LS_TASK_CLASSIFICATION, LS_SHAPE(8, 8, 1), ROWS));
    write_bars();
    double first;
    const double last = descend(60, 0.1, 16, &first);
    ck_assert_msg(last < 0.25 * first, "loss %g -> %g", first, last);
    clear(&list);
}
END_TEST

START_TEST(a_regression_approaches_a_curve) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "linear", "units", "32", NULL);
    ls_test_layer(&list, "silu", NULL);
    ls_test_layer(&list, "layer_norm", NULL);
    ls_test_layer(&list, "linear", "units", "1", "init", "zeros", NULL);
    ls_require(ls_test_model_create(&made, &list, LS_TASK_REGRESSION, LS_SHAPE(1), ROWS));
    for (int i = 0; i < ROWS; i++) {
        const float x = (float)i / (ROWS / 2) - 1;
        ((float *)made.model.inputs[0].value->data)[i] = x;
        ((float *)made.model.terms.items[0].target->data)[i] = sinf(3 * x);
    }
    double first;
    const double last = descend(300, 0.05, ROWS, &first);
    ck_assert_msg(last < 0.1 * first, "loss %g -> %g", first, last);
    clear(&list);
}
END_TEST

/* 100 weight layers: the gradient reaches the first one, and is a number everywhere. */
START_TEST(a_residual_network_of_a_hundred_layers_has_finite_gradients) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "conv2d", "filters", "4", "padding", "same", NULL);
    struct ls_layer_spec *stage = ls_test_layer(&list, "repeat", "times", "49", NULL);
    struct ls_layer_spec *block = ls_test_layer(&stage->branches[0], "residual", NULL);
    for (int i = 0; i < 2; i++) {
        ls_test_layer(&block->branches[0], "conv2d", "filters", "4", "padding", "same", "bias",
                      "false", NULL);
        ls_test_layer(&block->branches[0], "batch_norm", NULL);
        if (i == 0)
            ls_test_layer(&block->branches[0], "relu", NULL);
    }
    struct ls_layer_spec *narrow = ls_test_layer(&list, "residual", NULL);
    ls_test_layer(&narrow->branches[0], "conv2d", "filters", "8", "stride", "2", "padding", "same",
                  NULL);
    ls_test_layer(&narrow->branches[1], "shortcut", "stride", "2", "channels", "8", NULL);
    ls_test_layer(&list, "global_average_pool", NULL);
    ls_test_layer(&list, "linear", "units", "2", NULL);
    ls_require(ls_test_model_create(&made, &list, LS_TASK_CLASSIFICATION, LS_SHAPE(8, 8, 1), ROWS));
    write_bars();
    const double loss = ls_test_model_run(&made, ROWS, 16, 0);
    ck_assert_msg(isfinite(loss), "loss %g", loss);
    int weights = 0;
    for (int p = 0; p < made.parameters->count; p++) {
        const struct ls_parameter *parameter = made.parameters->items[p];
        double square = 0;
        for (int64_t i = 0; i < parameter->count; i++)
            square += pow((double)made.gradients[parameter->offset + i], 2);
        ck_assert_msg(isfinite(square), "the gradient of %s is not finite", parameter->name);
        if (parameter->layout == LS_LAYOUT_PANELS) {
            ck_assert_msg(square > 0, "no gradient reaches %s", parameter->name);
            weights++;
        }
    }
    ck_assert_int_eq(weights, 1 + 98 + 1 + 1);
    clear(&list);
}
END_TEST

/* Parameters of one set serve a second graph: here one for evaluation, of another size. */
START_TEST(an_evaluation_model_shares_the_parameters) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "linear", "units", "3", NULL);
    ls_test_layer(&list, "batch_norm", NULL);
    ls_require(ls_test_model_create(&made, &list, LS_TASK_CLASSIFICATION, LS_SHAPE(2), ROWS));
    const int64_t total = made.parameters->total;
    struct ls_model evaluation;
    const struct ls_feed feeds[] = {{.name = "inputs", .shape = LS_SHAPE(2)}, {.name = "targets"}};
    const struct ls_networks networks = {.count = 1, .items[0].layers = list};
    const struct ls_model_options options = {.networks = &networks,
                                             .task = ls_task_of(LS_TASK_CLASSIFICATION),
                                             .losses = &made.losses,
                                             .feeds = feeds,
                                             .feed_count = 2,
                                             .variant = ls_variant_best(),
                                             .rows_max = 5,
                                             .inference = true};
    ls_require(ls_model_create(&evaluation, &options, 0, made.parameters, &ls_test_error));
    ck_assert_int_eq(made.parameters->total, total);
    ls_graph_prepare(evaluation.graph, made.weights);
    const float x[2] = {0.25f, -2};
    memcpy(evaluation.inputs[0].value->data, x, sizeof x);
    *(int32_t *)evaluation.terms.items[0].target->data = 1;
    const uint64_t id = 0;
    const struct ls_run run = {.rows = 1, .microbatch_rows = 1, .microbatches = 1, .row_ids = &id};
    ls_graph_forward(evaluation.graph, &run, NULL);
    float weight[6];
    const struct ls_parameter *parameter = ls_parameters_find(made.parameters, "linear1.weight");
    ls_parameter_fetch(parameter, made.weights + parameter->offset, weight);
    for (int k = 0; k < 3; k++) {
        const double y = (double)x[0] * (double)weight[k] + (double)x[1] * (double)weight[3 + k];
        ck_assert_double_eq_tol((double)((float *)evaluation.output->data)[k], y / sqrt(1 + 1e-5),
                                1e-5);
    }
    ls_model_destroy(&evaluation);
    clear(&list);
}
END_TEST

static void check_standardised(bool whole_row, int64_t count) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "flatten", NULL);
    struct ls_task_options task_options;
    struct ls_layer_list losses;
    ls_fields_reset(ls_task_fields, &task_options);
    ls_fields_reset(ls_loss_fields, &task_options);
    ls_require(ls_task_losses(&task_options, &losses, &ls_test_error));
    const struct ls_networks networks = {.count = 1, .items[0].layers = list};
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_model model;
    const struct ls_feed feeds[] = {
        {.name = "inputs",
         .shape = LS_SHAPE(2, 3),
         .scaling = whole_row ? LS_FEED_PER_VALUE : LS_FEED_PER_CHANNEL},
        {.name = "targets"}};
    const struct ls_model_options options = {.networks = &networks,
                                             .task = ls_task_of(LS_TASK_CLASSIFICATION),
                                             .losses = &losses,
                                             .feeds = feeds,
                                             .feed_count = 2,
                                             .variant = ls_variant_best(),
                                             .rows_max = 4,
                                             .inference = true};
    ls_require(ls_model_create(&model, &options, 0, set, &ls_test_error));
    const struct ls_parameter *mean = ls_parameters_find(set, "input.mean");
    const struct ls_parameter *scale = ls_parameters_find(set, "input.scale");
    ck_assert(mean && scale);
    ck_assert_int_eq(mean->kind, LS_PARAMETER_CONSTANT);
    ck_assert_int_eq(ls_parameter_plain_count(mean), count);
    ck_assert_int_eq(ls_parameter_plain_count(scale), count);
    float *flat = ls_memory_map((size_t)set->total * sizeof *flat);
    ls_parameters_initialise(set, 1, flat);
    ck_assert(flat[mean->offset] == 0 && flat[scale->offset] == 1);
    for (int64_t i = 0; i < count; i++) {
        flat[mean->offset + i] = (float)i;
        flat[scale->offset + i] = 2;
    }
    ls_graph_prepare(model.graph, flat);
    for (int i = 0; i < 6; i++)
        ((float *)model.inputs[0].value->data)[i] = 1;
    *(int32_t *)model.terms.items[0].target->data = 0;
    const uint64_t id = 0;
    const struct ls_run run = {.rows = 1, .microbatch_rows = 1, .microbatches = 1, .row_ids = &id};
    ls_graph_forward(model.graph, &run, NULL);
    for (int i = 0; i < 6; i++)
        ck_assert(((float *)model.output->data)[i] == (1 - (float)(i % count)) * 2);
    ls_memory_unmap(flat, (size_t)set->total * sizeof *flat);
    ls_model_destroy(&model);
    ls_parameters_destroy(set);
    ls_layer_list_clear(&losses);
    ls_layer_list_clear(&list);
}

START_TEST(inputs_are_standardised_per_last_dimension_or_per_element) {
    check_standardised(false, 3);
    check_standardised(true, 6);
}
END_TEST

LS_SUITE(a_perceptron_of_three_layers_learns_exclusive_or,
         a_small_convolutional_network_tells_bars_apart, a_regression_approaches_a_curve,
         a_residual_network_of_a_hundred_layers_has_finite_gradients,
         an_evaluation_model_shares_the_parameters,
         inputs_are_standardised_per_last_dimension_or_per_element)
