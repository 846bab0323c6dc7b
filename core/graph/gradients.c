/* Which values get a gradient, who writes it first, and when parts of the gradient buffer are
 * final. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

/* Backward assigns a parameter's gradient: the sum over one run. A second use would add a sum that
 * depends on how runs are cut, so it is refused. */
static enum ls_status check_single_use(const struct ls_graph *graph, struct ls_error *error) {
    const char **users = ls_calloc((size_t)graph->value_count, sizeof *users);
    enum ls_status status = LS_OK;
    for (int i = 0; i < graph->node_count && status == LS_OK; i++)
        for (int k = 0; k < graph->nodes[i]->input_count && status == LS_OK; k++) {
            const struct ls_value *value = graph->nodes[i]->inputs[k];
            if (!value || !value->parameter || value->parameter->kind == LS_PARAMETER_CONSTANT)
                continue;
            if (users[value->index])
                status = ls_fail(
                    error, LS_INVALID,
                    "parameter %s is used by %s and again by %s: a trained parameter or running "
                    "statistic can be used once",
                    value->parameter->name, users[value->index], graph->nodes[i]->name);
            users[value->index] = graph->nodes[i]->name;
        }
    free((void *)users);
    return status;
}

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

enum ls_status ls_plan_gradients(struct ls_graph *graph, struct ls_error *error) {
    const struct ls_parameter_set *set = graph->options.parameters;
    if (!graph->options.inference && check_single_use(graph, error) != LS_OK)
        return error->status;
    propagate_wants(graph);
    graph->backward_runs = ls_calloc((size_t)graph->node_count, sizeof *graph->backward_runs);
    graph->ready_count = ls_calloc((size_t)graph->node_count, sizeof *graph->ready_count);
    graph->finished_by = ls_calloc((size_t)set->count, sizeof *graph->finished_by);
    graph->set_values = ls_calloc((size_t)set->count, sizeof *graph->set_values);
    for (int k = 0; k < set->count; k++)
        for (int i = 0; i < graph->parameter_count; i++)
            if (graph->parameters[i]->parameter == set->items[k])
                graph->set_values[k] = graph->parameters[i];
    ls_mark_backward(graph, graph->options.inference ? NULL : graph->loss);
    return LS_OK;
}

static void note_finished(struct ls_graph *graph, const struct ls_value *value, int node) {
    const struct ls_parameter_set *set = graph->options.parameters;
    for (int k = 0; k < set->count; k++)
        if (set->items[k] == value->parameter)
            graph->finished_by[k] = node;
}

/* The first `count` parameters are final after node i if none of them waits for a node below i. */
static void note_ready(struct ls_graph *graph) {
    int count = 0;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        while (count < graph->options.parameters->count &&
               (graph->finished_by[count] < 0 || graph->finished_by[count] >= i))
            count++;
        graph->ready_count[i] = count;
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
        if (input->parameter)
            note_finished(graph, input, index);
        else
            node->accumulate[k] = plan->reached;
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
