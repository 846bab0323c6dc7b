/* Recording: inputs, parameters and nodes, and what the caller wants of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/internal.h"

static struct ls_value *add_value(struct ls_graph *graph) {
    LS_ASSERT(!graph->recorded, "recording after planning, in '%s'", graph->scope);
    if (graph->value_count == graph->value_room) {
        graph->value_room = graph->value_room ? 2 * graph->value_room : 64;
        const size_t room = (size_t)graph->value_room;
        graph->values = ls_realloc(graph->values, room, sizeof *graph->values);
        graph->plans = ls_realloc(graph->plans, room, sizeof *graph->plans);
    }
    struct ls_value *value = ls_calloc(1, sizeof *value);
    value->index = graph->value_count;
    graph->plans[graph->value_count] = (struct ls_value_plan){.content = value->index,
                                                              .data_buffer = -1,
                                                              .gradient_buffer = -1,
                                                              .gradient_of = value->index};
    graph->values[graph->value_count++] = value;
    return value;
}

struct ls_value *ls_graph_input(struct ls_graph *graph, const char *name, struct ls_shape row_shape,
                                enum ls_type type) {
    if (graph->failed)
        return NULL;
    struct ls_shape shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (!ls_shape_batched(graph->options.rows_max, row_shape, &shape))
        return ls_graph_fail(graph, "input %s: expects up to %d dimensions from 1 on, found %s",
                             name, LS_RANK_MAX - 1, ls_shape_print(row_shape, text));
    struct ls_value *value = add_value(graph);
    value->shape = shape;
    value->batched = true;
    value->type = type;
    value->name = ls_strdup(name);
    graph->plans[value->index].input = true;
    return value;
}

struct ls_value *ls_graph_find_input(const struct ls_graph *graph, const char *name) {
    for (int i = 0; i < graph->value_count; i++) {
        struct ls_value *value = graph->values[i];
        if (!value->producer && value->name && !strcmp(value->name, name))
            return value;
    }
    return NULL;
}

struct ls_value *ls_graph_find(const struct ls_graph *graph, const char *path) {
    const size_t length = strlen(path);
    for (int i = graph->value_count - 1; i >= 0; i--) {
        struct ls_value *value = graph->values[i];
        if (value->producer && !strncmp(value->name, path, length) &&
            (value->name[length] == '\0' || value->name[length] == '.'))
            return value;
    }
    return NULL;
}

void ls_graph_set_group(struct ls_graph *graph, int group) {
    LS_ASSERT(group >= 0 && group <= LS_GROUP_FIXED, "group %d", group);
    graph->group = group;
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
                                       .init = init,
                                       .group = graph->group};
    const int length = snprintf(description.name, sizeof description.name, "%s%s%s", graph->scope,
                                graph->scope_length ? "." : "", name);
    if (length >= LS_NAME_MAX)
        return ls_graph_fail(graph, "the parameter's name '%s.%s' is longer than %d characters",
                             graph->scope, name, LS_NAME_MAX - 1);
    if (graph->options.frozen && ls_patterns_find(graph->options.frozen, description.name) >= 0)
        description.group = LS_GROUP_FIXED;
    struct ls_parameter *parameter;
    if (ls_parameters_add(graph->options.parameters, &description, &parameter, &graph->error) !=
        LS_OK)
        return ls_keep_error(graph);
    for (int i = 0; i < graph->parameter_count; i++)
        if (graph->parameters[i]->parameter == parameter)
            return graph->parameters[i];
    struct ls_value *value = add_value(graph);
    value->shape = shape;
    value->type = LS_TYPE_REAL;
    value->parameter = parameter;
    value->layout = layout;
    value->fixed = parameter->group == LS_GROUP_FIXED;
    value->wants_gradient = kind == LS_PARAMETER_WEIGHT && ls_trains(graph, parameter);
    graph->parameters = ls_realloc(graph->parameters, (size_t)graph->parameter_count + 1,
                                   sizeof *graph->parameters);
    graph->parameters[graph->parameter_count++] = value;
    return value;
}

static struct ls_node *make_node(struct ls_graph *graph, const struct ls_op *op,
                                 struct ls_value *const *inputs, int input_count,
                                 const void *options, size_t options_size) {
    struct ls_node *node = ls_calloc(1, sizeof *node);
    node->op = op;
    node->name = ls_strdup(graph->scope_length ? graph->scope : op->name);
    node->ordinal = graph->next_stream++;
    if (options_size) {
        void *copy = ls_calloc(1, options_size);
        if (options) /* else every option has its default */
            memcpy(copy, options, options_size);
        node->options = copy;
    }
    node->rows_max = graph->options.rows_max;
    node->input_count = input_count;
    node->inputs = ls_calloc((size_t)input_count, sizeof *node->inputs);
    for (int i = 0; i < input_count; i++)
        node->inputs[i] = inputs[i];
    node->accumulate = ls_calloc((size_t)input_count, sizeof *node->accumulate);
    node->kernels = &graph->kernels;
    node->step_positions = graph->options.step_positions;
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

