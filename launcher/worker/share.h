/* What the threads of a rank work on: the rank's run of microbatches is cut into one run for each
 * thread, its share, by the rule by which ranks cut the batch. A share has a graph and sums of its
 * own; a join adds the shares' sums up to the rank's partials, along the same tree, so the bits do
 * not depend on the number of threads. */
#ifndef LS_LAUNCHER_SHARE_H
#define LS_LAUNCHER_SHARE_H

#include "core/graph/accumulate.h"
#include "core/models/model.h"
#include "dist/fold.h"

struct ls_worker;

/* The pieces that a share's microbatches of a batch go through the graph in. */
struct ls_pieces {
    int count;
    struct ls_tree_node *nodes; /* owned */
};

struct ls_share {
    int first, count;                      /* microbatches */
    struct ls_model models[LS_PHASES_MAX]; /* owned; of each phase */
    char *arena;                           /* owned; phases run in turn and share one */
    size_t arena_bytes;
    struct ls_pieces pieces; /* of an evaluation; owned */

    /* Training only. */
    float **sums;                       /* borrowed from the join; per node of the share's cover */
    struct ls_accumulator *accumulator; /* owned */
    struct {
        struct ls_range range; /* its part of the rank's slice */
        int64_t block_first;   /* of the gradient norm, among all of the phase */
    } slices[LS_PHASES_MAX];   /* per phase */
};

/* The first sum that belongs to a partial of the rank lies in that partial. */
struct ls_join {
    int partials;
    struct ls_fold *folds; /* owned; per partial: its sums, added up in the first */
    int *bounds;           /* owned; partial p's sums are bounds[p] .. bounds[p + 1] - 1 */
    float **sums;          /* owned array; all shares' sums, from left to right */
    float *others;         /* owned; the sums that lie in no partial */
    size_t others_bytes;
};

/* The shares of a worker that knows its microbatches and threads, with their models:
 * worker->shares. piece_max: microbatches of a piece. After an error, *failed is the layer that
 * failed, or NULL. */
LS_MUST_USE enum ls_status ls_shares_create(struct ls_worker *worker,
                                            const struct ls_model_options *model, int piece_max,
                                            const struct ls_layer_spec **failed,
                                            struct ls_error *error);
/* What training needs besides: worker->join, accumulators and slices. The reducer and the phases
 * are there. */
void ls_shares_create_training(struct ls_worker *worker, int piece_max);
void ls_shares_destroy(struct ls_worker *worker);

/* Elements [first, end) are final in all shares' sums; afterwards, in the rank's partials. */
void ls_join_run(const struct ls_join *join, int64_t first, int64_t end);

#endif
