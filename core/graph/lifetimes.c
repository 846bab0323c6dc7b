/* Lifetimes: from when to when each value, gradient and saved block is needed, and which may share
 * memory. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

struct span {
    int first, last;
};

/* Spans of data and gradients, per content. */
struct spans {
    struct span *data, *gradient;
};

static int end_of(const struct ls_graph *graph) {
    return 2 * graph->node_count + 1;
}

static int backward_time(const struct ls_graph *graph, int node) {
    return 2 * graph->node_count - node;
}

static void touch(struct span *span, int time) {
    if (time < span->first)
        span->first = time;
    if (time > span->last)
        span->last = time;
}

static int content_of(const struct ls_graph *graph, const struct ls_value *value) {
    return graph->plans[value->index].content;
}

static bool stores_output(const struct ls_node *node) {
    return !node->before_convolution || node->stores;
}

static void touch_input(const struct ls_graph *graph, int i, int k, struct spans *spans) {
    const struct ls_node *node = graph->nodes[i];
    const int content = content_of(graph, node->inputs[k]);
    const bool backward = graph->backward_runs[i];
    const int later = backward_time(graph, i);
    if (k > 0 || !node->norm_before || node->norm_before->stores) {
        touch(&spans->data[content], i);
        if (backward && ls_node_reads_input(node, k))
            touch(&spans->data[content], later);
    }
    const bool writes_gradient = k > 0 || !node->after_convolution;
    if (backward && node->inputs[k]->wants_gradient && writes_gradient)
        touch(&spans->gradient[content], later);
}

static void touch_output(const struct ls_graph *graph, int i, struct spans *spans) {
    const struct ls_node *node = graph->nodes[i];
    const bool backward = graph->backward_runs[i];
    const int later = backward_time(graph, i), content = content_of(graph, node->output);
    if (stores_output(node)) {
        touch(&spans->data[content], i);
        if (backward && ls_node_reads_output(node))
            touch(&spans->data[content], later);
    }
    if (backward && !node->norm_behind)
        touch(&spans->gradient[content], later);
}

/* What a convolution reads and writes for the norms around it. */
static void touch_woven(const struct ls_graph *graph, int i, struct spans *spans) {
    const struct ls_node *node = graph->nodes[i];
    const int later = backward_time(graph, i);
    for (int k = 0; node->norm_before && k < node->norm_before->input_count; k++) {
        const struct ls_value *value = node->norm_before->inputs[k];
        if (value->parameter)
            continue;
        touch(&spans->data[content_of(graph, value)], i);
        if (graph->backward_runs[i] && k == 0)
            touch(&spans->data[content_of(graph, value)], later);
        else if (graph->backward_runs[i] && value->wants_gradient)
            touch(&spans->gradient[content_of(graph, value)], later);
    }
    if (node->norm_behind && graph->backward_runs[i]) {
        touch(&spans->data[content_of(graph, node->output)], later);
        touch(&spans->gradient[content_of(graph, node->norm_behind->output)], later);
    }
}

static void touch_node(const struct ls_graph *graph, int i, struct spans *spans) {
    for (int k = 0; k < graph->nodes[i]->input_count; k++)
        if (graph->nodes[i]->inputs[k])
            touch_input(graph, i, k, spans);
    touch_output(graph, i, spans);
    touch_woven(graph, i, spans);
}

/* What callers write or read reaches beyond the nodes' own use. */
static void touch_outside(const struct ls_graph *graph, int content, struct spans *spans) {
    const struct ls_value *value = graph->values[content];
    const struct ls_value_plan *plan = &graph->plans[content];
    const bool used = spans->data[content].last >= 0;
    if (plan->input || (used && ls_keeps_all(graph)))
        touch(&spans->data[content], 0);
    if (plan->input || (used && (plan->kept || ls_keeps_all(graph))))
        touch(&spans->data[content], end_of(graph));
    if (!value->wants_gradient)
        return;
    if (graph->loss && ls_plan_of(graph, graph->loss) == plan)
        touch(&spans->gradient[content], graph->node_count);
    if ((used && ls_keeps_all(graph)) || (plan->asked && !plan->reached))
        touch(&spans->gradient[content], 0);
    if ((used && ls_keeps_all(graph)) || plan->asked)
        touch(&spans->gradient[content], end_of(graph));
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
    const struct ls_value *input = node->inputs[0];
    if (!node->op->in_place || !stores_output(node) || ls_keeps_all(graph) || input->parameter ||
        input->type != node->output->type)
        return false;
    const struct ls_value_plan *plan = ls_plan_of(graph, input);
    for (int k = 1; k < node->input_count; k++)
        if (node->inputs[k] && ls_plan_of(graph, node->inputs[k]) == plan)
            return false;
    return spans->data[plan->content].last == i &&
           value_bytes(graph, input) == value_bytes(graph, node->output);
}

