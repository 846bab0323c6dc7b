/* Ops that work element by element, in whichever order of dimensions their input has. */
#include <math.h>

#include "core/ops/options.h"
#include "launcher/onnx/list.h"

static struct ls_onnx_tensor unary(struct ls_onnx *onnx, const struct ls_node *node,
                                   const char *type) {
    struct ls_onnx_tensor x = ls_onnx_either(onnx, node->inputs[0]);
    x.name = LS_ONNX_NODE(onnx, type, x.name);
    return x;
}

#define UNARY(op, type)                                                                            \
    struct ls_onnx_tensor ls_onnx_op_##op(struct ls_onnx *onnx, const struct ls_node *node) {      \
        return unary(onnx, node, type);                                                            \
    }
UNARY(sigmoid, "Sigmoid")
UNARY(tanh, "Tanh")
UNARY(relu, "Relu")
UNARY(softplus, "Softplus")
UNARY(exp, "Exp")
UNARY(log, "Log")
UNARY(abs, "Abs")

struct ls_onnx_tensor ls_onnx_op_leaky_relu(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_leaky_relu_options *options = node->options;
    const struct ls_onnx_tensor y = unary(onnx, node, "LeakyRelu");
    ls_onnx_set_real(onnx, "alpha", options->slope);
    return y;
}

struct ls_onnx_tensor ls_onnx_op_elu(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_elu_options *options = node->options;
    const struct ls_onnx_tensor y = unary(onnx, node, "Elu");
    ls_onnx_set_real(onnx, "alpha", options->alpha);
    return y;
}

/* x times a function of it. */
static struct ls_onnx_tensor gated(struct ls_onnx *onnx, struct ls_onnx_tensor x,
                                   const char *gate) {
    x.name = LS_ONNX_NODE(onnx, "Mul", x.name, gate);
    return x;
}

struct ls_onnx_tensor ls_onnx_op_silu(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_onnx_tensor x = ls_onnx_either(onnx, node->inputs[0]);
    return gated(onnx, x, LS_ONNX_NODE(onnx, "Sigmoid", x.name));
}

struct ls_onnx_tensor ls_onnx_op_square(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_onnx_tensor x = ls_onnx_either(onnx, node->inputs[0]);
    return gated(onnx, x, x.name);
}

static const char *times(struct ls_onnx *onnx, const char *x, double factor) {
    return LS_ONNX_NODE(onnx, "Mul", x, ls_onnx_real(onnx, factor));
}

/* (1 + erf(x / sqrt 2)) / 2 */
static const char *normal(struct ls_onnx *onnx, const char *x) {
    const char *erf = LS_ONNX_NODE(onnx, "Erf", times(onnx, x, M_SQRT1_2));
    return times(onnx, LS_ONNX_NODE(onnx, "Add", erf, ls_onnx_real(onnx, 1)), 0.5);
}

/* (1 + tanh u) / 2 = sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3). */
static const char *nearly_normal(struct ls_onnx *onnx, const char *x) {
    const char *cube = LS_ONNX_NODE(onnx, "Mul", LS_ONNX_NODE(onnx, "Mul", x, x), x);
    const char *sum = LS_ONNX_NODE(onnx, "Add", x, times(onnx, cube, 0.044715));
    return LS_ONNX_NODE(onnx, "Sigmoid", times(onnx, sum, 2 * sqrt(2 / M_PI)));
}

struct ls_onnx_tensor ls_onnx_op_gelu(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_gelu_options *options = node->options;
    const struct ls_onnx_tensor x = ls_onnx_either(onnx, node->inputs[0]);
    return gated(onnx, x,
                 options->approximation == LS_GELU_TANH ? nearly_normal(onnx, x.name)
                                                        : normal(onnx, x.name));
}

struct ls_onnx_tensor ls_onnx_op_clamp(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_clamp_options *options = node->options;
    struct ls_onnx_tensor x = ls_onnx_either(onnx, node->inputs[0]);
    const char *low = ls_onnx_real(onnx, options->low), *high = ls_onnx_real(onnx, options->high);
    x.name = LS_ONNX_NODE(onnx, "Clip", x.name, low, high);
    return x;
}

