/* Parameters to where they are not yet: updated slices from every rank, or all of them from rank 0.
 * Within a host they lie in shared memory; every other host gets a slice once. */
#ifndef LS_DIST_SPREAD_H
#define LS_DIST_SPREAD_H

#include "dist/host.h"

struct ls_spread {
    struct ls_host *host;           /* borrowed */
    MPI_Comm comm;                  /* owned */
    MPI_Datatype unit;              /* owned: LS_UNIT floats, so that MPI's int reaches 2^35 */
    MPI_Request *requests;          /* owned; group after group */
    int bounds[LS_GROUP_FIXED + 2]; /* group g's are bounds[g] .. bounds[g + 1] - 1 */
    int64_t total;
};

void ls_spread_create(struct ls_spread *spread, const struct ls_cut *cut, struct ls_host *host,
                      MPI_Comm comm);
void ls_spread_destroy(struct ls_spread *spread);

/* The slices of one group. Collective, and so is the other. */
void ls_spread_slices(struct ls_spread *spread, int group);
void ls_spread_all(struct ls_spread *spread);

#endif
