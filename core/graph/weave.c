/* Weaving (ops/weave.h): a batch norm's passes over images are made by the convolutions around it,
 * a few images at a time while they are in cache; where nobody else reads what a pass makes, nobody
 * stores it. Who needs which memory then differs from what the nodes themselves say: that goes into
 * the graph's tables of touches and skips. */
#include "core/ops/weave.h"

#include "core/base/memory.h"
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

static struct ls_weave *weave_of(struct ls_node *node) {
    if (!node->weave)
        node->weave = ls_calloc(1, sizeof *node->weave);
    return (struct ls_weave *)node->weave;
}

static void add_touch(struct ls_graph *graph, enum ls_part part, int index, int time) {
    graph->touches =
        ls_realloc(graph->touches, (size_t)graph->touch_count + 1, sizeof *graph->touches);
    graph->touches[graph->touch_count++] = (struct ls_touch){part, index, time};
}

static void add_skip(struct ls_graph *graph, int node, enum ls_part part,
                     const struct ls_value *value) {
    graph->skips = ls_realloc(graph->skips, (size_t)graph->skip_count + 1, sizeof *graph->skips);
    graph->skips[graph->skip_count++] = (struct ls_skip){part, ls_content_of(graph, value), node};
}

/* The convolution reads and writes the block that the norm saves. */
static void touch_saved(struct ls_graph *graph, int norm, int convolution) {
    add_touch(graph, LS_PART_SAVED, norm, convolution);
    if (graph->backward_runs[convolution])
        add_touch(graph, LS_PART_SAVED, norm, ls_backward_time(graph, convolution));
}

/* What the norm reads to make y, the convolution behind it does; backward's sums are of x and dy,
 * and a residual gets its gradient along the way. */
static void touch_behind(struct ls_graph *graph, int norm, int convolution) {
    const struct ls_node *node = graph->nodes[norm];
    const int later = ls_backward_time(graph, convolution);
    touch_saved(graph, norm, convolution);
    for (int k = 0; k < node->input_count; k++) {
        const struct ls_value *value = node->inputs[k];
        if (value->parameter)
            continue;
        add_touch(graph, LS_PART_DATA, ls_content_of(graph, value), convolution);
        if (graph->backward_runs[convolution] && k == 0)
            add_touch(graph, LS_PART_DATA, ls_content_of(graph, value), later);
        else if (graph->backward_runs[convolution] && value->wants_gradient)
            add_touch(graph, LS_PART_GRADIENT, ls_content_of(graph, value), later);
    }
    if (node->weave->stores)
        return;
    add_skip(graph, norm, LS_PART_DATA, node->output);
    add_skip(graph, convolution, LS_PART_DATA, node->output);
}

/* The convolution right behind a norm is the first to read its output, so that it can make it, and
 * the last to add to that's gradient, so that it can take the sums. */
static void weave_behind(struct ls_graph *graph, int i) {
    struct ls_node *norm = graph->nodes[i], *convolution = graph->nodes[i + 1];
    if (!is_norm_of_images(graph, norm) || !is_convolution(graph, convolution) ||
        convolution->inputs[0] != norm->output ||
        graph->backward_runs[i] != graph->backward_runs[i + 1])
        return;
    weave_of(convolution)->before = norm;
    weave_of(norm)->behind = convolution;
    weave_of(norm)->stores =
        norm->input_count > LS_NORM_INPUTS || !ls_passes_once(graph, norm->output);
    touch_behind(graph, i, i + 1);
}

/* The convolution measures its output, and in backward makes from it and the norm's dy the gradient
 * that nobody stores. */
static void touch_before(struct ls_graph *graph, int norm, int convolution) {
    const struct ls_node *node = graph->nodes[norm];
    const int later = ls_backward_time(graph, convolution);
    touch_saved(graph, norm, convolution);
    add_skip(graph, norm, LS_PART_GRADIENT, node->inputs[0]);
    add_skip(graph, convolution, LS_PART_GRADIENT, node->inputs[0]);
    if (!graph->backward_runs[convolution])
        return;
    add_touch(graph, LS_PART_DATA, ls_content_of(graph, node->inputs[0]), later);
    add_touch(graph, LS_PART_GRADIENT, ls_content_of(graph, node->output), later);
}

/* The convolution that makes what a norm alone reads. A bias would need the whole gradient. */
static void weave_before(struct ls_graph *graph, int i) {
    struct ls_node *norm = graph->nodes[i];
    if (!is_norm_of_images(graph, norm))
        return;
    struct ls_node *convolution = norm->inputs[0]->producer;
    if (!convolution || !is_convolution(graph, convolution) ||
        convolution->activation != LS_ACTIVATION_NONE ||
        (convolution->input_count > 2 && convolution->inputs[2]) ||
        !ls_passes_once(graph, norm->inputs[0]))
        return;
    weave_of(convolution)->behind = norm;
    weave_of(norm)->before = convolution;
    int at = i;
    while (graph->nodes[at] != convolution)
        at--;
    touch_before(graph, i, at);
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
        if (!node->weave || !is_convolution(graph, node))
            continue;
        /* it needs room for what nobody stores */
        const enum ls_status status = node->op->infer(node, &graph->error);
        LS_ASSERT(status == LS_OK, "%s: %s", node->name, graph->error.text);
    }
}
