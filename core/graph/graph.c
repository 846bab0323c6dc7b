/* Recording: values, nodes, scopes, and the first error. */
#include "core/graph/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

struct ls_graph *ls_graph_create(const struct ls_graph_options *options) {
    LS_ASSERT(options->rows_max > 0, "rows_max is %lld", (long long)options->rows_max);
    struct ls_graph *graph = ls_calloc(1, sizeof *graph);
    graph->options = *options;
    graph->ops = ls_variant_ops(options->variant);
    graph->element_size = options->variant == LS_F64 ? sizeof(double) : sizeof(float);
    graph->scope_room = 64;
    graph->scope = ls_calloc(graph->scope_room, 1);
    return graph;
}

void ls_node_destroy(struct ls_node *node) {
    free((void *)node->name);
    free((void *)node->options);
    free(node->inputs);
    free(node->accumulate);
    free(node);
}

void ls_graph_destroy(struct ls_graph *graph) {
    if (!graph)
        return;
    for (int i = 0; i < graph->value_count; i++) {
        free(graph->plans[i].name);
        free(graph->values[i]);
    }
    for (int i = 0; i < graph->node_count; i++)
        ls_node_destroy(graph->nodes[i]);
    for (int i = 0; i < graph->fused_count; i++)
        ls_node_destroy(graph->fused[i]);
    ls_memory_unmap(graph->arena, graph->arena_bytes);
    ls_memory_unmap(graph->state, graph->state_bytes);
    void *const owned[] = {graph->scope,      graph->scope_starts, graph->values,
                           graph->plans,      graph->nodes,        graph->fused,
                           graph->parameters, graph->buffers,      graph->saved_buffers,
                           graph->set_values, graph->finished_by,  graph->ready_count,
                           graph->backward_runs};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(graph);
}

void ls_graph_push(struct ls_graph *graph, const char *name) {
    if (graph->depth == graph->depth_room) {
        graph->depth_room = graph->depth_room ? 2 * graph->depth_room : 8;
        graph->scope_starts =
            ls_realloc(graph->scope_starts, (size_t)graph->depth_room, sizeof *graph->scope_starts);
    }
    graph->scope_starts[graph->depth++] = graph->scope_length;
    const size_t needed = graph->scope_length + strlen(name) + 2;
    if (needed > graph->scope_room) {
        graph->scope_room = 2 * needed;
        graph->scope = ls_realloc(graph->scope, graph->scope_room, 1);
    }
    graph->scope_length +=
        (size_t)snprintf(graph->scope + graph->scope_length, graph->scope_room - graph->scope_length,
                         "%s%s", graph->scope_length ? "." : "", name);
}

void ls_graph_pop(struct ls_graph *graph) {
    LS_ASSERT(graph->depth > 0, "no scope to leave in '%s'", graph->scope);
    graph->scope_length = graph->scope_starts[--graph->depth];
    graph->scope[graph->scope_length] = '\0';
}

bool ls_graph_failed(const struct ls_graph *graph) {
    return graph->failed;
}

/* Keeps graph->error, with the layer's name in front, as the graph's first error. */
static struct ls_value *keep_error(struct ls_graph *graph) {
    graph->failed = true;
    if (graph->scope_length)
        ls_fail_context(&graph->error, "layer %s: ", graph->scope);
    return NULL;
}

