/* The options that `train` and `worker` share, and what follows from them. */
#ifndef LS_LAUNCHER_RUN_OPTIONS_H
#define LS_LAUNCHER_RUN_OPTIONS_H

#include <stddef.h>

#include "core/base/tree.h"
#include "launcher/command/command.h"
#include "launcher/config/config.h"

struct ls_run_options {
    int64_t ranks;         /* train: -n; 0: the config's, or as many as have cores */
    int64_t threads;       /* of a rank; 0: the config's */
    char out[LS_TEXT_MAX]; /* run directory; "": runs/<config name> */
    struct ls_texts set;
    bool accept_data; /* the run may go on with other data */
    bool restart;     /* train: sets a finished or broken run aside */
    bool find_rate;   /* train: no run, but a search for a learning rate */
    int64_t
        incarnation; /* worker: given by the launcher, which holds the lock; 0: started by hand */
};

/* A row of the option table of every command that computes. */
#define LS_OPTION_THREADS(options)                                                                 \
    {                                                                                              \
        .field = {                                                                                 \
            .name = "threads",                                                                     \
            .kind = LS_FIELD_INTEGER,                                                              \
            .offset = offsetof(options, threads),                                                  \
            .initial = "0",                                                                        \
            .max = LS_MICROBATCHES_MAX,                                                            \
            .help = "threads of a rank; 0: compute.threads of the config"                          \
        }                                                                                          \
    }

/* Rows of the option tables of both commands. */
#define LS_RUN_OPTION_OUT                                                                          \
    {                                                                                              \
        .field = {                                                                                 \
            .name = "out",                                                                         \
            .kind = LS_FIELD_TEXT,                                                                 \
            .offset = offsetof(struct ls_run_options, out),                                        \
            .initial = "",                                                                         \
            .help = "run directory; default runs/<config name>"                                    \
        }                                                                                          \
    }
#define LS_RUN_OPTION_ACCEPT_DATA                                                                  \
    {                                                                                              \
        .field = {                                                                                 \
            .name = "accept-data",                                                                 \
            .kind = LS_FIELD_BOOL,                                                                 \
            .offset = offsetof(struct ls_run_options, accept_data),                                \
            .initial = "false",                                                                    \
            .help = "continue although the data is not what the run began with"                    \
        }                                                                                          \
    }
#define LS_RUN_OPTION_SET                                                                          \
    {                                                                                              \
        .field = {.name = "set",                                                                   \
                  .kind = LS_FIELD_TEXT,                                                           \
                  .offset = offsetof(struct ls_run_options, set),                                  \
                  .initial = "",                                                                   \
                  .help = "KEY=VALUE, as in the config; may be repeated"},                         \
        .repeated = true                                                                           \
    }

/* The config at `path` with --set and --threads. */
LS_MUST_USE enum ls_status ls_run_config(const struct ls_run_options *options, const char *path,
                                         struct ls_config *config, struct ls_error *error);

/* RUN of a config: --out, or runs/<config name>. */
void ls_run_directory(const struct ls_run_options *options, const struct ls_config *config,
                      char run[LS_TEXT_MAX]);

/* RUN/config.yaml is the config with all its keys, as `train` has read and tried it. A worker that
 * reads the file at `path` again checks that it still says the same. */
LS_MUST_USE enum ls_status ls_run_config_write(const char *run, const struct ls_config *config,
                                               struct ls_error *error);
LS_MUST_USE enum ls_status ls_run_config_check(const char *run, const struct ls_config *config,
                                               const char *path, struct ls_error *error);

#endif
