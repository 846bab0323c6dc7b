#include "core/tasks/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/tree.h"
#include "tests/support/support.h"

enum { ROWS_MAX = 64, SUMS_MAX = 64 };

/* A task on outputs that the test writes itself. */
struct bench {
    const struct ls_task *task;
    struct ls_layer_list losses;
    struct ls_terms terms;
    struct ls_parameter_set *parameters;
    struct ls_graph *graph;
    struct ls_value *output, *target, *loss;
    struct ls_taken_feed labels; /* how the targets were taken */
    float *flat;
};

static struct ls_task_options defaults(enum ls_task_kind kind) {
    struct ls_task_options options;
    ls_fields_reset(ls_task_fields, &options);
    ls_fields_reset(ls_loss_fields, &options);
    options.kind = (int)kind;
    return options;
}

static enum ls_status set_up(struct bench *bench, struct ls_task_options options,
                             struct ls_shape outputs) {
    bench->task = ls_task_of(options.kind);
    bench->terms = (struct ls_terms){0};
    ls_require(ls_task_losses(&options, &bench->losses, &ls_test_error));
    bench->parameters = ls_parameters_create();
    bench->graph = ls_graph_create(&(struct ls_graph_options){.variant = LS_F32_PORTABLE,
                                                              .rows_max = ROWS_MAX,
                                                              .parameters = bench->parameters,
                                                              .inference = true});
    bench->output = ls_graph_input(bench->graph, "output", outputs, LS_TYPE_REAL);
    const struct ls_feed targets = {.name = "targets", .shape.rank = LS_FEED_OPEN};
    struct ls_builder builder = {.graph = bench->graph, .feeds = &targets, .feed_count = 1};
    bench->target = bench->loss = NULL;
    if (ls_terms_record(&bench->terms, &builder, &bench->losses, bench->output)) {
        bench->target = bench->terms.items[0].target;
        bench->loss = ls_terms_loss(&bench->terms, bench->graph);
        ls_graph_set_loss(bench->graph, bench->loss);
    }
    bench->labels = builder.taken[0];
    ls_builder_clear(&builder);
    const enum ls_status status = ls_graph_plan(bench->graph, &ls_test_error);
    if (status == LS_OK) {
        bench->flat = calloc((size_t)bench->parameters->total + 1, sizeof *bench->flat);
        ls_parameters_initialise(bench->parameters, 1, bench->flat);
        ls_graph_prepare(bench->graph, bench->flat);
    } else {
        bench->flat = NULL;
    }
    return status;
}

static void tear_down(struct bench *bench) {
    ls_graph_destroy(bench->graph);
    ls_parameters_destroy(bench->parameters);
    ls_layer_list_clear(&bench->losses);
    free(bench->flat);
}

static struct ls_run forward(struct bench *bench, int64_t rows, int64_t microbatch_rows) {
    static uint64_t ids[ROWS_MAX];
    const struct ls_run run = {.rows = rows,
                               .microbatch_rows = microbatch_rows,
                               .microbatches =
                                   (int)((rows + microbatch_rows - 1) / microbatch_rows),
                               .row_ids = ids};
    ls_graph_forward(bench->graph, &run, NULL);
    return run;
}

static void measure(struct bench *bench, const struct ls_run *run, int m, double sums[SUMS_MAX]) {
    ck_assert_int_le(ls_terms_sum_count(&bench->terms, true), SUMS_MAX);
    for (int s = 0; s < SUMS_MAX; s++)
        sums[s] = -1; /* all of them must be assigned */
    ls_terms_measure(&bench->terms, run, m, true, sums);
}

static struct ls_metrics metrics_of(const struct bench *bench, const double *sums, bool detailed) {
    struct ls_metrics metrics = {0};
    ls_terms_metrics(&bench->terms, "", sums, detailed, &metrics);
    return metrics;
}

static double value_of(const struct ls_metrics *metrics, const char *name) {
    for (int i = 0; i < metrics->count; i++)
        if (!strcmp(metrics->items[i].name, name))
            return metrics->items[i].value;
    ck_abort_msg("no metric '%s'", name);
    return 0;
}

static double log_sum_exp(const float *x, int count) {
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += exp((double)x[k]);
    return log(sum);
}

static const float logits[5][3] = {{2, 1, 0}, {0, 3, 1}, {1, 1, 0}, {0, 2, 3}, {-1, 0, 5}};
static const int32_t labels[5] = {0, 2, 1, 1, 2};

START_TEST(classes_are_counted_and_the_loss_is_their_cross_entropy) {
    struct ls_task_options options = defaults(LS_TASK_CLASSIFICATION);
    options.top_k = 2;
    struct bench bench;
    ls_require(set_up(&bench, options, LS_SHAPE(3)));
    ck_assert_int_eq(bench.target->type, LS_TYPE_INT32);
    ck_assert_int_eq(bench.labels.limit, 3);
    ck_assert(!bench.labels.ignoring);
    memcpy(bench.output->data, logits, sizeof logits);
    memcpy(bench.target->data, labels, sizeof labels);
    const struct ls_run run = forward(&bench, 5, 5);
    double sums[SUMS_MAX], expected = 0;
    measure(&bench, &run, 0, sums);
    for (int i = 0; i < 5; i++)
        expected += log_sum_exp(logits[i], 3) - (double)logits[i][labels[i]];
    const struct ls_metrics metrics = metrics_of(&bench, sums, true);
    ck_assert_str_eq(metrics.items[0].name, "loss");
    ck_assert_double_eq_tol(value_of(&metrics, "loss"), expected / 5, 1e-6);
    /* Row 2: 1 and 1 are equal, the first wins, so its label 1 is missed but within the two
     * largest. */
    ck_assert_double_eq(value_of(&metrics, "accuracy"), 2.0 / 5);
    ck_assert_double_eq(value_of(&metrics, "top2_accuracy"), 1.0);
    const double confusion[9] = {1, 0, 0, 1, 0, 1, 0, 1, 1};
    ck_assert_int_eq(metrics.judged_count, 1);
    ck_assert_int_eq(metrics.judged[0].classes, 3);
    ck_assert(!memcmp(metrics.judged[0].confusion, confusion, sizeof confusion));
    ck_assert_str_eq(ls_terms_watched(&bench.terms), "accuracy");
    tear_down(&bench);
}
END_TEST

