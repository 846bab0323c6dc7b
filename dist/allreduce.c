/* Every rank adds its own partials; MPI_Iallreduce adds over the ranks, in an order of its own. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "dist/fold.h"
#include "dist/host.h"

struct allreduce {
    const struct ls_cut *cut;
    float *const *partials; /* this rank's */
    MPI_Comm comm;
    MPI_Request *requests; /* owned; per bucket */
    int group;             /* that is reduced */
    float *sums;           /* the caller's, or NULL */
    struct ls_fold fold;   /* of this rank's partials */
};

static void *allreduce_create(const struct ls_cut *cut, struct ls_host *host, MPI_Comm comm) {
    struct allreduce *a = ls_calloc(1, sizeof *a);
    *a = (struct allreduce){
        .cut = cut, .partials = host->partials + cut->node_bounds[cut->rank], .comm = comm};
    a->requests = ls_calloc((size_t)ls_cut_buckets(cut), sizeof *a->requests);
    for (int b = 0; b < ls_cut_buckets(cut); b++)
        a->requests[b] = MPI_REQUEST_NULL;
    ls_fold_create(&a->fold, cut->microbatches, cut->nodes + cut->node_bounds[cut->rank],
                   ls_cut_partials(cut, cut->rank), cut->variant);
    a->fold.threads = cut->threads;
    return a;
}

static void allreduce_destroy(void *state) {
    struct allreduce *a = state;
    ls_fold_destroy(&a->fold);
    free(a->requests);
    free(a);
}

static void allreduce_begin(void *state, int group, float *sums) {
    struct allreduce *a = state;
    a->group = group;
    a->sums = sums;
}

static void allreduce_start(void *state, int bucket) {
    struct allreduce *a = state;
    const struct ls_range range = a->cut->buckets[bucket];
    ls_fold_run(&a->fold, a->partials, a->partials[0], range.first, range.end);
    LS_MPI(MPI_Iallreduce(MPI_IN_PLACE, a->partials[0] + range.first,
                          (int)(range.end - range.first), MPI_FLOAT, MPI_SUM, a->comm,
                          &a->requests[bucket]));
}

static void allreduce_progress(void *state) {
    const struct allreduce *a = state;
    const int *bounds = a->cut->bucket_bounds + a->group;
    int complete;
    LS_MPI(MPI_Testall(bounds[1] - bounds[0], a->requests + bounds[0], &complete,
                       MPI_STATUSES_IGNORE));
}

static void allreduce_complete(void *state, int bucket) {
    struct allreduce *a = state;
    LS_MPI(MPI_Wait(&a->requests[bucket], MPI_STATUS_IGNORE));
}

static const float *allreduce_finish(void *state) {
    const struct allreduce *a = state;
    const struct ls_range slice = ls_cut_slice(a->cut, a->group, a->cut->rank);
    const float *found = a->partials[0] + slice.first;
    return a->sums ? memcpy(a->sums, found, (size_t)ls_range_count(slice) * sizeof(float)) : found;
}

const struct ls_exchange ls_exchange_allreduce = {
    .create = allreduce_create,
    .destroy = allreduce_destroy,
    .begin = allreduce_begin,
    .start = allreduce_start,
    .progress = allreduce_progress,
    .complete = allreduce_complete,
    .finish = allreduce_finish,
};
