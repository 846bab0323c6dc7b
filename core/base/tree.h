/* The fixed binary tree along which everything that was summed over samples is summed over
 * microbatches. A tree over n leaves splits at the largest power of two below n, on every level.
 * Its shape depends on n only, so neither ranks nor pieces change a bit. */
#ifndef LS_BASE_TREE_H
#define LS_BASE_TREE_H

#include <stdint.h>

enum { LS_MICROBATCHES_MAX = 4096, LS_TREE_DEPTH_MAX = 13, LS_TREE_NODES_MAX = 2 * 13 };

/* A node: leaves first .. first+count-1. */
struct ls_tree_node {
    int first;
    int count;
};

/* Leaves on the left of a node with count >= 2 leaves. */
int ls_tree_split(int count);

/* The fewest whole nodes of the tree over `leaves` that cover exactly the run first ..
 * first+count-1, from left to right; none has more than count_max leaves (0: no limit). Writes to
 * nodes (room: nodes_max) and returns how many; nodes_max too small is a bug. */
int ls_tree_cover(int leaves, int first, int count, int count_max, struct ls_tree_node *nodes,
                  int nodes_max);

/* Whether left and right are the two children of one node of the tree over `leaves`. */
int ls_tree_siblings(int leaves, struct ls_tree_node left, struct ls_tree_node right);

/* Sums n doubles (stride apart) along the tree. n = 0 gives 0. */
double ls_tree_sum(const double *values, int n, int stride);

#endif
