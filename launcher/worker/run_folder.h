/* The run directory: who may write to it. */
#ifndef LS_LAUNCHER_RUN_FOLDER_H
#define LS_LAUNCHER_RUN_FOLDER_H

#include <stdint.h>

#include "core/base/status.h"

struct ls_run_lock {
    int folder, file; /* descriptors that hold the locks; -1: none */
};
#define LS_RUN_UNLOCKED ((struct ls_run_lock){-1, -1})

/* Makes RUN (a file in the way is LS_INVALID) and locks it until ls_run_release. */
LS_MUST_USE enum ls_status ls_run_claim(const char *run, struct ls_run_lock *lock,
                                        struct ls_error *error);
void ls_run_release(struct ls_run_lock *lock);

/* A new incarnation number, durable before anything else of this start is written. The lock is
 * held. */
LS_MUST_USE enum ls_status ls_run_number(const char *run, uint64_t *incarnation,
                                         struct ls_error *error);

/* Whether RUN is still there (LS_SYSTEM) and no later start has taken it over (LS_LOCKED). */
LS_MUST_USE enum ls_status ls_run_check(const char *run, uint64_t incarnation,
                                        struct ls_error *error);

#endif
