/* Numbers. Outputs and targets [N, ...] of one shape; squared, absolute or Huber's error.
 * R2 = 1 - SS_res / SS_tot over all targets together, with SS_tot = sum t^2 - (sum t)^2 / n; an
 * evaluation also has it for each of several targets, and the mean squared error of other forecasts
 * that the loss names (repeating the last value, the same hour of the day before), the least of
 * which is `baseline_mse`. Targets that were standardised are measured in their own units. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

#include "core/base/tree.h"
#include "core/tasks/list.h"

enum { SQUARED_ERROR, ABSOLUTE_ERROR, TARGET, TARGET_SQUARED, COUNTED, SUMS, APART_MAX = 16 };

struct options {
    struct ls_term_options common;
    bool sum;
    double delta; /* of huber */
};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_SUM_FIELD(struct options),
    {.name = "delta",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, delta),
     .initial = "1",
     .min = 1e-6,
     .max = 1e6,
     .help = "errors above it count linearly"},
};

/* Other forecasts of the same numbers. False after an error in the graph. */
static bool take_baselines(struct ls_term *term, struct ls_builder *builder) {
    const struct ls_layer_spec *spec = term->spec;
    struct ls_value *found[LS_REFERENCES_MAX];
    const int count = ls_layer_inputs(builder, spec, "baselines", found);
    if (count > LS_BASELINES_MAX)
        ls_graph_fail(builder->graph, "baselines: expected at most %d names, found %d",
                      LS_BASELINES_MAX, count);
    for (int i = 0; i < spec->reference_count && !ls_graph_failed(builder->graph); i++) {
        if (strcmp(spec->references[i].key, "baselines") != 0)
            continue;
        struct ls_value *value = found[term->baseline_count];
        char own[LS_SHAPE_TEXT_MAX], wanted[LS_SHAPE_TEXT_MAX];
        if (!ls_shape_equal(value->shape, term->of->shape))
            ls_graph_fail(builder->graph,
                          "baselines: '%s' is %s for a sample, what it is put "
                          "beside is %s",
                          spec->references[i].name,
                          ls_sample_print(ls_shape_of_row(value->shape), own),
                          ls_sample_print(ls_shape_of_row(term->of->shape), wanted));
        term->baseline_names[term->baseline_count] = &spec->references[i];
        term->baselines[term->baseline_count++] = value;
    }
    return !ls_graph_failed(builder->graph);
}

typedef struct ls_value *error_function(struct ls_graph *, struct ls_value *, struct ls_value *,
                                        struct ls_value *, const struct ls_loss_options *);

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder,
                               error_function *error) {
    const struct options *options = term->spec->options;
    const struct ls_loss_options settings = {.sum = options->sum, .delta = options->delta};
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    if (!term->target)
        return NULL;
    const struct ls_shape x = term->of->shape;
    term->lengths = ls_layer_lengths(builder, term->spec, x.rank > 1 ? x.dims[1] : 1);
    if (!take_baselines(term, builder))
        return NULL;
    return error(builder->graph, term->of, term->target, term->lengths, &settings);
}

static struct ls_value *record_squared(struct ls_term *term, struct ls_builder *builder) {
    return record(term, builder, ls_squared_error);
}

static struct ls_value *record_absolute(struct ls_term *term, struct ls_builder *builder) {
    return record(term, builder, ls_absolute_error);
}

static struct ls_value *record_huber(struct ls_term *term, struct ls_builder *builder) {
    return record(term, builder, ls_huber);
}

static double row_weight(const struct ls_term *term) {
    return ls_layer_spec_refers(term->spec, "lengths") ? 0 : 1;
}

/* The share of the positions that count. */
static double weigh(const struct ls_term *term, const int32_t *targets, const int32_t *lengths,
                    int64_t rows) {
    (void)targets;
    const int64_t positions = term->of->shape.dims[1];
    double sum = 0;
    for (int64_t n = 0; n < rows; n++)
        sum += (double)ls_positions_counted(lengths, n, positions) / (double)positions;
    return sum;
}

/* How many targets [N, K] are measured one by one, too. */
static int64_t apart(const struct ls_term *term, bool detailed) {
    const int64_t width = ls_shape_last(term->of->shape);
    return detailed && term->apart && width > 1 && width <= APART_MAX ? width : 0;
}

/* Where the squared errors of the baselines are among the sums. */
static int baselines_at(const struct ls_term *term, bool detailed) {
    return SUMS * (1 + (int)apart(term, detailed));
}

int ls_errors_sum_count(const struct ls_term *term, bool detailed) {
    return baselines_at(term, detailed) + (detailed ? term->baseline_count : 0);
}

static void add_error(double *sums, double wanted, double error) {
    sums[SQUARED_ERROR] += error * error;
    sums[ABSOLUTE_ERROR] += fabs(error);
    sums[TARGET] += wanted;
    sums[TARGET_SQUARED] += wanted * wanted;
    sums[COUNTED] += 1;
}

/* Rows are vectors along the last dimension, counted in order, those beyond a sample's length, too;
 * their elements go into the row's lane. */
