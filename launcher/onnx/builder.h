/* An ONNX graph while it is made: nodes, constants, parameters, and the names of values. What of it
 * is protobuf stays in builder.c and model.c.
 *
 * Sizes that hold for every number of samples are what the whole translation is about: a shape in
 * the graph never says how many there are. */
#ifndef LS_LAUNCHER_ONNX_BUILDER_H
#define LS_LAUNCHER_ONNX_BUILDER_H

#include "core/graph/graph.h"

/* A value in ONNX: its dimensions are those it has here, [N, ..., C], or, with channels_first,
 * [N, C, ...], as ONNX wants images. */
struct ls_onnx_tensor {
    const char *name; /* borrowed from the builder */
    bool channels_first;
};

struct ls_onnx; /* one while it is made; translations only hand it on */

/* What becomes of one node: its output, as it comes. The nodes that it makes have the name of the
 * layer. */
typedef struct ls_onnx_tensor ls_onnx_translation(struct ls_onnx *onnx, const struct ls_node *node);

static inline struct ls_onnx_tensor ls_onnx_channels_last(const char *name) {
    return (struct ls_onnx_tensor){name, false};
}

static inline struct ls_onnx_tensor ls_onnx_channels_first(const char *name) {
    return (struct ls_onnx_tensor){name, true};
}

/* parameters: the flat buffer (borrowed). */
struct ls_onnx *ls_onnx_create(const float *parameters);
void ls_onnx_destroy(struct ls_onnx *onnx);

/* Names of a value. A parameter is made when it is first asked for; a value that has only the other
 * order of dimensions is transposed, once. */
const char *ls_onnx_last(struct ls_onnx *onnx, const struct ls_value *value);
const char *ls_onnx_first(struct ls_onnx *onnx, const struct ls_value *value);
/* Whichever it has; channels last if both. */
struct ls_onnx_tensor ls_onnx_either(struct ls_onnx *onnx, const struct ls_value *value);

/* The value is this tensor. */
void ls_onnx_bind(struct ls_onnx *onnx, const struct ls_value *value, struct ls_onnx_tensor tensor);

/* Nodes that are made from now on have names that begin so (borrowed). */
void ls_onnx_set_layer(struct ls_onnx *onnx, const char *layer);

/* One node with one output that matters; its name. An input may be NULL: not given. */
const char *ls_onnx_node(struct ls_onnx *onnx, const char *type, const char *const *inputs,
                         int count);
#define LS_ONNX_NODE(onnx, type, ...)                                                              \
    ls_onnx_node(onnx, type, (const char *const[]){__VA_ARGS__},                                   \
                 (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)))

/* Attributes of the node made last. */
void ls_onnx_set_integer(struct ls_onnx *onnx, const char *name, int64_t value);
void ls_onnx_set_integers(struct ls_onnx *onnx, const char *name, struct ls_shape values);
void ls_onnx_set_real(struct ls_onnx *onnx, const char *name, double value);
void ls_onnx_set_text(struct ls_onnx *onnx, const char *name, const char *value);
void ls_onnx_set_texts(struct ls_onnx *onnx, const char *name, const char *const *values,
                       int count);

enum ls_onnx_type { LS_ONNX_REAL, LS_ONNX_DOUBLE, LS_ONNX_INT32, LS_ONNX_INT64 };

/* Constants: of a shape (values are copied), a single one, int64 [count], and int32 [count]: 0, 1,
 * 2, ... */
const char *ls_onnx_constant(struct ls_onnx *onnx, enum ls_onnx_type type, struct ls_shape shape,
                             const void *values);
const char *ls_onnx_real(struct ls_onnx *onnx, double value);
const char *ls_onnx_integer32(struct ls_onnx *onnx, int32_t value);
const char *ls_onnx_integers(struct ls_onnx *onnx, struct ls_shape values);
const char *ls_onnx_counting(struct ls_onnx *onnx, int64_t count);

/* Nodes that many translations need. Lists of numbers are written LS_SHAPE(...). */
const char *ls_onnx_reshape(struct ls_onnx *onnx, const char *x, struct ls_shape to); /* 0: as x */
const char *ls_onnx_transpose(struct ls_onnx *onnx, const char *x, struct ls_shape order);
const char *ls_onnx_unsqueeze(struct ls_onnx *onnx, const char *x, int64_t axis);
/* Every step-th of the entries first .. end - 1 of an axis. */
struct ls_onnx_slice {
    int64_t axis, first, end, step;
};
const char *ls_onnx_slice(struct ls_onnx *onnx, const char *x, struct ls_onnx_slice slice);
const char *ls_onnx_concat(struct ls_onnx *onnx, const char *const *parts, int count, int64_t axis);
/* Sum, mean or maximum ("ReduceSum" ...) over an axis, which goes away unless it is kept as 1. */
struct ls_onnx_over {
    int64_t axis;
    bool keep;
};
const char *ls_onnx_reduce(struct ls_onnx *onnx, const char *type, const char *x,
                           struct ls_onnx_over over);
const char *ls_onnx_cast(struct ls_onnx *onnx, const char *x, enum ls_onnx_type type);

/* A parameter as an initialiser of its name, with its plain shape and its bits, made once. Values
 * that are parameters come to it through ls_onnx_last. */
const char *ls_onnx_parameter(struct ls_onnx *onnx, const struct ls_parameter *parameter);

/* An input of the whole, [N, row_shape...]; and a text about the input made last. */
const char *ls_onnx_input(struct ls_onnx *onnx, const char *name, enum ls_onnx_type type,
                          struct ls_shape row_shape);
void ls_onnx_explain_input(struct ls_onnx *onnx, const char *text);

#endif
