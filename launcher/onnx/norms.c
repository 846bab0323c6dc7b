/* Normalisations, as they are in evaluation. */
#include "core/ops/options.h"
#include "launcher/onnx/list.h"

static double epsilon_or_default(double epsilon) {
    return epsilon > 0 ? epsilon : 1e-5;
}

static double epsilon_of(const struct ls_node *node) {
    const struct ls_norm_options *options = node->options;
    return epsilon_or_default(options ? options->epsilon : 0);
}

/* Inputs: x, gain, offset, running mean and variance, and perhaps what the planner fused: the other
 * term of a sum. */
struct ls_onnx_tensor ls_onnx_op_batch_norm(struct ls_onnx *onnx, const struct ls_node *node) {
    enum { X, GAIN, OFFSET, MEAN, VARIANCE, RESIDUAL };
    const char *x = ls_onnx_first(onnx, node->inputs[X]),
               *gain = ls_onnx_last(onnx, node->inputs[GAIN]),
               *offset = ls_onnx_last(onnx, node->inputs[OFFSET]),
               *mean = ls_onnx_last(onnx, node->inputs[MEAN]),
               *variance = ls_onnx_last(onnx, node->inputs[VARIANCE]);
    const char *y = LS_ONNX_NODE(onnx, "BatchNormalization", x, gain, offset, mean, variance);
    ls_onnx_set_real(onnx, "epsilon", epsilon_of(node));
    if (node->input_count > RESIDUAL)
        y = LS_ONNX_NODE(onnx, "Add", y, ls_onnx_first(onnx, node->inputs[RESIDUAL]));
    return node->output->shape.rank < 3 ? ls_onnx_channels_last(y) : ls_onnx_channels_first(y);
}

/* x - its mean over some dimensions. */
static const char *centred(struct ls_onnx *onnx, const char *x, struct ls_shape axes) {
    const char *mean = LS_ONNX_NODE(onnx, "ReduceMean", x);
    ls_onnx_set_integers(onnx, "axes", axes);
    return LS_ONNX_NODE(onnx, "Sub", x, mean);
}

/* The mean is taken off beforehand: ONNX Runtime finds the variance as the mean of squares less the
 * square of the mean, and loses digits where that is large (four digits in images of three
 * channels). It also wants more than one channel; a single one is its own mean. */
struct ls_onnx_tensor ls_onnx_op_layer_norm(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *gain = ls_onnx_last(onnx, node->inputs[1]),
               *offset = ls_onnx_last(onnx, node->inputs[2]);
    const char *x = centred(onnx, ls_onnx_last(onnx, node->inputs[0]), LS_SHAPE(-1));
    if (ls_shape_last(node->output->shape) == 1)
        return ls_onnx_channels_last(
            LS_ONNX_NODE(onnx, "Add", LS_ONNX_NODE(onnx, "Mul", x, gain), offset));
    const char *y = LS_ONNX_NODE(onnx, "LayerNormalization", x, gain, offset);
    ls_onnx_set_integer(onnx, "axis", -1);
    ls_onnx_set_real(onnx, "epsilon", epsilon_of(node));
    return ls_onnx_channels_last(y);
}

/* x / sqrt(mean of x^2 + epsilon), the mean over some dimensions. */
static const char *to_unit_size(struct ls_onnx *onnx, const char *x, struct ls_shape axes,
                                double epsilon) {
    const char *mean = LS_ONNX_NODE(onnx, "ReduceMean", LS_ONNX_NODE(onnx, "Mul", x, x));
    ls_onnx_set_integers(onnx, "axes", axes);
    const char *size = LS_ONNX_NODE(onnx, "Add", mean, ls_onnx_real(onnx, epsilon));
    return LS_ONNX_NODE(onnx, "Div", x, LS_ONNX_NODE(onnx, "Sqrt", size));
}

struct ls_onnx_tensor ls_onnx_op_rms_norm(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *y =
        to_unit_size(onnx, ls_onnx_last(onnx, node->inputs[0]), LS_SHAPE(-1), epsilon_of(node));
    return ls_onnx_channels_last(LS_ONNX_NODE(onnx, "Mul", y, ls_onnx_last(onnx, node->inputs[1])));
}

/* As [N, positions, groups, channels of a group]. */
struct ls_onnx_tensor ls_onnx_op_group_norm(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_group_norm_options *options = node->options;
    struct ls_shape shape = node->inputs[0]->shape;
    const int64_t channels = ls_shape_last(shape), groups = options->groups ? options->groups : 1;
    const char *x = ls_onnx_reshape(
        onnx, ls_onnx_last(onnx, node->inputs[0]),
        LS_SHAPE(0, ls_shape_row_count(shape) / channels, groups, channels / groups));
    const char *y = to_unit_size(onnx, centred(onnx, x, LS_SHAPE(1, 3)), LS_SHAPE(1, 3),
                                 epsilon_or_default(options->epsilon));
    shape.dims[0] = 0;
    y = LS_ONNX_NODE(onnx, "Mul", ls_onnx_reshape(onnx, y, shape),
                     ls_onnx_last(onnx, node->inputs[1]));
    return ls_onnx_channels_last(LS_ONNX_NODE(onnx, "Add", y, ls_onnx_last(onnx, node->inputs[2])));
}