void ls_errors_measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                       double *sums) {
    const struct ls_shape shape = term->of->shape;
    const int count = ls_errors_sum_count(term, detailed);
    const int others = baselines_at(term, detailed);
    const bool each = others > SUMS;
    const float *means = term->mean ? term->mean->data : NULL;
    const float *scales = term->scale ? term->scale->data : NULL;
    const int64_t width = ls_shape_last(shape), row = ls_shape_row_count(shape);
    const int64_t positions = shape.rank > 1 ? shape.dims[1] : 1;
    const int64_t first = ls_run_microbatch_first(run, m);
    const int64_t rows = ls_run_microbatch_rows(run, m);
    const float *x = (const float *)term->of->data + first * row;
    const float *t = (const float *)term->target->data + first * row;
    double *lanes = ls_calloc(LS_LANES_OF_ROWS * (size_t)count, sizeof *lanes);
    for (int64_t n = 0; n < rows; n++) {
        const int64_t counted = ls_term_items_counted(term, first + n, row, positions);
        for (int64_t i = n * row; i < n * row + counted; i++) {
            double *lane = lanes + i / width % LS_LANES_OF_ROWS * count;
            const double scale = scales ? (double)scales[i % row] : 1;
            const double error = ((double)x[i] - (double)t[i]) / scale;
            const double wanted = (double)t[i] / scale + (means ? (double)means[i % row] : 0);
            add_error(lane, wanted, error);
            if (each)
                add_error(lane + SUMS * (1 + i % row), wanted, error);
            for (int b = 0; b < count - others; b++) {
                const float *y = (const float *)term->baselines[b]->data + first * row;
                const double missed = ((double)y[i] - (double)t[i]) / scale;
                lane[others + b] += missed * missed;
            }
        }
    }
    for (int s = 0; s < count; s++)
        sums[s] = ls_tree_sum(&lanes[s], LS_LANES_OF_ROWS, count);
    free(lanes);
}

/* Targets that are all alike leave nothing to explain: 1 if they were met, else 0. */
static double r2(const double *sums) {
    const double mean = ls_ratio(sums[TARGET], sums[COUNTED]);
    const double total = sums[TARGET_SQUARED] - sums[TARGET] * mean;
    if (total > 0)
        return 1 - sums[SQUARED_ERROR] / total;
    return sums[SQUARED_ERROR] > 0 ? 0 : 1;
}

/* Those of the sums of one target or of all, with what their names end in. */
static void add_metrics(struct ls_metrics *metrics, const double *sums, const char *ending) {
    char name[LS_METRIC_NAME_MAX];
    snprintf(name, sizeof name, "r2%s", ending);
    ls_metrics_add(metrics, name, r2(sums), true);
    snprintf(name, sizeof name, "mse%s", ending);
    ls_metrics_add(metrics, name, ls_ratio(sums[SQUARED_ERROR], sums[COUNTED]), false);
    snprintf(name, sizeof name, "mae%s", ending);
    ls_metrics_add(metrics, name, ls_ratio(sums[ABSOLUTE_ERROR], sums[COUNTED]), false);
}

static void add_baselines(const struct ls_term *term, const double *sums,
                          struct ls_metrics *metrics) {
    const double *errors = sums + baselines_at(term, true);
    double least = INFINITY;
    for (int b = 0; b < term->baseline_count; b++) {
        const double mse = ls_ratio(errors[b], sums[COUNTED]);
        char name[LS_METRIC_NAME_MAX];
        snprintf(name, sizeof name, "%.80s_mse", term->baseline_names[b]->name);
        ls_metrics_add(metrics, name, mse, false);
        least = fmin(least, mse);
    }
    if (term->baseline_count)
        ls_metrics_add(metrics, "baseline_mse", least, false);
}

void ls_errors_metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                       struct ls_metrics *metrics) {
    (void)loss;
    add_metrics(metrics, sums, "");
    for (int64_t k = 1; k <= apart(term, detailed); k++) {
        char ending[24];
        snprintf(ending, sizeof ending, "_%lld", (long long)k);
        add_metrics(metrics, sums + SUMS * k, ending);
    }
    if (detailed)
        add_baselines(term, sums, metrics);
}

static const char *const inputs[] = {"target", "lengths", "baselines", NULL};

#define ERROR_LOSS(loss_name, text, table, count, recorder)                                        \
    {                                                                                              \
        .layer = {.name = loss_name,                                                               \
                  .help = text,                                                                    \
                  .fields = {table, count},                                                        \
                  .options_size = sizeof(struct options),                                          \
                  .inputs = inputs},                                                               \
        .watched = "r2", .record = recorder, .row_weight = row_weight, .weigh = weigh,             \
        .sum_count = ls_errors_sum_count, .measure = ls_errors_measure,                            \
        .metrics = ls_errors_metrics                                                               \
    }

const struct ls_loss ls_loss_squared_error = ERROR_LOSS(
    "squared_error", "mean of (x - t)^2 over a sample's numbers", items, 2, record_squared);
const struct ls_loss ls_loss_absolute_error = ERROR_LOSS(
    "absolute_error", "mean of |x - t| over a sample's numbers", items, 2, record_absolute);
const struct ls_loss ls_loss_huber =
    ERROR_LOSS("huber", "squared up to delta, linear beyond (Huber 1964)", items, 3, record_huber);