START_TEST(ignored_labels_take_no_part_and_class_weights_weigh_the_loss) {
    struct ls_task_options options = defaults(LS_TASK_CLASSIFICATION);
    options.ignored_label = 1;
    options.class_weights = (struct ls_real_list){3, {2, 7, 0.5}};
    struct bench bench;
    ls_require(set_up(&bench, options, LS_SHAPE(3)));
    ck_assert_ptr_nonnull(ls_parameters_find(bench.parameters, "loss.class_weights"));
    memcpy(bench.output->data, logits, sizeof logits);
    memcpy(bench.target->data, labels, sizeof labels);
    const struct ls_run run = forward(&bench, 5, 5);
    double sums[SUMS_MAX], expected = 0, weight = 0;
    measure(&bench, &run, 0, sums);
    for (int i = 0; i < 5; i++) {
        const double w = labels[i] == 1 ? 0 : options.class_weights.values[labels[i]];
        expected += w * (log_sum_exp(logits[i], 3) - (double)logits[i][labels[i]]);
        weight += w;
    }
    const struct ls_metrics metrics = metrics_of(&bench, sums, true);
    ck_assert_double_eq_tol(sums[0], expected, 1e-5);
    ck_assert_double_eq(sums[1], weight);
    ck_assert_double_eq_tol(value_of(&metrics, "loss"), expected / weight, 1e-6);
    ck_assert_double_eq(value_of(&metrics, "accuracy"), 2.0 / 3);
    tear_down(&bench);
}
END_TEST

START_TEST(one_output_makes_it_a_binary_classification) {
    struct bench bench;
    ls_require(set_up(&bench, defaults(LS_TASK_CLASSIFICATION), LS_SHAPE(1)));
    ck_assert_int_eq(bench.target->type, LS_TYPE_REAL);
    ck_assert_int_eq(bench.labels.limit, 2);
    const float x[4] = {2, -1, 0, 0.5f}, t[4] = {1, 0, 1, 0};
    memcpy(bench.output->data, x, sizeof x);
    memcpy(bench.target->data, t, sizeof t);
    const struct ls_run run = forward(&bench, 4, 4);
    double sums[SUMS_MAX], expected = 0;
    measure(&bench, &run, 0, sums);
    for (int i = 0; i < 4; i++)
        expected += log(1 + exp((t[i] > 0 ? -1 : 1) * (double)x[i]));
    const struct ls_metrics metrics = metrics_of(&bench, sums, true);
    ck_assert_double_eq_tol(value_of(&metrics, "loss"), expected / 4, 1e-6);
    ck_assert_double_eq(value_of(&metrics, "accuracy"), 0.5);
    const double confusion[4] = {1, 1, 1, 1};
    ck_assert_int_eq(metrics.judged_count, 1);
    ck_assert_int_eq(metrics.judged[0].classes, 2);
    ck_assert(!memcmp(metrics.judged[0].confusion, confusion, sizeof confusion));
    tear_down(&bench);
}
END_TEST

START_TEST(outputs_that_are_no_numbers_hit_nothing) {
    struct ls_task_options options = defaults(LS_TASK_CLASSIFICATION);
    options.top_k = 2;
    struct bench bench;
    ls_require(set_up(&bench, options, LS_SHAPE(3)));
    const float x[3] = {0, 0, NAN};
    const int32_t label = 2;
    memcpy(bench.output->data, x, sizeof x);
    memcpy(bench.target->data, &label, sizeof label);
    const struct ls_run run = forward(&bench, 1, 1);
    double sums[SUMS_MAX];
    measure(&bench, &run, 0, sums);
    const struct ls_metrics metrics = metrics_of(&bench, sums, true);
    ck_assert_double_eq(value_of(&metrics, "accuracy"), 0);
    ck_assert_double_eq(value_of(&metrics, "top2_accuracy"), 0);
    ck_assert(isnan(value_of(&metrics, "loss")));
    tear_down(&bench);
}
END_TEST

START_TEST(a_regression_explains_a_share_of_the_variance) {
    struct bench bench;
    ls_require(set_up(&bench, defaults(LS_TASK_REGRESSION), LS_SHAPE(2)));
    const double x[6] = {1, 2.5, 3, 4, 4.5, 7}, t[6] = {1, 2, 3, 4, 5, 6};
    double residual = 0, absolute = 0, mean = 0, total = 0;
    for (int i = 0; i < 6; i++) {
        ((float *)bench.output->data)[i] = (float)x[i];
        ((float *)bench.target->data)[i] = (float)t[i];
        residual += (x[i] - t[i]) * (x[i] - t[i]);
        absolute += fabs(x[i] - t[i]);
        mean += t[i] / 6;
    }
    for (int i = 0; i < 6; i++)
        total += (t[i] - mean) * (t[i] - mean);
    const struct ls_run run = forward(&bench, 3, 3);
    double sums[SUMS_MAX];
    measure(&bench, &run, 0, sums);
    const struct ls_metrics metrics = metrics_of(&bench, sums, true);
    ck_assert_double_eq_tol(value_of(&metrics, "loss"), residual / 6, 1e-6);
    ck_assert_double_eq_tol(value_of(&metrics, "r2"), 1 - residual / total, 1e-12);
    ck_assert_double_eq_tol(value_of(&metrics, "mae"), absolute / 6, 1e-12);
    ck_assert_int_eq(metrics.judged_count, 0);
    ck_assert_str_eq(ls_terms_watched(&bench.terms), "r2");
    tear_down(&bench);
}
END_TEST

