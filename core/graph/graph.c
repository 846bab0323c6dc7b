/* A graph, its scopes, and its first error. */
#include "core/graph/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

const struct ls_op *const *ls_variant_ops(enum ls_variant variant) {
    switch (variant) {
    case LS_F32_PORTABLE:
        return ls_ops_f32_portable;
    case LS_F64:
        return ls_ops_f64;
#if LS_X86
    case LS_F32_AVX2:
        return ls_ops_f32_avx2;
    case LS_F32_AVX512:
        return ls_ops_f32_avx512;
#endif
    default:
        return NULL;
    }
}

struct ls_graph *ls_graph_create(const struct ls_graph_options *options) {
    LS_ASSERT(options->rows_max > 0, "rows_max is %lld", (long long)options->rows_max);
    LS_ASSERT(options->group >= LS_GROUP_NONE && options->group < LS_GROUPS_MAX, "group %d",
              options->group);
    LS_ASSERT(options->step_positions == 0 || options->inference, "%lld positions in training",
              (long long)options->step_positions);
    struct ls_graph *graph = ls_calloc(1, sizeof *graph);
    graph->options = *options;
    graph->ops = ls_variant_ops(options->variant);
    graph->element_size = options->variant == LS_F64 ? sizeof(double) : sizeof(float);
    graph->kernels = (struct ls_kernel_choice){options->winograd, options->openblas};
    graph->next_stream = options->stream_first;
    graph->scope_room = 64;
    graph->scope = ls_calloc(graph->scope_room, 1);
    return graph;
}

static void destroy_node(struct ls_node *node) {
    free((void *)node->name);
    free((void *)node->options);
    free(node->inputs);
    free(node->accumulate);
    free((void *)node->weave);
    free(node);
}

void ls_graph_destroy(struct ls_graph *graph) {
    if (!graph)
        return;
    for (int i = 0; i < graph->value_count; i++) {
        if (!graph->values[i]->producer)
            free((void *)graph->values[i]->name);
        free(graph->values[i]);
    }
    for (int i = 0; i < graph->node_count; i++)
        destroy_node(graph->nodes[i]);
    for (int i = 0; i < graph->removed_count; i++)
        destroy_node(graph->removed[i]);
    if (!graph->options.borrows_arena)
        ls_memory_unmap(graph->arena, graph->arena_bytes);
    ls_memory_unmap(graph->state, graph->state_bytes);
    void *const owned[] = {graph->scope,         graph->scope_starts, graph->values,
                           graph->plans,         graph->nodes,        graph->removed,
                           graph->parameters,    graph->buffers,      graph->saved_buffers,
                           graph->set_values,    graph->finished_by,  graph->ready_end,
                           graph->backward_runs, graph->uses,         graph->uses_before,
                           graph->touches,       graph->skips};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(graph);
}

void ls_graph_push(struct ls_graph *graph, const char *name) {
    if (graph->depth == graph->depth_room) {
        graph->depth_room = graph->depth_room ? 2 * graph->depth_room : 8;
        graph->scope_starts =
            ls_realloc(graph->scope_starts, (size_t)graph->depth_room, sizeof *graph->scope_starts);
    }
    graph->scope_starts[graph->depth++] = graph->scope_length;
    const size_t needed = graph->scope_length + strlen(name) + 2;
    if (needed > graph->scope_room) {
        graph->scope_room = 2 * needed;
        graph->scope = ls_realloc(graph->scope, graph->scope_room, 1);
    }
    graph->scope_length += (size_t)snprintf(graph->scope + graph->scope_length,
                                            graph->scope_room - graph->scope_length, "%s%s",
                                            graph->scope_length ? "." : "", name);
}

void ls_graph_pop(struct ls_graph *graph) {
    LS_ASSERT(graph->depth > 0, "no scope to leave in '%s'", graph->scope);
    graph->scope_length = graph->scope_starts[--graph->depth];
    graph->scope[graph->scope_length] = '\0';
}

char *ls_graph_suspend_scope(struct ls_graph *graph) {
    char *scope = ls_strdup(graph->scope);
    graph->scope_length = 0;
    graph->scope[0] = '\0';
    return scope;
}

void ls_graph_resume_scope(struct ls_graph *graph, char *scope) {
    graph->scope_length = strlen(scope);
    memcpy(graph->scope, scope, graph->scope_length + 1); /* had room before */
    free(scope);
}

const char *ls_graph_scope(const struct ls_graph *graph) {
    return graph->scope;
}

bool ls_graph_failed(const struct ls_graph *graph) {
    return graph->failed;
}

struct ls_value *ls_keep_error(struct ls_graph *graph) {
    graph->failed = true;
    if (graph->scope_length)
        ls_fail_context(&graph->error, "layer %s: ", graph->scope);
    return NULL;
}

struct ls_value *ls_graph_fail(struct ls_graph *graph, const char *format, ...) {
    if (graph->failed)
        return NULL;
    char text[LS_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ls_fail(&graph->error, LS_INVALID, "%s", text);
    return ls_keep_error(graph);
}

struct ls_graph_summary ls_graph_summarise(const struct ls_graph *graph) {
    struct ls_graph_summary summary = {.nodes = graph->node_count,
                                       .arena_bytes = (int64_t)graph->arena_bytes,
                                       .state_bytes = (int64_t)graph->state_bytes};
    size_t scratch = 0, of_row = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const struct ls_node *node = graph->nodes[i];
        scratch = node->scratch_bytes > scratch ? node->scratch_bytes : scratch;
        of_row = node->scratch_row_bytes > of_row ? node->scratch_row_bytes : of_row;
        summary.flops_forward += node->flops;
    }
    const size_t others = graph->arena_bytes - ls_round_up(scratch, LS_ALIGNMENT);
    if (graph->planned)
        summary.row_bytes = (int64_t)others / graph->options.rows_max + (int64_t)of_row;
    return summary;
}

int ls_graph_node_count(const struct ls_graph *graph) {
    return graph->node_count;
}

const struct ls_node *ls_graph_node_at(const struct ls_graph *graph, int index) {
    return graph->nodes[index];
}

int64_t ls_graph_step_positions(const struct ls_graph *graph) {
    return graph->options.step_positions;
}
