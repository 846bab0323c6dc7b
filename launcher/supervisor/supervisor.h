/* Starts mpirun and watches it (libuv). No MPI here: the supervisor must outlive any failure of the
 * job. */
#ifndef LS_LAUNCHER_SUPERVISOR_H
#define LS_LAUNCHER_SUPERVISOR_H

#include "launcher/config/config.h"

enum { LS_WHY_MAX = 256 };
struct ls_launch {
    const char *program;    /* absolute path of this executable */
    const char *command;    /* its first argument: "worker" or "bench" */
    char *const *arguments; /* words after the command, NULL-terminated */
    int ranks;
    int threads;     /* of a rank */
    const char *run; /* run directory: where ranks leave their reasons */
    const struct ls_launcher_options *options;
    char *why; /* [LS_WHY_MAX] out: how a rank was lost, in words; NULL: nobody asks */
};

/* Runs to the end; returns an exit code of exit_codes.h, with the reason printed. Forwards SIGTERM,
 * SIGINT and SIGUSR1 (as "checkpoint, then stop"; a second SIGINT ends at once), ends every process
 * it started. *told (may be NULL): somebody wanted it to stop. */
int ls_supervise(const struct ls_launch *launch, bool *told);

/* Physical cores that this process may use. */
int ls_cores(void);
/* As many ranks as have a core, and a microbatch, for each of their threads; at least one. */
int ls_default_ranks(int64_t microbatches, int64_t threads);

#endif
