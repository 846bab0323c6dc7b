/* Every slice's owner adds the partials of all ranks for its slice along the tree: the sum of a
 * sequential run over all microbatches, bit for bit.
 *
 * Partials of the owner's host are read where they are, in shared memory, once their rank has
 * counted the bucket as ready; sums go to the owner's own first partial, so nobody writes what
 * another rank reads. Those of other hosts come in messages: persistent requests, laid down once.
 * Each bucket has those that carry its range: one per partial of this rank to each owner elsewhere,
 * one per partial of each rank elsewhere to this one. A step starts those of one group's buckets.
 */
#include <stdlib.h>

#include "core/base/memory.h"
#include "dist/fold.h"
#include "dist/host.h"

/* Requests in bucket order: bucket b has list[bounds[b]] .. list[bounds[b + 1] - 1]. */
struct requests {
    MPI_Request *list;
    int *bounds;
};

/* This rank's slice of a group. */
struct slice {
    struct ls_range range;
    float **leaves; /* owned; per node of the tree, in order: where the slice of it is */
};

struct ordered {
    const struct ls_cut *cut;
    struct ls_host *host;
    struct slice slices[LS_GROUPS_MAX];
    struct requests sends, receives;
    float *received; /* other hosts' partials of a slice; groups take turns, so they share it */
    size_t received_bytes;
    int group;                 /* that is reduced */
    const struct slice *slice; /* of it */
    float *sums;               /* of this rank's slice */
    uint64_t ready;            /* buckets of earlier reductions */
    struct ls_fold fold;
};

static void requests_create(struct requests *requests, const struct ls_cut *cut, int per_bucket) {
    const size_t buckets = (size_t)ls_cut_buckets(cut);
    requests->list = ls_calloc(buckets * (size_t)per_bucket, sizeof *requests->list);
    requests->bounds = ls_calloc(buckets + 1, sizeof *requests->bounds);
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

/* What a rank owns of a bucket of that group. */
static struct ls_range owned_part(const struct ls_cut *cut, int group, int bucket, int rank) {
    return ls_range_common(cut->buckets[bucket], ls_cut_slice(cut, group, rank));
}

static int plan_sends(struct ordered *o, MPI_Comm comm, int group, int bucket, int used) {
    const struct ls_cut *cut = o->cut;
    const int own = cut->node_bounds[cut->rank], end = cut->node_bounds[cut->rank + 1];
    for (int away = 1; away < cut->size; away++) { /* not everybody to rank 0 first */
        const int to = (cut->rank + away) % cut->size;
        const struct ls_range range = owned_part(cut, group, bucket, to);
        const int count = (int)ls_range_count(range);
        for (int n = own; n < end && count && !ls_cut_near(cut, to); n++)
            LS_MPI(MPI_Send_init(o->host->partials[n] + range.first, count, MPI_FLOAT, to,
                                 message_tag(cut, bucket, n), comm, &o->sends.list[used++]));
    }
    return used;
}

static int plan_receives(struct ordered *o, MPI_Comm comm, int group, int bucket, int used) {
    const struct ls_cut *cut = o->cut;
    const struct slice *slice = &o->slices[group];
    const struct ls_range range = owned_part(cut, group, bucket, cut->rank);
    const int count = (int)ls_range_count(range);
    for (int from = 0; from < cut->size && count; from++)
        for (int n = cut->node_bounds[from];
             n < cut->node_bounds[from + 1] && !ls_cut_near(cut, from); n++)
            LS_MPI(MPI_Recv_init(slice->leaves[n] + (range.first - slice->range.first), count,
                                 MPI_FLOAT, from, message_tag(cut, bucket, n), comm,
                                 &o->receives.list[used++]));
    return used;
}

static void plan_messages(struct ordered *o, MPI_Comm comm) {
    const struct ls_cut *cut = o->cut;
    const int mine = ls_cut_partials(cut, cut->rank), all = cut->node_bounds[cut->size];
    requests_create(&o->sends, cut, mine * (cut->size - 1));
    requests_create(&o->receives, cut, all - mine);
    for (int g = 0; g < LS_GROUPS_MAX; g++)
        for (int b = cut->bucket_bounds[g]; b < cut->bucket_bounds[g + 1]; b++) {
            o->sends.bounds[b + 1] = plan_sends(o, comm, g, b, o->sends.bounds[b]);
            o->receives.bounds[b + 1] = plan_receives(o, comm, g, b, o->receives.bounds[b]);
        }
}

static void place_leaves(struct ordered *o) {
    const struct ls_cut *cut = o->cut;
    float *const *partials = o->host->partials;
    const int nodes = cut->node_bounds[cut->size];
    int64_t elements = 0, elsewhere = 0;
    for (int g = 0; g < LS_GROUPS_MAX; g++) {
        o->slices[g].range = ls_cut_slice(cut, g, cut->rank);
        const int64_t count = ls_range_count(o->slices[g].range);
        elements = count > elements ? count : elements;
    }
    for (int n = 0; n < nodes; n++)
        elsewhere += !partials[n];
    o->received_bytes = (size_t)(elsewhere * elements) * sizeof(float);
    o->received = ls_memory_map(o->received_bytes);
    for (int g = 0; g < LS_GROUPS_MAX; g++) {
        struct slice *slice = &o->slices[g];
        slice->leaves = ls_calloc((size_t)nodes, sizeof *slice->leaves);
        float *next = o->received;
        for (int n = 0; n < nodes; n++) {
            slice->leaves[n] = partials[n] ? partials[n] + slice->range.first : next;
            next += partials[n] ? 0 : ls_range_count(slice->range);
        }
    }
}

static void *ordered_create(const struct ls_cut *cut, struct ls_host *host, MPI_Comm comm) {
    int *tag_max, given;
    const int buckets = ls_cut_buckets(cut);
    LS_MPI(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, (void *)&tag_max, &given));
    LS_ASSERT(given && (int64_t)buckets * cut->microbatches <= *tag_max,
              "%d buckets of %d microbatches need larger buckets", buckets, cut->microbatches);
    struct ordered *o = ls_calloc(1, sizeof *o);
    o->cut = cut;
    o->host = host;
    place_leaves(o);
    plan_messages(o, comm);
    ls_fold_create(&o->fold, cut->microbatches, cut->nodes, cut->node_bounds[cut->size],
                   cut->variant);
    o->fold.threads = cut->threads;
    return o;
}

