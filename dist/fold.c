#include "dist/fold.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/base/status.h"

enum { BLOCK = 2048 }; /* elements: a block of each buffer stays in the second-level cache */

struct plan {
    struct ls_fold *fold;
    const struct ls_tree_node *nodes;
    int count, next; /* nodes; the first one not yet reached */
};

/* Plans the additions below a node of the tree; returns the buffer that its sum ends in, -1 if it
 * holds none of the given nodes. */
static int plan_node(struct plan *plan, struct ls_tree_node node) {
    if (plan->next == plan->count || plan->nodes[plan->next].first >= node.first + node.count)
        return -1;
    const struct ls_tree_node given = plan->nodes[plan->next];
    if (given.first == node.first && given.count == node.count)
        return plan->next++;
    LS_ASSERT(node.count > 1, "%d leaves from %d on are no node of the tree", given.count,
              given.first);
    const int split = ls_tree_split(node.count);
    const int left = plan_node(plan, (struct ls_tree_node){node.first, split});
    const int right =
        plan_node(plan, (struct ls_tree_node){node.first + split, node.count - split});
    if (left < 0 || right < 0)
        return left < 0 ? right : left;
    plan->fold->additions[plan->fold->count++] = (struct ls_addition){left, right};
    return left;
}

void ls_fold_create(struct ls_fold *fold, int microbatches, const struct ls_tree_node *nodes,
                    int count) {
    *fold = (struct ls_fold){.threads = 1,
                             .additions = ls_calloc((size_t)count, sizeof *fold->additions)};
    struct plan plan = {fold, nodes, count, 0};
    const int root = plan_node(&plan, (struct ls_tree_node){0, microbatches});
    LS_ASSERT(root == 0 && plan.next == count, "%d of %d nodes, the sum in %d", plan.next, count,
              root);
}

void ls_fold_destroy(struct ls_fold *fold) {
    free(fold->additions);
    fold->additions = NULL;
}

static void add(float *restrict into, const float *restrict from, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        into[i] += from[i];
}

struct range {
    const struct ls_fold *fold;
    float *const *buffers;
    int64_t first, end;
};

/* One thread's part of a range, in whole blocks. */
static void run_part(void *context, int part) {
    const struct range *range = context;
    const struct ls_fold *fold = range->fold;
    const int64_t blocks = (range->end - range->first + BLOCK - 1) / BLOCK;
    const int64_t stop = ls_part_first(blocks, part + 1, fold->threads);
    for (int64_t b = ls_part_first(blocks, part, fold->threads); b < stop; b++) {
        const int64_t at = range->first + b * BLOCK;
        const int64_t count = range->end - at < BLOCK ? range->end - at : BLOCK;
        for (int i = 0; i < fold->count; i++)
            add(range->buffers[fold->additions[i].into] + at,
                range->buffers[fold->additions[i].from] + at, count);
    }
}

void ls_fold_run(const struct ls_fold *fold, float *const *buffers, int64_t first, int64_t end) {
    struct range range = {fold, buffers, first, end};
    if (fold->count)
        ls_parallel_run(fold->threads, run_part, &range);
}
