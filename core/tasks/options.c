/* The fields of the config sections `task` and `loss`. */
#include "core/tasks/task.h"

#define AT(member) offsetof(struct ls_task_options, member)

static const char *const kind_names[] = {[LS_TASK_CLASSIFICATION] = "classification",
                                         [LS_TASK_REGRESSION] = "regression",
                                         [LS_TASK_LANGUAGE_MODEL] = "language_model",
                                         [LS_TASK_VAE] = "vae",
                                         [LS_TASK_GAN] = "gan",
                                         [LS_TASK_CUSTOM] = "custom",
                                         [LS_TASK_MULTI_LABEL] = "multi_label",
                                         [LS_TASK_TRANSLATION] = "translation",
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
    LS_LOSS_TOP_K_FIELD(struct ls_task_options),
    {.name = "beams",
     .kind = LS_FIELD_INTEGER,
     .offset = AT(beams),
     .initial = "0",
     .max = 256,
     .help = "translation: measure BLEU at the end and in evaluate, with a beam search of so many "
             "sequences; 0: do not",
     .resume_free = true},
};
const struct ls_fields ls_task_fields = {task_items, sizeof task_items / sizeof *task_items};

static const struct ls_field loss_items[] = {
    {.name = "name",
     .kind = LS_FIELD_CHOICE,
     .offset = AT(loss),
     .initial = "auto",
     .choices = ls_loss_names,
     .help = "auto: what the task has: cross_entropy, or squared_error"},
    LS_LOSS_LABEL_FIELDS(struct ls_task_options),
    {.name = "huber_delta",
     .kind = LS_FIELD_REAL,
     .offset = AT(huber_delta),
     .initial = "1",
     .min = 1e-6,
     .max = 1e6,
     .help = "huber: errors above it count linearly"},
};
const struct ls_fields ls_loss_fields = {loss_items, sizeof loss_items / sizeof *loss_items};