struct ls_value *ls_graph_fail(struct ls_graph *graph, const char *format, ...) {
    if (graph->failed)
        return NULL;
    char text[LS_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ls_fail(&graph->error, LS_INVALID, "%s", text);
    return keep_error(graph);
}

static struct ls_value *add_value(struct ls_graph *graph) {
    LS_ASSERT(!graph->planned, "recording after planning, in '%s'", graph->scope);
    if (graph->value_count == graph->value_room) {
        graph->value_room = graph->value_room ? 2 * graph->value_room : 64;
        const size_t room = (size_t)graph->value_room;
        graph->values = ls_realloc(graph->values, room, sizeof *graph->values);
        graph->plans = ls_realloc(graph->plans, room, sizeof *graph->plans);
    }
    struct ls_value *value = ls_calloc(1, sizeof *value);
    value->index = graph->value_count;
    graph->plans[graph->value_count] =
        (struct ls_value_plan){.content = value->index, .data_buffer = -1, .gradient_buffer = -1};
    graph->values[graph->value_count++] = value;
    return value;
}

/* [rows_max, row_shape...]; false if that has too many dimensions or is empty or absurdly large. */
static bool batched_shape(int64_t rows, struct ls_shape row, struct ls_shape *shape) {
    int64_t count = rows;
    if (row.rank >= LS_RANK_MAX)
        return false;
    shape->rank = row.rank + 1;
    shape->dims[0] = rows;
    for (int i = 0; i < row.rank; i++) {
        shape->dims[i + 1] = row.dims[i];
        if (row.dims[i] < 1 || __builtin_mul_overflow(count, row.dims[i], &count))
            return false;
    }
    return count < INT64_MAX / 64;
}

struct ls_value *ls_graph_input(struct ls_graph *graph, const char *name, struct ls_shape row_shape,
                                enum ls_type type) {
    if (graph->failed)
        return NULL;
    struct ls_shape shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (!batched_shape(graph->options.rows_max, row_shape, &shape))
        return ls_graph_fail(graph, "input %s: expects up to %d dimensions from 1 on, found %s", name,
                             LS_RANK_MAX - 1, ls_shape_print(row_shape, text));
    struct ls_value *value = add_value(graph);
    value->shape = shape;
    value->batched = true;
    value->type = type;
    graph->plans[value->index].input = true;
    graph->plans[value->index].name = ls_strdup(name);
    return value;
}

struct ls_value *ls_graph_parameter(struct ls_graph *graph, const char *name, struct ls_shape shape,
                                    enum ls_layout layout, enum ls_parameter_kind kind, bool decay,
                                    double momentum, struct ls_initialiser init) {
    if (graph->failed)
        return NULL;
    struct ls_parameter description = {.shape = shape,
                                       .layout = layout,
                                       .kind = kind,
                                       .decay = decay,
                                       .momentum = momentum,
                                       .init = init};
    const int length = snprintf(description.name, sizeof description.name, "%s%s%s", graph->scope,
                                graph->scope_length ? "." : "", name);
    if (length >= LS_NAME_MAX)
        return ls_graph_fail(graph, "the parameter's name '%s.%s' is longer than %d characters",
                             graph->scope, name, LS_NAME_MAX - 1);
    struct ls_parameter *parameter;
    if (ls_parameters_add(graph->options.parameters, &description, &parameter, &graph->error) != LS_OK)
        return keep_error(graph);
    for (int i = 0; i < graph->parameter_count; i++)
        if (graph->parameters[i]->parameter == parameter)
            return graph->parameters[i];
    struct ls_value *value = add_value(graph);
    value->shape = shape;
    value->type = LS_TYPE_REAL;
    value->parameter = parameter;
    value->wants_gradient = kind == LS_PARAMETER_WEIGHT && !graph->options.inference;
    graph->parameters = ls_realloc(graph->parameters, (size_t)graph->parameter_count + 1,
                                   sizeof *graph->parameters);
    graph->parameters[graph->parameter_count++] = value;
    return value;
}

static struct ls_node *make_node(struct ls_graph *graph, const struct ls_op *op,
                                 struct ls_value *const *inputs, int input_count, const void *options,
                                 size_t options_size) {
    struct ls_node *node = ls_calloc(1, sizeof *node);
    node->op = op;
    node->name = ls_strdup(graph->scope_length ? graph->scope : op->name);
    node->ordinal = (uint32_t)graph->recorded;
    if (options_size) {
        void *copy = ls_calloc(1, options_size);
        if (options) /* else every option has its default */
            memcpy(copy, options, options_size);
        node->options = copy;
    }
    node->input_count = input_count;
    node->inputs = ls_calloc((size_t)input_count, sizeof *node->inputs);
    memcpy(node->inputs, inputs, (size_t)input_count * sizeof *inputs);
    node->accumulate = ls_calloc((size_t)input_count, sizeof *node->accumulate);
    node->openblas = graph->options.openblas;
    return node;
}

static bool passes_gradient(const struct ls_node *node) {
    if (!node->op->backward && !node->op->alias)
        return false;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && node->inputs[i]->wants_gradient)
            return true;
    return false;
}

