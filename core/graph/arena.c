/* The arena: buffers with lifetimes get offsets, the arena is mapped, everything is bound to it. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

static int larger_first(const void *a, const void *b) {
    const struct ls_buffer *x = *(struct ls_buffer *const *)a, *y = *(struct ls_buffer *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x < y ? -1 : 1; /* any fixed order */
}

/* The smallest gap that holds the buffer among those placed before that live at the same time
 * (placed is in order of offset); behind them if there is none. */
static size_t best_gap(const struct ls_buffer *buffer, struct ls_buffer *const *placed, int count) {
    size_t reached = 0, best = SIZE_MAX, best_bytes = SIZE_MAX;
    for (int i = 0; i < count; i++) {
        const struct ls_buffer *other = placed[i];
        if (other->last < buffer->first || other->first > buffer->last)
            continue;
        const size_t gap = other->offset > reached ? other->offset - reached : 0;
        if (gap >= buffer->bytes && gap < best_bytes) {
            best = reached;
            best_bytes = gap;
        }
        if (other->offset + other->bytes > reached)
            reached = other->offset + other->bytes;
    }
    return best == SIZE_MAX ? reached : best;
}

size_t ls_place_buffers(struct ls_buffer *buffers, int count) {
    struct ls_buffer **order = ls_calloc((size_t)count, sizeof *order);
    struct ls_buffer **placed = ls_calloc((size_t)count, sizeof *placed);
    size_t total = 0;
    for (int i = 0; i < count; i++)
        order[i] = &buffers[i];
    qsort(order, (size_t)count, sizeof *order, larger_first);
    for (int i = 0; i < count; i++) {
        struct ls_buffer *buffer = order[i];
        buffer->offset = best_gap(buffer, placed, i);
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > buffer->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = buffer;
        if (buffer->offset + buffer->bytes > total)
            total = buffer->offset + buffer->bytes;
    }
    free(placed);
    free(order);
    return total;
}

static void *address(const struct ls_graph *graph, int buffer) {
    return buffer < 0 ? NULL : graph->arena + graph->buffers[buffer].offset;
}

static void map_state(struct ls_graph *graph) {
    for (int i = 0; i < graph->node_count; i++)
        graph->state_bytes += ls_round_up(graph->nodes[i]->state_bytes, LS_ALIGNMENT);
    if (graph->state_bytes)
        graph->state = ls_memory_map(graph->state_bytes);
    char *next = graph->state;
    for (int i = 0; i < graph->node_count; i++) {
        graph->nodes[i]->state = graph->nodes[i]->state_bytes ? next : NULL;
        next += ls_round_up(graph->nodes[i]->state_bytes, LS_ALIGNMENT);
    }
}

static void bind(struct ls_graph *graph) {
    for (int i = 0; i < graph->value_count; i++) {
        struct ls_value *value = graph->values[i];
        if (value->parameter)
            continue;
        value->data = address(graph, ls_plan_of(graph, value)->data_buffer);
        value->gradient = address(graph, ls_plan_of(graph, value)->gradient_buffer);
    }
    for (int u = 0; u < graph->use_count; u++)
        graph->uses[u].memory = address(graph, graph->uses[u].buffer);
    for (int i = 0; i < graph->node_count; i++) {
        graph->nodes[i]->saved = address(graph, graph->saved_buffers[i]);
        graph->nodes[i]->scratch = address(graph, graph->scratch_buffer);
    }
}

void ls_plan_memory(struct ls_graph *graph) {
    map_state(graph);
    graph->arena_bytes = ls_place_buffers(graph->buffers, graph->buffer_count);
    if (graph->options.borrows_arena)
        return;
    graph->arena = ls_memory_map(graph->arena_bytes);
    bind(graph);
}

size_t ls_graph_arena_bytes(const struct ls_graph *graph) {
    LS_ASSERT(graph->planned, "asked before planning, %d nodes", graph->node_count);
    return graph->arena_bytes;
}

void ls_graph_bind_arena(struct ls_graph *graph, void *arena) {
    LS_ASSERT(graph->planned && graph->options.borrows_arena &&
                  (uintptr_t)arena % LS_ALIGNMENT == 0,
              "planned %d, borrows_arena %d", graph->planned, graph->options.borrows_arena);
    graph->arena = arena;
    bind(graph);
}
