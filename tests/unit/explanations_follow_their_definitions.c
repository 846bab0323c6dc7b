/* Methods of core/explain on models of a few numbers: gradients against differences, drawn Shapley
 * values against many more draws, attention against the op's own output, ascent, neighbours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/explain/explain.h"
#include "core/explain/faithfulness.h"
#include "launcher/config/config.h"
#include "tests/support/support.h"

enum { ROWS = 3 };

/* A model of float inputs with drawn weights, and ROWS samples of multiples of 1/8. */
struct subject {
    struct ls_config config;
    struct ls_parameter_set *parameters;
    struct ls_model model;
    float *weights, *inputs;
    uint64_t ids[ROWS];
    struct ls_explained explained[ROWS];
    struct ls_explainer explainer;
};

static void create(struct subject *s, const char *layers, struct ls_shape input) {
    char text[1024];
    const int length = snprintf(text, sizeof text, "data: {train: x.h5}\nmodel: %s\n", layers);
    memset(s, 0, sizeof *s);
    ls_require(
        ls_config_parse(&s->config, text, (size_t)length, "x.yaml", NULL, 0, &ls_test_error));
    const struct ls_feed feeds[] = {{.name = "inputs", .shape = input}};
    struct ls_model_options options = ls_config_model(&s->config, ls_variant_best(), 4);
    options.feeds = feeds;
    options.feed_count = 1;
    options.answers = true;
    options.explains = "inputs";
    s->parameters = ls_parameters_create();
    ls_require(ls_model_create(&s->model, &options, 0, s->parameters, &ls_test_error));
    s->weights = ls_memory_map((size_t)s->parameters->total * sizeof(float));
    ls_parameters_initialise(s->parameters, 1, s->weights);
    ls_graph_prepare(s->model.graph, s->weights);
    const int64_t width = ls_shape_count(input);
    s->inputs = ls_calloc((size_t)(ROWS * width), sizeof(float));
    for (int64_t i = 0; i < ROWS * width; i++)
        s->inputs[i] = (float)((i * 7 + i / 5) % 17 - 8) / 8;
    for (int n = 0; n < ROWS; n++) {
        s->ids[n] = (uint64_t)n;
        s->explained[n] = (struct ls_explained){.element = 1, .sign = 1};
    }
    s->explainer = (struct ls_explainer){.model = &s->model,
                                         .seed = 1,
                                         .rows = ROWS,
                                         .inputs = s->inputs,
                                         .ids = s->ids,
                                         .explained = s->explained};
}

static void destroy(struct subject *s) {
    ls_memory_unmap(s->weights, (size_t)s->parameters->total * sizeof(float));
    ls_model_destroy(&s->model);
    ls_parameters_destroy(s->parameters);
    ls_config_clear(&s->config);
    free(s->inputs);
}

/* The method with options, "KEY=VALUE KEY=VALUE"; results in order, owned by the caller. */
static struct ls_explanation explain(struct subject *s, const char *name, const char *set,
                                     int64_t count) {
    const struct ls_explain_method *method = ls_explain_find(name);
    void *options = ls_calloc(1, method->options_size + 1);
    struct ls_results results = {0};
    char key[32], value[32];
    ls_fields_reset(method->fields, options);
    for (int used; sscanf(set, " %31[^=]=%31s%n", key, value, &used) == 2; set += used)
        ls_require(
            ls_field_parse(ls_fields_find(method->fields, key), value, options, &ls_test_error));
    ls_require(method->describe(&s->explainer, options, &results, &ls_test_error));
    struct ls_explanation made = {.explainer = &s->explainer, .options = options, .count = count};
    for (int i = 0; i < results.count; i++)
        made.results[i] =
            ls_calloc((size_t)(count * ls_shape_count(results.items[i].row_shape)), 8);
    method->explain(&made);
    free(options);
    return made;
}

static void clear(struct ls_explanation *made) {
    for (int i = 0; i < LS_RESULTS_MAX; i++)
        free(made->results[i]);
}

/* Values at each input's number moved by h, up and down. */
struct differences {
    int64_t width;
    double step, *slopes;
};

static void move(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    const struct differences *d = context;
    to[point / 2] += (float)(point % 2 ? d->step : -d->step);
}

