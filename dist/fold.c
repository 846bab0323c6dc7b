#include "dist/fold.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/status.h"

enum {
    BLOCK = 2048, /* elements: a block of each buffer stays in the cache */
    LANES = 16,
    SCRATCH_BYTES = (LS_TREE_DEPTH_MAX + 1) * BLOCK * (int)sizeof(float)
};

struct plan {
    struct ls_fold *fold;
    const struct ls_tree_node *nodes;
    int next; /* the first node not yet reached */
};

/* Plans the additions below a node of the tree; returns the operand that is its sum, -1 if it holds
 * none of the given nodes. depth: scratch blocks that wait on the left. */
static int plan_node(struct plan *plan, struct ls_tree_node node, int depth) {
    struct ls_fold *fold = plan->fold;
    if (plan->next == fold->nodes || plan->nodes[plan->next].first >= node.first + node.count)
        return -1;
    const struct ls_tree_node given = plan->nodes[plan->next];
    if (given.first == node.first && given.count == node.count)
        return plan->next++;
    LS_ASSERT(node.count > 1, "%d leaves from %d on are no node of the tree", given.count,
              given.first);
    const int split = ls_tree_split(node.count);
    const int left = plan_node(plan, (struct ls_tree_node){node.first, split}, depth);
    const int right = plan_node(plan, (struct ls_tree_node){node.first + split, node.count - split},
                                left < 0 ? depth : depth + 1);
    if (left < 0 || right < 0)
        return left < 0 ? right : left;
    const int into = fold->nodes + depth;
    fold->additions[fold->count++] = (struct ls_addition){left, right, into};
    return into;
}

void ls_fold_create(struct ls_fold *fold, int microbatches, const struct ls_tree_node *nodes,
                    int count) {
    *fold = (struct ls_fold){.nodes = count};
    fold->additions = ls_calloc((size_t)count, sizeof *fold->additions);
    fold->scratch = ls_memory_map(SCRATCH_BYTES);
    struct plan plan = {fold, nodes, 0};
    const int root = plan_node(&plan, (struct ls_tree_node){0, microbatches}, 0);
    LS_ASSERT(plan.next == count && root == (count > 1 ? count : 0), "%d of %d nodes, sum in %d",
              plan.next, count, root);
}

void ls_fold_destroy(struct ls_fold *fold) {
    free(fold->additions);
    ls_memory_unmap(fold->scratch, SCRATCH_BYTES);
    *fold = (struct ls_fold){0};
}

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), may_alias));

static void add(float *into, const float *left, const float *right, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES)
        *(lanes *)(into + i) = *(const lanes *)(left + i) + *(const lanes *)(right + i);
}

static float *operand(const struct ls_fold *fold, float *const *buffers, int index, int64_t block) {
    return index < fold->nodes ? buffers[index] + block
                               : fold->scratch + (index - fold->nodes) * BLOCK;
}

void ls_fold_run(const struct ls_fold *fold, float *const *buffers, float *into, int64_t first,
                 int64_t end) {
    for (int64_t block = first; block < end; block += BLOCK) {
        const int64_t count = end - block < BLOCK ? end - block : BLOCK;
        for (int i = 0; i < fold->count; i++) {
            const struct ls_addition a = fold->additions[i];
            add(i + 1 == fold->count ? into + block : operand(fold, buffers, a.into, block),
                operand(fold, buffers, a.left, block), operand(fold, buffers, a.right, block),
                count);
        }
    }
}
