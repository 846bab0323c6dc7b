/* What the files that know protobuf share. All that hangs on the graph is memory of its own, so
 * that protobuf's free is the only one. */
#ifndef LS_LAUNCHER_ONNX_INTERNAL_H
#define LS_LAUNCHER_ONNX_INTERNAL_H

#include <onnx.pb-c.h>

#include "core/base/memory.h"
#include "launcher/onnx/builder.h"

/* Names of a value; NULL: it does not have that order of dimensions yet. */
struct ls_onnx_names {
    const char *last, *first; /* borrowed from the graph */
};

struct ls_onnx {
    const float *parameters;      /* borrowed */
    const char *layer;            /* borrowed */
    Onnx__GraphProto *graph;      /* owned until it becomes part of a model */
    struct ls_onnx_names *values; /* owned; by the index of values */
    int value_room;
};

/* Lists of protobuf grow when their count is a power of two. */
#define LS_ONNX_APPEND(items, count, item)                                                         \
    do {                                                                                           \
        if (((count) & ((count)-1)) == 0)                                                          \
            (items) = ls_realloc((items), (count) ? 2 * (count) : 1, sizeof *(items));             \
        (items)[(count)++] = (item);                                                               \
    } while (0)

/* A message of its own: LS_ONNX_NEW(Onnx__NodeProto, node_proto). */
#define LS_ONNX_NEW(type, name) ((type *)ls_onnx_message(&onnx__##name##__descriptor))
void *ls_onnx_message(const ProtobufCMessageDescriptor *kind);

/* A tensor with room for its elements, whose memory is *elements. */
Onnx__TensorProto *ls_onnx_tensor_of(enum ls_onnx_type type, struct ls_shape shape,
                                     void **elements);
Onnx__TensorProto__DataType ls_onnx_data_type(enum ls_onnx_type type);
/* Until the next value is asked for. */
struct ls_onnx_names *ls_onnx_names_of(struct ls_onnx *onnx, const struct ls_value *value);
/* An input or output [batch, row_shape...]. */
Onnx__ValueInfoProto *ls_onnx_describe(const char *name, enum ls_onnx_type type,
                                       struct ls_shape row_shape);
Onnx__AttributeProto *ls_onnx_attribute(struct ls_onnx *onnx, const char *name,
                                        Onnx__AttributeProto__AttributeType type);

#endif
