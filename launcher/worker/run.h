/* A training run: everything between a config and the result, on every rank alike. */
#ifndef LS_LAUNCHER_RUN_H
#define LS_LAUNCHER_RUN_H

#include "dist/communicator.h"
#include "launcher/config/config.h"

/* What `lockstep worker` (and `train` through it) was asked to do. */
struct ls_run_request {
    const struct ls_config *config; /* borrowed */
    const char *run;                /* run directory; exists */
    uint64_t incarnation;
    bool accept_data; /* a run may go on with other data than it began with */
};

/* Installs the handlers of SIGUSR1 and SIGTERM ("checkpoint, then stop"). Before MPI_Init. */
void ls_run_catch_signals(void);

/* Opens data, builds the model, restores the newest checkpoint, trains, evaluates, writes
 * result.json. Collective. *stopped: a signal ended it early, after a checkpoint. */
LS_MUST_USE enum ls_status ls_run(struct ls_communicator *communicator,
                                  const struct ls_run_request *request, bool *stopped,
                                  struct ls_error *error);

#endif
