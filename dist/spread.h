/* Parameters to where they are not yet: updated slices from every rank, or all of them from rank 0.
 * Within a host they lie in shared memory; every other host gets a slice once. */
#ifndef LS_DIST_SPREAD_H
#define LS_DIST_SPREAD_H

#include "dist/host.h"

struct ls_spread {
    struct ls_host *host;  /* borrowed */
    MPI_Comm comm;         /* owned */
    MPI_Datatype unit;     /* owned: LS_UNIT floats, so that MPI's int reaches 2^35 */
    MPI_Request *requests; /* owned */
    int count;
    int64_t total;
};

void ls_spread_create(struct ls_spread *spread, const struct ls_cut *cut, struct ls_host *host,
                      MPI_Comm comm);
void ls_spread_destroy(struct ls_spread *spread);

/* Collective, and so is the other. */
void ls_spread_slices(struct ls_spread *spread);
void ls_spread_all(struct ls_spread *spread);

#endif
