/* Adds partial sums along the microbatch tree. */
#ifndef LS_DIST_FOLD_H
#define LS_DIST_FOLD_H

#include "core/base/tree.h"
#include "core/tensor/sum.h"

/* into = left + right. Operands below the number of nodes are buffers, others are scratch. */
struct ls_addition {
    int left, right, into;
};

struct ls_fold {
    ls_sum_function *sum;
    bool stream; /* the sum goes to memory that other cores read (core/tensor/sum.h) */
    int threads; /* that share the elements of a run; 1 unless the caller sets it after creation */
    int nodes, count;
    struct ls_addition *additions; /* owned; in the tree's order; the last one gives the sum */
};

/* nodes: disjoint nodes of the tree over `microbatches` leaves, from left to right; buffer i holds
 * the sum of node i. Where some of the tree is missing, what is there is added in the order in
 * which the tree would. */
void ls_fold_create(struct ls_fold *fold, int microbatches, const struct ls_tree_node *nodes,
                    int count, enum ls_variant variant);
void ls_fold_destroy(struct ls_fold *fold);

/* Elements [first, end) of every buffer to the same elements of `into`, which may be one of the
 * buffers. */
void ls_fold_run(const struct ls_fold *fold, float *const *buffers, float *into, int64_t first,
                 int64_t end);

#endif
