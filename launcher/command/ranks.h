/* What commands share that run on several ranks beside training: starting them, and being one. */
#ifndef LS_LAUNCHER_RANKS_H
#define LS_LAUNCHER_RANKS_H

#include "dist/communicator.h"
#include "launcher/command/command.h"
#include "launcher/supervisor/supervisor.h"

extern const struct ls_command ls_command_bench_allreduce, ls_command_bench_loader;

/* Starts `lockstep COMMAND ARGUMENTS` under mpirun and waits; what has the command (NULL: bench),
 * ranks and arguments. Returns an exit code. */
int ls_ranks_launch(const struct ls_launch *what);

/* Runs one rank of it. Returns an exit code. */
int ls_ranks_run(enum ls_status (*run)(const void *context, struct ls_communicator *communicator,
                                       struct ls_error *error),
                 const void *context);

#endif
