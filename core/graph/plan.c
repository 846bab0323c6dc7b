/* Planning, step by step. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

/* Where a parameter belongs in the buffer: backward finishes nodes from the last to the first. */
struct place {
    struct ls_parameter *parameter;
    int graph; /* that trains it, else the first that uses it */
    int node;  /* the first that uses it; -1: none in this graph */
    int input; /* of that node */
    int recorded;
};

static int by_finish(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->graph != y->graph)
        return x->graph < y->graph ? -1 : 1;
    if (x->node != y->node)
        return x->node > y->node ? -1 : 1;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    return x->recorded < y->recorded ? -1 : 1;
}

static bool find_place(const struct ls_graph *graph, struct place *place) {
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i]->input_count; k++) {
            const struct ls_value *value = graph->nodes[i]->inputs[k];
            if (!value || value->parameter != place->parameter)
                continue;
            place->node = i;
            place->input = k;
            return true;
        }
    return false;
}

static void find_graph(struct ls_graph *const *graphs, int count, struct place *place) {
    for (int g = 0; g < count; g++)
        if (graphs[g]->options.group == place->parameter->group) {
            place->graph = g;
            find_place(graphs[g], place);
            return;
        }
    for (place->graph = 0; place->graph < count; place->graph++)
        if (find_place(graphs[place->graph], place))
            return;
}

void ls_close_gaps(struct ls_graph *graph) {
    int left = 0;
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i])
            graph->nodes[left++] = graph->nodes[i];
    graph->node_count = left;
}

/* Nothing more is recorded: what can be fused is, so that nodes are counted as they will run. */
static void end_recording(struct ls_graph *graph) {
    if (graph->recorded)
        return;
    graph->removed = ls_calloc((size_t)graph->node_count, sizeof *graph->removed);
    ls_plan_fuse(graph);
    graph->recorded = true;
}

/* The order depends on what was recorded only, so that a graph for inference lays the set out as
 * one for training would. */
void ls_graph_order_parameters(struct ls_graph *const *graphs, int count) {
    struct ls_parameter_set *set = graphs[0]->options.parameters;
    for (int g = 0; g < count; g++) {
        LS_ASSERT(graphs[g]->options.parameters == set, "graph %d of another set", g);
        if (graphs[g]->failed)
            return;
    }
    for (int g = 0; g < count; g++)
        end_recording(graphs[g]);
    if (set->planned)
        return;
    struct place *places = ls_calloc((size_t)set->count, sizeof *places);
    for (int i = 0; i < set->count; i++) {
        places[i] = (struct place){.parameter = set->items[i], .node = -1, .recorded = i};
        find_graph(graphs, count, &places[i]);
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
    LS_ASSERT(!graph->planned && graph->node_count > 0, "planned %d, nodes %d", graph->planned,
              graph->node_count);
    ls_graph_order_parameters(&graph, 1);
    ls_plan_prune(graph);
    if (ls_plan_gradients(graph, error) != LS_OK)
        return error->status;
    ls_plan_weave(graph);
    ls_plan_lifetimes(graph);
    ls_plan_memory(graph);
    graph->planned = true;
    return LS_OK;
}
