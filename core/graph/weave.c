/* Weaving: a batch norm's passes over images are made by the convolutions around it, a few images
 * at a time while they are in cache; where nobody else reads what a pass makes, nobody stores it.
 * Left to the norm itself are its statistics and coefficients. */
#include "core/graph/internal.h"

enum { NORM_CHANNELS = 16 }; /* a block of channels in ops/norm_sums.h: only whole ones */

static bool is_norm_of_images(const struct ls_graph *graph, const struct ls_node *node) {
    const struct ls_shape shape = node->output->shape;
    return node->op == graph->ops[LS_OP_batch_norm] && ls_shape_last(shape) % NORM_CHANNELS == 0 &&
           ls_shape_row_count(shape) > ls_shape_last(shape);
}

static bool is_convolution(const struct ls_graph *graph, const struct ls_node *node) {
    return node->op == graph->ops[LS_OP_conv2d];
}

/* The convolution right behind a norm is the first to read its output, so that it can make it, and
 * the last to add to that's gradient, so that it can take the sums. */
static void weave_behind(struct ls_graph *graph, int i) {
    struct ls_node *norm = graph->nodes[i], *convolution = graph->nodes[i + 1];
    if (!is_norm_of_images(graph, norm) || !is_convolution(graph, convolution) ||
        convolution->inputs[0] != norm->output ||
        graph->backward_runs[i] != graph->backward_runs[i + 1])
        return;
    convolution->norm_before = norm;
    norm->before_convolution = true;
    norm->stores = norm->input_count > LS_NORM_INPUTS || !ls_passes_once(graph, norm->output);
}

/* The convolution that makes what a norm alone reads. A bias would need the whole gradient. */
static void weave_before(struct ls_graph *graph, int i) {
    struct ls_node *norm = graph->nodes[i], *convolution = norm->inputs[0]->producer;
    if (!is_norm_of_images(graph, norm) || !convolution || !is_convolution(graph, convolution) ||
        convolution->activation != LS_ACTIVATION_NONE ||
        (convolution->input_count > 2 && convolution->inputs[2]) ||
        !ls_passes_once(graph, norm->inputs[0]))
        return;
    convolution->norm_behind = norm;
    norm->after_convolution = true;
}

void ls_plan_weave(struct ls_graph *graph) {
    if (graph->options.no_fusion || graph->options.inference || ls_keeps_all(graph))
        return;
    for (int i = 0; i < graph->node_count; i++) {
        weave_before(graph, i);
        if (i + 1 < graph->node_count)
            weave_behind(graph, i);
    }
    for (int i = 0; i < graph->node_count; i++) {
        struct ls_node *node = graph->nodes[i];
        if (!node->norm_before && !node->norm_behind)
            continue;
        /* it needs room for what nobody stores */
        const enum ls_status status = node->op->infer(node, &graph->error);
        LS_ASSERT(status == LS_OK, "%s: %s", node->name, graph->error.text);
    }
}
