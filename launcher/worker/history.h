/* RUN/metrics.jsonl in memory: what plot, report, compare and watch show. */
#ifndef LS_LAUNCHER_HISTORY_H
#define LS_LAUNCHER_HISTORY_H

#include <math.h>
#include <stdint.h>

#include "core/base/status.h"

/* A metric that a line does not have. JSON has no such number; null is NAN. */
#define LS_ABSENT ((double)INFINITY)

struct ls_history_line {
    uint64_t step;
    double epoch;
    double seconds; /* of training; lines that do not say it have that of the line before */
    int role;       /* enum ls_source_role: train, validation, test */
    int count;
    double *values; /* [count] owned; by the history's metrics */
};

struct ls_history {
    char *run;  /* owned; the directory */
    char *name; /* owned; what charts call it: the last part of its path */
    int metric_count;
    char **metrics; /* [metric_count] owned; as lines name them first; not step, epoch and split */
    int64_t count;
    struct ls_history_line *lines; /* [count] owned; in the file's order */
};

/* Reads what is there, also while the run goes on: a last line without its end is left out. A line
 * that is none of ours is LS_DAMAGED and named; no file, or one without a line, is LS_INVALID.
 * ls_history_clear, also after an error. */
LS_MUST_USE enum ls_status ls_history_read(struct ls_history *history, const char *run,
                                           struct ls_error *error);
void ls_history_clear(struct ls_history *history);

/* Several: where two have one name, the whole path is their name. *histories[count] is owned by the
 * caller (ls_histories_free), also after an error. */
LS_MUST_USE enum ls_status ls_histories_read(struct ls_history **histories, char *const *runs,
                                             int count, struct ls_error *error);
/* The same for those that were read one by one. */
void ls_histories_tell_apart(struct ls_history *const *histories, int count);
void ls_histories_free(struct ls_history *histories, int count);

/* The place of a metric; -1: no line has it. */
int ls_history_find(const struct ls_history *history, const char *metric);

/* LS_ABSENT for lines without it, and for metric -1. */
double ls_history_value(const struct ls_history_line *line, int metric);

/* What a metric tells, by its name. */
enum ls_metric_kind {
    LS_METRIC_MEASURE, /* how well the model does: loss, accuracy ... */
    LS_METRIC_RATE,    /* a learning rate */
    LS_METRIC_NORM,    /* of gradients */
    LS_METRIC_SPEED,   /* samples_per_s */
    LS_METRIC_SECONDS, /* of training so far */
    LS_METRIC_TIME     /* a share of the time */
};
enum ls_metric_kind ls_metric_kind_of(const char *metric);

/* The run without trailing slashes, and its last part: owned by the caller. */
char *ls_run_name(const char *run);

#endif
