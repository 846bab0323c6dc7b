/* What a graph begins with: inputs, parameters, constants. */
#include <stdlib.h>
#include <string.h>

#include "launcher/onnx/internal.h"

Onnx__TensorProto__DataType ls_onnx_data_type(enum ls_onnx_type type) {
    static const Onnx__TensorProto__DataType types[] = {
        [LS_ONNX_REAL] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
        [LS_ONNX_DOUBLE] = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE,
        [LS_ONNX_INT32] = ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
        [LS_ONNX_INT64] = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
    };
    return types[type];
}

static size_t bytes_of(enum ls_onnx_type type) {
    static const size_t bytes[] = {[LS_ONNX_REAL] = sizeof(float),
                                   [LS_ONNX_DOUBLE] = sizeof(double),
                                   [LS_ONNX_INT32] = sizeof(int32_t),
                                   [LS_ONNX_INT64] = sizeof(int64_t)};
    return bytes[type];
}

Onnx__TensorProto *ls_onnx_tensor_of(enum ls_onnx_type type, struct ls_shape shape,
                                     void **elements) {
    Onnx__TensorProto *tensor = LS_ONNX_NEW(Onnx__TensorProto, tensor_proto);
    const size_t count = (size_t)ls_shape_count(shape), bytes = bytes_of(type);
    for (int i = 0; i < shape.rank; i++)
        LS_ONNX_APPEND(tensor->dims, tensor->n_dims, shape.dims[i]);
    tensor->has_data_type = tensor->has_raw_data = true;
    tensor->data_type = (int32_t)ls_onnx_data_type(type);
    *elements = ls_calloc(count, bytes);
    tensor->raw_data = (ProtobufCBinaryData){count * bytes, *elements};
    return tensor;
}

/* The dimension of samples has a name instead of a size. */
Onnx__ValueInfoProto *ls_onnx_describe(const char *name, enum ls_onnx_type type,
                                       struct ls_shape row_shape) {
    Onnx__ValueInfoProto *info = LS_ONNX_NEW(Onnx__ValueInfoProto, value_info_proto);
    info->name = ls_strdup(name);
    info->type = LS_ONNX_NEW(Onnx__TypeProto, type_proto);
    info->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    Onnx__TypeProto__Tensor *tensor = LS_ONNX_NEW(Onnx__TypeProto__Tensor, type_proto__tensor);
    info->type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = (int32_t)ls_onnx_data_type(type);
    tensor->shape = LS_ONNX_NEW(Onnx__TensorShapeProto, tensor_shape_proto);
    for (int i = -1; i < row_shape.rank; i++) {
        Onnx__TensorShapeProto__Dimension *dimension =
            LS_ONNX_NEW(Onnx__TensorShapeProto__Dimension, tensor_shape_proto__dimension);
        dimension->value_case = i < 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                      : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (i < 0)
            dimension->dim_param = ls_strdup("batch");
        else
            dimension->dim_value = row_shape.dims[i];
        LS_ONNX_APPEND(tensor->shape->dim, tensor->shape->n_dim, dimension);
    }
    return info;
}

const char *ls_onnx_input(struct ls_onnx *onnx, const char *name, enum ls_onnx_type type,
                          struct ls_shape row_shape) {
    Onnx__ValueInfoProto *info = ls_onnx_describe(name, type, row_shape);
    LS_ONNX_APPEND(onnx->graph->input, onnx->graph->n_input, info);
    return info->name;
}

void ls_onnx_explain_input(struct ls_onnx *onnx, const char *text) {
    onnx->graph->input[onnx->graph->n_input - 1]->doc_string = ls_strdup(text);
}

const char *ls_onnx_parameter(struct ls_onnx *onnx, const struct ls_parameter *parameter) {
    void *elements;
    for (size_t i = 0; i < onnx->graph->n_initializer; i++)
        if (!strcmp(onnx->graph->initializer[i]->name, parameter->name))
            return onnx->graph->initializer[i]->name;
    Onnx__TensorProto *tensor = ls_onnx_tensor_of(LS_ONNX_REAL, parameter->shape, &elements);
    tensor->name = ls_strdup(parameter->name);
    ls_parameter_fetch(parameter, onnx->parameters + parameter->offset, elements);
    LS_ONNX_APPEND(onnx->graph->initializer, onnx->graph->n_initializer, tensor);
    return tensor->name;
}

/* Nodes and not initialisers, which are the parameters. */
static const char *constant(struct ls_onnx *onnx, Onnx__TensorProto *tensor) {
    const char *name = ls_onnx_node(onnx, "Constant", NULL, 0);
    ls_onnx_attribute(onnx, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t = tensor;
    return name;
}

const char *ls_onnx_constant(struct ls_onnx *onnx, enum ls_onnx_type type, struct ls_shape shape,
                             const void *values) {
    void *elements;
    Onnx__TensorProto *tensor = ls_onnx_tensor_of(type, shape, &elements);
    memcpy(elements, values, tensor->raw_data.len);
    return constant(onnx, tensor);
}

const char *ls_onnx_real(struct ls_onnx *onnx, double value) {
    const float real = (float)value;
    return ls_onnx_constant(onnx, LS_ONNX_REAL, (struct ls_shape){0}, &real);
}

const char *ls_onnx_integer32(struct ls_onnx *onnx, int32_t value) {
    return ls_onnx_constant(onnx, LS_ONNX_INT32, (struct ls_shape){0}, &value);
}

const char *ls_onnx_integers(struct ls_onnx *onnx, struct ls_shape values) {
    return ls_onnx_constant(onnx, LS_ONNX_INT64, LS_SHAPE(values.rank), values.dims);
}

const char *ls_onnx_counting(struct ls_onnx *onnx, int64_t count) {
    void *elements;
    Onnx__TensorProto *tensor = ls_onnx_tensor_of(LS_ONNX_INT32, LS_SHAPE(count), &elements);
    for (int32_t i = 0; i < count; i++)
        ((int32_t *)elements)[i] = i;
    return constant(onnx, tensor);
}
