/* A config: YAML (libyaml for the syntax) against tables of fields, one per section. The same
 * tables drive parsing, --set, `lockstep help config` and the resolved copy that a run keeps. */
#ifndef LS_LAUNCHER_CONFIG_H
#define LS_LAUNCHER_CONFIG_H

#include <stdio.h>

#include "core/models/model.h"
#include "core/optim/optimizer.h"
#include "core/optim/schedule.h"
#include "core/tasks/task.h"
#include "core/tensor/augment.h"
#include "io/feed.h"

/* Cut-outs of columns under names that a model takes them by; `data.feeds`. */
struct ls_feed_list {
    int count;
    struct ls_feed_options items[LS_FEEDS_MAX];
};

struct ls_data_options {
    char train[LS_TEXT_MAX], validation[LS_TEXT_MAX], test[LS_TEXT_MAX];
    char inputs[LS_TEXT_MAX], targets[LS_TEXT_MAX]; /* dataset paths in the HDF5 files */
    int64_t window, stride, horizon; /* of a stream; window 0: samples are rows; stride 0: window */
    int64_t length;                  /* of ragged rows, cut or padded to it; 0: they are not */
    struct ls_real_list target_channels; /* with a horizon: neighbours; empty: all */
    struct ls_feed_list feeds;           /* empty: what inputs, targets and window say */
    struct ls_real_list split;           /* empty: none; else train, validation, test */
    char group[LS_TEXT_MAX];    /* a dataset: samples with alike rows stay in one part of a split */
    char stratify[LS_TEXT_MAX]; /* a dataset whose values every part of a split has in the same
                                   shares; "true": that of the targets; "" or "false": none */
    int split_order;            /* random | file */
    int standardise;            /* none | feature | channel */
    bool standardise_targets;   /* numbers that are predicted; undone in metrics and answers */
    int shuffle;                /* full | blocks */
    int64_t shuffle_block;      /* samples */
    int layout;                 /* channels_last | channels_first */
    int links;                  /* refused | same_folder */
};

enum ls_split_order { LS_SPLIT_RANDOM, LS_SPLIT_FILE };
enum ls_shuffle_kind { LS_SHUFFLE_FULL, LS_SHUFFLE_BLOCKS };
enum ls_data_layout { LS_CHANNELS_LAST, LS_CHANNELS_FIRST };
enum ls_data_links { LS_LINKS_REFUSED, LS_LINKS_SAME_FOLDER };
enum ls_standardise { LS_STANDARDISE_NONE, LS_STANDARDISE_FEATURE, LS_STANDARDISE_CHANNEL };

struct ls_train_options {
    int64_t epochs;
    int64_t steps_max; /* 0: no limit */
    int64_t batch;
    int64_t microbatches; /* 0: auto (design, section 6) */
    int reduce;           /* enum ls_reducer_kind */
    bool share_memory;    /* of a host's ranks */
    int64_t piece_rows;   /* 0: auto */
    bool shuffle;
    int64_t patience;        /* early stopping: epochs without a better metric; 0: off */
    char watch[LS_TEXT_MAX]; /* metric to watch; "": the task's */
    double improvement;      /* least change that counts as better */
    int64_t validate_every;  /* epochs */
    bool stop_not_finite;    /* true: a non-finite gradient stops the run; false: skips the step */
    struct ls_pattern_list frozen; /* parameters that nobody updates */
    double average;                /* decay of the moving average of weights; 0: none */
};

/* Where initial values come from besides the initialisers. */
struct ls_start_options {
    char from[LS_TEXT_MAX]; /* a run directory, or a checkpoint in one; "": nowhere */
    struct ls_pattern_list need, except;
};

struct ls_checkpoint_options {
    int64_t every_steps;  /* 0: off */
    double every_seconds; /* 0: off */
    int64_t every_epochs; /* 0: off */
    int64_t keep;         /* at least 2 */
    bool keep_best;       /* the one of the best validation stays, too, and is what is used */
};

struct ls_log_options {
    int64_t every_steps; /* metrics.jsonl and the progress line */
    double progress_seconds;
    bool gradient_norms; /* of each layer, too */
    bool tensorboard;    /* RUN/tensorboard */
};

enum ls_isa { LS_ISA_AUTO, LS_ISA_AVX512, LS_ISA_AVX2, LS_ISA_PORTABLE };
enum ls_gemm { LS_GEMM_LOCKSTEP, LS_GEMM_OPENBLAS };

struct ls_compute_options {
    int isa;         /* enum ls_isa */
    int gemm;        /* enum ls_gemm */
    int winograd;    /* enum ls_winograd */
    int64_t threads; /* of a rank */
};

struct ls_launcher_options {
    int64_t ranks; /* 0: one per core, at most as many as microbatches */
    char mpirun[LS_TEXT_MAX];
    char mpirun_arguments[LS_TEXT_MAX];
    int64_t stall_seconds; /* 0: a job may stand still */
    int64_t restarts;
};

/* What one phase of the task is trained with: the section optimizer and schedule, but for what the
 * section phases says. */
struct ls_phase_options {
    char name[LS_PHASE_NAME_MAX]; /* "" where the task has one phase */
    int64_t every;                /* it runs in every so many steps */
    struct ls_optimizer_options optimizer;
    struct ls_schedule_options schedule;
};

/* Keys whose values are checked against the model, which knows no config file. */
enum ls_config_place {
    LS_PLACE_WATCH,
    LS_PLACE_FROZEN,
    LS_PLACE_START,
    LS_PLACE_NEED,
    LS_PLACE_EXCEPT,
    LS_PLACE_FACTORS,
    LS_PLACES
};

