/* Pruning: nodes that nobody asked for leave the graph, such as the loss of a model that only
 * answers. Their parameters stay in the set: whoever loads a checkpoint finds the layout of
 * training. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

/* Forward of a training run reads it for its own sake: it learns running statistics. */
static bool learns_statistics(const struct ls_graph *graph, const struct ls_node *node) {
    for (int k = 0; k < node->input_count; k++) {
        const struct ls_value *value = node->inputs[k];
        if (value && value->parameter && value->parameter->kind == LS_PARAMETER_STATISTIC &&
            ls_trains(graph, value->parameter))
            return true;
    }
    return false;
}

/* Who wants to see every value gets every node; not so for explanations, which train nothing and
 * say what they look at. */
static bool keeps_all_nodes(const struct ls_graph *graph) {
    return ls_keeps_all(graph) && graph->options.group != LS_GROUP_NONE;
}

/* What callers asked for, per value; returns whether they did. */
static bool mark_asked(const struct ls_graph *graph, bool *needed) {
    bool any = false;
    for (int i = 0; i < graph->value_count; i++) {
        needed[i] =
            graph->plans[i].kept || graph->plans[i].asked || graph->values[i] == graph->loss;
        any |= needed[i];
    }
    return any;
}

void ls_plan_prune(struct ls_graph *graph) {
    bool *needed = ls_calloc((size_t)graph->value_count, sizeof *needed);
    if (!keeps_all_nodes(graph) && mark_asked(graph, needed)) {
        for (int i = graph->node_count - 1; i >= 0; i--) {
            struct ls_node *node = graph->nodes[i];
            if (needed[node->output->index] || learns_statistics(graph, node)) {
                for (int k = 0; k < node->input_count; k++)
                    if (node->inputs[k])
                        needed[node->inputs[k]->index] = true;
            } else {
                graph->removed[graph->removed_count++] = node;
                graph->nodes[i] = NULL;
            }
        }
        for (int i = 0; i < graph->value_count; i++)
            graph->plans[i].input &= needed[i];
        ls_close_gaps(graph);
    }
    free(needed);
}
