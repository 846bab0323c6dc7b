/* The one table of exit codes; docs, worker and supervisor share it (`lockstep help exit-codes`).
 */
#ifndef LS_LAUNCHER_EXIT_CODES_H
#define LS_LAUNCHER_EXIT_CODES_H

#include "core/base/status.h"

#define LS_EXIT_CODES(X)                                                                           \
    X(DONE, 0, "done")                                                                             \
    X(BUG, 1, "a bug in lockstep, or a failure that nothing else here describes")                  \
    X(INVALID, 2, "usage, config or data error: fix what the message names")                       \
    X(SYSTEM, 3, "the system refused: file, disk, memory, process")                                \
    X(DAMAGED, 4, "no intact checkpoint, or a damaged file")                                       \
    X(DIVERGED, 5, "the numbers went wrong: not finite, or replicas differ")                       \
    X(RANK_LOST, 6, "a rank or mpirun died; run the same command again to continue")               \
    X(LOCKED, 7, "another process is using the run directory")                                     \
    X(STOPPED, 75,                                                                                 \
      "checkpointed and stopped on SIGTERM, SIGHUP, SIGUSR1 or ^C; run the same command again")

enum ls_exit_code {
#define LS_EXIT_ENUM(name, code, text) LS_EXIT_##name = code,
    LS_EXIT_CODES(LS_EXIT_ENUM)
#undef LS_EXIT_ENUM
};

enum ls_exit_code ls_exit_code(enum ls_status status);
const char *ls_exit_text(int code); /* NULL if it is not in the table */

#endif