struct ls_onnx_tensor ls_onnx_op_scale(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_scale_options *options = node->options;
    struct ls_onnx_tensor x =
        gated(onnx, ls_onnx_either(onnx, node->inputs[0]), ls_onnx_real(onnx, options->factor));
    x.name = LS_ONNX_NODE(onnx, "Add", x.name, ls_onnx_real(onnx, options->shift));
    return x;
}

/* Images keep their channels in front where both terms have them there; a parameter of the trailing
 * dimensions is broadcast over the leading ones. */
static struct ls_onnx_tensor binary(struct ls_onnx *onnx, const struct ls_node *node,
                                    const char *type) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    const bool first = b->batched && (ls_onnx_either(onnx, a).channels_first ||
                                      ls_onnx_either(onnx, b).channels_first);
    const char *x = first ? ls_onnx_first(onnx, a) : ls_onnx_last(onnx, a);
    const char *y = first ? ls_onnx_first(onnx, b) : ls_onnx_last(onnx, b);
    return (struct ls_onnx_tensor){LS_ONNX_NODE(onnx, type, x, y), first};
}

#define BINARY(op, type)                                                                           \
    struct ls_onnx_tensor ls_onnx_op_##op(struct ls_onnx *onnx, const struct ls_node *node) {      \
        return binary(onnx, node, type);                                                           \
    }
BINARY(add, "Add")
BINARY(subtract, "Sub")
BINARY(multiply, "Mul")
BINARY(divide, "Div")
BINARY(maximum, "Max")

struct ls_onnx_tensor ls_onnx_op_standardise(struct ls_onnx *onnx, const struct ls_node *node) {
    const char *x = ls_onnx_last(onnx, node->inputs[0]),
               *mean = ls_onnx_last(onnx, node->inputs[1]),
               *scale = ls_onnx_last(onnx, node->inputs[2]);
    return ls_onnx_channels_last(
        LS_ONNX_NODE(onnx, "Mul", LS_ONNX_NODE(onnx, "Sub", x, mean), scale));
}

/* What only training changes: here the value is the input. */
static struct ls_onnx_tensor unchanged(struct ls_onnx *onnx, const struct ls_node *node) {
    return ls_onnx_either(onnx, node->inputs[0]);
}

#define UNCHANGED(op)                                                                              \
    struct ls_onnx_tensor ls_onnx_op_##op(struct ls_onnx *onnx, const struct ls_node *node) {      \
        return unchanged(onnx, node);                                                              \
    }
UNCHANGED(dropout)
UNCHANGED(gaussian_noise)
UNCHANGED(stop_gradient)
UNCHANGED(sample_normal) /* the mean, as predict gives it */

/* Drawn by the program, given by whoever runs the exported model: an input of the layer's name. */
struct ls_onnx_tensor ls_onnx_op_noise(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_noise_options *options = node->options;
    const char *name = node->name[0] ? node->name : node->op->name;
    name = ls_onnx_input(onnx, name, LS_ONNX_REAL, ls_shape_of_row(node->output->shape));
    ls_onnx_explain_input(onnx, options->kind == LS_NOISE_UNIFORM
                                    ? "drawn by whoever runs the model: uniform from -1 to 1"
                                    : "drawn by whoever runs the model: standard normal");
    return ls_onnx_channels_last(name);
}

static struct ls_onnx_tensor over_last(struct ls_onnx *onnx, const struct ls_node *node,
                                       const char *type) {
    const char *y = LS_ONNX_NODE(onnx, type, ls_onnx_last(onnx, node->inputs[0]));
    ls_onnx_set_integer(onnx, "axis", -1);
    return ls_onnx_channels_last(y);
}

struct ls_onnx_tensor ls_onnx_op_softmax(struct ls_onnx *onnx, const struct ls_node *node) {
    return over_last(onnx, node, "Softmax");
}

struct ls_onnx_tensor ls_onnx_op_log_softmax(struct ls_onnx *onnx, const struct ls_node *node) {
    return over_last(onnx, node, "LogSoftmax");
}
