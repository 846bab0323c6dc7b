/* RUN/result.json: how a run ended, for scripts; and the same printed for people. */
#ifndef LS_LAUNCHER_RESULT_H
#define LS_LAUNCHER_RESULT_H

#include <jansson.h>
#include <stdint.h>

#include "core/tasks/task.h"
#include "launcher/worker/data.h"

struct ls_result {
    const char *status;     /* "done", "stopped", "early_stopped", "failed" */
    uint64_t steps, epochs; /* all restarts; completed epochs */
    uint64_t resumed_from_step, steps_this_run;
    double seconds;       /* of training, over all restarts */
    double samples_per_s; /* this run */
    int world_size;
    uint64_t parameters_digest;
    const struct ls_metrics *parts[3]; /* train, validation, test; NULL where absent */
    const struct ls_data *data;        /* where classes have their names; may be NULL */
    /* What was measured, where the best was kept; metric NULL: what the last step left. */
    struct ls_result_best {
        const char *metric; /* the one that was watched */
        double value;
        uint64_t epoch, step;
    } best;
    const char *start;   /* JSON text of what came from another run; NULL: nothing */
    const char *message; /* of a failure; NULL otherwise */
};

LS_MUST_USE enum ls_status ls_result_write(const char *run, const struct ls_result *result,
                                           struct ls_error *error);

/* RUN/result.json, owned by the caller; NULL after an error. */
json_t *ls_result_read(const char *run, struct ls_error *error);

/* Whether RUN/result.json is there and ended at this step with "done" or "early_stopped" (or
 * "stopped", when `limit` stops at this very step). */
bool ls_result_final(const char *run, uint64_t step, bool limit);

/* Prints RUN/result.json for people on stdout. */
LS_MUST_USE enum ls_status ls_result_print(const char *run, struct ls_error *error);

#endif
