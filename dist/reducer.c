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
    void *state;   /* owned */
    int group;     /* that is reduced */
    int64_t ready; /* its elements below are final in this rank's partials */
    int started;   /* buckets below */
    struct blocks {
        int *counts, *firsts; /* owned; per rank: its blocks of the gradient norm */
    } blocks[LS_GROUPS_MAX];
};

static void plan_blocks(struct blocks *blocks, const struct ls_cut *cut, int group,
                        const struct ls_parameter_set *parameters) {
    blocks->counts = ls_calloc((size_t)cut->size, sizeof(int));
    blocks->firsts = ls_calloc((size_t)cut->size + 1, sizeof(int));
    for (int r = 0; r < cut->size; r++) {
        const struct ls_range slice = ls_cut_slice(cut, group, r);
        LS_ASSERT(slice.first % LS_UNIT == 0 && slice.end % LS_UNIT == 0, "slice %lld to %lld",
                  (long long)slice.first, (long long)slice.end);
        blocks->counts[r] = (int)ls_norm_blocks(parameters, slice.first, slice.end);
        blocks->firsts[r + 1] = blocks->firsts[r] + blocks->counts[r];
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
    for (int g = 0; g < LS_GROUPS_MAX; g++)
        plan_blocks(&reducer->blocks[g], &reducer->cut, g, options->parameters);
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
    for (int g = 0; g < LS_GROUPS_MAX; g++) {
        free(reducer->blocks[g].counts);
        free(reducer->blocks[g].firsts);
    }
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

struct ls_range ls_reducer_slice(const struct ls_reducer *reducer, int group) {
    return ls_cut_slice(&reducer->cut, group, reducer->cut.rank);
}

/* The range of the group that is reduced: its first slice begins it, its last one ends it. */
static struct ls_range reduced_range(const struct ls_reducer *reducer) {
    const struct ls_cut *cut = &reducer->cut;
    return (struct ls_range){ls_cut_slice(cut, reducer->group, 0).first,
                             ls_cut_slice(cut, reducer->group, cut->size - 1).end};
}

void ls_reducer_begin(struct ls_reducer *reducer, int group, float *sums) {
    LS_ASSERT(group >= 0 && group < LS_GROUPS_MAX, "group %d has no gradients", group);
    reducer->group = group;
    reducer->ready = reduced_range(reducer).first;
    reducer->started = reducer->cut.bucket_bounds[group];
    reducer->exchange->begin(reducer->state, group, sums);
}

/* Nothing is added up yet: the owner of the first slice would, before its backward has ended, and
 * the others would then wait for its last buckets. */
void ls_reducer_ready(struct ls_reducer *reducer, int64_t first, int64_t end) {
    const struct ls_cut *cut = &reducer->cut;
    const struct ls_range range = reduced_range(reducer);
    LS_ASSERT(first == reducer->ready && end >= first && end <= range.end,
              "ready %lld to %lld, expected from %lld on, at most to %lld", (long long)first,
              (long long)end, (long long)reducer->ready, (long long)range.end);
    reducer->ready = end;
    while (reducer->started < cut->bucket_bounds[reducer->group + 1] &&
           cut->buckets[reducer->started].end <= end)
        reducer->exchange->start(reducer->state, reducer->started++);
    reducer->exchange->progress(reducer->state);
}

const float *ls_reducer_finish(struct ls_reducer *reducer) {
    const struct ls_range range = reduced_range(reducer);
    LS_ASSERT(reducer->ready == range.end, "group %d: ready to %lld of %lld to %lld",
              reducer->group, (long long)reducer->ready, (long long)range.first,
              (long long)range.end);
    for (int b = reducer->cut.bucket_bounds[reducer->group]; b < reducer->started; b++)
        reducer->exchange->complete(reducer->state, b);
    return reducer->exchange->finish(reducer->state);
}

void ls_reducer_gather(struct ls_reducer *reducer, int group) {
    ls_spread_slices(&reducer->spread, group);
}

void ls_reducer_broadcast(struct ls_reducer *reducer) {
    ls_spread_all(&reducer->spread);
}

void ls_reducer_gather_blocks(struct ls_reducer *reducer, int group, const double *mine,
                              double *all) {
    const struct blocks *blocks = &reducer->blocks[group];
    const int rank = reducer->cut.rank;
    const void *from = mine == all + blocks->firsts[rank] ? MPI_IN_PLACE : mine;
    LS_MPI(MPI_Allgatherv(from, blocks->counts[rank], MPI_DOUBLE, all, blocks->counts,
                          blocks->firsts, MPI_DOUBLE, reducer->comm));
}

int64_t ls_reducer_blocks(const struct ls_reducer *reducer, int group) {
    return reducer->blocks[group].firsts[reducer->cut.size];
}

/* MPI's all-reduce is counted as a ring, in which a rank passes on all but one slice, twice. */
static int64_t elements_sent(const struct ls_cut *cut, struct ls_range range, int group, int rank,
                             enum ls_reducer_kind kind) {
    const int64_t count = ls_range_count(range);
    const int64_t slice = ls_range_count(ls_cut_slice(cut, group, rank));
    const int64_t sums = kind == LS_REDUCE_ORDERED ? (count - slice) * ls_cut_partials(cut, rank)
                                                   : 2 * (count - count / cut->size);
    return sums + slice * (cut->size - 1);
}

/* The largest of any rank. */
int64_t ls_reducer_bytes_sent(const struct ls_parameter_set *parameters, int microbatches,
                              int world_size, enum ls_reducer_kind kind) {
    struct ls_cut cut;
    ls_cut_create(&cut, parameters, microbatches, 0, world_size, 0);
    int64_t most = 0;
    for (int r = 0; r < world_size; r++) {
        int64_t sent = 0;
        for (int g = 0; g < LS_GROUPS_MAX; g++)
            sent += elements_sent(&cut, parameters->groups[g], g, r, kind);
        most = sent > most ? sent : most;
    }
    ls_cut_destroy(&cut);
    return most * (int64_t)sizeof(float);
}