static void note(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    struct differences *d = context;
    d->slopes[sample * d->width + point / 2] += (point % 2 ? 1 : -1) * probe->value / (2 * d->step);
}

/* Recurrences ask for room when they are recorded, so what wants a gradient must be known then. */
START_TEST(saliency_is_the_slope_of_recurrences_and_convolutions) {
    static const char *const models[] = {
        "[lstm: 4, last, linear: 3]", "[gru: 4, last, linear: 3]",
        "[conv1d: {filters: 4, kernel: 3}, gelu, flatten, linear: 3]"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        struct subject s;
        create(&s, models[m], LS_SHAPE(5, 2));
        struct ls_explanation made = explain(&s, "saliency", "", ROWS);
        double slopes[ROWS * 10] = {0};
        struct differences d = {10, 0x1p-6, slopes};
        ls_explainer_sweep(
            &s.explainer,
            &(struct ls_sweep){
                .samples = ROWS, .points = 20, .make = move, .take = note, .context = &d});
        for (int i = 0; i < ROWS * 10; i++)
            ck_assert_double_eq_tol((double)((float *)made.results[0])[i], slopes[i], 2e-4);
        clear(&made);
        destroy(&s);
    }
}
END_TEST

START_TEST(the_last_position_is_the_last_before_the_padding) {
    struct subject s;
    create(&s, "[linear: 3]", LS_SHAPE(5, 2));
    static const int32_t lengths[ROWS] = {2, 5, 0};
    static const int64_t last[ROWS] = {1, 4, 0};
    struct ls_target target = {
        .kind = LS_TARGET_CLASS, .class = 2, .classifies = true, .position = -1};
    int32_t predicted[ROWS];
    float values[ROWS];
    ls_target_choose(&s.explainer, &target, s.explained, predicted, values);
    for (int n = 0; n < ROWS; n++)
        ck_assert_int_eq(s.explained[n].element, 4 * 3 + 2);
    target.lengths = lengths;
    ls_target_choose(&s.explainer, &target, s.explained, predicted, values);
    for (int n = 0; n < ROWS; n++)
        ck_assert_int_eq(s.explained[n].element, last[n] * 3 + 2);
    destroy(&s);
}
END_TEST

/* From two steps on, which alone would miss by far; what the file says of it is true. */
START_TEST(integrated_gradients_add_up_whatever_steps_they_begin_with) {
    static const char *const models[] = {
        "[conv1d: {filters: 8, kernel: 3}, relu, flatten, linear: 16, relu, linear: 3]",
        "[rnn: {units: 8, recurrent_scale: 2}, last, linear: 3]"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        struct subject s;
        const float baseline[10] = {0.3f, -0.2f, 0.6f, 0.1f}; /* of 0, ReLU goes straight */
        create(&s, models[m], LS_SHAPE(5, 2));
        s.explainer.baseline = baseline;
        float values[ROWS];
        int32_t predicted[ROWS];
        const struct ls_target target = {.kind = LS_TARGET_CLASS, .class = 1, .classifies = true};
        ls_target_choose(&s.explainer, &target, s.explained, predicted, values);
        struct ls_explanation made = explain(&s, "integrated_gradients", "steps=2", ROWS);
        int32_t most = 0;
        for (int n = 0; n < ROWS; n++) {
            const double whole = (double)(values[n] - ((float *)made.results[1])[n]);
            double sum = 0;
            for (int i = 0; i < 10; i++)
                sum += (double)((float *)made.results[0])[n * 10 + i];
            ck_assert_double_eq_tol(sum, whole, 1e-3 * fabs(whole) + 1e-6);
            ck_assert_double_eq_tol(fabs(sum - whole), ((double *)made.results[2])[n], 1e-6);
            ck_assert_int_lt(((int32_t *)made.results[3])[n], 512);
            most = ((int32_t *)made.results[3])[n] > most ? ((int32_t *)made.results[3])[n] : most;
        }
        ck_assert_int_gt(most, 2);
        clear(&made);
        destroy(&s);
    }
}
END_TEST

/* How many errors estimates of drawn orders or sets are off the exact values, at most, and how far
 * their sum is from what the sample is worth. */
