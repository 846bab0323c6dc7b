#include "dist/spread.h"

#include <limits.h>
#include <stdlib.h>

#include "core/base/memory.h"

/* How many ranks before this one are on its host. */
static int place_on_host(const struct ls_cut *cut, int rank) {
    int place = 0;
    for (int r = 0; r < rank; r++)
        place += cut->hosts[r] == cut->hosts[rank];
    return place;
}

/* Which rank of a host gets the slice of `from`: the one at its place, as far as there are as many.
 */
static int receiver(const struct ls_cut *cut, int from, int host) {
    int members = 0;
    for (int r = host; r < cut->size; r++)
        members += cut->hosts[r] == host;
    int place = place_on_host(cut, from) % members, r = host;
    for (;; r++)
        if (cut->hosts[r] == host && place-- == 0)
            return r;
}

static void add_message(struct ls_spread *spread, const struct ls_cut *cut, int group, int from,
                        int to) {
    const struct ls_range slice = ls_cut_slice(cut, group, from);
    float *data = spread->host->parameters + slice.first;
    const int units = (int)(ls_range_count(slice) / LS_UNIT);
    if (!units)
        return;
    MPI_Request *request = &spread->requests[spread->bounds[group + 1]++];
    if (from == cut->rank)
        LS_MPI(MPI_Send_init(data, units, spread->unit, to, group, spread->comm, request));
    else
        LS_MPI(MPI_Recv_init(data, units, spread->unit, from, group, spread->comm, request));
}

static void plan_group(struct ls_spread *spread, const struct ls_cut *cut, int group) {
    spread->bounds[group + 1] = spread->bounds[group];
    for (int r = 0; r < cut->size; r++) {
        if (ls_cut_near(cut, r))
            continue;
        if (receiver(cut, r, cut->hosts[cut->rank]) == cut->rank)
            add_message(spread, cut, group, r, cut->rank);
        if (cut->hosts[r] == r)
            add_message(spread, cut, group, cut->rank, receiver(cut, cut->rank, r));
    }
}

void ls_spread_create(struct ls_spread *spread, const struct ls_cut *cut, struct ls_host *host,
                      MPI_Comm comm) {
    LS_ASSERT(cut->total / LS_UNIT <= INT_MAX, "%lld parameters", (long long)cut->total);
    *spread = (struct ls_spread){.host = host, .total = cut->total};
    LS_MPI(MPI_Comm_dup(comm, &spread->comm));
    spread->requests =
        ls_calloc(2 * (size_t)cut->size * (LS_GROUP_FIXED + 1), sizeof *spread->requests);
    LS_MPI(MPI_Type_contiguous(LS_UNIT, MPI_FLOAT, &spread->unit));
    LS_MPI(MPI_Type_commit(&spread->unit));
    for (int g = 0; g <= LS_GROUP_FIXED; g++)
        plan_group(spread, cut, g);
}

void ls_spread_destroy(struct ls_spread *spread) {
    for (int i = 0; i < spread->bounds[LS_GROUP_FIXED + 1]; i++)
        LS_MPI(MPI_Request_free(&spread->requests[i]));
    LS_MPI(MPI_Type_free(&spread->unit));
    LS_MPI(MPI_Comm_free(&spread->comm));
    free(spread->requests);
}

void ls_spread_slices(struct ls_spread *spread, int group) {
    MPI_Request *const requests = spread->requests + spread->bounds[group];
    const int count = spread->bounds[group + 1] - spread->bounds[group];
    LS_MPI(MPI_Startall(count, requests));
    LS_MPI(MPI_Waitall(count, requests, MPI_STATUSES_IGNORE));
    ls_host_barrier(spread->host);
}

void ls_spread_all(struct ls_spread *spread) {
    int rank;
    MPI_Comm first; /* of each host */
    LS_MPI(MPI_Comm_rank(spread->comm, &rank));
    LS_MPI(MPI_Comm_split(spread->comm, spread->host->rank == 0 ? 0 : MPI_UNDEFINED, rank, &first));
    if (first != MPI_COMM_NULL) {
        LS_MPI(MPI_Bcast(spread->host->parameters, (int)(spread->total / LS_UNIT), spread->unit, 0,
                         first));
        LS_MPI(MPI_Comm_free(&first));
    }
    ls_host_barrier(spread->host);
}
