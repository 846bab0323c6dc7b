/* Images: ONNX wants their channels in front, [N, C, H, W]. */
#include "core/ops/options.h"
#include "launcher/onnx/list.h"

static int64_t or_one(int64_t value) {
    return value ? value : 1;
}

/* Attributes of the convolution made last. */
static void set_convolution(struct ls_onnx *onnx, const struct ls_conv2d_options *o) {
    ls_onnx_set_integers(onnx, "strides", LS_SHAPE(or_one(o->stride[0]), or_one(o->stride[1])));
    ls_onnx_set_integers(onnx, "pads",
                         LS_SHAPE(o->padding[0], o->padding[2], o->padding[1], o->padding[3]));
    ls_onnx_set_integers(onnx, "dilations",
                         LS_SHAPE(or_one(o->dilation[0]), or_one(o->dilation[1])));
    ls_onnx_set_integer(onnx, "group", or_one(o->groups));
}

/* [kh, kw, inputs / groups, outputs] is [outputs, inputs / groups, kh, kw] there. Of a transposed
 * convolution, whose weight is that of the convolution from its output to its input, the same order
 * makes [inputs, outputs / groups, kh, kw], as ONNX wants it. */
static const char *convolution(struct ls_onnx *onnx, const struct ls_node *node, const char *type) {
    const char *weight =
        ls_onnx_transpose(onnx, ls_onnx_last(onnx, node->inputs[1]), LS_SHAPE(3, 2, 0, 1));
    const struct ls_value *bias = node->input_count > 2 ? node->inputs[2] : NULL;
    const char *x = ls_onnx_first(onnx, node->inputs[0]),
               *b = bias ? ls_onnx_last(onnx, bias) : NULL;
    return LS_ONNX_NODE(onnx, type, x, weight, b);
}

struct ls_onnx_tensor ls_onnx_op_conv2d(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *y = convolution(onnx, node, "Conv");
    set_convolution(onnx, node->options);
    return ls_onnx_channels_first(y);
}

struct ls_onnx_tensor ls_onnx_op_conv_transpose2d(struct ls_onnx *onnx,
                                                  const struct ls_node *node) {
    const struct ls_conv_transpose2d_options *options = node->options;
    const char *y = convolution(onnx, node, "ConvTranspose");
    set_convolution(onnx, &options->convolution);
    ls_onnx_set_integers(onnx, "output_padding",
                         LS_SHAPE(options->output_padding[0], options->output_padding[1]));
    return ls_onnx_channels_first(y);
}

static struct ls_onnx_tensor pool(struct ls_onnx *onnx, const struct ls_node *node,
                                  const char *type) {
    const struct ls_pool_options *o = node->options;
    const char *y = LS_ONNX_NODE(onnx, type, ls_onnx_first(onnx, node->inputs[0]));
    ls_onnx_set_integers(onnx, "kernel_shape", LS_SHAPE(o->window[0], o->window[1]));
    ls_onnx_set_integers(onnx, "strides",
                         LS_SHAPE(o->stride[0] ? o->stride[0] : o->window[0],
                                  o->stride[1] ? o->stride[1] : o->window[1]));
    ls_onnx_set_integers(onnx, "pads",
                         LS_SHAPE(o->padding[0], o->padding[1], o->padding[0], o->padding[1]));
    return ls_onnx_channels_first(y);
}

struct ls_onnx_tensor ls_onnx_op_max_pool(struct ls_onnx *onnx, const struct ls_node *node) {
    return pool(onnx, node, "MaxPool");
}

/* The padding takes no part in the mean: that is ONNX's default, too. */
struct ls_onnx_tensor ls_onnx_op_average_pool(struct ls_onnx *onnx, const struct ls_node *node) {
    return pool(onnx, node, "AveragePool");
}

struct ls_onnx_tensor ls_onnx_op_global_average_pool(struct ls_onnx *onnx,
                                                     const struct ls_node *node) {
    const char *y = LS_ONNX_NODE(onnx, "GlobalAveragePool", ls_onnx_first(onnx, node->inputs[0]));
    return ls_onnx_channels_last(
        ls_onnx_reshape(onnx, y, LS_SHAPE(0, ls_shape_last(node->output->shape))));
}

struct ls_onnx_tensor ls_onnx_op_upsample(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_upsample_options *options = node->options;
    const float factors[4] = {1, 1, (float)options->factor[0], (float)options->factor[1]};
    const char *x = ls_onnx_first(onnx, node->inputs[0]);
    const char *scales = ls_onnx_constant(onnx, LS_ONNX_REAL, LS_SHAPE(4), factors);
    const char *y = LS_ONNX_NODE(onnx, "Resize", x, NULL, scales);
    ls_onnx_set_text(onnx, "mode", "nearest");
    ls_onnx_set_text(onnx, "nearest_mode", "floor");
    ls_onnx_set_text(onnx, "coordinate_transformation_mode", "asymmetric");
    return ls_onnx_channels_first(y);
}

/* Every stride-th pixel, and zero channels on both sides, the odd one after. */
struct ls_onnx_tensor ls_onnx_op_shortcut(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_shortcut_options *options = node->options;
    const struct ls_shape in = node->inputs[0]->shape;
    const char *y = ls_onnx_first(onnx, node->inputs[0]);
    for (int axis = 2; axis <= 3 && options->stride > 1; axis++)
        y = ls_onnx_slice(onnx, y,
                          (struct ls_onnx_slice){axis, 0, in.dims[axis - 1], options->stride});
    const int64_t more = options->channels - in.dims[3], before = more / 2;
    const int64_t pads[8] = {[1] = before, [5] = more - before};
    return ls_onnx_channels_first(
        LS_ONNX_NODE(onnx, "Pad", y, ls_onnx_constant(onnx, LS_ONNX_INT64, LS_SHAPE(8), pads)));
}