struct ls_config {
    int64_t seed;
    char answer[LS_TEXT_MAX];    /* the layer that answers; empty: the last */
    struct ls_task_options task; /* task.*, loss.* */
    struct ls_data_options data;
    struct ls_augment_options augment;
    struct ls_networks model;
    struct ls_layer_list losses; /* the task's preset, unless given */
    struct ls_phase_options phases[LS_PHASES_MAX];
    int phase_count;
    struct ls_start_options start;
    struct ls_train_options train;
    struct ls_optimizer_options optimizer;
    struct ls_schedule_options schedule;
    struct ls_checkpoint_options checkpoint;
    struct ls_log_options log;
    struct ls_compute_options compute;
    struct ls_launcher_options launcher;
    char path[LS_TEXT_MAX];              /* where it was read from */
    char places[LS_PLACES][LS_TEXT_MAX]; /* "FILE:LINE:COLUMN", or "--set KEY=VALUE" */
    char name[LS_TEXT_MAX];              /* file name without folder and ending */
};

/* A section: a table of fields and where its struct lies in struct ls_config. Name "" is the top
 * level. An integer or real field with choices also takes those words, for 0, 1, ... ("auto"). */
struct ls_config_section {
    const char *name;
    const char *help;
    const struct ls_fields *fields;
    size_t offset;
    const char *main_field; /* `task: regression` means {main_field: regression}; or NULL */
};
extern const struct ls_config_section ls_config_sections[];
extern const int ls_config_section_count;

/* Reads and checks a file, then `--set` assignments ("train.batch=256") in order. Errors start
 * "FILE:LINE:COLUMN: error: ", those of an assignment "--set KEY=VALUE: error: ". *config is owned
 * by the caller: ls_config_clear. */
LS_MUST_USE enum ls_status ls_config_read(struct ls_config *config, const char *path,
                                          char *const *assignments, int assignment_count,
                                          struct ls_error *error);
/* The same from text (the copy a run keeps); path is for messages. */
LS_MUST_USE enum ls_status ls_config_parse(struct ls_config *config, const char *text, size_t size,
                                           const char *path, char *const *assignments,
                                           int assignment_count, struct ls_error *error);
void ls_config_clear(struct ls_config *config);

/* The resolved config as YAML that ls_config_parse reads back to the same. Owned by the caller. */
char *ls_config_print(const struct ls_config *config);

/* Whether a run begun with `before` may continue with `now`; else LS_INVALID with what differs (at
 * most four keys, then how many more). */
LS_MUST_USE enum ls_status ls_config_resumable(const struct ls_config *before,
                                               const struct ls_config *now, struct ls_error *error);

/* `lockstep help config [SECTION]`; section NULL: all. False if there is no such section or layer.
 */
bool ls_config_help(FILE *out, const char *section);
/* The section or layer that is spelt most like name, or NULL. */
const char *ls_config_help_nearest(const char *name);

/* The microbatches of a global batch, `auto` worked out (design, section 6). */
int64_t ls_config_microbatches(const struct ls_config *config);

/* compute.isa on this machine: what was asked for (LS_INVALID if it cannot run that), or the best.
 */
LS_MUST_USE enum ls_status ls_config_variant(const struct ls_config *config,
                                             enum ls_variant *variant, struct ls_error *error);

/* The feeds that a config's data is cut into: feeds[0 .. result - 1], at most LS_FEEDS_MAX. An
 * empty column: the only dataset that the files hold. */
int ls_config_feeds(const struct ls_config *config, struct ls_feed_options *feeds);
/* The feed of that name, or NULL. */
struct ls_feed_options *ls_feeds_find(struct ls_feed_options *feeds, int count, const char *name);
/* Rows of the first window that the config cuts; 0: samples are rows. */
int64_t ls_data_window(const struct ls_data_options *data);
/* The dataset whose alike rows a split keeps together (data.group) or spreads evenly
 * (data.stratify); NULL: neither. */
const char *ls_config_split_column(const struct ls_config *config);
/* $LOCKSTEP_DATA; NULL if it is not set. */
const char *ls_data_folder(void);
/* Samples of a block of data.shuffle; 0: all are shuffled as one. */
uint64_t ls_config_shuffle_block(const struct ls_config *config);
/* Rows from one window to the next; 1 where samples are rows. */
int64_t ls_config_stride(const struct ls_config *config);

/* The keys of one feed in `data.feeds`. */
extern const struct ls_fields ls_feed_fields, ls_data_fields;

/* What ls_model_create needs of a config, but for the task and the feeds. */
struct ls_model_options ls_config_model(const struct ls_config *config, enum ls_variant variant,
                                        int64_t rows_max);

/* How many microbatches of a share's `most` make a piece: what the config says, or what models that
 * are planned for one microbatch (model->rows_max) show. They lay out the parameters, too. 0 after
 * an error. */
LS_MUST_USE int ls_config_piece(const struct ls_config *config,
                                const struct ls_model_options *model, int most,
                                struct ls_parameter_set *parameters, struct ls_error *error);

/* "FILE:LINE:COLUMN: error: KEY: text" for one of these keys. */
enum ls_status ls_config_fail(const struct ls_config *config, enum ls_config_place place,
                              struct ls_error *error, const char *format, ...) LS_PRINTF(4, 5);

/* Whether each pattern of a key means some parameter of the model. */
LS_MUST_USE enum ls_status ls_config_check_patterns(const struct ls_config *config,
                                                    enum ls_config_place place,
                                                    const struct ls_pattern_list *patterns,
                                                    const struct ls_parameter_set *parameters,
                                                    struct ls_error *error);

/* "FILE:LINE:COLUMN: error: text" for a layer of the model. */
enum ls_status ls_config_layer_error(const struct ls_config *config,
                                     const struct ls_layer_spec *spec, struct ls_error *error);

#endif
