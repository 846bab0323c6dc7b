/* Why a rank ended, in its own words. mpirun's exit codes are ambiguous and the pid it prints is 0,
 * so each rank leaves RUN/ranks/rank-R.json (pid, host, processor, step, phase; at the end exit
 * code and message), rewritten in place, read by the supervisor when the job is over, and when it
 * stands still: a rank that gets SIGUSR2 writes what it waits for. */
#ifndef LS_LAUNCHER_REASON_H
#define LS_LAUNCHER_REASON_H

#include <stdint.h>

#include "core/base/status.h"

/* The run directory, for ranks that a launcher starts. */
#define LS_REASON_VARIABLE "LOCKSTEP_RUN"

/* In the worker: sets up RUN/ranks/rank-R.json. Later calls are cheap (a pwrite into a mapped
 * file). */
LS_MUST_USE enum ls_status ls_reason_open(const char *run, int rank, struct ls_error *error);
void ls_reason_step(uint64_t step);
void ls_reason_phase(const char *phase); /* "training", "saving a checkpoint", ...: static text */
void ls_reason_finish(int exit_code, const char *message);

/* As ls_reason_open for the run directory of the launcher that started this rank; nothing without
 * one. */
LS_MUST_USE enum ls_status ls_reason_open_launched(int rank, struct ls_error *error);

/* First thing in a worker that a launcher started: it dies with its parent (PR_SET_PDEATHSIG). */
void ls_worker_guard(void);
/* Whether the launcher on this host that it had then is gone: where a script stands between it and
 * mpirun, its death ends nobody else. Somebody may have started the run again. Looks once a second.
 */
bool ls_worker_is_left(void);

#endif
