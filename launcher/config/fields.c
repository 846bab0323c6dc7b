/* The sections of a config and the fields that belong to no room of core. */
#include "launcher/config/config.h"

#include "core/base/tree.h"

#define LS_TABLE(array)                                                                            \
    { (array), (int)(sizeof(array) / sizeof *(array)) }

static const struct ls_field general_items[] = {
    {.name = "seed",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct ls_config, seed),
     .initial = "1",
     .max = 999999999999999,
     .help = "everything random follows from it: the same seed, the same bits"},
};
static const struct ls_fields general_fields = LS_TABLE(general_items);

static const char *const standardise_choices[] = {"none", "feature", "channel", NULL};

#define DATA(member) offsetof(struct ls_data_options, member)
static const struct ls_field data_items[] = {
    {.name = "train",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(train),
     .help = "an HDF5 file or glob, a raw file with import options, or fashion-mnist"},
    {.name = "validation",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(validation),
     .initial = "",
     .help = "measured after an epoch, decides early stopping; empty: none"},
    {.name = "test",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(test),
     .initial = "",
     .help = "measured once at the end; empty: none"},
    {.name = "inputs",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(inputs),
     .initial = "/inputs",
     .help = "dataset of the inputs in the HDF5 files"},
    {.name = "targets",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(targets),
     .initial = "/targets",
     .help = "dataset of the targets in the HDF5 files"},
    {.name = "split",
     .kind = LS_FIELD_LIST,
     .offset = DATA(split),
     .initial = "[]",
     .max = 1,
     .help = "cuts data.train into shares for train, validation, test: [0.8, 0, 0.2]"},
    {.name = "standardise",
     .kind = LS_FIELD_CHOICE,
     .offset = DATA(standardise),
     .initial = "none",
     .choices = standardise_choices,
     .help = "inputs to mean 0, deviation 1, by the training part: per feature or channel"},
};
static const struct ls_fields data_fields = LS_TABLE(data_items);

static const char *const auto_choices[] = {"auto", NULL};
static const char *const reduce_choices[] = {"ordered", "allreduce", NULL};

#define TRAIN(member) offsetof(struct ls_train_options, member)
static const struct ls_field train_items[] = {
    {.name = "epochs",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(epochs),
     .initial = "10",
     .min = 1,
     .max = 1e9,
     .help = "passes over the training data",
     .resume_free = true},
    {.name = "steps_max",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(steps_max),
     .initial = "0",
     .max = 1e12,
     .unit = "optimiser steps",
     .help = "stop after so many steps; 0: no limit (changes no schedule)",
     .resume_free = true},
    {.name = "batch",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(batch),
     .initial = "128",
     .min = 1,
     .max = 1 << 24,
     .unit = "samples",
     .help = "samples of one optimiser step, over all ranks"},
    {.name = "microbatches",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(microbatches),
     .initial = "0",
     .max = LS_MICROBATCHES_MAX,
     .choices = auto_choices,
     .help = "pieces of a batch, and most ranks; divides the batch; auto: from the batch"},
    {.name = "reduce",
     .kind = LS_FIELD_CHOICE,
     .offset = TRAIN(reduce),
     .initial = "ordered",
     .choices = reduce_choices,
     .help = "ordered: same bits at any number of ranks; allreduce: MPI's own sum"},
    {.name = "piece_rows",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(piece_rows),
     .initial = "0",
     .max = 1 << 24,
     .choices = auto_choices,
     .unit = "samples",
     .help = "samples that run forward and backward in one go; changes no bit"},
    {.name = "shuffle",
     .kind = LS_FIELD_BOOL,
     .offset = TRAIN(shuffle),
     .initial = "true",
     .help = "a new order of the samples in each epoch"},
    {.name = "patience",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(patience),
     .initial = "0",
     .max = 1e9,
     .unit = "epochs",
     .help = "epochs without a better metric before training stops early; 0: never"},
    {.name = "watch",
     .kind = LS_FIELD_TEXT,
     .offset = TRAIN(watch),
     .initial = "",
     .help = "metric of early stopping; empty: accuracy, r2 or loss, as the task has it"},
    {.name = "improvement",
     .kind = LS_FIELD_REAL,
     .offset = TRAIN(improvement),
     .initial = "0",
     .max = 1e9,
     .help = "least change of that metric that counts as better"},
    {.name = "validate_every",
     .kind = LS_FIELD_INTEGER,
     .offset = TRAIN(validate_every),
     .initial = "1",
     .min = 1,
     .max = 1e9,
     .unit = "epochs",
     .help = "epochs between two measurements on data.validation"},
    {.name = "stop_not_finite",
     .kind = LS_FIELD_BOOL,
     .offset = TRAIN(stop_not_finite),
     .initial = "true",
     .help = "a gradient that is not finite stops the run; false: it skips the step"},
};
static const struct ls_fields train_fields = LS_TABLE(train_items);

