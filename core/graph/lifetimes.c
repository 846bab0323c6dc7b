/* Lifetimes: from when to when each value, gradient and saved block is needed, and which may share
 * memory. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

struct span {
    int first, last;
};

/* Spans of data and gradients, per content, and of saved blocks, per node. */
struct spans {
    struct span *of[LS_PART_COUNT];
};

static int end_of(const struct ls_graph *graph) {
    return 2 * graph->node_count + 1;
}

static void touch(struct span *span, int time) {
    if (time < span->first)
        span->first = time;
    if (time > span->last)
        span->last = time;
}

static bool skips(const struct ls_graph *graph, int node, enum ls_part part, int index) {
    for (int s = 0; s < graph->skip_count; s++) {
        const struct ls_skip skip = graph->skips[s];
        if (skip.node == node && skip.part == part && skip.index == index)
            return true;
    }
    return false;
}

static bool stores_output(const struct ls_graph *graph, int i) {
    return !skips(graph, i, LS_PART_DATA, ls_content_of(graph, graph->nodes[i]->output));
}

/* The node needs a content's data in forward and perhaps in backward, and in backward perhaps its
 * gradient. */
static void touch_value(const struct ls_graph *graph, int i, int content, bool read_again,
                        bool gradient, struct spans *spans) {
    const int later = ls_backward_time(graph, i);
    if (!skips(graph, i, LS_PART_DATA, content)) {
        touch(&spans->of[LS_PART_DATA][content], i);
        if (graph->backward_runs[i] && read_again)
            touch(&spans->of[LS_PART_DATA][content], later);
    }
    if (graph->backward_runs[i] && gradient && !skips(graph, i, LS_PART_GRADIENT, content))
        touch(&spans->of[LS_PART_GRADIENT][content], later);
}

static void touch_node(const struct ls_graph *graph, int i, struct spans *spans) {
    const struct ls_node *node = graph->nodes[i];
    for (int k = 0; k < node->input_count; k++)
        if (node->inputs[k])
            touch_value(graph, i, ls_content_of(graph, node->inputs[k]),
                        ls_node_reads_input(node, k), node->inputs[k]->wants_gradient, spans);
    touch_value(graph, i, ls_content_of(graph, node->output), ls_node_reads_output(node), true,
                spans);
    touch(&spans->of[LS_PART_SAVED][i], i);
    if (graph->backward_runs[i])
        touch(&spans->of[LS_PART_SAVED][i], ls_backward_time(graph, i));
}

/* What callers write or read reaches beyond the nodes' own use. */
static void touch_outside(const struct ls_graph *graph, int content, struct spans *spans) {
    const struct ls_value *value = graph->values[content];
    const struct ls_value_plan *plan = &graph->plans[content];
    const bool used = spans->of[LS_PART_DATA][content].last >= 0;
    if (plan->input || (used && ls_keeps_all(graph)))
        touch(&spans->of[LS_PART_DATA][content], 0);
    if (plan->input || (used && (plan->kept || ls_keeps_all(graph))))
        touch(&spans->of[LS_PART_DATA][content], end_of(graph));
    if (!value->wants_gradient)
        return;
    if (graph->loss && ls_plan_of(graph, graph->loss) == plan)
        touch(&spans->of[LS_PART_GRADIENT][content], graph->node_count);
    if ((used && ls_keeps_all(graph)) || (plan->asked && !plan->reached))
        touch(&spans->of[LS_PART_GRADIENT][content], 0);
    if ((used && ls_keeps_all(graph)) || plan->asked)
        touch(&spans->of[LS_PART_GRADIENT][content], end_of(graph));
}

static size_t value_bytes(const struct ls_graph *graph, const struct ls_value *value) {
    const size_t size = value->type == LS_TYPE_INT32 ? sizeof(int32_t) : graph->element_size;
    return ls_round_up((size_t)ls_shape_count(value->shape) * size, LS_ALIGNMENT);
}

static int add_buffer(struct ls_graph *graph, size_t bytes, struct span span) {
    if (span.last < 0 || !bytes)
        return -1;
    graph->buffers[graph->buffer_count] =
        (struct ls_buffer){.bytes = bytes, .first = span.first, .last = span.last};
    return graph->buffer_count++;
}

/* Forward of node i may write its output over its first input: that input's elements are not needed
 * any more (what callers write or keep lives to the end), by no other input of this node either. */
static bool goes_in_place(const struct ls_graph *graph, int i, const struct spans *spans) {
    const struct ls_node *node = graph->nodes[i];
    if (!node->op->in_place || !stores_output(graph, i) || ls_keeps_all(graph))
        return false;
    const struct ls_value *input = node->inputs[0];
    if (input->parameter || input->type != node->output->type)
        return false;
    const struct ls_value_plan *plan = ls_plan_of(graph, input);
    for (int k = 1; k < node->input_count; k++)
        if (node->inputs[k] && ls_plan_of(graph, node->inputs[k]) == plan)
            return false;
    return spans->of[LS_PART_DATA][plan->content].last == i &&
           value_bytes(graph, input) == value_bytes(graph, node->output);
}

/* Whether the gradient of input k may be that of the output, in place: both are the same numbers
 * once the node has run, and nobody else writes the one while the other is needed. */
