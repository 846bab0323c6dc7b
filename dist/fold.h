/* Adds partial sums along the microbatch tree, in place. */
#ifndef LS_DIST_FOLD_H
#define LS_DIST_FOLD_H

#include "core/base/tree.h"

/* Buffer `into` += buffer `from`. */
struct ls_addition {
    int into, from;
};

/* The additions in the tree's order; the sum ends in buffer 0, which holds the leftmost node. */
struct ls_fold {
    int threads; /* that share the elements of a run; 1 unless the caller sets it after creation */
    int count;
    struct ls_addition *additions; /* owned */
};

/* nodes: disjoint nodes of the tree over `microbatches` leaves, from left to right; buffer i holds
 * the sum of node i. Where some of the tree is missing, what is there is added in the order in
 * which the tree would. */
void ls_fold_create(struct ls_fold *fold, int microbatches, const struct ls_tree_node *nodes,
                    int count);
void ls_fold_destroy(struct ls_fold *fold);

/* Elements [first, end) of every buffer. */
void ls_fold_run(const struct ls_fold *fold, float *const *buffers, int64_t first, int64_t end);

#endif
