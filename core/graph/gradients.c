/* Which values get a gradient, who writes it first, and when parts of the gradient buffer are
 * final. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

static void propagate_wants(struct ls_graph *graph) {
    for (int i = 0; i < graph->node_count; i++) {
        const struct ls_node *node = graph->nodes[i];
        if (node->output->type != LS_TYPE_REAL || (!node->op->backward && !node->op->alias))
            continue;
        for (int k = 0; k < node->input_count; k++)
            if (node->inputs[k] && node->inputs[k]->wants_gradient)
                node->output->wants_gradient = true;
    }
}

/* The parameters of the graph's group: they lie one after the other in the set. */
static void find_group(struct ls_graph *graph) {
    const struct ls_parameter_set *set = graph->options.parameters;
    while (graph->group_first < set->count &&
           set->items[graph->group_first]->group != graph->options.group)
        graph->group_first++;
    graph->group_end = graph->group_first;
    while (graph->group_end < set->count &&
           set->items[graph->group_end]->group == graph->options.group)
        graph->group_end++;
}

enum ls_status ls_plan_gradients(struct ls_graph *graph, struct ls_error *error) {
    const struct ls_parameter_set *set = graph->options.parameters;
    if (ls_plan_uses(graph, error) != LS_OK)
        return error->status;
    propagate_wants(graph);
    graph->backward_runs = ls_calloc((size_t)graph->node_count, sizeof *graph->backward_runs);
    graph->ready_end = ls_calloc((size_t)graph->node_count, sizeof *graph->ready_end);
    graph->finished_by = ls_calloc((size_t)set->count, sizeof *graph->finished_by);
    graph->set_values = ls_calloc((size_t)set->count, sizeof *graph->set_values);
    for (int k = 0; k < set->count; k++)
        for (int i = 0; i < graph->parameter_count; i++)
            if (graph->parameters[i]->parameter == set->items[k])
                graph->set_values[k] = graph->parameters[i];
    find_group(graph);
    ls_mark_backward(graph, graph->options.inference ? NULL : graph->loss);
    return LS_OK;
}

/* Backward of `node` writes a parameter's slot; `adds`: another has before. */
static void note_use(struct ls_graph *graph, const struct ls_value *value, int node, bool adds) {
    const struct ls_parameter_set *set = graph->options.parameters;
    for (int u = graph->uses_before[node]; u < graph->uses_before[node + 1]; u++)
        if (graph->uses[u].value == value)
            graph->uses[u].adds = adds;
    for (int k = 0; k < set->count; k++)
        if (set->items[k] == value->parameter)
            graph->finished_by[k] = node;
}

/* The group's parameters before `end` are final after node i if none of them waits for a node
 * below i. */
static void note_ready(struct ls_graph *graph) {
    int end = graph->group_first;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        while (end < graph->group_end &&
               (graph->finished_by[end] < 0 || graph->finished_by[end] >= i))
            end++;
        graph->ready_end[i] = end;
    }
}

/* Values of one content (alias ops) share a gradient, so who is first is asked of the content. */
static void mark_inputs(struct ls_graph *graph, int index) {
    const struct ls_node *node = graph->nodes[index];
    for (int k = 0; k < node->input_count; k++) {
        node->accumulate[k] = false;
        const struct ls_value *input = node->inputs[k];
        if (!input || !input->wants_gradient)
            continue;
        struct ls_value_plan *plan = ls_plan_of(graph, input);
        if (!input->parameter)
            node->accumulate[k] = plan->reached;
        else
            note_use(graph, input, index, plan->reached);
        plan->reached = true;
    }
}

void ls_mark_backward(struct ls_graph *graph, const struct ls_value *start) {
    for (int i = 0; i < graph->value_count; i++)
        graph->plans[i].reached = false;
    for (int k = 0; k < graph->options.parameters->count; k++)
        graph->finished_by[k] = -1;
    if (start && start->wants_gradient)
        ls_plan_of(graph, start)->reached = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct ls_node *node = graph->nodes[i];
        graph->backward_runs[i] = node->op->backward && node->output->wants_gradient &&
                                  ls_plan_of(graph, node->output)->reached;
        if (graph->backward_runs[i])
            mark_inputs(graph, i);
    }
    note_ready(graph);
}
