/* Numbers. Outputs and targets [N, ...] of one shape; squared, absolute or Huber's error.
 * R2 = 1 - SS_res / SS_tot over all targets together, with SS_tot = sum t^2 - (sum t)^2 / n; an
 * evaluation also has it for each of several targets. Targets that were standardised are measured
 * in their own units. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

int ls_errors_sum_count(const struct ls_term *term, bool detailed) {
    return SUMS * (1 + (int)apart(term, detailed));
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
    const bool each = count > SUMS;
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
            double wanted = (double)t[i], error = (double)x[i] - wanted;
            if (scales) {
                error /= (double)scales[i % row];
                wanted = wanted / (double)scales[i % row] + (double)means[i % row];
            }
            add_error(lane, wanted, error);
            if (each)
                add_error(lane + SUMS * (1 + i % row), wanted, error);
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

void ls_errors_metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                       struct ls_metrics *metrics) {
    (void)loss;
    ls_metrics_add(metrics, "r2", r2(sums), true);
    ls_metrics_add(metrics, "mean_absolute_error", ls_ratio(sums[ABSOLUTE_ERROR], sums[COUNTED]),
                   false);
    for (int64_t k = 1; k <= apart(term, detailed); k++) {
        const double *own = sums + SUMS * k;
        char name[64];
        snprintf(name, sizeof name, "r2_%lld", (long long)k);
        ls_metrics_add(metrics, name, r2(own), true);
        snprintf(name, sizeof name, "mean_absolute_error_%lld", (long long)k);
        ls_metrics_add(metrics, name, ls_ratio(own[ABSOLUTE_ERROR], own[COUNTED]), false);
    }
}

static const char *const inputs[] = {"target", "lengths", NULL};

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