#define CHECKPOINT(member) offsetof(struct ls_checkpoint_options, member)
static const struct ls_field checkpoint_items[] = {
    {.name = "every_steps",
     .kind = LS_FIELD_INTEGER,
     .offset = CHECKPOINT(every_steps),
     .initial = "0",
     .max = 1e12,
     .unit = "optimiser steps",
     .help = "steps between two checkpoints; 0: off",
     .resume_free = true},
    {.name = "every_seconds",
     .kind = LS_FIELD_REAL,
     .offset = CHECKPOINT(every_seconds),
     .initial = "0",
     .max = 1e9,
     .unit = "seconds",
     .help = "seconds between two checkpoints; 0: off",
     .resume_free = true},
    {.name = "every_epochs",
     .kind = LS_FIELD_INTEGER,
     .offset = CHECKPOINT(every_epochs),
     .initial = "1",
     .max = 1e9,
     .unit = "epochs",
     .help = "epochs between two checkpoints; 0: off",
     .resume_free = true},
    {.name = "keep",
     .kind = LS_FIELD_INTEGER,
     .offset = CHECKPOINT(keep),
     .initial = "2",
     .min = 2,
     .max = 1e6,
     .unit = "checkpoints",
     .help = "the newest ones stay; older ones are deleted",
     .resume_free = true},
};
static const struct ls_fields checkpoint_fields = LS_TABLE(checkpoint_items);

#define LOG(member) offsetof(struct ls_log_options, member)
static const struct ls_field log_items[] = {
    {.name = "every_steps",
     .kind = LS_FIELD_INTEGER,
     .offset = LOG(every_steps),
     .initial = "100",
     .min = 1,
     .max = 1e9,
     .unit = "optimiser steps",
     .help = "steps between two lines of metrics.jsonl",
     .resume_free = true},
    {.name = "progress_seconds",
     .kind = LS_FIELD_REAL,
     .offset = LOG(progress_seconds),
     .initial = "5",
     .min = 0.1,
     .max = 86400,
     .unit = "seconds",
     .help = "seconds between two progress lines where the output is no terminal",
     .resume_free = true},
};
static const struct ls_fields log_fields = LS_TABLE(log_items);

static const char *const isa_choices[] = {"auto", "avx512", "avx2", "portable", NULL};
static const char *const gemm_choices[] = {"lockstep", "openblas", NULL};

static const char *const winograd_choices[] = {"off", "f2", "f4", NULL};

static const struct ls_field compute_items[] = {
    {.name = "isa",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_compute_options, isa),
     .initial = "auto",
     .choices = isa_choices,
     .help = "instruction set of the kernels; auto: the best that all ranks have; changes no bit"},
    {.name = "gemm",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_compute_options, gemm),
     .initial = "lockstep",
     .choices = gemm_choices,
     .help = "matrix products: in a fixed order, or by OpenBLAS (bits may then vary)"},
    {.name = "winograd",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_compute_options, winograd),
     .initial = "f4",
     .choices = winograd_choices,
     .help = "3x3 convolutions of stride 1 from 16 channels on: F(4x4) is fastest, F(2x2) and off "
             "round less"},
};
static const struct ls_fields compute_fields = LS_TABLE(compute_items);

#define LAUNCHER(member) offsetof(struct ls_launcher_options, member)
static const struct ls_field launcher_items[] = {
    {.name = "ranks",
     .kind = LS_FIELD_INTEGER,
     .offset = LAUNCHER(ranks),
     .initial = "0",
     .max = LS_MICROBATCHES_MAX,
     .choices = auto_choices,
     .help = "without -n; auto: one per physical core, at most as many as microbatches",
     .resume_free = true},
    {.name = "mpirun",
     .kind = LS_FIELD_TEXT,
     .offset = LAUNCHER(mpirun),
     .initial = "mpirun",
     .help = "program that starts the ranks",
     .resume_free = true},
    {.name = "mpirun_arguments",
     .kind = LS_FIELD_TEXT,
     .offset = LAUNCHER(mpirun_arguments),
     .initial = "",
     .help = "further arguments for it, separated by blanks (--hostfile hosts)",
     .resume_free = true},
};
static const struct ls_fields launcher_fields = LS_TABLE(launcher_items);

#define SECTION(member) offsetof(struct ls_config, member)
const struct ls_config_section ls_config_sections[] = {
    {"", "the whole run", &general_fields, 0, NULL},
    {"task", "what is learned, and what is measured", &ls_task_fields, SECTION(task), "kind"},
    {"loss", "what training makes small", &ls_loss_fields, SECTION(task), "name"},
    {"data", "where samples come from", &data_fields, SECTION(data), NULL},
    {"augment", "random changes to training images", &ls_augment_fields, SECTION(augment), NULL},
    {"train", "how long, in what batches", &train_fields, SECTION(train), NULL},
    {"optimizer", "how parameters move", &ls_optimizer_fields, SECTION(optimizer), "name"},
    {"schedule", "the learning rate over time", &ls_schedule_fields, SECTION(schedule), "name"},
    {"checkpoint", "when to save, what to keep", &checkpoint_fields, SECTION(checkpoint), NULL},
    {"log", "what is written while training", &log_fields, SECTION(log), NULL},
    {"compute", "kernels", &compute_fields, SECTION(compute), NULL},
    {"launcher", "how ranks are started", &launcher_fields, SECTION(launcher), NULL},
};
const int ls_config_section_count = (int)(sizeof ls_config_sections / sizeof *ls_config_sections);
