/* The fields of the config sections `task` and `loss`. */
#include "core/tasks/task.h"

#define AT(member) offsetof(struct ls_task_options, member)

static const char *const kind_names[] = {[LS_TASK_CLASSIFICATION] = "classification",
                                         [LS_TASK_REGRESSION] = "regression",
                                         [LS_TASK_LANGUAGE_MODEL] = "language_model",
                                         [LS_TASK_VAE] = "vae",
                                         [LS_TASK_GAN] = "gan",
                                         [LS_TASK_CUSTOM] = "custom",
                                         NULL};

const char *const ls_loss_names[] = {[LS_LOSS_AUTO] = "auto",
                                     [LS_LOSS_CROSS_ENTROPY] = "cross_entropy",
                                     [LS_LOSS_BINARY_CROSS_ENTROPY] = "binary_cross_entropy",
                                     [LS_LOSS_SQUARED_ERROR] = "squared_error",
                                     [LS_LOSS_ABSOLUTE_ERROR] = "absolute_error",
                                     [LS_LOSS_HUBER] = "huber",
                                     NULL};

static const struct ls_field task_items[] = {
    {.name = "kind",
     .kind = LS_FIELD_CHOICE,
     .offset = AT(kind),
     .initial = "classification",
     .choices = kind_names,
     .help = "a preset of losses; custom: those of the section losses"},
    {.name = "top_k",
     .kind = LS_FIELD_INTEGER,
     .offset = AT(top_k),
     .initial = "0",
     .min = 0,
     .max = LS_CLASSES_MAX,
     .help = "also report how often the label is among the k largest outputs; 0: do not"},
};
const struct ls_fields ls_task_fields = {task_items, sizeof task_items / sizeof *task_items};

static const struct ls_field loss_items[] = {
    {.name = "name",
     .kind = LS_FIELD_CHOICE,
     .offset = AT(loss),
     .initial = "auto",
     .choices = ls_loss_names,
     .help = "auto: what the task has: cross_entropy, or squared_error"},
    {.name = "label_smoothing",
     .kind = LS_FIELD_REAL,
     .offset = AT(label_smoothing),
     .initial = "0",
     .min = 0,
     .max = 0.99,
     .help = "share of the target spread evenly over all classes (Szegedy et al. 2016)"},
    {.name = "ignored_label",
     .kind = LS_FIELD_INTEGER,
     .offset = AT(ignored_label),
     .initial = "-1",
     .min = -1,
     .max = LS_CLASSES_MAX - 1,
     .help = "samples of this label take no part; -1: none"},
    {.name = "class_weights",
     .kind = LS_FIELD_LIST,
     .offset = AT(class_weights),
     .initial = "[]",
     .min = 0,
     .max = 1e6,
     .help = "weight of each class in the loss, one per class; empty: all 1"},
    {.name = "huber_delta",
     .kind = LS_FIELD_REAL,
     .offset = AT(huber_delta),
     .initial = "1",
     .min = 1e-6,
     .max = 1e6,
     .help = "huber: errors above it count linearly"},
};
const struct ls_fields ls_loss_fields = {loss_items, sizeof loss_items / sizeof *loss_items};