static bool shares_gradient(const struct ls_graph *graph, int i, int k, const struct spans *spans) {
    const struct ls_node *node = graph->nodes[i];
    if (!(node->op->passes_gradient >> k & 1) || !graph->backward_runs[i] || ls_keeps_all(graph))
        return false;
    const struct ls_value_plan *from = ls_plan_of(graph, node->output);
    const struct ls_value_plan *to = ls_plan_of(graph, node->inputs[k]);
    if (!node->inputs[k]->wants_gradient || node->accumulate[k] || from->asked || to->asked ||
        from == to)
        return false;
    for (int other = 0; other < graph->node_count; other++) {
        const struct ls_node *user = graph->nodes[other];
        bool touches = other != i && ls_plan_of(graph, user->output) == to;
        for (int j = 0; other != i && j < user->input_count; j++)
            touches |= user->inputs[j] && ls_plan_of(graph, user->inputs[j]) == to;
        if (touches &&
            ls_backward_time(graph, other) <= spans->of[LS_PART_GRADIENT][from->content].last)
            return false;
    }
    return true;
}

/* A chain of residual blocks shares one gradient. */
static void share_gradients(struct ls_graph *graph, struct spans *spans) {
    struct span *gradients = spans->of[LS_PART_GRADIENT];
    for (int i = graph->node_count - 1; i >= 0; i--)
        for (int k = 0; k < graph->nodes[i]->input_count; k++) {
            if (!shares_gradient(graph, i, k, spans))
                continue;
            const int root = ls_plan_of(graph, graph->nodes[i]->output)->gradient_of;
            struct ls_value_plan *shared = ls_plan_of(graph, graph->nodes[i]->inputs[k]);
            shared->gradient_of = root;
            touch(&gradients[root], gradients[shared->content].first);
            touch(&gradients[root], gradients[shared->content].last);
        }
}

static void add_outputs(struct ls_graph *graph, const struct spans *spans) {
    for (int i = 0; i < graph->node_count; i++) {
        const struct ls_node *node = graph->nodes[i];
        if (node->op->alias)
            continue;
        struct ls_value_plan *plan = &graph->plans[node->output->index];
        const struct span span = spans->of[LS_PART_DATA][node->output->index];
        if (goes_in_place(graph, i, spans)) {
            plan->data_buffer = ls_plan_of(graph, node->inputs[0])->data_buffer;
            graph->buffers[plan->data_buffer].last = span.last;
        } else {
            plan->data_buffer = add_buffer(graph, value_bytes(graph, node->output), span);
        }
    }
}

static void add_inputs_and_gradients(struct ls_graph *graph, const struct spans *spans) {
    for (int c = 0; c < graph->value_count; c++) {
        const struct ls_value *value = graph->values[c];
        struct ls_value_plan *plan = &graph->plans[c];
        if (plan->content != c || value->parameter)
            continue;
        if (plan->input)
            plan->data_buffer =
                add_buffer(graph, value_bytes(graph, value), spans->of[LS_PART_DATA][c]);
        if (plan->gradient_of == c)
            plan->gradient_buffer =
                add_buffer(graph, value_bytes(graph, value), spans->of[LS_PART_GRADIENT][c]);
    }
    for (int c = 0; c < graph->value_count; c++)
        graph->plans[c].gradient_buffer = graph->plans[graph->plans[c].gradient_of].gradient_buffer;
}

static void add_saved_and_scratch(struct ls_graph *graph, const struct spans *spans) {
    const struct span always = {0, end_of(graph)};
    size_t scratch = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const struct ls_node *node = graph->nodes[i];
        const struct span span = ls_keeps_all(graph) ? always : spans->of[LS_PART_SAVED][i];
        graph->saved_buffers[i] =
            add_buffer(graph, ls_round_up(node->saved_bytes, LS_ALIGNMENT), span);
        if (node->scratch_bytes > scratch)
            scratch = node->scratch_bytes;
    }
    graph->scratch_buffer = add_buffer(graph, ls_round_up(scratch, LS_ALIGNMENT), always);
}

/* The gradient of a further use lives while its node runs. */
static void add_uses(struct ls_graph *graph) {
    for (int u = 0; u < graph->use_count; u++) {
        struct ls_use *use = &graph->uses[u];
        const int time = use->forward ? use->node : ls_backward_time(graph, use->node);
        const size_t bytes = (size_t)use->value->parameter->count * graph->element_size;
        use->buffer =
            add_buffer(graph, ls_round_up(bytes, LS_ALIGNMENT), (struct span){time, time});
    }
}

void ls_plan_lifetimes(struct ls_graph *graph) {
    const size_t count = (size_t)graph->value_count;
    graph->buffers = ls_calloc(2 * count + (size_t)graph->node_count + (size_t)graph->use_count + 1,
                               sizeof *graph->buffers);
    graph->saved_buffers = ls_calloc((size_t)graph->node_count, sizeof *graph->saved_buffers);
    const size_t spans_count = 2 * count + (size_t)graph->node_count;
    struct span *memory = ls_calloc(spans_count, sizeof *memory);
    struct spans spans = {{memory, memory + count, memory + 2 * count}};
    for (size_t i = 0; i < spans_count; i++)
        memory[i] = (struct span){INT_MAX, -1};
    for (int i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i]->op->alias)
            touch_node(graph, i, &spans);
    for (int t = 0; t < graph->touch_count; t++)
        touch(&spans.of[graph->touches[t].part][graph->touches[t].index], graph->touches[t].time);
    for (int c = 0; c < graph->value_count; c++)
        if (graph->plans[c].content == c)
            touch_outside(graph, c, &spans);
    share_gradients(graph, &spans);
    add_outputs(graph, &spans);
    add_inputs_and_gradients(graph, &spans);
    add_saved_and_scratch(graph, &spans);
    add_uses(graph);
    free(memory);
}
