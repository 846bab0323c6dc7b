/* The job's processes. The only start and end of MPI; everything here but rank and size is
 * collective. */
#ifndef LS_DIST_COMMUNICATOR_H
#define LS_DIST_COMMUNICATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

struct ls_communicator;

/* MPI_Init_thread (FUNNELED). A world of one needs no mpirun. Failures of MPI itself print MPI's
 * text, the call and the rank, and end the job. */
LS_MUST_USE enum ls_status ls_communicator_create(struct ls_communicator **communicator,
                                                  struct ls_error *error);
/* A world of this process alone, without MPI. */
struct ls_communicator *ls_communicator_alone(void);
void ls_communicator_destroy(struct ls_communicator *communicator); /* MPI_Finalize */

/* How many processes the environment says were started together with this one, by whatever
 * launcher; 1 if none says so. Works before create. */
int ls_tasks_started(void);

/* What this process waits for at this moment: the text of an MPI call, "shared memory"; NULL: it
 * waits for no rank. May be called from a signal handler. */
const char *ls_communicator_waits(void);

int ls_communicator_rank(const struct ls_communicator *communicator);
int ls_communicator_size(const struct ls_communicator *communicator);
/* Whether this is the lowest rank of its host. */
bool ls_communicator_leads_host(const struct ls_communicator *communicator);

/* Ends all ranks now, with this exit code; does not return. For one rank's own failure, after
 * printing it. */
_Noreturn void ls_communicator_abort(struct ls_communicator *communicator, int exit_code);

/* All ranks agree on a status before a collective that depends on local success: LS_OK only if
 * every rank brings LS_OK; else the error of the lowest rank that failed, on every rank, with "rank
 * R: " in front. */
LS_MUST_USE enum ls_status ls_communicator_agree(struct ls_communicator *communicator,
                                                 enum ls_status status, struct ls_error *error);

void ls_communicator_barrier(struct ls_communicator *communicator);
/* Bytes of rank 0 to all. */
void ls_communicator_broadcast(struct ls_communicator *communicator, void *bytes, int64_t count);
/* Every rank brings `bytes` bytes; rank 0 (or all) gets size * bytes, in rank order. */
void ls_communicator_gather(struct ls_communicator *communicator, const void *mine, int64_t bytes,
                            void *all_at_zero);
void ls_communicator_all_gather(struct ls_communicator *communicator, const void *mine,
                                int64_t bytes, void *all);
/* Each element is non-zero on one rank at most, so the sum is exact: everybody gets everything. */
void ls_communicator_combine(struct ls_communicator *communicator, double *values, int64_t count);
/* MPI_Allreduce in place, in an order of MPI's own: what the reducers are measured against. */
void ls_communicator_sum(struct ls_communicator *communicator, float *values, int64_t count);
int64_t ls_communicator_max(struct ls_communicator *communicator, int64_t value);
int64_t ls_communicator_min(struct ls_communicator *communicator, int64_t value);

/* "Open MPI v4.1.4, ..." in one line. Works before create, too. */
const char *ls_mpi_version(void);

#endif