enum { TERM_ROWS = 3, TERM_POSITIONS = 4 };

/* Cross-entropy of labels at four positions, and three times the squared error of numbers there. */
struct two_terms {
    struct ls_layer_list losses;
    struct ls_terms terms;
    struct ls_parameter_set *parameters;
    struct ls_graph *graph;
    struct ls_value *output, *loss;
};

static void open_two(struct two_terms *two, const char *option, const char *value,
                     const char *numbers_lengths) {
    static const struct ls_feed feeds[] = {
        {.name = "targets", .shape = {1, {TERM_POSITIONS}}, .integer = true},
        {.name = "numbers", .shape = {2, {TERM_POSITIONS, 3}}},
        {.name = "valid", .shape = {0}, .integer = true}};
    *two = (struct two_terms){.parameters = ls_parameters_create()};
    struct ls_layer_spec *classes = ls_losses_append(&two->losses, "cross_entropy", "labels");
    if (option)
        ls_require(ls_field_parse(ls_fields_find(classes->layer->fields, option), value,
                                  classes->options, &ls_test_error));
    struct ls_layer_spec *numbers = ls_losses_append(&two->losses, "squared_error", "numbers_too");
    ls_layer_spec_refer(numbers, "target", "numbers");
    if (numbers_lengths)
        ls_layer_spec_refer(numbers, "lengths", numbers_lengths);
    ls_require(ls_field_parse(ls_fields_find(numbers->layer->fields, "weight"), "3",
                              numbers->options, &ls_test_error));
    two->graph = ls_graph_create(&(struct ls_graph_options){
        .variant = LS_F32_PORTABLE, .rows_max = TERM_ROWS, .parameters = two->parameters});
    struct ls_builder builder = {.graph = two->graph, .feeds = feeds, .feed_count = 3};
    two->output = ls_graph_input(two->graph, "output", LS_SHAPE(TERM_POSITIONS, 3), LS_TYPE_REAL);
    ck_assert(ls_terms_record(&two->terms, &builder, &two->losses, two->output));
    two->loss = ls_terms_loss(&two->terms, two->graph);
    ls_graph_keep(two->graph, two->output);
    for (int i = 0; i < 2; i++)
        ls_graph_keep(two->graph, two->terms.items[i].value);
    ls_builder_clear(&builder);
    ls_require(ls_graph_plan(two->graph, &ls_test_error));
}

/* The mean of the sum that the optimiser makes small: labels 0 to 2 at each of three samples, equal
 * logits, errors of 1, 2 and 3. */
static double mean_of_two(struct two_terms *two) {
    static const int32_t labels_here[TERM_ROWS][TERM_POSITIONS] = {
        {0, 1, 1, 2}, {2, 2, 0, 0}, {1, 1, 1, 1}};
    static const int32_t valid[TERM_ROWS] = {4, 0, 1};
    const struct ls_term *items = two->terms.items;
    const int row = TERM_POSITIONS * 3;
    float *weights = ls_memory_map((size_t)(two->parameters->total + 1) * sizeof *weights);
    ls_parameters_initialise(two->parameters, 1, weights);
    ls_graph_prepare(two->graph, weights);
    memset(two->output->data, 0, TERM_ROWS * (size_t)row * sizeof(float));
    memcpy(items[0].target->data, labels_here, sizeof labels_here);
    if (items[1].lengths)
        memcpy(items[1].lengths->data, valid, sizeof valid);
    for (int i = 0; i < TERM_ROWS * row; i++)
        ((float *)items[1].target->data)[i] = (float)(1 + i / row);
    double factors[2];
    const double samples = TERM_ROWS;
    for (int i = 0; i < 2; i++)
        factors[i] =
            samples / ls_term_weigh(&items[i], items[i].target->data,
                                    items[i].lengths ? items[i].lengths->data : NULL, TERM_ROWS);
    static const uint64_t ids[TERM_ROWS];
    const struct ls_run run = {.rows = TERM_ROWS,
                               .microbatch_rows = TERM_ROWS,
                               .microbatches = 1,
                               .row_ids = ids,
                               .term_factors = two->terms.weighed ? factors : NULL};
    ls_graph_forward(two->graph, &run, NULL);
    double sum = 0, weight = 0;
    for (int n = 0; n < TERM_ROWS; n++) {
        sum += (double)((const float *)two->loss->data)[2 * n];
        weight += (double)((const float *)two->loss->data)[2 * n + 1];
    }
    for (int i = 0; i < 2; i++) { /* ls_term_weigh says what the losses themselves say */
        double own = 0;
        for (int n = 0; n < TERM_ROWS; n++)
            own += (double)((const float *)items[i].value->data)[2 * n + 1];
        ck_assert_double_eq_tol(samples / factors[i], own, 1e-6);
    }
    ls_memory_unmap(weights, (size_t)(two->parameters->total + 1) * sizeof *weights);
    ls_graph_destroy(two->graph);
    ls_parameters_destroy(two->parameters);
    ls_layer_list_clear(&two->losses);
    return sum / (two->terms.weighed ? samples : weight);
}

