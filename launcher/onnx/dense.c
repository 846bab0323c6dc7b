/* Products, tables and distances. */
#include "core/ops/options.h"
#include "launcher/onnx/list.h"

/* y + bias, where there is one. */
static const char *with_bias(struct ls_onnx *onnx, const char *y, const struct ls_value *bias) {
    return bias ? LS_ONNX_NODE(onnx, "Add", y, ls_onnx_last(onnx, bias)) : y;
}

static const struct ls_value *optional(const struct ls_node *node, int input) {
    return input < node->input_count ? node->inputs[input] : NULL;
}

struct ls_onnx_tensor ls_onnx_op_linear(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *x = ls_onnx_last(onnx, node->inputs[0]),
               *weight = ls_onnx_last(onnx, node->inputs[1]);
    const char *y = LS_ONNX_NODE(onnx, "MatMul", x, weight);
    return ls_onnx_channels_last(with_bias(onnx, y, optional(node, 2)));
}

/* Of the weight of a linear layer [width, entries], the columns are the entries. */
struct ls_onnx_tensor ls_onnx_op_embedding(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *index = ls_onnx_last(onnx, node->inputs[0]),
               *table = ls_onnx_last(onnx, node->inputs[1]);
    if (node->inputs[1]->layout == LS_LAYOUT_PANELS)
        table = ls_onnx_transpose(onnx, table, LS_SHAPE(1, 0));
    return ls_onnx_channels_last(LS_ONNX_NODE(onnx, "Gather", table, index));
}

struct ls_onnx_tensor ls_onnx_op_one_hot(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_one_hot_options *options = node->options;
    const char *index = ls_onnx_unsqueeze(onnx, ls_onnx_last(onnx, node->inputs[0]), -1);
    const char *equal = LS_ONNX_NODE(onnx, "Equal", index, ls_onnx_counting(onnx, options->count));
    return ls_onnx_channels_last(ls_onnx_cast(onnx, equal, LS_ONNX_REAL));
}

/* A stack of matrices with the last two dimensions the other way round. */
static const char *turned(struct ls_onnx *onnx, const struct ls_value *value) {
    struct ls_shape order = {.rank = value->shape.rank};
    for (int i = 0; i < order.rank; i++)
        order.dims[i] = i;
    order.dims[order.rank - 1] = order.rank - 2;
    order.dims[order.rank - 2] = order.rank - 1;
    return ls_onnx_transpose(onnx, ls_onnx_last(onnx, value), order);
}

struct ls_onnx_tensor ls_onnx_op_batched_product(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_batched_product_options *options = node->options;
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    const char *left = options->transpose_a ? turned(onnx, a) : ls_onnx_last(onnx, a);
    const char *right = options->transpose_b ? turned(onnx, b) : ls_onnx_last(onnx, b);
    return ls_onnx_channels_last(LS_ONNX_NODE(onnx, "MatMul", left, right));
}

/* Over the last dimension. */
static const char *squared_distance(struct ls_onnx *onnx, const char *a, const char *b, bool keep) {
    const char *difference = LS_ONNX_NODE(onnx, "Sub", a, b);
    const char *square = LS_ONNX_NODE(onnx, "Mul", difference, difference);
    return ls_onnx_reduce(onnx, "ReduceSum", square, (struct ls_onnx_over){-1, keep});
}

static const char *dot(struct ls_onnx *onnx, const char *a, const char *b) {
    const char *products = LS_ONNX_NODE(onnx, "Mul", a, b);
    return ls_onnx_reduce(onnx, "ReduceSum", products, (struct ls_onnx_over){-1, true});
}

/* 1 - cosine; 1 where a vector has almost no length (distance.c: 1e-20 is the least product). */
static const char *cosine_distance(struct ls_onnx *onnx, const char *a, const char *b) {
    const char *length_a = LS_ONNX_NODE(onnx, "Sqrt", dot(onnx, a, a));
    const char *length_b = LS_ONNX_NODE(onnx, "Sqrt", dot(onnx, b, b));
    const char *lengths = LS_ONNX_NODE(onnx, "Mul", length_a, length_b);
    const char *some = LS_ONNX_NODE(onnx, "Greater", lengths, ls_onnx_real(onnx, 1e-20));
    const char *cosine = LS_ONNX_NODE(onnx, "Div", dot(onnx, a, b), lengths);
    cosine = LS_ONNX_NODE(onnx, "Where", some, cosine, ls_onnx_real(onnx, 0));
    return LS_ONNX_NODE(onnx, "Sub", ls_onnx_real(onnx, 1), cosine);
}

struct ls_onnx_tensor ls_onnx_op_distance(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_distance_options *options = node->options;
    const char *a = ls_onnx_last(onnx, node->inputs[0]), *b = ls_onnx_last(onnx, node->inputs[1]);
    return ls_onnx_channels_last(options->kind == LS_DISTANCE_COSINE
                                     ? cosine_distance(onnx, a, b)
                                     : squared_distance(onnx, a, b, true));
}

struct ls_onnx_tensor ls_onnx_op_prototypes(struct ls_onnx *onnx, const struct ls_node *node) {
    const int64_t size = ls_shape_row_count(node->inputs[0]->shape);
    const char *x =
        ls_onnx_reshape(onnx, ls_onnx_last(onnx, node->inputs[0]), LS_SHAPE(0, 1, size));
    const char *prototypes = ls_onnx_last(onnx, node->inputs[1]);
    return ls_onnx_channels_last(squared_distance(onnx, x, prototypes, false));
}
