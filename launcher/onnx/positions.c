/* Ops over the positions of sequences, of which a sample may have fewer than there is room for. */
#include "launcher/onnx/positions.h"

#include <math.h>

#include "core/ops/options.h"
#include "launcher/onnx/list.h"

const char *ls_onnx_valid(struct ls_onnx *onnx, const struct ls_value *lengths, int64_t positions,
                          struct ls_shape shape) {
    const char *length = ls_onnx_reshape(onnx, ls_onnx_last(onnx, lengths), shape);
    return LS_ONNX_NODE(onnx, "Less", ls_onnx_counting(onnx, positions), length);
}

/* [N, 1, ...] of so many dimensions. */
static struct ls_shape one_each(int rank) {
    struct ls_shape shape = {.rank = rank};
    for (int i = 1; i < rank; i++)
        shape.dims[i] = 1;
    return shape;
}

const char *ls_onnx_where_any(struct ls_onnx *onnx, const struct ls_value *lengths, const char *y,
                              struct ls_onnx_else otherwise) {
    const char *length =
        ls_onnx_reshape(onnx, ls_onnx_last(onnx, lengths), one_each(otherwise.rank));
    const char *some = LS_ONNX_NODE(onnx, "Greater", length, ls_onnx_integer32(onnx, 0));
    const char *none = otherwise.value ? otherwise.value : ls_onnx_real(onnx, 0);
    return LS_ONNX_NODE(onnx, "Where", some, y, none);
}

const char *ls_onnx_last_place(struct ls_onnx *onnx, const struct ls_value *lengths) {
    const char *length = ls_onnx_reshape(onnx, ls_onnx_last(onnx, lengths), LS_SHAPE(0, 1));
    const char *before = LS_ONNX_NODE(onnx, "Sub", length, ls_onnx_integer32(onnx, 1));
    return LS_ONNX_NODE(onnx, "Max", before, ls_onnx_integer32(onnx, 0));
}

const char *ls_onnx_gather_places(struct ls_onnx *onnx, const char *x, const char *places) {
    const char *wide = ls_onnx_cast(onnx, ls_onnx_unsqueeze(onnx, places, -1), LS_ONNX_INT64);
    const char *y = LS_ONNX_NODE(onnx, "GatherND", x, wide);
    ls_onnx_set_integer(onnx, "batch_dims", 1);
    return y;
}

/* Of a sample without positions: zeros. */
struct ls_onnx_tensor ls_onnx_op_last(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_value *lengths = node->inputs[1];
    const struct ls_shape shape = node->inputs[0]->shape;
    struct ls_shape row = node->output->shape;
    const char *x = ls_onnx_last(onnx, node->inputs[0]);
    row.dims[0] = 0;
    if (!lengths) {
        const struct ls_onnx_slice end = {1, shape.dims[1] - 1, shape.dims[1], 1};
        return ls_onnx_channels_last(ls_onnx_reshape(onnx, ls_onnx_slice(onnx, x, end), row));
    }
    const char *y = ls_onnx_gather_places(onnx, x, ls_onnx_last_place(onnx, lengths));
    y = ls_onnx_reshape(onnx, y, row);
    return ls_onnx_channels_last(
        ls_onnx_where_any(onnx, lengths, y, (struct ls_onnx_else){.rank = row.rank}));
}

/* Positions behind the length count as `value`. */
static const char *masked(struct ls_onnx *onnx, const struct ls_node *node, double value) {
    const struct ls_value *x = node->inputs[0], *lengths = node->inputs[1];
    const int64_t positions = x->shape.dims[1];
    struct ls_shape shape = one_each(x->shape.rank);
    const char *valid = ls_onnx_valid(onnx, lengths, positions, LS_SHAPE(0, 1));
    shape.dims[1] = positions;
    valid = ls_onnx_reshape(onnx, valid, shape);
    return LS_ONNX_NODE(onnx, "Where", valid, ls_onnx_last(onnx, x), ls_onnx_real(onnx, value));
}

static const struct ls_onnx_over positions_away = {1, false};

/* The mean of the first length[n]; 0 over none, since the sum is. */
static const char *mean_of(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *sum = ls_onnx_reduce(onnx, "ReduceSum", masked(onnx, node, 0), positions_away);
    const char *length = ls_onnx_reshape(onnx, ls_onnx_last(onnx, node->inputs[1]),
                                         one_each(node->output->shape.rank));
    const char *count = LS_ONNX_NODE(onnx, "Max", length, ls_onnx_integer32(onnx, 1));
    return LS_ONNX_NODE(onnx, "Div", sum, ls_onnx_cast(onnx, count, LS_ONNX_REAL));
}

static const char *largest_of(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *y =
        ls_onnx_reduce(onnx, "ReduceMax", masked(onnx, node, -INFINITY), positions_away);
    return ls_onnx_where_any(onnx, node->inputs[1], y,
                             (struct ls_onnx_else){.rank = node->output->shape.rank});
}

struct ls_onnx_tensor ls_onnx_op_reduce(struct ls_onnx *onnx, const struct ls_node *node) {
    static const char *const types[] = {[LS_REDUCE_SUM] = "ReduceSum",
                                        [LS_REDUCE_MEAN] = "ReduceMean",
                                        [LS_REDUCE_MAX] = "ReduceMax"};
    const struct ls_reduce_options *options = node->options;
    const char *y;
    if (!node->inputs[1])
        y = ls_onnx_reduce(onnx, types[options->kind], ls_onnx_last(onnx, node->inputs[0]),
                           (struct ls_onnx_over){options->axis, false});
    else if (options->kind == LS_REDUCE_MEAN)
        y = mean_of(onnx, node);
    else if (options->kind == LS_REDUCE_MAX)
        y = largest_of(onnx, node);
    else
        y = ls_onnx_reduce(onnx, "ReduceSum", masked(onnx, node, 0), positions_away);
    return ls_onnx_channels_last(y);
}