START_TEST(several_terms_count_by_their_weights_alone) {
    const double classes = log(3);
    struct two_terms two;
    open_two(&two, NULL, NULL, NULL);
    ck_assert(!two.terms.weighed);
    ck_assert_double_eq_tol(mean_of_two(&two), classes + 3 * (1 + 4 + 9) / 3.0, 1e-5);
    open_two(&two, "ignored_label", "1", NULL);
    ck_assert(two.terms.weighed);
    ck_assert_double_eq_tol(mean_of_two(&two), classes + 3 * (1 + 4 + 9) / 3.0, 1e-5);
    open_two(&two, "class_weights", "[2, 0.5, 7]", NULL);
    ck_assert_double_eq_tol(mean_of_two(&two), classes + 3 * (1 + 4 + 9) / 3.0, 1e-5);
    /* samples weigh 1, 0 and a quarter */
    open_two(&two, "class_weights", "[2, 0.5, 7]", "valid");
    ck_assert_double_eq_tol(mean_of_two(&two), classes + 3 * (1 + 9 / 4.0) / 1.25, 1e-5);
}
END_TEST

/* A label beyond the classes passes the check of the data if every term that reads it leaves it
 * out. */
START_TEST(a_label_is_ignored_if_all_terms_ignore_it) {
    static const char *const ignored[][2] = {{"9", "9"}, {"9", "-1"}, {"-1", "9"}, {"9", "8"}};
    for (int c = 0; c < 4; c++) {
        const struct ls_feed feed = {.name = "targets", .shape = {0}, .integer = true};
        struct ls_layer_list losses = {0};
        for (int i = 0; i < 2; i++) {
            struct ls_layer_spec *spec =
                ls_losses_append(&losses, "cross_entropy", i ? "second" : "first");
            ls_require(ls_field_parse(ls_fields_find(spec->layer->fields, "ignored_label"),
                                      ignored[c][i], spec->options, &ls_test_error));
        }
        struct ls_parameter_set *parameters = ls_parameters_create();
        struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
            .variant = LS_F32_PORTABLE, .rows_max = 2, .parameters = parameters});
        struct ls_builder builder = {.graph = graph, .feeds = &feed, .feed_count = 1};
        struct ls_terms terms = {0};
        ck_assert(ls_terms_record(&terms, &builder, &losses,
                                  ls_graph_input(graph, "output", LS_SHAPE(4), LS_TYPE_REAL)));
        ck_assert_int_eq(builder.taken[0].limit, 4);
        ck_assert_int_eq(builder.taken[0].limits, 2);
        ck_assert_int_eq(builder.taken[0].ignoring, c == 0 ? 2 : 1);
        ls_builder_clear(&builder);
        ls_graph_destroy(graph);
        ls_parameters_destroy(parameters);
        ls_layer_list_clear(&losses);
    }
}
END_TEST

/* Targets with gaps weigh what is left of them. */
START_TEST(gaps_weigh_nothing) {
    const struct ls_feed feed = {
        .name = "targets", .shape = {1, {4}}, .integer = true, .gaps = true};
    static const int32_t targets[2][4] = {{-1, 2, -1, 0}, {-1, -1, -1, 1}};
    struct ls_layer_list losses = {0};
    ls_losses_append(&losses, "cross_entropy", "first");
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
        .variant = LS_F32_PORTABLE, .rows_max = 2, .parameters = parameters});
    struct ls_builder builder = {.graph = graph, .feeds = &feed, .feed_count = 1};
    struct ls_terms terms = {0};
    ck_assert(ls_terms_record(&terms, &builder, &losses,
                              ls_graph_input(graph, "output", LS_SHAPE(4, 3), LS_TYPE_REAL)));
    ck_assert_double_eq(ls_term_weigh(&terms.items[0], targets, NULL, 2), 3);
    ls_builder_clear(&builder);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
    ls_layer_list_clear(&losses);
}
END_TEST

/* Terms on three values that the test writes itself: the output, `other`, and the feed `targets`.
 */
struct judged {
    struct ls_layer_list losses;
    struct ls_terms terms;
    struct ls_parameter_set *parameters;
    struct ls_graph *graph;
    struct ls_value *output, *other, *loss;
};

static enum ls_status judge(struct judged *judged, struct ls_shape outputs, int64_t microbatch_rows,
                            int64_t rows, double sums[][SUMS_MAX], const float *values) {
    const struct ls_feed targets = {.name = "targets", .shape.rank = LS_FEED_OPEN};
    judged->terms = (struct ls_terms){0};
    judged->parameters = ls_parameters_create();
    judged->graph = ls_graph_create(&(struct ls_graph_options){
        .variant = LS_F32_PORTABLE, .rows_max = ROWS_MAX, .parameters = judged->parameters});
    struct ls_builder builder = {.graph = judged->graph, .feeds = &targets, .feed_count = 1};
    judged->output = ls_graph_input(judged->graph, "output", outputs, LS_TYPE_REAL);
    judged->other = ls_graph_input(judged->graph, "other", outputs, LS_TYPE_REAL);
    ls_graph_push(judged->graph, "other");
    ls_builder_name(&builder, judged->other);
    ls_graph_pop(judged->graph);
    if (ls_terms_record(&judged->terms, &builder, &judged->losses, judged->output))
        ls_graph_keep(judged->graph, ls_terms_loss(&judged->terms, judged->graph));
    ls_builder_clear(&builder);
    if (ls_graph_plan(judged->graph, &ls_test_error) != LS_OK)
        return ls_test_error.status;
    const struct ls_term *term = &judged->terms.items[0];
    const size_t count = (size_t)(rows * ls_shape_row_count(term->of->shape));
    memcpy(judged->output->data, values, count * sizeof *values);
    if (judged->other->data)
        memcpy(judged->other->data, values + count, count * sizeof *values);
    if (term->target && term->target != judged->other)
        memcpy(term->target->data, values + 2 * count, count * sizeof *values);
    static const uint64_t ids[ROWS_MAX];
    const struct ls_run run = {.rows = rows,
                               .microbatch_rows = microbatch_rows,
                               .microbatches =
                                   (int)((rows + microbatch_rows - 1) / microbatch_rows),
                               .row_ids = ids};
    ls_graph_forward(judged->graph, &run, NULL);
    for (int m = 0; m < run.microbatches; m++)
        ls_terms_measure(&judged->terms, &run, m, true, sums[m]);
    return LS_OK;
}

