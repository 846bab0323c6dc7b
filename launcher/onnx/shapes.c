/* The same numbers in other places. Shapes begin with 0, which takes the number of samples from the
 * input. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/ops/options.h"
#include "launcher/onnx/list.h"

static struct ls_shape any_samples(struct ls_shape shape) {
    shape.dims[0] = 0;
    return shape;
}

static int axis_of(const struct ls_value *value, int axis) {
    return axis < 0 ? axis + value->shape.rank : axis;
}

struct ls_onnx_tensor ls_onnx_op_reshape(struct ls_onnx *onnx, const struct ls_node *node) {
    return ls_onnx_channels_last(ls_onnx_reshape(onnx, ls_onnx_last(onnx, node->inputs[0]),
                                                 any_samples(node->output->shape)));
}

struct ls_onnx_tensor ls_onnx_op_flatten(struct ls_onnx *onnx, const struct ls_node *node) {
    return ls_onnx_op_reshape(onnx, node);
}

/* The vector once for each sample, in front of the sequences. */
struct ls_onnx_tensor ls_onnx_op_prepend(struct ls_onnx *onnx, const struct ls_node *node) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const char *x = ls_onnx_last(onnx, node->inputs[0]),
               *vector = ls_onnx_last(onnx, node->inputs[1]);
    const char *samples = LS_ONNX_NODE(onnx, "Shape", x);
    ls_onnx_set_integer(onnx, "start", 0);
    ls_onnx_set_integer(onnx, "end", 1);
    const char *rest = ls_onnx_integers(onnx, LS_SHAPE(1, channels));
    const char *shape = ls_onnx_concat(onnx, (const char *const[]){samples, rest}, 2, 0);
    const char *first = LS_ONNX_NODE(onnx, "Expand", vector, shape);
    return ls_onnx_channels_last(ls_onnx_concat(onnx, (const char *const[]){first, x}, 2, 1));
}

struct ls_onnx_tensor ls_onnx_op_concat(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_concat_options *options = node->options;
    const int rank = node->output->shape.rank, axis = axis_of(node->output, options->axis);
    const char **parts = ls_calloc((size_t)node->input_count, sizeof *parts);
    bool first = true;
    for (int i = 0; i < node->input_count; i++)
        first &= ls_onnx_either(onnx, node->inputs[i]).channels_first;
    for (int i = 0; i < node->input_count; i++)
        parts[i] =
            first ? ls_onnx_first(onnx, node->inputs[i]) : ls_onnx_last(onnx, node->inputs[i]);
    const int64_t moved = axis == rank - 1 ? 1 : axis + 1;
    const char *y = ls_onnx_concat(onnx, parts, node->input_count, first ? moved : axis);
    free(parts);
    return (struct ls_onnx_tensor){y, first};
}

struct ls_onnx_tensor ls_onnx_op_slice(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_slice_options *options = node->options;
    const struct ls_value *x = node->inputs[0];
    const int axis = axis_of(x, options->axis);
    const int64_t first = options->first + (options->first < 0 ? x->shape.dims[axis] : 0);
    return ls_onnx_channels_last(ls_onnx_slice(
        onnx, ls_onnx_last(onnx, x),
        (struct ls_onnx_slice){axis, first, first + node->output->shape.dims[axis], 1}));
}

struct ls_onnx_tensor ls_onnx_op_transpose(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_transpose_options *options = node->options;
    struct ls_shape order = {.rank = node->output->shape.rank};
    for (int i = 1; i < order.rank; i++)
        order.dims[i] = options->order[i - 1];
    return ls_onnx_channels_last(
        ls_onnx_transpose(onnx, ls_onnx_last(onnx, node->inputs[0]), order));
}

struct ls_onnx_tensor ls_onnx_op_repeat(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_repeat_options *options = node->options;
    struct ls_shape times = {.rank = node->output->shape.rank}; /* of ones: as the input */
    for (int i = 0; i < times.rank; i++)
        times.dims[i] = i == 1 ? options->count : 1;
    const char *x = ls_onnx_unsqueeze(onnx, ls_onnx_last(onnx, node->inputs[0]), 1);
    return ls_onnx_channels_last(LS_ONNX_NODE(onnx, "Expand", x, ls_onnx_integers(onnx, times)));
}
