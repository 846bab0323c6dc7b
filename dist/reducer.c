#include "dist/reducer.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/optim/optimizer.h"
#include "dist/spread.h"

struct ls_reducer {
    MPI_Comm comm; /* owned: gradients never meet other messages */
    struct ls_cut cut;
    struct ls_host host;
    struct ls_spread spread;
    const struct ls_exchange *exchange;
    void *state;                      /* owned */
    int64_t ready;                    /* elements [0, ready) are final in this rank's partials */
    int started, completed;           /* buckets */
    int *block_counts, *block_firsts; /* owned; per rank: its blocks of the gradient norm */
};

static void plan_blocks(struct ls_reducer *reducer, const struct ls_parameter_set *parameters) {
    const struct ls_cut *cut = &reducer->cut;
    const size_t size = (size_t)cut->size;
    reducer->block_counts = ls_calloc(size, sizeof(int));
    reducer->block_firsts = ls_calloc(size + 1, sizeof(int));
    for (int r = 0; r < cut->size; r++) {
        const struct ls_range slice = cut->slices[r];
        LS_ASSERT(slice.first % LS_UNIT == 0 && slice.end % LS_UNIT == 0, "slice %lld to %lld",
                  (long long)slice.first, (long long)slice.end);
        reducer->block_counts[r] = (int)ls_norm_blocks(parameters, slice.first, slice.end);
        reducer->block_firsts[r + 1] = reducer->block_firsts[r] + reducer->block_counts[r];
    }
}

enum ls_status ls_reducer_create(struct ls_reducer **created, struct ls_communicator *communicator,
                                 const struct ls_reducer_options *options, struct ls_error *error) {
    const int rank = ls_communicator_rank(communicator), size = ls_communicator_size(communicator);
    if (options->microbatches < size)
        return ls_fail(error, LS_INVALID,
                       "%d ranks need at least as many microbatches, found %d (train.microbatches)",
                       size, options->microbatches);
    struct ls_reducer *reducer = ls_calloc(1, sizeof *reducer);
    LS_MPI(MPI_Comm_dup(ls_communicator_mpi(communicator), &reducer->comm));
    ls_cut_create(&reducer->cut, options->parameters, options->microbatches, rank, size,
                  options->bucket_bytes);
    reducer->cut.threads = options->threads ? options->threads : 1;
    reducer->cut.variant = options->variant;
    plan_blocks(reducer, options->parameters);
    ls_host_create(&reducer->host, &reducer->cut, reducer->comm, options);
    ls_spread_create(&reducer->spread, &reducer->cut, &reducer->host, reducer->comm);
    reducer->exchange =
        options->kind == LS_REDUCE_ORDERED ? &ls_exchange_ordered : &ls_exchange_allreduce;
    reducer->state = reducer->exchange->create(&reducer->cut, &reducer->host, reducer->comm);
    *created = reducer;
    return LS_OK;
}

void ls_reducer_destroy(struct ls_reducer *reducer) {
    if (!reducer)
        return;
    reducer->exchange->destroy(reducer->state);
    ls_spread_destroy(&reducer->spread);
    ls_host_destroy(&reducer->host);
    LS_MPI(MPI_Comm_free(&reducer->comm));
    ls_cut_destroy(&reducer->cut);
    free(reducer->block_counts);
    free(reducer->block_firsts);
    free(reducer);
}

void ls_reducer_microbatches(const struct ls_reducer *reducer, int *first, int *count) {
    const struct ls_cut *cut = &reducer->cut;
    const struct ls_tree_node *nodes = cut->nodes + cut->node_bounds[cut->rank];
    *first = nodes[0].first;
    *count = 0;
    for (int i = 0; i < ls_cut_partials(cut, cut->rank); i++)
        *count += nodes[i].count;
}

int ls_reducer_partial_count(const struct ls_reducer *reducer) {
    return ls_cut_partials(&reducer->cut, reducer->cut.rank);
}