static void dismiss(struct judged *judged) {
    ls_graph_destroy(judged->graph);
    ls_parameters_destroy(judged->parameters);
    ls_layer_list_clear(&judged->losses);
}

static struct ls_layer_spec *add_loss(struct judged *judged, const char *name, const char *option,
                                      const char *value) {
    struct ls_layer_spec *spec = ls_losses_append(&judged->losses, name, "loss");
    if (option)
        ls_require(ls_field_parse(ls_fields_find(spec->layer->fields, option), value, spec->options,
                                  &ls_test_error));
    return spec;
}

/* Loss and metric of all rows, measured in microbatches of two. */
static void check_judged(struct judged *judged, struct ls_shape outputs, const float *values,
                         int64_t rows, double loss, const char *metric, double value) {
    double sums[ROWS_MAX][SUMS_MAX], all[SUMS_MAX] = {0};
    ls_require(judge(judged, outputs, 2, rows, sums, values));
    for (int m = 0; m < (rows + 1) / 2; m++)
        for (int s = 0; s < ls_terms_sum_count(&judged->terms, true); s++)
            all[s] += sums[m][s];
    struct ls_metrics found = {0};
    ls_terms_metrics(&judged->terms, "", all, true, &found);
    ck_assert_double_eq_tol(value_of(&found, "loss"), loss, 1e-6);
    if (metric)
        ck_assert_double_eq_tol(value_of(&found, metric), value, 1e-6);
    dismiss(judged);
}

START_TEST(errors_divergences_and_wishes_are_what_a_hand_makes_of_them) {
    /* two rows of two: x, then what stands beside it, and the same as targets */
    const float values[] = {1, -2, 0.5f, 3, 0, 1, 1, 1, 0, 1, 1, 1};
    double binary = 0, divergence = 0, real = 0;
    for (int i = 0; i < 4; i++) {
        const double x = (double)values[i], t = (double)values[4 + i];
        binary += log(1 + exp(t > 0 ? -x : x)) / 4;
        divergence += -(1 + t - x * x - exp(t)) / 2 / 2;
        real += log(1 + exp(-x)) / 4;
    }
    struct judged judged = {0};
    add_loss(&judged, "absolute_error", NULL, NULL);
    check_judged(&judged, LS_SHAPE(2), values, 2, 6.5 / 4, "mae", 6.5 / 4);
    add_loss(&judged, "huber", NULL, NULL);
    check_judged(&judged, LS_SHAPE(2), values, 2, (0.5 + 2.5 + 0.125 + 1.5) / 4, NULL, 0);
    add_loss(&judged, "binary_cross_entropy", NULL, NULL);
    check_judged(&judged, LS_SHAPE(2), values, 2, binary, "accuracy", 0.5);
    ls_layer_spec_refer(add_loss(&judged, "kl_normal", NULL, NULL), "log_variance", "other");
    check_judged(&judged, LS_SHAPE(2), values, 2, divergence, NULL, 0);
    add_loss(&judged, "adversarial", NULL, NULL);
    check_judged(&judged, LS_SHAPE(2), values, 2, real, NULL, 0);
    add_loss(&judged, "adversarial", "wanted", "made");
    check_judged(&judged, LS_SHAPE(2), values, 2, real + (1 - 2 + 0.5 + 3) / 4, NULL, 0);
}
END_TEST

START_TEST(boxes_are_judged_by_the_area_that_they_share) {
    /* met; half of it; beside it; the wrong way round */
    const float boxes[] = {0, 0, 2, 2, 0, 0, 1, 1, 3, 3, 4, 4, 1, 1, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9,
                           9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 2, 2, 0, 0, 1, 2, 3, 1, 4, 2, 0, 0, 1, 1};
    struct judged judged = {0};
    add_loss(&judged, "box", NULL, NULL);
    /* linear beyond 0.1: 1 costs 0.095, 2 cost 0.195 */
    check_judged(&judged, LS_SHAPE(4), boxes, 4, (0.095 + 2 * 0.195 + 4 * 0.095) / 4 / 4, "iou",
                 1.5 / 4);
    add_loss(&judged, "box", NULL, NULL);
    double sums[ROWS_MAX][SUMS_MAX];
    ck_assert_int_eq(judge(&judged, LS_SHAPE(3), 2, 2, sums, boxes), LS_INVALID);
    ck_assert(strstr(ls_test_error.text, "4 numbers (top, left, bottom, right), found 3"));
    dismiss(&judged);
}
END_TEST

START_TEST(a_term_of_weight_0_measures_beside_the_one_that_trains) {
    const float values[] = {1, -2, 0.5f, 3, 0, 0, 0, 0, 0, 1, 1, 1};
    static const struct {
        const char *metric;
        double value;
    } expected[] = {{"mse", 14.25 / 4},
                    {"accuracy", 0.5},
                    {"beside.mae", 6.5 / 4},
                    {"beside.loss", 6.5 / 4},
                    {"beside.mse", 14.25 / 4}};
    for (int i = 0; i < 5; i++) {
        struct judged judged = {0};
        strcpy(add_loss(&judged, "absolute_error", "weight", "0")->name, "beside");
        add_loss(&judged, "squared_error", NULL, NULL);
        strcpy(add_loss(&judged, "binary_cross_entropy", "weight", "0")->name, "sides");
        check_judged(&judged, LS_SHAPE(2), values, 2, 14.25 / 4, expected[i].metric,
                     expected[i].value);
    }
}
END_TEST

