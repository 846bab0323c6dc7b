/* Fusion: an activation whose input nobody else sees goes into the epilogue of the op that makes
 * it. */
#include "core/base/memory.h"
#include "core/graph/internal.h"

static int consumer_count(const struct ls_graph *graph, const struct ls_value *value) {
    int count = 0;
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i]->input_count; k++)
            count += graph->nodes[i]->inputs[k] == value;
    return count;
}

static bool fuses(const struct ls_graph *graph, const struct ls_node *node) {
    if (node->op != graph->ops[LS_OP_relu])
        return false;
    const struct ls_value *x = node->inputs[0];
    const struct ls_value_plan *plan = ls_plan_of(graph, x);
    return x->producer && x->producer->op->fuses && x->producer->activation == LS_ACTIVATION_NONE &&
           !plan->kept && !plan->asked && consumer_count(graph, x) == 1;
}

void ls_plan_fuse(struct ls_graph *graph) {
    if (graph->options.no_fusion || ls_keeps_all(graph))
        return;
    graph->fused = ls_calloc((size_t)graph->node_count, sizeof *graph->fused);
    int left = 0;
    for (int i = 0; i < graph->node_count; i++) {
        struct ls_node *node = graph->nodes[i];
        if (!fuses(graph, node)) {
            graph->nodes[left++] = node;
            continue;
        }
        struct ls_node *producer = node->inputs[0]->producer;
        producer->activation = LS_ACTIVATION_RELU;
        producer->output = node->output;
        node->output->producer = producer;
        graph->fused[graph->fused_count++] = node;
    }
    graph->node_count = left;
}
