/* Numbers. Outputs and targets [N, ...] of one shape; squared, absolute or Huber's error.
 * R2 = 1 - SS_res / SS_tot over all targets together, with SS_tot = sum t^2 - (sum t)^2 / n. */
#include <math.h>

#include "core/base/tree.h"
#include "core/graph/ops.h"
#include "core/tasks/kind.h"

enum { SQUARED_ERROR, ABSOLUTE_ERROR, TARGET, TARGET_SQUARED, COUNTED, SUMS };

static bool target_integer(const struct ls_task *task) {
    (void)task;
    return false;
}

static int64_t classes(const struct ls_task *task) {
    (void)task;
    return 0;
}

static enum ls_status check(const struct ls_task_options *options, struct ls_error *error) {
    if (options->top_k)
        return ls_fail(error, LS_INVALID, "task.top_k: a regression has no classes; found %lld",
                       (long long)options->top_k);
    if (options->label_smoothing > 0 || options->ignored_label >= 0 || options->class_weights.count)
        return ls_fail(
            error, LS_INVALID,
            "loss: label_smoothing, ignored_label and class_weights are for a classification; "
            "found a regression");
    return LS_OK;
}

static struct ls_value *record_loss(const struct ls_task *task, struct ls_graph *graph,
                                    struct ls_value *output, struct ls_value *target) {
    switch (task->loss) {
    case LS_LOSS_ABSOLUTE_ERROR:
        return ls_absolute_error(graph, output, target);
    case LS_LOSS_HUBER:
        return ls_huber(graph, output, target, task->options.huber_delta);
    default:
        return ls_squared_error(graph, output, target);
    }
}

static struct ls_value *record(struct ls_task *task, struct ls_graph *graph,
                               struct ls_value *output, struct ls_value **target) {
    if (task->loss == LS_LOSS_AUTO)
        task->loss = LS_LOSS_SQUARED_ERROR;
    struct ls_shape row = {.rank = output->shape.rank - 1};
    for (int i = 0; i < row.rank; i++)
        row.dims[i] = output->shape.dims[i + 1];
    *target = ls_graph_input(graph, "target", row, LS_TYPE_REAL);
    ls_graph_push(graph, "loss");
    struct ls_value *loss = record_loss(task, graph, output, *target);
    ls_graph_pop(graph);
    return loss;
}

static int sum_count(const struct ls_task *task, bool detailed) {
    (void)task;
    (void)detailed;
    return SUMS;
}

/* Rows are vectors along the last dimension, counted in order; their elements go into the row's
 * lane. */
static void measure(const struct ls_task *task, const struct ls_run *run, int m,
                    const struct ls_value *output, const struct ls_value *target, bool detailed,
                    double *sums) {
    (void)detailed;
    const int64_t width = task->outputs, row = ls_shape_row_count(output->shape);
    const int64_t first = ls_run_microbatch_first(run, m) * row;
    const int64_t count = ls_run_microbatch_rows(run, m) * row;
    const float *x = (const float *)output->data + first, *t = (const float *)target->data + first;
    double lanes[LS_LANES_OF_ROWS][SUMS] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        double *lane = lanes[i / width % LS_LANES_OF_ROWS];
        const double wanted = (double)t[i], error = (double)x[i] - wanted;
        lane[SQUARED_ERROR] += error * error;
        lane[ABSOLUTE_ERROR] += fabs(error);
        lane[TARGET] += wanted;
        lane[TARGET_SQUARED] += wanted * wanted;
        lane[COUNTED] += 1;
    }
    for (int s = 0; s < SUMS; s++)
        sums[s] = ls_tree_sum(&lanes[0][s], LS_LANES_OF_ROWS, SUMS);
}

/* Targets that are all alike leave nothing to explain: 1 if they were met, else 0. */
static double r2(const double *sums) {
    const double mean = ls_ratio(sums[TARGET], sums[COUNTED]);
    const double total = sums[TARGET_SQUARED] - sums[TARGET] * mean;
    if (total > 0)
        return 1 - sums[SQUARED_ERROR] / total;
    return sums[SQUARED_ERROR] > 0 ? 0 : 1;
}

static void metrics(const struct ls_task *task, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    (void)task;
    (void)detailed;
    ls_metrics_add(metrics, "r2", r2(sums));
    ls_metrics_add(metrics, "mean_absolute_error", ls_ratio(sums[ABSOLUTE_ERROR], sums[COUNTED]));
}

const struct ls_task_type ls_task_regression = {
    .name = "regression",
    .watched = "r2",
    .losses = {LS_LOSS_SQUARED_ERROR, LS_LOSS_ABSOLUTE_ERROR, LS_LOSS_HUBER},
    .check = check,
    .record = record,
    .target_integer = target_integer,
    .classes = classes,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = metrics,
};