START_TEST(pairs_and_triplets_are_told_apart_by_their_distances) {
    /* distances 0, 2.25, 0.16, 1 (squared); the same: yes, yes, no, no; margin 1 */
    const float pairs[] = {0, 2.25f, 0.16f, 1, 9, 9, 9, 9, 1, 1, 0, 0};
    struct judged judged = {0};
    add_loss(&judged, "contrastive", NULL, NULL);
    /* halves of 0, 2.25, (1 - 0.4)^2, 0; nearer than 0.5: the first and the third */
    check_judged(&judged, LS_SHAPE(1), pairs, 4, (2.25 + 0.36) / 2 / 4, "accuracy", 0.5);
    add_loss(&judged, "contrastive", "distances", "plain");
    check_judged(&judged, LS_SHAPE(1), pairs, 4, (2.25 * 2.25 + 0.84 * 0.84) / 2 / 4, "accuracy",
                 0.5);
    const float triplets[] = {1, 0.5f, 3, 0, 1.25f, 3, 2, 0.5f};
    ls_layer_spec_refer(add_loss(&judged, "triplet", "margin", "0.5"), "far", "other");
    /* 1 against 1.25, 0.5 against 3, 3 against 2, 0 against 0.5 */
    check_judged(&judged, LS_SHAPE(1), triplets, 4, (0.25 + 0 + 1.5 + 0) / 4, "accuracy", 0.75);
}
END_TEST

START_TEST(the_nearest_prototype_or_sample_counts) {
    /* three samples, two prototypes */
    const float distances[] = {4, 1, 2, 3, 6, 5, 9, 9, 9, 9, 9, 9};
    struct judged judged = {0};
    add_loss(&judged, "nearest", NULL, NULL);
    check_judged(&judged, LS_SHAPE(2), distances, 3, (1 + 2 + 5) / 3.0, NULL, 0);
    add_loss(&judged, "nearest", "over", "samples");
    /* microbatches of two samples and of one: (2 + 1) / 2 and (6 + 5) / 2, by their samples */
    check_judged(&judged, LS_SHAPE(2), distances, 3, (2 * 1.5 + 5.5) / 3, NULL, 0);
}
END_TEST

START_TEST(forecasts_are_judged_by_their_distribution) {
    /* two rows of two: means, log variances, targets */
    const float normal[] = {1, 2, 0, -1, 0, (float)log(4), 0, 0, 1, 4, 2, -1};
    const double half_log = 0.5 * log(2 * acos(-1.0));
    struct judged judged = {0};
    ls_layer_spec_refer(add_loss(&judged, "gaussian_nll", NULL, NULL), "log_variance", "other");
    /* the mean over four: 0; log(4) / 2 + 4 / 4 / 2; 4 / 2; 0. |errors| 0, 2, 2, 0 */
    check_judged(&judged, LS_SHAPE(2), normal, 2, half_log + (log(2) + 0.5 + 2) / 4, "mae", 1);
    ls_layer_spec_refer(add_loss(&judged, "gaussian_nll", "sum", "true"), "log_variance", "other");
    check_judged(&judged, LS_SHAPE(2), normal, 2, 2 * half_log + (log(2) + 0.5 + 2) / 2, "r2",
                 1 - 8.0 / (22 - 9));
    add_loss(&judged, "quantile", "quantile", "0.9");
    /* targets - outputs: 0, 2, 2, 0, of which two are not above 0 */
    check_judged(&judged, LS_SHAPE(2), normal, 2, 0.9 * (2 + 2) / 4, "coverage", 0.5);
    add_loss(&judged, "quantile", "quantile", "0.1");
    const float below[] = {3, 5, 0, 0, 1, 1};
    check_judged(&judged, LS_SHAPE(1), below, 2, 0.9 * (2 + 4) / 2, "coverage", 1);
}
END_TEST

START_TEST(a_loss_that_misses_what_it_needs_says_so) {
    static const char *const wrong[][2] = {
        {"gaussian_nll", "log_variance is missing: the name of a value"},
        {"kl_normal", "log_variance is missing"},
        {"triplet", "far is missing: the distance to a sample of another kind"},
        {"contrastive", "expected one distance for a sample, found 2"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct judged judged = {0};
        add_loss(&judged, wrong[i][0], NULL, NULL);
        double sums[1][SUMS_MAX];
        ck_assert_int_eq(judge(&judged, LS_SHAPE(2), 1, 1, sums, NULL), LS_INVALID);
        ck_assert_msg(strstr(ls_test_error.text, wrong[i][1]), "%s", ls_test_error.text);
        dismiss(&judged);
    }
}
END_TEST

START_TEST(lengths_and_targets_of_the_data_have_limits) {
    static const char *const names[] = {"cross_entropy", "squared_error", "huber"};
    static const struct ls_feed feeds[] = {{.name = "targets", .shape.rank = LS_FEED_OPEN},
                                           {.name = "lengths", .integer = true}};
    for (int i = 0; i < 4; i++) {
        struct ls_layer_list losses = {0};
        struct ls_layer_spec *spec =
            ls_losses_append(&losses, i < 3 ? names[i] : "binary_cross_entropy", "loss");
        if (i < 3)
            ls_layer_spec_refer(spec, "lengths", "lengths");
        struct ls_parameter_set *parameters = ls_parameters_create();
        struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
            .variant = LS_F32_PORTABLE, .rows_max = 2, .parameters = parameters});
        struct ls_builder builder = {.graph = graph, .feeds = feeds, .feed_count = 2};
        struct ls_terms terms = {0};
        struct ls_value *output = ls_graph_input(graph, "output", LS_SHAPE(4, 3), LS_TYPE_REAL);
        if (i == 3) /* what a feed must be, it must be in another shape, too */
            ck_assert(ls_builder_feed_as(&builder, "targets", LS_TYPE_REAL, LS_SHAPE(12)) != NULL);
        ck_assert(ls_terms_record(&terms, &builder, &losses, output));
        ck_assert_int_eq(builder.taken[0].zero_to_one, i == 3);
        ck_assert_int_eq(builder.taken_count, i < 3 ? 2 : 1);
        ck_assert(i == 3 || builder.taken[1].limit == 5);
        ls_builder_clear(&builder);
        ls_graph_destroy(graph);
        ls_parameters_destroy(parameters);
        ls_layer_list_clear(&losses);
    }
}
END_TEST