static void compare_estimates(const struct ls_explanation *exact, const struct ls_explanation *made,
                              int64_t features, double errors_max) {
    const float *right = exact->results[0], *found = made->results[0], *errors = made->results[1];
    for (int64_t n = 0; n < ROWS; n++) {
        double whole = 0, sum = 0;
        for (int64_t i = n * features; i < (n + 1) * features; i++) {
            ck_assert_double_gt((double)errors[i], 0);
            ck_assert_double_lt((double)errors[i], 0.02);
            ck_assert_double_eq_tol((double)found[i], (double)right[i],
                                    errors_max * (double)errors[i]);
            whole += (double)right[i];
            sum += (double)found[i];
        }
        ck_assert_double_eq_tol(sum, whole, 1e-6);
        ck_assert_double_eq((double)((float *)made->results[2])[n],
                            (double)((float *)exact->results[2])[n]);
    }
}

START_TEST(drawn_shapley_values_lie_within_three_errors_of_the_exact_ones) {
    struct subject s;
    create(&s, "[linear: 6, tanh, linear: 2]", LS_SHAPE(12));
    float baseline[12]; /* that no input has */
    for (int i = 0; i < 12; i++)
        baseline[i] = 0.3f;
    s.explainer.baseline = baseline;
    static const char *const few[] = {"estimator=kernel sets=128", "estimator=permutation"};
    static const char *const many[] = {"estimator=kernel sets=8192",
                                       "estimator=permutation permutations=1024"};
    struct ls_explanation exact = explain(&s, "shapley", "estimator=exact", ROWS);
    for (int k = 0; k < 2; k++) {
        struct ls_explanation rough = explain(&s, "shapley", few[k], ROWS);
        struct ls_explanation fine = explain(&s, "shapley", many[k], ROWS);
        compare_estimates(&exact, &rough, 12, 3);
        compare_estimates(&exact, &fine, 12, 3);
        for (int i = 0; i < ROWS * 12; i++)
            ck_assert_double_lt((double)((float *)fine.results[1])[i],
                                (double)((float *)rough.results[1])[i] / 2);
        clear(&rough);
        clear(&fine);
    }
    clear(&exact);
    destroy(&s);
}
END_TEST

/* The regression has no set that tells two features apart, or no set at all. */
START_TEST(kernel_values_of_one_and_two_features_are_exact) {
    for (int features = 1; features <= 2; features++) {
        struct subject s;
        create(&s, "[linear: 6, tanh, linear: 2]", LS_SHAPE(features));
        const float baseline[2] = {0.3f, 0.3f};
        s.explainer.baseline = baseline;
        struct ls_explanation exact = explain(&s, "shapley", "", ROWS);
        struct ls_explanation kernel = explain(&s, "shapley", "estimator=kernel", ROWS);
        for (int i = 0; i < ROWS * features; i++) {
            ck_assert_double_eq_tol((double)((float *)kernel.results[0])[i],
                                    (double)((float *)exact.results[0])[i], 1e-6);
            ck_assert_double_lt((double)((float *)kernel.results[1])[i], 1e-6);
        }
        clear(&exact);
        clear(&kernel);
        destroy(&s);
    }
}
END_TEST

START_TEST(several_baselines_give_the_mean_of_what_each_gives) {
    static const char *const methods[] = {"integrated_gradients", "occlusion", "shapley"};
    enum { WIDTH = 6, BASELINES = 3 };
    struct subject s;
    float baselines[BASELINES * WIDTH];
    create(&s, "[linear: 6, tanh, linear: 2]", LS_SHAPE(WIDTH));
    for (int i = 0; i < BASELINES * WIDTH; i++)
        baselines[i] = (float)(i % 5 - 2) / 4;
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        const char *options = m == 0 ? "steps=256" : "";
        double means[ROWS * WIDTH] = {0};
        s.explainer.baselines = NULL;
        for (int k = 0; k < BASELINES; k++) {
            s.explainer.baseline = baselines + k * WIDTH;
            struct ls_explanation one = explain(&s, methods[m], options, ROWS);
            for (int i = 0; i < ROWS * WIDTH; i++)
                means[i] += (double)((float *)one.results[0])[i] / BASELINES;
            clear(&one);
        }
        s.explainer.baselines = baselines;
        s.explainer.baseline_count = BASELINES;
        struct ls_explanation all = explain(&s, methods[m], options, ROWS);
        for (int i = 0; i < ROWS * WIDTH; i++)
            ck_assert_double_eq_tol((double)((float *)all.results[0])[i], means[i], 1e-6);
        clear(&all);
    }
    destroy(&s);
}
END_TEST

