/* Planning, step by step. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

/* Where a parameter belongs in the buffer: backward finishes nodes from the last to the first. */
struct place {
    struct ls_parameter *parameter;
    int node;  /* the first that uses it; -1: none in this graph */
    int input; /* of that node */
    int recorded;
};

static int by_finish(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->node != y->node)
        return x->node > y->node ? -1 : 1;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    return x->recorded < y->recorded ? -1 : 1;
}

static void find_place(const struct ls_graph *graph, struct place *place) {
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i]->input_count; k++) {
            const struct ls_value *value = graph->nodes[i]->inputs[k];
            if (!value || value->parameter != place->parameter)
                continue;
            place->node = i;
            place->input = k;
            return;
        }
}

/* The order depends on what was recorded only, so that a graph for inference lays the set out as
 * one for training would. */
void ls_plan_order_parameters(struct ls_graph *graph) {
    struct ls_parameter_set *set = graph->options.parameters;
    if (set->planned)
        return;
    struct place *places = ls_calloc((size_t)set->count, sizeof *places);
    for (int i = 0; i < set->count; i++) {
        places[i] = (struct place){.parameter = set->items[i], .node = -1, .recorded = i};
        find_place(graph, &places[i]);
    }
    qsort(places, (size_t)set->count, sizeof *places, by_finish);
    for (int i = 0; i < set->count; i++)
        set->items[i] = places[i].parameter;
    free(places);
    ls_parameters_layout(set);
}

enum ls_status ls_graph_plan(struct ls_graph *graph, struct ls_error *error) {
    if (graph->failed) {
        *error = graph->error;
        return error->status;
    }
    LS_ASSERT(!graph->planned && graph->node_count + graph->fused_count > 0, "planned %d, nodes %d",
              graph->planned, graph->node_count);
    ls_plan_fuse(graph);
    ls_plan_order_parameters(graph);
    if (ls_plan_gradients(graph, error) != LS_OK)
        return error->status;
    ls_plan_weave(graph);
    ls_plan_lifetimes(graph);
    ls_plan_memory(graph);
    graph->planned = true;
    return LS_OK;
}
