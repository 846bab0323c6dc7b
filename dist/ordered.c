/* Every slice's owner adds the partials of all ranks for its slice along the tree: the sum of a
 * sequential run over all microbatches, bit for bit.
 *
 * Partials of the owner's host are read where they are, in shared memory, once their rank has
 * counted the bucket as ready; sums go to the owner's own first partial, so nobody writes what
 * another rank reads. Those of other hosts come in messages: persistent requests, laid down once.
 * Each bucket has those that carry its range: one per partial of this rank to each owner elsewhere,
 * one per partial of each rank elsewhere to this one. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "dist/fold.h"
#include "dist/host.h"

/* Requests in bucket order: bucket b has list[bounds[b]] .. list[bounds[b + 1] - 1]. */
struct requests {
    MPI_Request *list;
    int *bounds;
};

struct ordered {
    const struct ls_cut *cut;
    struct ls_host *host;
    struct ls_range slice;
    struct requests sends, receives;
    float **leaves;  /* per node of the tree, in order: where this rank's slice of it is */
    float *sums;     /* of this rank's slice */
    float *received; /* the slice of other hosts' partials, one after the other */
    size_t received_bytes;
    uint64_t ready; /* buckets of earlier steps */
    struct ls_fold fold;
};

static void requests_create(struct requests *requests, const struct ls_cut *cut, int per_bucket) {
    requests->list =
        ls_calloc((size_t)cut->bucket_count * (size_t)per_bucket, sizeof *requests->list);
    requests->bounds = ls_calloc((size_t)cut->bucket_count + 1, sizeof *requests->bounds);
}

static void requests_destroy(struct requests *requests, int buckets) {
    for (int i = 0; i < requests->bounds[buckets]; i++)
        LS_MPI(MPI_Request_free(&requests->list[i]));
    free(requests->list);
    free(requests->bounds);
}

/* Within one bucket a pair of ranks may have several messages, one per partial of the sender. */
static int message_tag(const struct ls_cut *cut, int bucket, int node) {
    return bucket * cut->microbatches + node;
}

static void plan_sends(struct ordered *o, MPI_Comm comm) {
    const struct ls_cut *cut = o->cut;
    const int own = cut->node_bounds[cut->rank], count = ls_cut_partials(cut, cut->rank);
    requests_create(&o->sends, cut, count * (cut->size - 1));
    for (int b = 0, used = 0; b < cut->bucket_count; b++) {
        for (int away = 1; away < cut->size; away++) { /* not everybody to rank 0 first */
            const int to = (cut->rank + away) % cut->size;
            const struct ls_range range = ls_range_common(cut->buckets[b], cut->slices[to]);
            for (int n = own; n < own + count && range.end && !ls_cut_near(cut, to); n++)
                LS_MPI(MPI_Send_init(o->host->partials[n] + range.first,
                                     (int)(range.end - range.first), MPI_FLOAT, to,
                                     message_tag(cut, b, n), comm, &o->sends.list[used++]));
        }
        o->sends.bounds[b + 1] = used;
    }
}

static void plan_receives(struct ordered *o, MPI_Comm comm) {
    const struct ls_cut *cut = o->cut;
    const int others = cut->node_bounds[cut->size] - ls_cut_partials(cut, cut->rank);
    requests_create(&o->receives, cut, others);
    for (int b = 0, used = 0; b < cut->bucket_count; b++) {
        const struct ls_range range = ls_range_common(cut->buckets[b], o->slice);
        for (int from = 0; from < cut->size && range.end; from++)
            for (int n = cut->node_bounds[from];
                 n < cut->node_bounds[from + 1] && !ls_cut_near(cut, from); n++)
                LS_MPI(MPI_Recv_init(o->leaves[n] + (range.first - o->slice.first),
                                     (int)(range.end - range.first), MPI_FLOAT, from,
                                     message_tag(cut, b, n), comm, &o->receives.list[used++]));
        o->receives.bounds[b + 1] = used;
    }
}

static void place_leaves(struct ordered *o) {
    const struct ls_cut *cut = o->cut;
    float *const *partials = o->host->partials;
    const int nodes = cut->node_bounds[cut->size];
    const int64_t elements = o->slice.end - o->slice.first;
    int elsewhere = 0;
    for (int n = 0; n < nodes; n++)
        elsewhere += !partials[n];
    o->received_bytes = (size_t)elsewhere * (size_t)elements * sizeof(float);
    o->received = ls_memory_map(o->received_bytes);
    o->leaves = ls_calloc((size_t)nodes, sizeof *o->leaves);
    float *next = o->received;
    for (int n = 0; n < nodes; n++) {
        o->leaves[n] = partials[n] ? partials[n] + o->slice.first : next;
        next += partials[n] ? 0 : elements;
    }
}