struct ls_value *ls_graph_node(struct ls_graph *graph, enum ls_op_id id, struct ls_value *const *inputs,
                               int input_count, const void *options, size_t options_size) {
    if (graph->failed)
        return NULL;
    const struct ls_op *op = graph->ops[id];
    LS_ASSERT(input_count > 0 && inputs[0], "%s without its first input, in '%s'", op->name, graph->scope);
    if (op->alias && inputs[0]->parameter)
        return ls_graph_fail(graph, "%s: expects a value of the batch, found the parameter %s", op->name,
                             inputs[0]->parameter->name);
    struct ls_node *node = make_node(graph, op, inputs, input_count, options, options_size);
    struct ls_value *output = add_value(graph);
    node->output = output;
    output->producer = node;
    if (graph->node_count == graph->node_room) {
        graph->node_room = graph->node_room ? 2 * graph->node_room : 64;
        graph->nodes = ls_realloc(graph->nodes, (size_t)graph->node_room, sizeof *graph->nodes);
    }
    graph->nodes[graph->node_count++] = node;
    graph->recorded++;
    if (op->infer(node, &graph->error) != LS_OK)
        return keep_error(graph);
    output->wants_gradient = output->type == LS_TYPE_REAL && passes_gradient(node);
    if (op->alias)
        graph->plans[output->index].content = graph->plans[inputs[0]->index].content;
    return output;
}

void ls_graph_set_loss(struct ls_graph *graph, struct ls_value *loss) {
    if (graph->failed)
        return;
    char text[LS_SHAPE_TEXT_MAX];
    if (!loss->batched || loss->shape.rank != 2 || loss->shape.dims[1] != 2 || loss->type != LS_TYPE_REAL) {
        ls_graph_fail(graph, "the loss must be %lldx2 (loss and weight per sample), found %s",
                      (long long)graph->options.rows_max, ls_shape_print(loss->shape, text));
        return;
    }
    graph->loss = loss;
    ls_graph_keep(graph, loss);
}

void ls_graph_keep(struct ls_graph *graph, struct ls_value *value) {
    if (!graph->failed)
        ls_plan_of(graph, value)->kept = true;
}

void ls_graph_want_gradient(struct ls_graph *graph, struct ls_value *value) {
    if (graph->failed)
        return;
    LS_ASSERT(value->type == LS_TYPE_REAL && !graph->options.inference, "value %d cannot have a gradient",
              value->index);
    value->wants_gradient = true;
    ls_plan_of(graph, value)->asked = true;
}

struct ls_graph_summary ls_graph_summarise(const struct ls_graph *graph) {
    struct ls_graph_summary summary = {.nodes = graph->node_count,
                                       .arena_bytes = (int64_t)graph->arena_bytes,
                                       .state_bytes = (int64_t)graph->state_bytes};
    for (int i = 0; i < graph->node_count; i++)
        summary.flops_forward += graph->nodes[i]->flops;
    return summary;
}

int ls_graph_node_count(const struct ls_graph *graph) {
    return graph->node_count;
}

const struct ls_node *ls_graph_node_at(const struct ls_graph *graph, int index) {
    return graph->nodes[index];
}

const struct ls_parameter_set *ls_graph_parameters(const struct ls_graph *graph) {
    return graph->options.parameters;
}

int64_t ls_graph_rows_max(const struct ls_graph *graph) {
    return graph->options.rows_max;
}
