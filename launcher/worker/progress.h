/* What a run shows while it trains (rank 0): a line that is redrawn on a terminal, plain lines
 * otherwise. */
#ifndef LS_LAUNCHER_PROGRESS_H
#define LS_LAUNCHER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tasks/task.h"
#include "launcher/worker/times.h"

struct ls_progress {
    bool terminal;
    double interval; /* seconds between lines */
    uint64_t epochs, steps_total;
    double last; /* when the last line was shown */
    uint64_t last_step;
    bool drawn; /* a redrawn line is on the screen */
};

void ls_progress_begin(struct ls_progress *progress, double interval, uint64_t epochs,
                       uint64_t steps_total, uint64_t step);
/* Whether it is time to show where training is; then show it. */
bool ls_progress_due(const struct ls_progress *progress, uint64_t step);

struct ls_position {
    uint64_t step;
    double epoch, samples_per_s; /* of this run so far */
    const double *shares;        /* [LS_TIMES] borrowed; of the time since the last line */
};
void ls_progress_step(struct ls_progress *progress, const struct ls_position *position,
                      const struct ls_metrics *metrics);
/* Takes the progress line off a terminal. */
void ls_progress_clear(struct ls_progress *progress);
/* A line that stays: results of an evaluation, a checkpoint. */
void ls_progress_line(struct ls_progress *progress, const char *format, ...) LS_PRINTF(2, 3);

/* Seconds of a clock that only goes forward. */
double ls_seconds(void);

enum { LS_LINE_METRICS = 100 }; /* characters that metrics take of a line for people */

/* "loss 0.2831  accuracy 0.9012": as many as a line has room for. */
char *ls_metrics_print(const struct ls_metrics *metrics, char *text, size_t size);

#endif
