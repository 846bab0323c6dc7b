/* Adds partial sums along the microbatch tree. */
#ifndef LS_DIST_FOLD_H
#define LS_DIST_FOLD_H

#include "core/base/tree.h"

/* into = left + right. Operands below the number of nodes are buffers, others are scratch. */
struct ls_addition {
    int left, right, into;
};

struct ls_fold {
    int nodes, count;
    struct ls_addition *additions; /* owned; in the tree's order; the last one gives the sum */
    float *scratch;                /* owned; blocks for sums on the way */
};

/* nodes: disjoint nodes of the tree over `microbatches` leaves, from left to right; buffer i holds
 * the sum of node i. Where some of the tree is missing, what is there is added in the order in
 * which the tree would. */
void ls_fold_create(struct ls_fold *fold, int microbatches, const struct ls_tree_node *nodes,
                    int count);
void ls_fold_destroy(struct ls_fold *fold);

/* Elements [first, end) of every buffer, multiples of 16, to the same elements of `into`, which may
 * be one of the buffers; buffers start at multiples of 64 bytes. A single node's buffer is `into`
 * itself. */
void ls_fold_run(const struct ls_fold *fold, float *const *buffers, float *into, int64_t first,
                 int64_t end);

#endif