struct ls_value *ls_graph_node(struct ls_graph *graph, enum ls_op_id id,
                               struct ls_value *const *inputs, int input_count, const void *options,
                               size_t options_size) {
    if (graph->failed)
        return NULL;
    const struct ls_op *op = graph->ops[id];
    LS_ASSERT(op->source ? input_count == 0 : input_count > 0 && inputs[0],
              "%s with %d inputs, or without its first, in '%s'", op->name, input_count,
              graph->scope);
    if (op->alias && inputs[0]->parameter)
        return ls_graph_fail(graph, "%s: expects a value of the batch, found the parameter %s",
                             op->name, inputs[0]->parameter->name);
    struct ls_node *node = make_node(graph, op, inputs, input_count, options, options_size);
    struct ls_value *output = add_value(graph);
    node->output = output;
    output->producer = node;
    output->name = node->name;
    if (graph->node_count == graph->node_room) {
        graph->node_room = graph->node_room ? 2 * graph->node_room : 64;
        graph->nodes = ls_realloc(graph->nodes, (size_t)graph->node_room, sizeof *graph->nodes);
    }
    graph->nodes[graph->node_count++] = node;
    if (op->infer(node, &graph->error) != LS_OK)
        return ls_keep_error(graph);
    output->wants_gradient = output->type == LS_TYPE_REAL && passes_gradient(node);
    if (op->alias)
        graph->plans[output->index].content = graph->plans[inputs[0]->index].content;
    return output;
}

void ls_graph_set_loss(struct ls_graph *graph, struct ls_value *loss) {
    if (graph->failed)
        return;
    char text[LS_SHAPE_TEXT_MAX];
    if (!loss->batched || loss->shape.rank != 2 || loss->shape.dims[1] != 2 ||
        loss->type != LS_TYPE_REAL) {
        ls_graph_fail(graph, "the loss must be %lldx2 (loss and weight per sample), found %s",
                      (long long)graph->options.rows_max, ls_shape_print(loss->shape, text));
        return;
    }
    graph->loss = loss;
    ls_graph_keep(graph, loss);
}

void ls_graph_keep(struct ls_graph *graph, struct ls_value *value) {
    if (graph->failed)
        return;
    LS_ASSERT(!graph->recorded, "value %d kept after planning", value->index);
    ls_plan_of(graph, value)->kept = true;
}

void ls_graph_want_gradient(struct ls_graph *graph, struct ls_value *value) {
    if (graph->failed)
        return;
    LS_ASSERT(value->type == LS_TYPE_REAL && !graph->options.inference && !graph->recorded,
              "value %d cannot have a gradient", value->index);
    graph->values[ls_plan_of(graph, value)->content]->wants_gradient = true;
    value->wants_gradient = true;
    ls_plan_of(graph, value)->asked = true;
}