static void *ordered_create(const struct ls_cut *cut, struct ls_host *host, MPI_Comm comm) {
    int *tag_max, given;
    LS_MPI(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, (void *)&tag_max, &given));
    LS_ASSERT(given && (int64_t)cut->bucket_count * cut->microbatches <= *tag_max,
              "%d buckets of %d microbatches need larger buckets", cut->bucket_count,
              cut->microbatches);
    struct ordered *o = ls_calloc(1, sizeof *o);
    o->cut = cut;
    o->host = host;
    o->slice = cut->slices[cut->rank];
    place_leaves(o);
    plan_sends(o, comm);
    plan_receives(o, comm);
    ls_fold_create(&o->fold, cut->microbatches, cut->nodes, cut->node_bounds[cut->size],
                   cut->variant);
    o->fold.threads = cut->threads;
    return o;
}

static void ordered_destroy(void *state) {
    struct ordered *o = state;
    requests_destroy(&o->sends, o->cut->bucket_count);
    requests_destroy(&o->receives, o->cut->bucket_count);
    ls_fold_destroy(&o->fold);
    ls_memory_unmap(o->received, o->received_bytes);
    free(o->leaves);
    free(o);
}

/* Partials may be overwritten from here on: nobody reads those of the last step any more. */
static void ordered_begin(void *state, float *sums) {
    struct ordered *o = state;
    o->fold.stream = sums && (o->slice.end - o->slice.first) * 4 >= LS_STREAM_BYTES;
    o->sums = sums ? sums : o->leaves[o->cut->node_bounds[o->cut->rank]];
    ls_host_wait(o->host, LS_COUNT_SUMMED, ls_host_counted(o->host, LS_COUNT_SUMMED));
    o->ready = ls_host_counted(o->host, LS_COUNT_READY);
    LS_MPI(MPI_Startall(o->receives.bounds[o->cut->bucket_count], o->receives.list));
}

static void ordered_start(void *state, int bucket) {
    struct ordered *o = state;
    const int first = o->sends.bounds[bucket];
    ls_host_count(o->host, LS_COUNT_READY);
    LS_MPI(MPI_Startall(o->sends.bounds[bucket + 1] - first, o->sends.list + first));
}

/* Complete requests stay in the list, inactive, and count as complete. */
static bool requests_complete(struct requests *requests, int first, int end, bool wait) {
    int complete = 1;
    MPI_Request *list = requests->list + first;
    if (wait)
        LS_MPI(MPI_Waitall(end - first, list, MPI_STATUSES_IGNORE));
    else
        LS_MPI(MPI_Testall(end - first, list, &complete, MPI_STATUSES_IGNORE));
    return complete;
}

static bool ordered_complete(void *state, int bucket, bool wait) {
    struct ordered *o = state;
    const struct ls_range range = ls_range_common(o->cut->buckets[bucket], o->slice);
    if (!range.end)
        return true;
    const uint64_t ready = o->ready + (uint64_t)bucket + 1;
    if (wait)
        ls_host_wait(o->host, LS_COUNT_READY, ready);
    else if (!ls_host_reached(o->host, LS_COUNT_READY, ready))
        return false;
    if (!requests_complete(&o->receives, o->receives.bounds[bucket], o->receives.bounds[bucket + 1],
                           wait))
        return false;
    ls_fold_run(&o->fold, o->leaves, o->sums, range.first - o->slice.first,
                range.end - o->slice.first);
    return true;
}

static void ordered_progress(void *state) {
    struct ordered *o = state;
    requests_complete(&o->sends, 0, o->sends.bounds[o->cut->bucket_count], false);
}

static const float *ordered_finish(void *state) {
    struct ordered *o = state;
    ls_host_count(o->host, LS_COUNT_SUMMED);
    requests_complete(&o->sends, 0, o->sends.bounds[o->cut->bucket_count], true);
    return o->sums;
}

const struct ls_exchange ls_exchange_ordered = {
    .create = ordered_create,
    .destroy = ordered_destroy,
    .begin = ordered_begin,
    .start = ordered_start,
    .complete = ordered_complete,
    .progress = ordered_progress,
    .finish = ordered_finish,
};
