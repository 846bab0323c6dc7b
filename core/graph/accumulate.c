#include "core/graph/accumulate.h"

#include <stdlib.h>

#include "core/base/memory.h"

struct ls_accumulator {
    int64_t total;
    float **partials;        /* owned array of borrowed buffers: slot 0 of each partial */
    struct ls_piece *pieces; /* owned */
    int piece_count;
    float *slots; /* owned; slots 1 .. depth_max, total elements each */
    int depth_max;
};

/* The pieces of one partial, as a stack machine would meet them: push a piece, then add siblings.
 */
static void plan_partial(struct ls_accumulator *accumulator, int leaves, struct ls_tree_node whole,
                         int piece_microbatches, int partial) {
    struct ls_tree_node stack[LS_TREE_NODES_MAX];
    struct ls_tree_node *nodes = ls_calloc((size_t)whole.count, sizeof *nodes);
    const int count =
        ls_tree_cover(leaves, whole.first, whole.count, piece_microbatches, nodes, whole.count);
    int depth = 0;
    for (int i = 0; i < count; i++) {
        struct ls_piece piece = {.node = nodes[i], .partial = partial, .depth = depth};
        LS_ASSERT(depth < LS_TREE_NODES_MAX, "%d nodes waiting", depth);
        stack[depth++] = nodes[i];
        while (depth > 1 && ls_tree_siblings(leaves, stack[depth - 2], stack[depth - 1])) {
            stack[depth - 2].count += stack[depth - 1].count;
            depth--;
            piece.merges++;
        }
        if (piece.depth > accumulator->depth_max)
            accumulator->depth_max = piece.depth;
        accumulator->pieces[accumulator->piece_count++] = piece;
    }
    LS_ASSERT(depth == 1, "%d nodes left of microbatches %d to %d", depth, whole.first,
              whole.first + whole.count - 1);
    free(nodes);
}

struct ls_accumulator *ls_accumulator_create(int microbatches, int first, int count,
                                             int piece_microbatches, int64_t total,
                                             float *const *partials) {
    LS_ASSERT(count > 0 && piece_microbatches > 0, "%d microbatches, %d in a piece", count,
              piece_microbatches);
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    const int partial_count =
        ls_tree_cover(microbatches, first, count, 0, nodes, LS_TREE_NODES_MAX);
    struct ls_accumulator *accumulator = ls_calloc(1, sizeof *accumulator);
    accumulator->total = total;
    accumulator->pieces = ls_calloc((size_t)count, sizeof *accumulator->pieces);
    accumulator->partials = ls_calloc((size_t)partial_count, sizeof *accumulator->partials);
    for (int i = 0; i < partial_count; i++) {
        accumulator->partials[i] = partials[i];
        plan_partial(accumulator, microbatches, nodes[i], piece_microbatches, i);
    }
    if (accumulator->depth_max)
        accumulator->slots =
            ls_memory_map((size_t)accumulator->depth_max * (size_t)total * sizeof(float));
    return accumulator;
}

void ls_accumulator_destroy(struct ls_accumulator *accumulator) {
    if (!accumulator)
        return;
    ls_memory_unmap(accumulator->slots,
                    (size_t)accumulator->depth_max * (size_t)accumulator->total * sizeof(float));
    free(accumulator->pieces);
    free(accumulator->partials);
    free(accumulator);
}

int ls_accumulator_pieces(const struct ls_accumulator *accumulator) {
    return accumulator->piece_count;
}

struct ls_piece ls_accumulator_piece(const struct ls_accumulator *accumulator, int index) {
    LS_ASSERT(index >= 0 && index < accumulator->piece_count, "piece %d of %d", index,
              accumulator->piece_count);
    return accumulator->pieces[index];
}

static float *slot(const struct ls_accumulator *accumulator, int partial, int depth) {
    return depth ? accumulator->slots + (depth - 1) * accumulator->total
                 : accumulator->partials[partial];
}

float *ls_accumulator_buffer(struct ls_accumulator *accumulator, int index) {
    const struct ls_piece piece = ls_accumulator_piece(accumulator, index);
    return slot(accumulator, piece.partial, piece.depth);
}

static void add(float *restrict to, const float *restrict from, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

void ls_accumulator_ready(struct ls_accumulator *accumulator, int index, int64_t first,
                          int64_t end) {
    const struct ls_piece piece = ls_accumulator_piece(accumulator, index);
    LS_ASSERT(first >= 0 && first <= end && end <= accumulator->total,
              "elements %lld to %lld of %lld", (long long)first, (long long)end,
              (long long)accumulator->total);
    for (int depth = piece.depth; depth > piece.depth - piece.merges; depth--)
        add(slot(accumulator, piece.partial, depth - 1) + first,
            slot(accumulator, piece.partial, depth) + first, end - first);
}