/* One microbatch of two samples of three positions; the second one's last two are padding. */
START_TEST(metrics_leave_out_what_is_beyond_a_length) {
    static const char *const names[] = {"cross_entropy", "squared_error"};
    static const struct ls_feed feeds[] = {{.name = "targets", .shape.rank = LS_FEED_OPEN},
                                           {.name = "lengths", .integer = true}};
    static float outputs[12] = {1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1}, numbers[12];
    static int32_t zeros[6], lengths[2] = {3, 1};
    const double counted[] = {4, 8};
    for (int i = 0; i < 2; i++) {
        struct ls_layer_list losses = {0};
        ls_layer_spec_refer(ls_losses_append(&losses, names[i], "loss"), "lengths", "lengths");
        struct ls_parameter_set *parameters = ls_parameters_create();
        struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){
            .variant = LS_F32_PORTABLE, .rows_max = 2, .parameters = parameters});
        struct ls_builder builder = {.graph = graph, .feeds = feeds, .feed_count = 2};
        struct ls_terms terms = {0};
        ck_assert(ls_terms_record(&terms, &builder, &losses,
                                  ls_graph_input(graph, "output", LS_SHAPE(3, 2), LS_TYPE_REAL)));
        const struct ls_term *term = &terms.items[0];
        term->of->data = outputs;
        term->target->data = i ? (void *)numbers : (void *)zeros;
        term->lengths->data = lengths;
        double sums[SUMS_MAX] = {0};
        term->loss->measure(term,
                            &(struct ls_run){.rows = 2, .microbatch_rows = 2, .microbatches = 1}, 0,
                            false, sums);
        struct ls_metrics metrics = {0};
        term->loss->metrics(term, 0, sums, false, &metrics);
        /* cross_entropy: all four are right; squared_error: half of what counts is off by 1. */
        ck_assert_double_eq(metrics.items[i].value, i ? 0.5 : 1);
        ck_assert_double_eq(sums[i ? 4 : 1], counted[i]);
        ls_builder_clear(&builder);
        ls_graph_destroy(graph);
        ls_parameters_destroy(parameters);
        ls_layer_list_clear(&losses);
    }
}
END_TEST

START_TEST(sums_of_nothing_give_metrics_that_are_numbers) {
    for (int kind = LS_TASK_CLASSIFICATION; kind <= LS_TASK_REGRESSION; kind++) {
        struct bench bench;
        ls_require(set_up(&bench, defaults((enum ls_task_kind)kind), LS_SHAPE(2)));
        const double sums[SUMS_MAX] = {0};
        const struct ls_metrics metrics = metrics_of(&bench, sums, true);
        for (int i = 0; i < metrics.count; i++)
            ck_assert(isfinite(metrics.items[i].value));
        tear_down(&bench);
    }
}
END_TEST

/* 16 lanes, lane = row mod 16, lanes along the tree: written down a second time. */
static double lane_sum(double values[][3], int rows, int width) {
    double lanes[16] = {0};
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < width; k++)
            lanes[i % 16] += values[i][k];
    return ls_tree_sum(lanes, 16, 1);
}

/* The sums of rows first .. first+rows-1; errors of many magnitudes, so that another order gives
 * other bits. */
static void check_order(const struct bench *bench, int first, int rows, const double *sums) {
    const float *x = bench->output->data, *t = bench->target->data, *losses = bench->loss->data;
    double loss[ROWS_MAX][3], squared[ROWS_MAX][3];
    for (int i = 0; i < rows; i++) {
        loss[i][0] = (double)losses[2 * (first + i)];
        for (int k = 0; k < 3; k++) {
            const int at = 3 * (first + i) + k;
            squared[i][k] = ((double)x[at] - (double)t[at]) * ((double)x[at] - (double)t[at]);
        }
    }
    const double expected[2] = {lane_sum(loss, rows, 1), lane_sum(squared, rows, 3)};
    ck_assert(!memcmp(&expected[0], &sums[0], sizeof *sums));
    ck_assert_double_eq(sums[1], rows);
    ck_assert(!memcmp(&expected[1], &sums[2], sizeof *sums));
}

START_TEST(sums_have_one_order_and_stay_inside_their_microbatch) {
    struct bench bench;
    ls_require(set_up(&bench, defaults(LS_TASK_REGRESSION), LS_SHAPE(3)));
    float *x = bench.output->data, *t = bench.target->data;
    for (int i = 0; i < ROWS_MAX * 3; i++) {
        x[i] = (float)(sin(i * 1.7) * pow(10, i * 7 % 13 - 6));
        t[i] = (float)cos(i * 0.3) * 1e-3f;
    }
    const struct ls_run run = forward(&bench, 55, 20); /* microbatches of 20, 20 and 15 */
    double together[3][SUMS_MAX], alone[SUMS_MAX];
    for (int m = 0; m < 3; m++) {
        measure(&bench, &run, m, together[m]);
        check_order(&bench, 20 * m, m < 2 ? 20 : 15, together[m]);
    }
    /* The second microbatch as a run of its own. */
    memmove(x, x + 20 * 3, 20 * 3 * sizeof *x);
    memmove(t, t + 20 * 3, 20 * 3 * sizeof *t);
    const struct ls_run second = forward(&bench, 20, 20);
    measure(&bench, &second, 0, alone);
    ck_assert(!memcmp(alone, together[1], sizeof alone));
    tear_down(&bench);
}
END_TEST