/* Whether the gradient of a batch norm's residual may be that of its output, in place: both are the
 * same numbers once the norm has taken its sums, and nobody else writes the one while the other is
 * needed. */
static bool shares_gradient(const struct ls_graph *graph, int i, const struct spans *spans) {
    const struct ls_node *norm = graph->nodes[i];
    if (norm->op != graph->ops[LS_OP_batch_norm] || norm->input_count <= LS_NORM_INPUTS ||
        !graph->backward_runs[i] || ls_keeps_all(graph))
        return false;
    const struct ls_value *residual = norm->inputs[LS_NORM_INPUTS];
    const struct ls_value_plan *from = ls_plan_of(graph, norm->output);
    const struct ls_value_plan *to = ls_plan_of(graph, residual);
    if (!residual->wants_gradient || norm->accumulate[LS_NORM_INPUTS] || from->asked || to->asked ||
        from == to)
        return false;
    for (int k = 0; k < graph->node_count; k++) {
        const struct ls_node *other = graph->nodes[k];
        bool touches = k != i && ls_plan_of(graph, other->output) == to;
        for (int j = 0; k != i && j < other->input_count; j++)
            touches |= other->inputs[j] && ls_plan_of(graph, other->inputs[j]) == to;
        if (touches && backward_time(graph, k) <= spans->gradient[from->content].last)
            return false;
    }
    return true;
}

/* A chain of residual blocks shares one gradient. */
static void share_gradients(struct ls_graph *graph, struct spans *spans) {
    for (int i = graph->node_count - 1; i >= 0; i--) {
        if (!shares_gradient(graph, i, spans))
            continue;
        const int root = ls_plan_of(graph, graph->nodes[i]->output)->gradient_of;
        struct ls_value_plan *shared = ls_plan_of(graph, graph->nodes[i]->inputs[LS_NORM_INPUTS]);
        shared->gradient_of = root;
        touch(&spans->gradient[root], spans->gradient[shared->content].first);
        touch(&spans->gradient[root], spans->gradient[shared->content].last);
    }
}

static void add_outputs(struct ls_graph *graph, const struct spans *spans) {
    for (int i = 0; i < graph->node_count; i++) {
        const struct ls_node *node = graph->nodes[i];
        if (node->op->alias)
            continue;
        struct ls_value_plan *plan = &graph->plans[node->output->index];
        const struct span span = spans->data[node->output->index];
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
            plan->data_buffer = add_buffer(graph, value_bytes(graph, value), spans->data[c]);
        if (plan->gradient_of == c)
            plan->gradient_buffer =
                add_buffer(graph, value_bytes(graph, value), spans->gradient[c]);
    }
    for (int c = 0; c < graph->value_count; c++)
        graph->plans[c].gradient_buffer = graph->plans[graph->plans[c].gradient_of].gradient_buffer;
}

/* From when to when a node's saved block is needed: by itself, and by convolutions around a norm.
 */
static struct span saved_span(const struct ls_graph *graph, int i) {
    struct span span = {i, graph->backward_runs[i] ? backward_time(graph, i) : i};
    for (int k = 0; k < graph->node_count; k++)
        if (graph->nodes[k]->norm_before == graph->nodes[i] ||
            graph->nodes[k]->norm_behind == graph->nodes[i]) {
            touch(&span, k);
            if (graph->backward_runs[k])
                touch(&span, backward_time(graph, k));
        }
    return span;
}

static void add_saved_and_scratch(struct ls_graph *graph) {
    const struct span always = {0, end_of(graph)};
    size_t scratch = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const struct ls_node *node = graph->nodes[i];
        const struct span span = ls_keeps_all(graph) ? always : saved_span(graph, i);
        graph->saved_buffers[i] =
            add_buffer(graph, ls_round_up(node->saved_bytes, LS_ALIGNMENT), span);
        if (node->scratch_bytes > scratch)
            scratch = node->scratch_bytes;
    }
    graph->scratch_buffer = add_buffer(graph, ls_round_up(scratch, LS_ALIGNMENT), always);
}

void ls_plan_lifetimes(struct ls_graph *graph) {
    const size_t count = (size_t)graph->value_count;
    graph->buffers = ls_calloc(2 * count + (size_t)graph->node_count + 1, sizeof *graph->buffers);
    graph->saved_buffers = ls_calloc((size_t)graph->node_count, sizeof *graph->saved_buffers);
    struct span *memory = ls_calloc(2 * count, sizeof *memory);
    struct spans spans = {memory, memory + count};
    for (size_t i = 0; i < 2 * count; i++)
        memory[i] = (struct span){INT_MAX, -1};
    for (int i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i]->op->alias)
            touch_node(graph, i, &spans);
    for (int c = 0; c < graph->value_count; c++)
        if (graph->plans[c].content == c)
            touch_outside(graph, c, &spans);
    share_gradients(graph, &spans);
    add_outputs(graph, &spans);
    add_inputs_and_gradients(graph, &spans);
    add_saved_and_scratch(graph);
    free(memory);
}
