#include "dist/fold.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/base/status.h"

enum { BLOCK = 2048 }; /* elements: a block of each buffer stays in the cache */

struct cut {
    struct ls_fold *fold;
    const struct ls_tree_node *nodes;
    int next; /* the first node not yet reached */
};

/* Plans the additions below a node of the tree; returns the operand that is its sum, -1 if it holds
 * none of the given nodes. depth: scratch blocks that wait on the left. */
static int plan_node(struct cut *cut, struct ls_tree_node node, int depth) {
    struct ls_fold *fold = cut->fold;
    if (cut->next == fold->nodes || cut->nodes[cut->next].first >= node.first + node.count)
        return -1;
    const struct ls_tree_node given = cut->nodes[cut->next];
    if (given.first == node.first && given.count == node.count)
        return cut->next++;
    LS_ASSERT(node.count > 1, "%d leaves from %d on are no node of the tree", given.count,
              given.first);
    const int split = ls_tree_split(node.count);
    const int left = plan_node(cut, (struct ls_tree_node){node.first, split}, depth);
    const int right = plan_node(cut, (struct ls_tree_node){node.first + split, node.count - split},
                                left < 0 ? depth : depth + 1);
    if (left < 0 || right < 0)
        return left < 0 ? right : left;
    const int into = fold->nodes + depth;
    fold->additions[fold->count++] = (struct ls_addition){left, right, into};
    return into;
}

void ls_fold_create(struct ls_fold *fold, int microbatches, const struct ls_tree_node *nodes,
                    int count, enum ls_variant variant) {
    *fold = (struct ls_fold){.sum = ls_variant_sum(variant), .threads = 1, .nodes = count};
    fold->additions = ls_calloc((size_t)count, sizeof *fold->additions);
    struct cut cut = {fold, nodes, 0};
    const int root = plan_node(&cut, (struct ls_tree_node){0, microbatches}, 0);
    LS_ASSERT(cut.next == count && root == (count > 1 ? count : 0), "%d of %d nodes, sum in %d",
              cut.next, count, root);
}

void ls_fold_destroy(struct ls_fold *fold) {
    free(fold->additions);
    *fold = (struct ls_fold){0};
}

/* One block. Sums on the way wait in scratch: at most as many as the tree is deep. */
static void run_block(const struct ls_fold *fold, float *const *buffers, float *into, int64_t first,
                      int64_t count) {
    _Alignas(64) float scratch[LS_TREE_DEPTH_MAX + 1][BLOCK];
    if (fold->count == 0 && into != buffers[0])
        memcpy(into + first, buffers[0] + first, (size_t)count * sizeof(float));
    for (int i = 0; i < fold->count; i++) {
        const struct ls_addition a = fold->additions[i];
        const bool last = i + 1 == fold->count;
        const float *left =
            a.left < fold->nodes ? buffers[a.left] + first : scratch[a.left - fold->nodes];
        const float *right =
            a.right < fold->nodes ? buffers[a.right] + first : scratch[a.right - fold->nodes];
        fold->sum(last ? into + first : scratch[a.into - fold->nodes], left, right, count,
                  last && fold->stream);
    }
}

struct range {
    const struct ls_fold *fold;
    float *const *buffers;
    float *into;
    int64_t first, end;
};

/* One thread's part of a range, in whole blocks. */
static void run_part(void *context, int part) {
    const struct range *range = context;
    const int threads = range->fold->threads;
    const int64_t blocks = (range->end - range->first + BLOCK - 1) / BLOCK;
    const int64_t stop = ls_even_first(blocks, part + 1, threads);
    for (int64_t b = ls_even_first(blocks, part, threads); b < stop; b++) {
        const int64_t at = range->first + b * BLOCK, left = range->end - at;
        run_block(range->fold, range->buffers, range->into, at, left < BLOCK ? left : BLOCK);
    }
}

void ls_fold_run(const struct ls_fold *fold, float *const *buffers, float *into, int64_t first,
                 int64_t end) {
    struct range range = {fold, buffers, into, first, end};
    if (fold->count > 0 || into != buffers[0])
        ls_parallel_run(fold->threads, run_part, &range);
}
