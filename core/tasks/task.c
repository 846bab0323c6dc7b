#include "core/tasks/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/tree.h"
#include "core/tasks/kind.h"

static const struct ls_task_type *const types[] = {
    [LS_TASK_CLASSIFICATION] = &ls_task_classification, [LS_TASK_REGRESSION] = &ls_task_regression};

static enum ls_status check_loss(const struct ls_task_type *type, int loss,
                                 struct ls_error *error) {
    if (loss == LS_LOSS_AUTO)
        return LS_OK;
    char names[128] = "auto";
    size_t used = strlen(names);
    for (int i = 0; type->losses[i] != LS_LOSS_AUTO; i++) {
        if ((int)type->losses[i] == loss)
            return LS_OK;
        used += (size_t)snprintf(names + used, sizeof names - used, ", %s",
                                 ls_loss_names[type->losses[i]]);
    }
    return ls_fail(error, LS_INVALID, "loss.name: a %s takes one of %s; found '%s'", type->name,
                   names, ls_loss_names[loss]);
}

enum ls_status ls_task_create(struct ls_task **task, const struct ls_task_options *options,
                              struct ls_error *error) {
    const struct ls_task_type *type = types[options->kind];
    *task = NULL;
    enum ls_status status = check_loss(type, options->loss, error);
    if (status == LS_OK)
        status = type->check(options, error);
    if (status != LS_OK)
        return status;
    struct ls_task *made = ls_calloc(1, sizeof *made);
    made->options = *options;
    made->type = type;
    made->loss = (enum ls_loss_kind)options->loss;
    for (int i = 0; i < options->class_weights.count; i++)
        made->class_weights[i] = (float)options->class_weights.values[i];
    snprintf(made->top_name, sizeof made->top_name, "top%" PRId64 "_accuracy", options->top_k);
    *task = made;
    return LS_OK;
}

void ls_task_destroy(struct ls_task *task) {
    free(task);
}

const char *ls_task_name(const struct ls_task *task) {
    return task->type->name;
}

struct ls_value *ls_task_record(struct ls_task *task, struct ls_graph *graph,
                                struct ls_value *output, struct ls_value **target) {
    if (!output)
        return NULL;
    const int64_t outputs = ls_shape_last(output->shape);
    LS_ASSERT(!task->outputs || task->outputs == outputs, "a task of %lld outputs put on %lld",
              (long long)task->outputs, (long long)outputs);
    task->outputs = outputs;
    return task->type->record(task, graph, output, target);
}

bool ls_task_target_integer(const struct ls_task *task) {
    return task->type->target_integer(task);
}

int64_t ls_task_classes(const struct ls_task *task) {
    return task->type->classes(task);
}

int ls_task_sum_count(const struct ls_task *task, bool detailed) {
    return LS_SUMS_COMMON + task->type->sum_count(task, detailed);
}

/* Loss and weight: the two columns of the loss value, per sample. */
static void measure_loss(const struct ls_run *run, int m, const struct ls_value *loss,
                         double *sums) {
    const float *rows = (const float *)loss->data + 2 * ls_run_microbatch_first(run, m);
    const int64_t count = ls_run_microbatch_rows(run, m);
    double lanes[LS_LANES_OF_ROWS][2] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        lanes[i % LS_LANES_OF_ROWS][0] += (double)rows[2 * i];
        lanes[i % LS_LANES_OF_ROWS][1] += (double)rows[2 * i + 1];
    }
    sums[0] = ls_tree_sum(&lanes[0][0], LS_LANES_OF_ROWS, 2);
    sums[1] = ls_tree_sum(&lanes[0][1], LS_LANES_OF_ROWS, 2);
}

void ls_task_measure(const struct ls_task *task, const struct ls_run *run, int m,
                     const struct ls_value *output, const struct ls_value *target,
                     const struct ls_value *loss, bool detailed, double *sums) {
    memset(sums, 0, (size_t)ls_task_sum_count(task, detailed) * sizeof *sums);
    measure_loss(run, m, loss, sums);
    task->type->measure(task, run, m, output, target, detailed, sums + LS_SUMS_COMMON);
}

void ls_metrics_add(struct ls_metrics *metrics, const char *name, double value) {
    LS_ASSERT(metrics->count < LS_METRICS_MAX, "room for %d metrics", LS_METRICS_MAX);
    metrics->items[metrics->count++] = (struct ls_metric){name, value};
}

struct ls_metrics ls_task_metrics(const struct ls_task *task, const double *sums, bool detailed) {
    struct ls_metrics metrics = {0};
    ls_metrics_add(&metrics, "loss", ls_ratio(sums[0], sums[1]));
    task->type->metrics(task, sums + LS_SUMS_COMMON, detailed, &metrics);
    return metrics;
}

const char *ls_task_watched_metric(const struct ls_task *task) {
    return task->type->watched;
}

bool ls_metric_higher_is_better(const char *name) {
    static const char ending[] = "accuracy";
    const size_t length = strlen(name), tail = sizeof ending - 1;
    return !strcmp(name, "r2") || (length >= tail && !strcmp(name + length - tail, ending));
}