static void ordered_destroy(void *state) {
    struct ordered *o = state;
    requests_destroy(&o->sends, ls_cut_buckets(o->cut));
    requests_destroy(&o->receives, ls_cut_buckets(o->cut));
    ls_fold_destroy(&o->fold);
    ls_memory_unmap(o->received, o->received_bytes);
    for (int g = 0; g < LS_GROUPS_MAX; g++)
        free(o->slices[g].leaves);
    free(o);
}

static void requests_start(const struct requests *requests, int first, int end) {
    const int from = requests->bounds[first];
    LS_MPI(MPI_Startall(requests->bounds[end] - from, requests->list + from));
}

/* Complete requests stay in the list, inactive, and count as complete. */
static void requests_wait(const struct requests *requests, int first, int end) {
    const int from = requests->bounds[first];
    LS_MPI(MPI_Waitall(requests->bounds[end] - from, requests->list + from, MPI_STATUSES_IGNORE));
}

static void requests_progress(const struct requests *requests, int first, int end) {
    int complete;
    const int from = requests->bounds[first];
    LS_MPI(MPI_Testall(requests->bounds[end] - from, requests->list + from, &complete,
                       MPI_STATUSES_IGNORE));
}

/* Partials may be overwritten from here on: nobody reads those of the last reduction any more. */
static void ordered_begin(void *state, int group, float *sums) {
    struct ordered *o = state;
    const int *bounds = o->cut->bucket_bounds;
    o->group = group;
    o->slice = &o->slices[group];
    o->fold.stream = sums && ls_range_count(o->slice->range) * 4 >= LS_STREAM_BYTES;
    o->sums = sums ? sums : o->slice->leaves[o->cut->node_bounds[o->cut->rank]];
    ls_host_wait(o->host, LS_COUNT_SUMMED, ls_host_counted(o->host, LS_COUNT_SUMMED));
    o->ready = ls_host_counted(o->host, LS_COUNT_READY);
    requests_start(&o->receives, bounds[group], bounds[group + 1]);
}

static void ordered_start(void *state, int bucket) {
    struct ordered *o = state;
    ls_host_count(o->host, LS_COUNT_READY);
    requests_start(&o->sends, bucket, bucket + 1);
}

static void ordered_progress(void *state) {
    const struct ordered *o = state;
    const int *bounds = o->cut->bucket_bounds + o->group;
    requests_progress(&o->receives, bounds[0], bounds[1]);
    requests_progress(&o->sends, bounds[0], bounds[1]);
}

static void ordered_complete(void *state, int bucket) {
    struct ordered *o = state;
    const struct ls_range slice = o->slice->range;
    const struct ls_range range = ls_range_common(o->cut->buckets[bucket], slice);
    if (!ls_range_count(range))
        return;
    const int before = bucket - o->cut->bucket_bounds[o->group];
    ls_host_wait(o->host, LS_COUNT_READY, o->ready + (uint64_t)before + 1);
    requests_wait(&o->receives, bucket, bucket + 1);
    ls_fold_run(&o->fold, o->slice->leaves, o->sums, range.first - slice.first,
                range.end - slice.first);
}

static const float *ordered_finish(void *state) {
    struct ordered *o = state;
    const int *bounds = o->cut->bucket_bounds + o->group;
    ls_host_count(o->host, LS_COUNT_SUMMED);
    requests_wait(&o->sends, bounds[0], bounds[1]);
    return o->sums;
}

const struct ls_exchange ls_exchange_ordered = {
    .create = ordered_create,
    .destroy = ordered_destroy,
    .begin = ordered_begin,
    .start = ordered_start,
    .progress = ordered_progress,
    .complete = ordered_complete,
    .finish = ordered_finish,
};
