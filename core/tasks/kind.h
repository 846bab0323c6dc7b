/* What a kind of task is: one constant struct per file of this folder, listed in task.c. */
#ifndef LS_TASKS_KIND_H
#define LS_TASKS_KIND_H

#include "core/tasks/task.h"

enum { LS_LANES_OF_ROWS = 16, LS_SUMS_COMMON = 2 }; /* every task: loss and weight first */

struct ls_task {
    struct ls_task_options options;
    const struct ls_task_type *type;
    enum ls_loss_kind loss; /* never LS_LOSS_AUTO once recorded */
    int64_t outputs;        /* last dimension of the model's output; 0 before the first recording */
    float class_weights[LS_LIST_MAX]; /* initial values of a constant parameter */
    char top_name[32];                /* "top5_accuracy" */
};

struct ls_task_type {
    const char *name;
    const char *watched;         /* metric of early stopping */
    enum ls_loss_kind losses[4]; /* the ones it takes besides auto; ends with LS_LOSS_AUTO */
    enum ls_status (*check)(const struct ls_task_options *options, struct ls_error *error);
    struct ls_value *(*record)(struct ls_task *task, struct ls_graph *graph,
                               struct ls_value *output, struct ls_value **target);
    bool (*target_integer)(const struct ls_task *task);
    int64_t (*classes)(const struct ls_task *task);
    /* Of its own sums, which come after the common ones; measure finds them zeroed. */
    int (*sum_count)(const struct ls_task *task, bool detailed);
    void (*measure)(const struct ls_task *task, const struct ls_run *run, int m,
                    const struct ls_value *output, const struct ls_value *target, bool detailed,
                    double *sums);
    void (*metrics)(const struct ls_task *task, const double *sums, bool detailed,
                    struct ls_metrics *metrics);
};

extern const struct ls_task_type ls_task_classification;
extern const struct ls_task_type ls_task_regression;

extern const char *const ls_loss_names[];

void ls_metrics_add(struct ls_metrics *metrics, const char *name, double value);

/* a / b, or 0 where there is nothing to divide by (an empty part). */
static inline double ls_ratio(double a, double b) {
    return b > 0 ? a / b : 0.0;
}

#endif