static void refuse_options(struct ls_task_options options, const char *part) {
    struct ls_layer_list losses;
    ck_assert_int_eq(ls_task_losses(&options, &losses, &ls_test_error), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, part) != NULL, "'%s' does not say '%s'",
                  ls_test_error.text, part);
}

static void refuse_outputs(struct ls_task_options options, struct ls_shape outputs,
                           const char *part) {
    struct bench bench;
    ck_assert_int_eq(set_up(&bench, options, outputs), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, part) != NULL, "'%s' does not say '%s'",
                  ls_test_error.text, part);
    tear_down(&bench);
}

START_TEST(options_that_do_not_go_together_are_refused) {
    struct ls_task_options options = defaults(LS_TASK_CLASSIFICATION);
    options.loss = LS_LOSS_HUBER;
    refuse_options(options,
                   "takes one of auto, cross_entropy, binary_cross_entropy; found 'huber'");
    options = defaults(LS_TASK_REGRESSION);
    options.loss = LS_LOSS_CROSS_ENTROPY;
    refuse_options(options, "takes one of auto, squared_error, absolute_error, huber");
    options = defaults(LS_TASK_REGRESSION);
    options.top_k = 5;
    refuse_options(options, "top_k");
    options = defaults(LS_TASK_CLASSIFICATION);
    options.loss = LS_LOSS_BINARY_CROSS_ENTROPY;
    options.label_smoothing = 0.1;
    refuse_options(options, "need cross_entropy");

    options = defaults(LS_TASK_CLASSIFICATION);
    options.class_weights = (struct ls_real_list){2, {1, 2}};
    refuse_outputs(options, LS_SHAPE(3),
                   "class_weights expects 3 numbers, one per output, found 2");
    refuse_outputs(options, LS_SHAPE(1), "need a model with an output per class");
    options = defaults(LS_TASK_CLASSIFICATION);
    options.top_k = 4;
    refuse_outputs(options, LS_SHAPE(3), "top_k is 4, but the model has 3 outputs");
    options = defaults(LS_TASK_CLASSIFICATION);
    refuse_outputs(options, LS_SHAPE(70000),
                   "expects from 2 to 65536 outputs of the model, found 70000");
    refuse_outputs(options, LS_SHAPE(3, 1),
                   "expects from 2 to 65536 outputs of the model, found 1");
    options.loss = LS_LOSS_BINARY_CROSS_ENTROPY;
    refuse_outputs(options, LS_SHAPE(3),
                   "binary_cross_entropy expects one output of the model, found 3");
    options.loss = LS_LOSS_CROSS_ENTROPY;
    refuse_outputs(options, LS_SHAPE(1), "expects from 2 to 65536 outputs of the model, found 1");
}
END_TEST

/* All metrics of a task, "+" before those of which more is better. */
static void check_directions(struct ls_task_options options, const char *expected) {
    struct bench bench;
    const double sums[SUMS_MAX] = {0};
    ls_require(set_up(&bench, options, LS_SHAPE(6)));
    const struct ls_metrics metrics = metrics_of(&bench, sums, true);
    char found[512] = "";
    for (int i = 0; i < metrics.count; i++) {
        const size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s%s", i ? " " : "",
                 metrics.items[i].higher_is_better ? "+" : "", metrics.items[i].name);
    }
    ck_assert_str_eq(found, expected);
    tear_down(&bench);
}

START_TEST(metrics_know_which_way_is_better) {
    struct ls_task_options options = defaults(LS_TASK_CLASSIFICATION);
    options.top_k = 5;
    check_directions(options,
                     "loss +accuracy +top5_accuracy +precision +recall +f1 +auroc log_loss "
                     "+balanced_accuracy +precision_weighted +recall_weighted "
                     "+f1_weighted");
    check_directions(defaults(LS_TASK_MULTI_LABEL),
                     "loss +accuracy +precision +recall +f1 +auroc log_loss +precision_weighted "
                     "+recall_weighted +f1_weighted +subset_accuracy");
    check_directions(defaults(LS_TASK_REGRESSION), "loss +r2 mse mae");
    check_directions(defaults(LS_TASK_LANGUAGE_MODEL), "loss perplexity +accuracy");
    struct ls_metrics metrics = {.count = 3,
                                 .items = {{.name = "loss", .value = 5},
                                           {.name = "reconstruction.loss", .value = 3},
                                           {.name = "divergence.loss", .value = 2}}};
    ls_task_of(LS_TASK_VAE)->metrics(&metrics);
    ck_assert_double_eq(ls_metrics_find(&metrics, "elbo")->value, -5);
    ck_assert(ls_metrics_find(&metrics, "elbo")->higher_is_better);
}
END_TEST

LS_SUITE(a_label_is_ignored_if_all_terms_ignore_it, gaps_weigh_nothing,
         errors_divergences_and_wishes_are_what_a_hand_makes_of_them,
         lengths_and_targets_of_the_data_have_limits, metrics_leave_out_what_is_beyond_a_length,
         classes_are_counted_and_the_loss_is_their_cross_entropy,
         ignored_labels_take_no_part_and_class_weights_weigh_the_loss,
         one_output_makes_it_a_binary_classification, outputs_that_are_no_numbers_hit_nothing,
         a_regression_explains_a_share_of_the_variance,
         a_term_of_weight_0_measures_beside_the_one_that_trains,
         boxes_are_judged_by_the_area_that_they_share, several_terms_count_by_their_weights_alone,
         pairs_and_triplets_are_told_apart_by_their_distances,
         the_nearest_prototype_or_sample_counts, forecasts_are_judged_by_their_distribution,
         a_loss_that_misses_what_it_needs_says_so, sums_of_nothing_give_metrics_that_are_numbers,
         sums_have_one_order_and_stay_inside_their_microbatch,
         options_that_do_not_go_together_are_refused, metrics_know_which_way_is_better)