float *const *ls_reducer_partials(const struct ls_reducer *reducer) {
    return reducer->host.partials + reducer->cut.node_bounds[reducer->cut.rank];
}

float *ls_reducer_parameters(const struct ls_reducer *reducer) {
    return reducer->host.parameters;
}

int ls_reducer_near(const struct ls_reducer *reducer) {
    return reducer->host.size;
}

void ls_reducer_slice(const struct ls_reducer *reducer, int64_t *begin, int64_t *end) {
    *begin = reducer->cut.slices[reducer->cut.rank].first;
    *end = reducer->cut.slices[reducer->cut.rank].end;
}

void ls_reducer_begin(struct ls_reducer *reducer, float *sums) {
    reducer->ready = 0;
    reducer->started = reducer->completed = 0;
    reducer->exchange->begin(reducer->state, sums);
}

static void complete_buckets(struct ls_reducer *reducer, bool wait) {
    while (reducer->completed < reducer->started &&
           reducer->exchange->complete(reducer->state, reducer->completed, wait))
        reducer->completed++;
}

void ls_reducer_ready(struct ls_reducer *reducer, int64_t first, int64_t end) {
    const struct ls_cut *cut = &reducer->cut;
    LS_ASSERT(first == reducer->ready && end >= first && end <= cut->total,
              "ready %lld to %lld, expected from %lld on, at most to %lld", (long long)first,
              (long long)end, (long long)reducer->ready, (long long)cut->total);
    reducer->ready = end;
    while (reducer->started < cut->bucket_count && cut->buckets[reducer->started].end <= end)
        reducer->exchange->start(reducer->state, reducer->started++);
    complete_buckets(reducer, false);
    if (reducer->exchange->progress)
        reducer->exchange->progress(reducer->state);
}

const float *ls_reducer_finish(struct ls_reducer *reducer) {
    LS_ASSERT(reducer->ready == reducer->cut.total, "%lld of %lld elements are ready",
              (long long)reducer->ready, (long long)reducer->cut.total);
    complete_buckets(reducer, true);
    return reducer->exchange->finish(reducer->state);
}

void ls_reducer_gather(struct ls_reducer *reducer) {
    ls_spread_slices(&reducer->spread);
}

void ls_reducer_broadcast(struct ls_reducer *reducer) {
    ls_spread_all(&reducer->spread);
}

void ls_reducer_gather_blocks(struct ls_reducer *reducer, const double *mine, double *all) {
    const int rank = reducer->cut.rank, count = reducer->block_counts[rank];
    const void *from = mine == all + reducer->block_firsts[rank] ? MPI_IN_PLACE : mine;
    LS_MPI(MPI_Allgatherv(from, count, MPI_DOUBLE, all, reducer->block_counts,
                          reducer->block_firsts, MPI_DOUBLE, reducer->comm));
}

int64_t ls_reducer_blocks(const struct ls_reducer *reducer) {
    return reducer->block_firsts[reducer->cut.size];
}

/* The largest of any rank. MPI's all-reduce is counted as a ring, in which a rank passes on all but
 * one slice, twice. */
int64_t ls_reducer_bytes_sent(const struct ls_parameter_set *parameters, int microbatches,
                              int world_size, enum ls_reducer_kind kind) {
    struct ls_cut cut;
    ls_cut_create(&cut, parameters, microbatches, 0, world_size, 0);
    int64_t most = 0;
    for (int r = 0; r < world_size; r++) {
        const int64_t slice = cut.slices[r].end - cut.slices[r].first;
        const int64_t sums = kind == LS_REDUCE_ORDERED
                                 ? (cut.total - slice) * ls_cut_partials(&cut, r)
                                 : 2 * (cut.total - cut.total / world_size);
        const int64_t sent = sums + slice * (world_size - 1);
        most = sent > most ? sent : most;
    }
    ls_cut_destroy(&cut);
    return most * (int64_t)sizeof(float);
}