static const struct ls_node *attention_of(const struct ls_graph *graph) {
    for (int i = 0; i < ls_graph_node_count(graph); i++)
        if (!strcmp(ls_graph_node_at(graph, i)->op->name, "attention"))
            return ls_graph_node_at(graph, i);
    return NULL;
}

/* [rows, 5, 8] of two heads: what the probabilities make of the values is what the op gave. */
START_TEST(attention_weighs_the_values_as_the_op_does) {
    struct subject s;
    create(&s, "[attention: {heads: 2, causal: true}, flatten, linear: 3]", LS_SHAPE(5, 8));
    struct ls_explanation made = explain(&s, "attention", "", ROWS);
    const struct ls_node *node = attention_of(s.model.graph);
    const float *qkv = node->inputs[0]->data, *y = node->output->data;
    const float *rollout = made.results[0], *p = made.results[1];
    for (int n = 0; n < ROWS; n++)
        for (int i = 0; i < 5; i++) {
            double rolled = 0;
            for (int j = 0; j < 5; j++)
                rolled += (double)rollout[(n * 5 + i) * 5 + j];
            ck_assert_double_eq_tol(rolled, 1, 1e-6);
            for (int c = 0; c < 8; c++) {
                const float *row = p + ((n * 2 + c / 4) * 5 + i) * 5;
                double sum = 0, value = 0;
                for (int j = 0; j < 5; j++) {
                    sum += (double)row[j];
                    value += (double)row[j] * (double)qkv[(n * 5 + j) * 24 + 16 + c];
                    ck_assert_msg(j <= i || row[j] == 0, "query %d sees position %d", i, j);
                }
                ck_assert_double_eq_tol(sum, 1, 1e-6);
                ck_assert_double_eq_tol(value, (double)y[(n * 5 + i) * 8 + c], 1e-5);
            }
        }
    clear(&made);
    destroy(&s);
}
END_TEST

START_TEST(ascent_raises_each_unit) {
    struct subject s;
    create(&s, "[conv2d: {filters: 4, kernel: 3}, relu, flatten, linear: 3]", LS_SHAPE(6, 6, 1));
    struct ls_explanation made = explain(&s, "maximise", "jitter=0", 3);
    const float *inputs = made.results[0], *values = made.results[1], *starts = made.results[2];
    for (int u = 0; u < 3; u++)
        ck_assert_double_gt((double)values[u], (double)starts[u]);
    for (int i = 0; i < 3 * 36; i++)
        ck_assert(inputs[i] >= 0 && inputs[i] <= 1);
    clear(&made);
    destroy(&s);
}
END_TEST

START_TEST(places_where_nothing_is_said_make_nothing_alike) {
    const float a[] = {0, 0, 0, 0, 0, 0, 1, -2, 3, 0.5f}, b[] = {0, 0, 0, 0, 0, 0, 2, 1, -0.5f, 3};
    ck_assert_double_eq_tol(ls_rank_correlation(a, b, 10), -1, 1e-12);
    ck_assert_double_eq_tol(ls_rank_correlation(a, b, 10), ls_rank_correlation(a + 6, b + 6, 4),
                            1e-15);
    ck_assert_double_eq(ls_rank_correlation(a, a, 10), 1);
    ck_assert_double_eq(ls_rank_correlation(a, b, 6), 0);
}
END_TEST

LS_SUITE(saliency_is_the_slope_of_recurrences_and_convolutions,
         the_last_position_is_the_last_before_the_padding,
         integrated_gradients_add_up_whatever_steps_they_begin_with,
         drawn_shapley_values_lie_within_three_errors_of_the_exact_ones,
         kernel_values_of_one_and_two_features_are_exact,
         several_baselines_give_the_mean_of_what_each_gives,
         attention_weighs_the_values_as_the_op_does, ascent_raises_each_unit,
         places_where_nothing_is_said_make_nothing_alike)
