/* A training run: everything between a config and the result, on every rank alike. */
#ifndef LS_LAUNCHER_RUN_H
#define LS_LAUNCHER_RUN_H

#include "dist/communicator.h"
#include "launcher/config/config.h"
#include "launcher/exit_codes.h"

/* What `lockstep worker` (and `train` through it) was asked to do. */
struct ls_run_request {
    const struct ls_config *config; /* borrowed */
    const char *run;                /* run directory; exists */
    uint64_t incarnation;
    bool accept_data; /* a run may go on with other data than it began with */
};

/* Installs the handlers of SIGUSR1, SIGTERM and SIGHUP ("checkpoint, then stop"). Before MPI_Init.
 * SIGINT does the same where no launcher has it: alone; a second one ends at once.
 */
void ls_run_catch_signals(bool alone);

/* Opens data, builds the model, restores the newest checkpoint, trains, evaluates, writes
 * result.json, and tells so (ls_reason_finish). Collective. *code: LS_EXIT_DONE, or LS_EXIT_STOPPED
 * by a signal, after a checkpoint. */
LS_MUST_USE enum ls_status ls_run(struct ls_communicator *communicator,
                                  const struct ls_run_request *request, enum ls_exit_code *code,
                                  struct ls_error *error);

/* The learning-rate finder, in a world of one rank: some steps of rising rates, then a table and a
 * suggestion on stdout. Writes no files. */
LS_MUST_USE enum ls_status ls_find_rate(struct ls_communicator *communicator,
                                        const struct ls_config *config, struct ls_error *error);

#endif
