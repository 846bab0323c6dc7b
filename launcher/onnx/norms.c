/* Normalisations, as they are in evaluation. */
#include <string.h>

#include "core/ops/options.h"
#include "launcher/onnx/list.h"

static double epsilon_or_default(double epsilon) {
    return epsilon > 0 ? epsilon : 1e-5;
}

static double epsilon_of(const struct ls_node *node) {
    const struct ls_norm_options *options = node->options;
    return epsilon_or_default(options ? options->epsilon : 0);
}

/* Inputs of batch_norm; the last is what the planner may have fused: the other term of a sum. */
enum { X, GAIN, OFFSET, MEAN, VARIANCE, RESIDUAL };

/* One for each channel, so that it goes with x. */
static const char *of_channels(struct ls_onnx *onnx, const struct ls_node *node, int input,
                               bool channels_first) {
    struct ls_shape shape = {.rank = node->output->shape.rank - 1, .dims = {-1}};
    const char *name = ls_onnx_last(onnx, node->inputs[input]);
    for (int i = 1; i < shape.rank; i++)
        shape.dims[i] = 1;
    return channels_first ? ls_onnx_reshape(onnx, name, shape) : name;
}

/* The mean is taken off first: ONNX Runtime's operator makes a factor and a shift of it all, which
 * loses digits where the mean is large beside the deviation. */
static struct ls_onnx_tensor by_steps(struct ls_onnx *onnx, const struct ls_node *node) {
    struct ls_onnx_tensor y = ls_onnx_either(onnx, node->inputs[X]);
    const bool first = y.channels_first;
    const char *variance = of_channels(onnx, node, VARIANCE, first);
    variance = LS_ONNX_NODE(onnx, "Add", variance, ls_onnx_real(onnx, epsilon_of(node)));
    const char *factor = LS_ONNX_NODE(onnx, "Div", of_channels(onnx, node, GAIN, first),
                                      LS_ONNX_NODE(onnx, "Sqrt", variance));
    y.name = LS_ONNX_NODE(onnx, "Sub", y.name, of_channels(onnx, node, MEAN, first));
    y.name = LS_ONNX_NODE(onnx, "Mul", y.name, factor);
    y.name = LS_ONNX_NODE(onnx, "Add", y.name, of_channels(onnx, node, OFFSET, first));
    return y;
}

/* Behind a convolution, where runtimes make one operator of both. */
static struct ls_onnx_tensor by_operator(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *x = ls_onnx_first(onnx, node->inputs[X]),
               *gain = ls_onnx_last(onnx, node->inputs[GAIN]),
               *offset = ls_onnx_last(onnx, node->inputs[OFFSET]),
               *mean = ls_onnx_last(onnx, node->inputs[MEAN]),
               *variance = ls_onnx_last(onnx, node->inputs[VARIANCE]);
    const char *y = LS_ONNX_NODE(onnx, "BatchNormalization", x, gain, offset, mean, variance);
    ls_onnx_set_real(onnx, "epsilon", epsilon_of(node));
    return ls_onnx_channels_first(y);
}

struct ls_onnx_tensor ls_onnx_op_batch_norm(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_node *before = node->inputs[X]->producer;
    struct ls_onnx_tensor y = before && !strcmp(before->op->name, "conv2d")
                                  ? by_operator(onnx, node)
                                  : by_steps(onnx, node);
    if (node->input_count > RESIDUAL) {
        const struct ls_value *other = node->inputs[RESIDUAL];
        y.name =
            LS_ONNX_NODE(onnx, "Add", y.name,
                         y.channels_first ? ls_onnx_first(onnx, other) : ls_onnx_last(onnx, other));
    }
    return y;
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
