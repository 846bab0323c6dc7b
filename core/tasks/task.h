/* What is learned: the loss put on a model's output, and the metrics.
 *
 * Sums come first: per microbatch a task adds up doubles (loss, weight, hits, ...). The caller sums
 * them over microbatches along the tree and over batches in order, then ls_task_metrics turns sums
 * into values. So metrics, like gradients, do not depend on the number of ranks. */
#ifndef LS_TASKS_TASK_H
#define LS_TASKS_TASK_H

#include "core/base/field.h"
#include "core/graph/graph.h"

enum ls_task_kind { LS_TASK_CLASSIFICATION, LS_TASK_REGRESSION };
enum ls_loss_kind {
    LS_LOSS_AUTO, /* classification: cross-entropy (binary with one output); regression: squared
                     error */
    LS_LOSS_CROSS_ENTROPY,
    LS_LOSS_BINARY_CROSS_ENTROPY,
    LS_LOSS_SQUARED_ERROR,
    LS_LOSS_ABSOLUTE_ERROR,
    LS_LOSS_HUBER
};

/* The `task` and `loss` sections of a config; tables in options.c. */
struct ls_task_options {
    int kind;      /* enum ls_task_kind */
    int64_t top_k; /* 0: none; else accuracy within the k largest */
    int loss;      /* enum ls_loss_kind */
    double label_smoothing;
    int64_t ignored_label;             /* -1: none; takes no part in loss and metrics */
    struct ls_real_list class_weights; /* empty: all 1 */
    double huber_delta;
};
extern const struct ls_fields ls_task_fields; /* section `task` : kind, top_k */
extern const struct ls_fields ls_loss_fields; /* section `loss` : name, ... */

enum {
    LS_METRICS_MAX = 16,
    LS_CLASSES_MAX = 65536,
    LS_CONFUSION_CLASSES_MAX =
        256 /* above it there is no confusion matrix: it grows with the square */
};

struct ls_metric {
    const char *
        name; /* "loss", "accuracy", "top5_accuracy", "r2", ...: static text or owned by the task */
    double value;
};

struct ls_metrics {
    int count;
    struct ls_metric items[LS_METRICS_MAX]; /* "loss" first */
    int classes;                            /* 0: no confusion matrix */
    const double
        *confusion; /* [classes][classes], row = label, column = prediction; borrowed from sums */
};

struct ls_task;

/* Refuses options that do not go together. The task must outlive the initialisation of the
 * parameters of its models (class weights). */
LS_MUST_USE enum ls_status ls_task_create(struct ls_task **task,
                                          const struct ls_task_options *options,
                                          struct ls_error *error);
void ls_task_destroy(struct ls_task *task);
const char *ls_task_name(const struct ls_task *task);

/* Records target input and loss on the output [N, ..., outputs]; NULL after an error in the graph.
 * Fixes the number of outputs the first time: the functions below know it from then on. Targets: a
 * class label [N, ...] for each vector of outputs; with one output [N, 1] 0 or 1 (binary
 * classification); a regression's have the shape of the output. */
struct ls_value *ls_task_record(struct ls_task *task, struct ls_graph *graph,
                                struct ls_value *output, struct ls_value **target);

/* Whether the target input is int32 (class labels) or real. A binary classification's target is
 * real. */
bool ls_task_target_integer(const struct ls_task *task);

/* Labels are below it: outputs of a classification, 2 if there is one; 0 for a regression. */
int64_t ls_task_classes(const struct ls_task *task);

/* Number of sums; `detailed` (evaluation) adds the confusion matrix. */
int ls_task_sum_count(const struct ls_task *task, bool detailed);

/* The sums of microbatch m of a run that has just gone forward (in a float graph), assigned to
 * sums[0 .. count-1]. sums[0] is the weighted loss, sums[1] the weight. Order inside the
 * microbatch: 16 lanes, lane = row mod 16, combined along the tree over 16. */
void ls_task_measure(const struct ls_task *task, const struct ls_run *run, int m,
                     const struct ls_value *output, const struct ls_value *target,
                     const struct ls_value *loss, bool detailed, double *sums);

/* Values from sums over any number of batches. */
struct ls_metrics ls_task_metrics(const struct ls_task *task, const double *sums, bool detailed);

/* The metric that early stopping watches unless told: "accuracy" or "r2". */
const char *ls_task_watched_metric(const struct ls_task *task);

/* True for accuracies and r2, false for losses and errors. */
bool ls_metric_higher_is_better(const char *name);

#endif
