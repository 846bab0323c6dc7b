#include "launcher/worker/share.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "launcher/worker/worker.h"

static void plan_pieces(struct ls_share *share, int microbatches, int piece_max) {
    const int room = share->count + LS_TREE_NODES_MAX;
    share->pieces.nodes = ls_calloc((size_t)room, sizeof *share->pieces.nodes);
    share->pieces.count = ls_tree_cover(microbatches, share->first, share->count, piece_max,
                                        share->pieces.nodes, room);
}

/* One mapping as large as the largest phase needs. */
static void bind_arena(struct ls_share *share, int phases) {
    for (int p = 0; p < phases; p++) {
        const size_t bytes = ls_graph_arena_bytes(share->models[p].graph);
        share->arena_bytes = bytes > share->arena_bytes ? bytes : share->arena_bytes;
    }
    share->arena = ls_memory_map(share->arena_bytes);
    for (int p = 0; p < phases; p++)
        ls_graph_bind_arena(share->models[p].graph, share->arena);
}

enum ls_status ls_shares_create(struct ls_worker *worker, const struct ls_model_options *model,
                                int piece_max, const struct ls_layer_spec **failed,
                                struct ls_error *error) {
    worker->shares = ls_calloc((size_t)worker->threads, sizeof *worker->shares);
    *failed = NULL;
    for (int t = 0; t < worker->threads; t++) {
        struct ls_share *share = &worker->shares[t];
        const int first = (int)ls_even_first(worker->count, t, worker->threads);
        share->first = worker->first + first;
        share->count = (int)ls_even_first(worker->count, t + 1, worker->threads) - first;
        const enum ls_status status =
            ls_models_create(share->models, model, worker->parameters, error);
        if (status != LS_OK) {
            *failed = share->models[0].failed;
            return status;
        }
        bind_arena(share, worker->phase_count);
        plan_pieces(share, worker->microbatches, piece_max);
    }
    worker->models = worker->shares[0].models;
    return LS_OK;
}

/* Which sums belong to which partial, and where they lie. */
static void place_sums(struct ls_join *join, const struct ls_worker *worker,
                       const struct ls_tree_node *nodes, int node_count) {
    struct ls_tree_node wholes[LS_TREE_NODES_MAX];
    const int64_t total = worker->parameters->total;
    float *const *partials = ls_reducer_partials(worker->reducer);
    join->partials = ls_tree_cover(worker->microbatches, worker->first, worker->count, 0, wholes,
                                   LS_TREE_NODES_MAX);
    join->folds = ls_calloc((size_t)join->partials, sizeof *join->folds);
    join->bounds = ls_calloc((size_t)join->partials + 1, sizeof *join->bounds);
    join->others_bytes = (size_t)(node_count - join->partials) * (size_t)total * sizeof(float);
    join->others = ls_memory_map(join->others_bytes);
    float *other = join->others;
    for (int p = 0, i = 0; p < join->partials; p++) {
        const int end = wholes[p].first + wholes[p].count;
        join->sums[i++] = partials[p];
        for (; i < node_count && nodes[i].first < end; i++, other += total)
            join->sums[i] = other;
        join->bounds[p + 1] = i;
        ls_fold_create(&join->folds[p], worker->microbatches, nodes + join->bounds[p],
                       i - join->bounds[p], worker->variant);
        join->folds[p].threads = worker->threads;
    }
}

static void create_join(struct ls_worker *worker) {
    struct ls_join *join = &worker->join;
    const size_t room = (size_t)worker->count; /* a node has at least one microbatch */
    struct ls_tree_node *nodes = ls_calloc(room, sizeof *nodes);
    join->sums = ls_calloc(room, sizeof *join->sums);
    int count = 0;
    for (int t = 0; t < worker->threads; t++) {
        struct ls_share *share = &worker->shares[t];
        share->sums = join->sums + count;
        count += ls_tree_cover(worker->microbatches, share->first, share->count, 0, nodes + count,
                               worker->count - count);
    }
    place_sums(join, worker, nodes, count);
    free(nodes);
}

/* The slices of as many ranks as there are threads: a finer cut of the same group. */
static void cut_slices(const struct ls_worker *worker, struct ls_share *share, int thread) {
    const int rank = ls_communicator_rank(worker->communicator);
    const int ranks = ls_communicator_size(worker->communicator);
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        const struct ls_range range = ls_parameters_slice(
            worker->parameters, p, rank * worker->threads + thread, ranks * worker->threads);
        share->slices[p].range = range;
        share->slices[p].block_first =
            ls_norm_blocks(worker->parameters, phase->range.first, range.first);
    }
}

void ls_shares_create_training(struct ls_worker *worker, int piece_max) {
    create_join(worker);
    for (int t = 0; t < worker->threads; t++) {
        struct ls_share *share = &worker->shares[t];
        share->accumulator =
            ls_accumulator_create(worker->microbatches, share->first, share->count, piece_max,
                                  worker->parameters->total, share->sums);
        cut_slices(worker, share, t);
    }
}

void ls_shares_destroy(struct ls_worker *worker) {
    struct ls_join *join = &worker->join;
    for (int t = 0; worker->shares && t < worker->threads; t++) {
        ls_accumulator_destroy(worker->shares[t].accumulator);
        ls_models_destroy(worker->shares[t].models, worker->phase_count);
        ls_memory_unmap(worker->shares[t].arena, worker->shares[t].arena_bytes);
        free(worker->shares[t].pieces.nodes);
    }
    for (int p = 0; p < join->partials; p++)
        ls_fold_destroy(&join->folds[p]);
    ls_memory_unmap(join->others, join->others_bytes);
    free(join->folds);
    free(join->bounds);
    free(join->sums);
    free(worker->shares);
}

void ls_join_run(const struct ls_join *join, int64_t first, int64_t end) {
    for (int p = 0; p < join->partials; p++)
        ls_fold_run(&join->folds[p], join->sums + join->bounds[p], join->sums[join->bounds[p]],
                    first, end);
}
