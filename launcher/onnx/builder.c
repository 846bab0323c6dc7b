/* Nodes, their attributes, and the names of values. */
#include "launcher/onnx/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/onnx/internal.h"

void *ls_onnx_message(const ProtobufCMessageDescriptor *kind) {
    void *message = ls_calloc(1, kind->sizeof_message);
    protobuf_c_message_init(kind, message);
    return message;
}

struct ls_onnx *ls_onnx_create(const float *parameters) {
    struct ls_onnx *onnx = ls_calloc(1, sizeof *onnx);
    *onnx = (struct ls_onnx){
        .parameters = parameters, .layer = "", .graph = LS_ONNX_NEW(Onnx__GraphProto, graph_proto)};
    return onnx;
}

void ls_onnx_destroy(struct ls_onnx *onnx) {
    if (onnx->graph)
        onnx__graph_proto__free_unpacked(onnx->graph, NULL);
    free(onnx->values);
    free(onnx);
}

void ls_onnx_set_layer(struct ls_onnx *onnx, const char *layer) {
    onnx->layer = layer;
}

/* "encoder.linear1/MatMul_7": the number makes it the only one of that name. */
static char *name_of_node(const struct ls_onnx *onnx, const char *type) {
    char *name;
    LS_ASSERT(asprintf(&name, "%s%s%s_%zu", onnx->layer, onnx->layer[0] ? "/" : "", type,
                       onnx->graph->n_node) >= 0,
              "out of memory");
    return name;
}

const char *ls_onnx_node(struct ls_onnx *onnx, const char *type, const char *const *inputs,
                         int count) {
    Onnx__NodeProto *node = LS_ONNX_NEW(Onnx__NodeProto, node_proto);
    node->op_type = ls_strdup(type);
    node->name = name_of_node(onnx, type);
    while (count > 0 && !inputs[count - 1])
        count--;
    for (int i = 0; i < count; i++)
        LS_ONNX_APPEND(node->input, node->n_input, ls_strdup(inputs[i] ? inputs[i] : ""));
    LS_ONNX_APPEND(node->output, node->n_output, ls_strdup(node->name));
    LS_ONNX_APPEND(onnx->graph->node, onnx->graph->n_node, node);
    return node->output[0];
}

Onnx__AttributeProto *ls_onnx_attribute(struct ls_onnx *onnx, const char *name,
                                        Onnx__AttributeProto__AttributeType type) {
    Onnx__NodeProto *node = onnx->graph->node[onnx->graph->n_node - 1];
    Onnx__AttributeProto *attribute = LS_ONNX_NEW(Onnx__AttributeProto, attribute_proto);
    attribute->name = ls_strdup(name);
    attribute->has_type = true;
    attribute->type = type;
    LS_ONNX_APPEND(node->attribute, node->n_attribute, attribute);
    return attribute;
}

