/* What is learned, and in which phases. A task is a preset of losses, or code that records them. A
 * phase is one graph, its terms, the group of parameters that it updates, and an optimiser; most
 * tasks have one. */
#ifndef LS_TASKS_TASK_H
#define LS_TASKS_TASK_H

#include "core/layers/network.h"
#include "core/tasks/loss.h"

enum { LS_PHASES_MAX = LS_GROUPS_MAX, LS_PHASE_NAME_MAX = 32 };

enum ls_task_kind {
    LS_TASK_CLASSIFICATION,
    LS_TASK_REGRESSION,
    LS_TASK_LANGUAGE_MODEL,
    LS_TASK_VAE,
    LS_TASK_GAN,
    LS_TASK_CUSTOM,
    LS_TASK_MULTI_LABEL,
    LS_TASK_TRANSLATION
};
enum ls_loss_kind {
    LS_LOSS_AUTO, /* classification: cross-entropy; regression: squared error */
    LS_LOSS_CROSS_ENTROPY,
    LS_LOSS_BINARY_CROSS_ENTROPY,
    LS_LOSS_SQUARED_ERROR,
    LS_LOSS_ABSOLUTE_ERROR,
    LS_LOSS_HUBER
};

/* The `task` and `loss` sections of a config; tables in options.c. The loss section says how the
 * preset's one term is; with a `losses` section it says nothing. */
struct ls_task_options {
    int kind;      /* enum ls_task_kind */
    int64_t top_k; /* 0: none; else accuracy within the k largest */
    int64_t beams; /* of a translation: sequences of the search that BLEU is measured with; 0: it is
                      not */
    int loss;      /* enum ls_loss_kind */
    double label_smoothing;
    int64_t ignored_label;             /* -1: none; takes no part in loss and metrics */
    struct ls_real_list class_weights; /* empty: all 1 */
    double huber_delta;
};
extern const struct ls_fields ls_task_fields; /* section `task` : kind, top_k, beams */
extern const struct ls_fields ls_loss_fields; /* section `loss` : name, ... */

struct ls_task {
    const char *name;
    /* The losses of the preset, as the config's `losses` would say them; an option that does not go
     * with the task is an error. */
    enum ls_status (*preset)(const struct ls_task_options *options, struct ls_layer_list *losses,
                             struct ls_error *error);
    /* Refuses a `losses` section that does not fit; NULL: any does. */
    enum ls_status (*check)(const struct ls_layer_list *losses, struct ls_error *error);
    const char *watched; /* metric of early stopping; NULL: what the term has, or the config says */
    int phase_count;
    /* Names of the phases, and of the networks that each updates; a single phase "" updates all. */
    const char *const *phases;
    /* Records a phase: its terms (terms NULL: only the output) and its output; NULL: the entry
     * network and the losses on it. False after an error in the graph. */
    bool (*record)(struct ls_builder *builder, int phase, const struct ls_layer_list *losses,
                   struct ls_terms *terms, struct ls_value **output);
    /* Further metrics that follow from those of all phases; NULL: none. */
    void (*metrics)(struct ls_metrics *metrics);
};

/* By enum ls_task_kind; static. */
const struct ls_task *ls_task_of(int kind);

/* The losses that options ask for. The list is the caller's: ls_layer_list_clear. */
LS_MUST_USE enum ls_status ls_task_losses(const struct ls_task_options *options,
                                          struct ls_layer_list *losses, struct ls_error *error);

/* Records phase `phase`; see struct ls_task. */
bool ls_task_record(const struct ls_task *task, struct ls_builder *builder, int phase,
                    const struct ls_layer_list *losses, struct ls_terms *terms,
                    struct ls_value **output);

/* The group of parameters that each network belongs to: that of the phase of its name, or 0. */
void ls_task_groups(const struct ls_task *task, const struct ls_networks *networks,
                    int groups[LS_NETWORKS_MAX]);

/* The value of a metric, or NULL. */
const struct ls_metric *ls_metrics_find(const struct ls_metrics *metrics, const char *name);

extern const struct ls_task ls_task_gan;
extern const char *const ls_loss_names[];

/* For presets: appends a spec of that loss, called `name`, with default options. Good until the
 * next one is appended. */
struct ls_layer_spec *ls_losses_append(struct ls_layer_list *losses, const char *loss,
                                       const char *name);

#endif
