/* A parameter that several nodes use. Its slot in the gradient buffer takes the sum of what the
 * uses give, in the order in which they come: weights in backward, from the last node to the first;
 * running statistics in forward. The first one to come assigns the slot, as a single use does; a
 * further one writes to memory of its own, which is then added. The sum of a run is that of its
 * microbatches only if each is a run of its own: tree of (use + use) and (tree of use) + (tree of
 * use) are not the same bits. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

static bool is_trained(const struct ls_graph *graph, const struct ls_value *value) {
    return value && value->parameter && ls_trains(graph, value->parameter);
}

static enum ls_status check_once_per_node(const struct ls_graph *graph, const struct ls_node *node,
                                          struct ls_error *error) {
    for (int k = 0; k < node->input_count; k++)
        for (int j = 0; j < k; j++)
            if (node->inputs[k] == node->inputs[j] && is_trained(graph, node->inputs[k]))
                return ls_fail(error, LS_INVALID,
                               "layer %s: %s takes the parameter %s twice (inputs %d and %d); the "
                               "uses of a trained parameter must be nodes of their own",
                               node->name, node->op->name, node->inputs[k]->parameter->name, j + 1,
                               k + 1);
    return LS_OK;
}

/* Per value, the use that always comes first: the last node for weights, the first one for
 * statistics. Counts the uses. Returns how many there are. */
static int find_firsts(const struct ls_graph *graph, int *firsts, int *counts) {
    int total = 0;
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i]->input_count; k++) {
            const struct ls_value *value = graph->nodes[i]->inputs[k];
            if (!is_trained(graph, value))
                continue;
            if (value->parameter->kind == LS_PARAMETER_WEIGHT || !counts[value->index])
                firsts[value->index] = i;
            counts[value->index]++;
            total++;
        }
    return total;
}

static void add_uses_of(struct ls_graph *graph, int i, const int *firsts) {
    const struct ls_node *node = graph->nodes[i];
    for (int k = 0; k < node->input_count; k++)
        if (is_trained(graph, node->inputs[k]) && firsts[node->inputs[k]->index] != i)
            graph->uses[graph->use_count++] = (struct ls_use){
                .node = i,
                .value = node->inputs[k],
                .forward = node->inputs[k]->parameter->kind == LS_PARAMETER_STATISTIC,
                .buffer = -1,
            };
}

/* The optimiser divides what a statistic took in by how many added to it. */
static void count_statistics(struct ls_graph *graph, const int *counts) {
    const struct ls_parameter_set *set = graph->options.parameters;
    for (int k = 0; k < set->count; k++)
        for (int i = 0; i < graph->parameter_count; i++)
            if (graph->parameters[i]->parameter == set->items[k] &&
                counts[graph->parameters[i]->index])
                set->items[k]->uses = counts[graph->parameters[i]->index];
}

enum ls_status ls_plan_uses(struct ls_graph *graph, struct ls_error *error) {
    for (int i = 0; i < graph->node_count; i++)
        if (check_once_per_node(graph, graph->nodes[i], error) != LS_OK)
            return error->status;
    int *firsts = ls_calloc(2 * (size_t)graph->value_count, sizeof *firsts);
    int *counts = firsts + graph->value_count;
    const int total = find_firsts(graph, firsts, counts);
    graph->uses = ls_calloc((size_t)total + 1, sizeof *graph->uses);
    graph->uses_before = ls_calloc((size_t)graph->node_count + 1, sizeof *graph->uses_before);
    for (int i = 0; i < graph->node_count; i++) {
        graph->uses_before[i] = graph->use_count;
        add_uses_of(graph, i, firsts);
    }
    graph->uses_before[graph->node_count] = graph->use_count;
    count_statistics(graph, counts);
    free(firsts);
    return LS_OK;
}

bool ls_graph_single_microbatch(const struct ls_graph *graph) {
    LS_ASSERT(graph->planned, "asked before planning, %d nodes", graph->node_count);
    return graph->use_count > 0;
}

/* Whether the use writes in this direction, and not as the first. */
static bool takes_part(const struct ls_graph *graph, const struct ls_use *use, bool forward) {
    if (use->forward != forward || !use->slot)
        return false;
    return forward || (use->adds && graph->backward_runs[use->node]);
}

void ls_uses_begin(struct ls_graph *graph, int node, bool forward) {
    for (int u = graph->uses_before[node]; u < graph->uses_before[node + 1]; u++) {
        struct ls_use *use = &graph->uses[u];
        use->slot = use->value->gradient;
        if (takes_part(graph, use, forward))
            use->value->gradient = use->memory;
    }
}

static void add(const struct ls_graph *graph, const struct ls_use *use) {
    const struct ls_parameter *parameter = use->value->parameter;
    /* padding of panels has its zeros from the kernels; that of plain ones is nobody's */
    const int64_t count = parameter->layout == LS_LAYOUT_PLAIN ? ls_parameter_plain_count(parameter)
                                                               : parameter->count;
    if (graph->element_size == sizeof(double)) {
        double *to = use->slot;
        for (int64_t i = 0; i < count; i++)
            to[i] += ((const double *)use->memory)[i];
    } else {
        float *to = use->slot;
        for (int64_t i = 0; i < count; i++)
            to[i] += ((const float *)use->memory)[i];
    }
}

void ls_uses_end(struct ls_graph *graph, int node, bool forward) {
    for (int u = graph->uses_before[node]; u < graph->uses_before[node + 1]; u++) {
        struct ls_use *use = &graph->uses[u];
        use->value->gradient = use->slot;
        if (takes_part(graph, use, forward))
            add(graph, use);
    }
}
