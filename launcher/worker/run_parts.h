/* What the parts of a run share: run.c opens and closes it, loop.c trains (log_step.c, watch.c),
 * keep.c saves, report.c writes the result. */
#ifndef LS_LAUNCHER_RUN_PARTS_H
#define LS_LAUNCHER_RUN_PARTS_H

#include "io/events.h"
#include "io/metrics_file.h"
#include "launcher/worker/data.h"
#include "launcher/worker/progress.h"
#include "launcher/worker/run.h"
#include "launcher/worker/save.h"
#include "launcher/worker/state.h"
#include "launcher/worker/worker.h"

struct trouble {
    bool there;
    double told; /* when it was last said */
};

struct run {
    const struct ls_run_request *request;
    const struct ls_config *config;
    struct ls_communicator *communicator;
    bool leader; /* rank 0: writes and shows */
    struct ls_data data;
    struct ls_worker worker;
    struct ls_loader *loaders[LS_PARTS]; /* NULL where there is no such part */
    struct ls_metrics_file *metrics;
    struct ls_events *events; /* NULL: log.tensorboard does not ask for them */
    struct ls_progress progress;
    struct ls_save save;
    struct ls_state state;
    uint64_t resumed_from, saved_step;
    double *sums;          /* detailed */
    double began;          /* this run's training */
    double seconds_before; /* of earlier runs */
    double last_save;
    struct ls_times logged, shown; /* the worker's times at the last line of metrics, and shown */
    uint64_t samples;              /* this run */
    bool stopped;                  /* by a signal */
    bool folder_lost;              /* RUN is gone, or another's */
    struct trouble events_trouble, metrics_trouble, save_trouble;
};

/* Data, model and loaders; the newest checkpoint, or what a run begins with where it has none; and
 * the end of it all, also after an error. Collective. */
LS_MUST_USE enum ls_status ls_run_open(struct run *run, struct ls_error *error);
LS_MUST_USE enum ls_status ls_run_restore(struct run *run, struct ls_error *error);
void ls_run_close(struct run *run);

/* Whether SIGUSR1, SIGTERM or SIGHUP has come. */
bool ls_run_stop_asked(void);

/* One rank's own failure in the middle of a step: the others wait in a collective, so say it and
 * end all. */
_Noreturn void ls_run_fail_alone(struct run *run, const struct ls_error *error);

/* What the training data teaches, on all ranks: from rank 0, or (known) as the checkpoint that was
 * restored has it. Collective. */
LS_MUST_USE enum ls_status ls_run_learn(struct run *run, bool known, struct ls_error *error);

/* Trains until the config's end, a signal, or an error. */
LS_MUST_USE enum ls_status ls_run_train(struct run *run, struct ls_error *error);

/* Adds a step's sums; writes the mean since the last line when it is time, and shows it. */
void ls_run_log_step(struct run *run, const struct ls_step *step);
/* Whether the present step is one after which a line is written, or the validation data measured.
 */
bool ls_run_logs(const struct run *run);
bool ls_run_validates(const struct run *run);

/* The learning rate of a phase at a step; and a word about schedules that end before the training
 * does, which has `total` steps (rank 0). */
double ls_run_rate(const struct run *run, int phase, uint64_t step);
void ls_run_note_schedules(struct run *run, uint64_t total);
/* What follows from a validation: the best so far, reduced rates, early stopping. Collective. */
LS_MUST_USE enum ls_status ls_run_watch(struct run *run, const struct ls_metrics *metrics,
                                        struct ls_error *error);

/* Metrics of a part at the present parameters (their average, with train.average); the confusion
 * matrix is borrowed from run->sums. */
struct ls_metrics ls_run_evaluate(struct run *run, int role);

/* Epochs so far, with the part of the running one. */
double ls_run_position(const struct run *run);

/* A line of metrics.jsonl (rank 0). A full disk here must not end a run: it is said, and training
 * goes on. */
void ls_run_append_metrics(struct run *run, const char *split, const struct ls_metrics *metrics,
                           const struct ls_metric *extra, int extra_count);

/* Fails if RUN was deleted, renamed or taken over: then nothing may be written. Collective. */
LS_MUST_USE enum ls_status ls_run_check_folder(struct run *run, struct ls_error *error);
/* Event files with what metrics.jsonl holds, where they are wanted (rank 0). Trouble is said, no
 * more. */
void ls_run_open_events(struct run *run);

/* What training sees: the first batch of a start, as rank 0 has read and augmented it. */
void ls_run_show_batch(struct run *run, const struct ls_batch *batch);

/* Makes the lines of metrics.jsonl durable (rank 0). Trouble is said, no more: a checkpoint without
 * the last lines is better than none. */
void ls_run_sync_metrics(struct run *run);
/* A checkpoint of the present step. Disk trouble leaves the last one standing: it is said, and
 * tried again at the next interval, unless this was the last chance. Collective. */
LS_MUST_USE enum ls_status ls_run_save(struct run *run, bool last, struct ls_error *error);

/* Validation and test at the end, result.json, and the same for people. */
LS_MUST_USE enum ls_status ls_run_report(struct run *run, struct ls_error *error);
/* A run that broke off says so where scripts look, too. By one rank. */
void ls_run_report_failure(const struct run *run, const struct ls_error *error);

/* Of this run so far. */
double ls_run_samples_per_second(const struct run *run);

#endif
