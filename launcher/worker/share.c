#include "launcher/worker/share.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "launcher/worker/trainer.h"

static void plan_pieces(struct ls_share *share, int microbatches, int piece_max) {
    const int room = share->count + LS_TREE_NODES_MAX;
    share->pieces.nodes = ls_calloc((size_t)room, sizeof *share->pieces.nodes);
    share->pieces.count = ls_tree_cover(microbatches, share->first, share->count, piece_max,
                                        share->pieces.nodes, room);
}

enum ls_status ls_shares_create(struct ls_trainer *trainer, const struct ls_model_options *model,
                                int piece_max, const struct ls_layer_spec **failed,
                                struct ls_error *error) {
    trainer->shares = ls_calloc((size_t)trainer->threads, sizeof *trainer->shares);
    *failed = NULL;
    for (int t = 0; t < trainer->threads; t++) {
        struct ls_share *share = &trainer->shares[t];
        const int first = (int)ls_part_first(trainer->count, t, trainer->threads);
        share->first = trainer->first + first;
        share->count = (int)ls_part_first(trainer->count, t + 1, trainer->threads) - first;
        const enum ls_status status =
            ls_model_create(&share->model, model, trainer->parameters, error);
        if (status != LS_OK) {
            *failed = share->model.failed;
            return status;
        }
        plan_pieces(share, trainer->microbatches, piece_max);
    }
    trainer->model = trainer->shares[0].model;
    return LS_OK;
}

/* Which sums belong to which partial, and where they lie. */
static void place_sums(struct ls_join *join, const struct ls_trainer *trainer,
                       const struct ls_tree_node *nodes, int node_count) {
    struct ls_tree_node wholes[LS_TREE_NODES_MAX];
    const int64_t total = trainer->parameters->total;
    float *const *partials = ls_reducer_partials(trainer->reducer);
    join->partials = ls_tree_cover(trainer->microbatches, trainer->first, trainer->count, 0, wholes,
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
        ls_fold_create(&join->folds[p], trainer->microbatches, nodes + join->bounds[p],
                       i - join->bounds[p], trainer->variant);
        join->folds[p].threads = trainer->threads;
    }
}

static void create_join(struct ls_trainer *trainer) {
    struct ls_join *join = &trainer->join;
    const size_t room = (size_t)trainer->count; /* a node has at least one microbatch */
    struct ls_tree_node *nodes = ls_calloc(room, sizeof *nodes);
    join->sums = ls_calloc(room, sizeof *join->sums);
    int count = 0;
    for (int t = 0; t < trainer->threads; t++) {
        struct ls_share *share = &trainer->shares[t];
        share->sums = join->sums + count;
        count += ls_tree_cover(trainer->microbatches, share->first, share->count, 0, nodes + count,
                               trainer->count - count);
    }
    place_sums(join, trainer, nodes, count);
    free(nodes);
}

void ls_shares_create_training(struct ls_trainer *trainer, int piece_max) {
    const struct ls_parameter_set *set = trainer->parameters;
    const int rank = ls_communicator_rank(trainer->communicator);
    const int ranks = ls_communicator_size(trainer->communicator);
    create_join(trainer);
    for (int t = 0; t < trainer->threads; t++) {
        struct ls_share *share = &trainer->shares[t];
        share->accumulator = ls_accumulator_create(
            trainer->microbatches, share->first, share->count, piece_max, set->total, share->sums);
        /* the slices of as many ranks as there are threads: a finer cut of the same buffer */
        ls_parameters_slice(set, rank * trainer->threads + t, ranks * trainer->threads,
                            &share->begin, &share->end);
        share->block_first = ls_norm_blocks(set, 0, share->begin);
    }
}

void ls_shares_destroy(struct ls_trainer *trainer) {
    struct ls_join *join = &trainer->join;
    for (int t = 0; trainer->shares && t < trainer->threads; t++) {
        ls_accumulator_destroy(trainer->shares[t].accumulator);
        ls_model_destroy(&trainer->shares[t].model);
        free(trainer->shares[t].pieces.nodes);
    }
    for (int p = 0; p < join->partials; p++)
        ls_fold_destroy(&join->folds[p]);
    ls_memory_unmap(join->others, join->others_bytes);
    free(join->folds);
    free(join->bounds);
    free(join->sums);
    free(trainer->shares);
}

void ls_join_run(const struct ls_join *join, int64_t first, int64_t end) {
    for (int p = 0; p < join->partials; p++)
        ls_fold_run(&join->folds[p], join->sums + join->bounds[p], join->sums[join->bounds[p]],
                    first, end);
}