void ls_onnx_set_integer(struct ls_onnx *onnx, const char *name, int64_t value) {
    Onnx__AttributeProto *attribute =
        ls_onnx_attribute(onnx, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attribute->has_i = true;
    attribute->i = value;
}

void ls_onnx_set_integers(struct ls_onnx *onnx, const char *name, struct ls_shape values) {
    Onnx__AttributeProto *attribute =
        ls_onnx_attribute(onnx, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    for (int i = 0; i < values.rank; i++)
        LS_ONNX_APPEND(attribute->ints, attribute->n_ints, values.dims[i]);
}

void ls_onnx_set_real(struct ls_onnx *onnx, const char *name, double value) {
    Onnx__AttributeProto *attribute =
        ls_onnx_attribute(onnx, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    attribute->has_f = true;
    attribute->f = (float)value;
}

static ProtobufCBinaryData text_bytes(const char *text) {
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)ls_strdup(text)};
}

void ls_onnx_set_text(struct ls_onnx *onnx, const char *name, const char *value) {
    Onnx__AttributeProto *attribute =
        ls_onnx_attribute(onnx, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    attribute->has_s = true;
    attribute->s = text_bytes(value);
}

void ls_onnx_set_texts(struct ls_onnx *onnx, const char *name, const char *const *values,
                       int count) {
    Onnx__AttributeProto *attribute =
        ls_onnx_attribute(onnx, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS);
    for (int i = 0; i < count; i++)
        LS_ONNX_APPEND(attribute->strings, attribute->n_strings, text_bytes(values[i]));
}

struct ls_onnx_names *ls_onnx_names_of(struct ls_onnx *onnx, const struct ls_value *value) {
    if (value->index >= onnx->value_room) {
        const int room = 2 * value->index + 16;
        onnx->values = ls_realloc(onnx->values, (size_t)room, sizeof *onnx->values);
        memset(onnx->values + onnx->value_room, 0,
               (size_t)(room - onnx->value_room) * sizeof *onnx->values);
        onnx->value_room = room;
    }
    return &onnx->values[value->index];
}

void ls_onnx_bind(struct ls_onnx *onnx, const struct ls_value *value,
                  struct ls_onnx_tensor tensor) {
    struct ls_onnx_names *names = ls_onnx_names_of(onnx, value);
    *(tensor.channels_first ? &names->first : &names->last) = tensor.name;
}

/* The channels behind the sample, or back at the end. */
static struct ls_shape channels_order(int rank, bool first) {
    struct ls_shape order = {.rank = rank};
    for (int i = 1; i < rank; i++)
        order.dims[i] = first ? i - 1 : i + 1;
    order.dims[first ? 1 : rank - 1] = first ? rank - 1 : 1;
    return order;
}

const char *ls_onnx_last(struct ls_onnx *onnx, const struct ls_value *value) {
    struct ls_onnx_names *names = ls_onnx_names_of(onnx, value);
    if (!names->last && names->first)
        names->last =
            ls_onnx_transpose(onnx, names->first, channels_order(value->shape.rank, false));
    else if (!names->last) {
        LS_ASSERT(value->parameter, "value %d (%s) was not translated", value->index,
                  value->producer ? value->producer->name : value->name);
        names->last = ls_onnx_parameter(onnx, value->parameter);
    }
    return names->last;
}

const char *ls_onnx_first(struct ls_onnx *onnx, const struct ls_value *value) {
    struct ls_onnx_names *names = ls_onnx_names_of(onnx, value);
    if (value->shape.rank < 3)
        return ls_onnx_last(onnx, value);
    if (!names->first)
        names->first = ls_onnx_transpose(onnx, ls_onnx_last(onnx, value),
                                         channels_order(value->shape.rank, true));
    return names->first;
}

struct ls_onnx_tensor ls_onnx_either(struct ls_onnx *onnx, const struct ls_value *value) {
    const struct ls_onnx_names names = *ls_onnx_names_of(onnx, value);
    return names.first && !names.last ? ls_onnx_channels_first(names.first)
                                      : ls_onnx_channels_last(ls_onnx_last(onnx, value));
}

const char *ls_onnx_reshape(struct ls_onnx *onnx, const char *x, struct ls_shape to) {
    return LS_ONNX_NODE(onnx, "Reshape", x, ls_onnx_integers(onnx, to));
}

const char *ls_onnx_transpose(struct ls_onnx *onnx, const char *x, struct ls_shape order) {
    const char *y = LS_ONNX_NODE(onnx, "Transpose", x);
    ls_onnx_set_integers(onnx, "perm", order);
    return y;
}

const char *ls_onnx_unsqueeze(struct ls_onnx *onnx, const char *x, int64_t axis) {
    return LS_ONNX_NODE(onnx, "Unsqueeze", x, ls_onnx_integers(onnx, LS_SHAPE(axis)));
}

const char *ls_onnx_slice(struct ls_onnx *onnx, const char *x, struct ls_onnx_slice slice) {
    const char *first = ls_onnx_integers(onnx, LS_SHAPE(slice.first)),
               *end = ls_onnx_integers(onnx, LS_SHAPE(slice.end)),
               *axis = ls_onnx_integers(onnx, LS_SHAPE(slice.axis)),
               *step = slice.step > 1 ? ls_onnx_integers(onnx, LS_SHAPE(slice.step)) : NULL;
    return LS_ONNX_NODE(onnx, "Slice", x, first, end, axis, step);
}

const char *ls_onnx_concat(struct ls_onnx *onnx, const char *const *parts, int count,
                           int64_t axis) {
    const char *y = ls_onnx_node(onnx, "Concat", parts, count);
    ls_onnx_set_integer(onnx, "axis", axis);
    return y;
}

/* Of the three, only a sum takes its axis as an input in this version of the operators. */
const char *ls_onnx_reduce(struct ls_onnx *onnx, const char *type, const char *x,
                           struct ls_onnx_over over) {
    const bool sum = !strcmp(type, "ReduceSum");
    const char *axis = sum ? ls_onnx_integers(onnx, LS_SHAPE(over.axis)) : NULL;
    const char *y = LS_ONNX_NODE(onnx, type, x, axis);
    if (!sum)
        ls_onnx_set_integers(onnx, "axes", LS_SHAPE(over.axis));
    ls_onnx_set_integer(onnx, "keepdims", over.keep);
    return y;
}

const char *ls_onnx_cast(struct ls_onnx *onnx, const char *x, enum ls_onnx_type type) {
    const char *y = LS_ONNX_NODE(onnx, "Cast", x);
    ls_onnx_set_integer(onnx, "to", ls_onnx_data_type(type));
    return y;
}
