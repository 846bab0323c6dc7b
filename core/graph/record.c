/* The recording functions of ops.h: each puts its inputs in the op's order and its options in a
 * struct. */
#include "core/graph/graph.h"
#include "core/ops/options.h"
#include "core/graph/ops.h"

/* An argument that is NULL because something before it failed must not look like one left out; the
 * graph returns NULL for every call after an error, before it looks at the inputs. */
static struct ls_value *unary(struct ls_graph *graph, enum ls_op_id op, struct ls_value *x) {
    return ls_graph_node(graph, op, &x, 1, NULL, 0);
}

static struct ls_value *binary(struct ls_graph *graph, enum ls_op_id op, struct ls_value *a,
                               struct ls_value *b) {
    return ls_graph_node(graph, op, (struct ls_value *[]){a, b}, 2, NULL, 0);
}

struct ls_value *ls_linear(struct ls_graph *graph, struct ls_value *x, struct ls_value *weight,
                           struct ls_value *bias) {
    return ls_graph_node(graph, LS_OP_linear, (struct ls_value *[]){x, weight, bias}, 3, NULL, 0);
}

struct ls_value *ls_conv2d(struct ls_graph *graph, struct ls_value *x, struct ls_value *weight,
                           struct ls_value *bias, const struct ls_conv2d_options *options) {
    return ls_graph_node(graph, LS_OP_conv2d, (struct ls_value *[]){x, weight, bias}, 3, options,
                         sizeof *options);
}

struct ls_value *ls_conv_transpose2d(struct ls_graph *graph, struct ls_value *x,
                                     struct ls_value *weight, struct ls_value *bias,
                                     const struct ls_conv_transpose2d_options *options) {
    return ls_graph_node(graph, LS_OP_conv_transpose2d, (struct ls_value *[]){x, weight, bias}, 3,
                         options, sizeof *options);
}

struct ls_value *ls_max_pool(struct ls_graph *graph, struct ls_value *x,
                             const struct ls_pool_options *options) {
    return ls_graph_node(graph, LS_OP_max_pool, &x, 1, options, sizeof *options);
}

struct ls_value *ls_average_pool(struct ls_graph *graph, struct ls_value *x,
                                 const struct ls_pool_options *options) {
    return ls_graph_node(graph, LS_OP_average_pool, &x, 1, options, sizeof *options);
}

struct ls_value *ls_global_average_pool(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_global_average_pool, x);
}

struct ls_value *ls_add(struct ls_graph *graph, struct ls_value *a, struct ls_value *b) {
    return binary(graph, LS_OP_add, a, b);
}

struct ls_value *ls_multiply(struct ls_graph *graph, struct ls_value *a, struct ls_value *b) {
    return binary(graph, LS_OP_multiply, a, b);
}

struct ls_value *ls_reshape(struct ls_graph *graph, struct ls_value *x, struct ls_shape row_shape) {
    const struct ls_reshape_options options = {row_shape};
    return ls_graph_node(graph, LS_OP_reshape, &x, 1, &options, sizeof options);
}

struct ls_value *ls_flatten(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_flatten, x);
}

struct ls_value *ls_concat(struct ls_graph *graph, struct ls_value *const *xs, int count,
                           int axis) {
    const struct ls_concat_options options = {axis};
    return ls_graph_node(graph, LS_OP_concat, xs, count, &options, sizeof options);
}

struct ls_value *ls_sigmoid(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_sigmoid, x);
}

struct ls_value *ls_tanh(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_tanh, x);
}

struct ls_value *ls_relu(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_relu, x);
}

struct ls_value *ls_leaky_relu(struct ls_graph *graph, struct ls_value *x, double slope) {
    const struct ls_leaky_relu_options options = {slope};
    return ls_graph_node(graph, LS_OP_leaky_relu, &x, 1, &options, sizeof options);
}

struct ls_value *ls_elu(struct ls_graph *graph, struct ls_value *x, double alpha) {
    const struct ls_elu_options options = {alpha};
    return ls_graph_node(graph, LS_OP_elu, &x, 1, &options, sizeof options);
}

struct ls_value *ls_gelu(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_gelu, x);
}

struct ls_value *ls_silu(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_silu, x);
}

struct ls_value *ls_softplus(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_softplus, x);
}

struct ls_value *ls_softmax(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_softmax, x);
}

struct ls_value *ls_log_softmax(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_log_softmax, x);
}

struct ls_value *ls_batch_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                               struct ls_value *offset, struct ls_value *running_mean,
                               struct ls_value *running_variance,
                               const struct ls_norm_options *options) {
    struct ls_value *const inputs[] = {x, gain, offset, running_mean, running_variance};
    return ls_graph_node(graph, LS_OP_batch_norm, inputs, 5, options, sizeof *options);
}

struct ls_value *ls_layer_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                               struct ls_value *offset, const struct ls_norm_options *options) {
    return ls_graph_node(graph, LS_OP_layer_norm, (struct ls_value *[]){x, gain, offset}, 3,
                         options, sizeof *options);
}

struct ls_value *ls_dropout(struct ls_graph *graph, struct ls_value *x, double rate) {
    const struct ls_dropout_options options = {rate};
    return ls_graph_node(graph, LS_OP_dropout, &x, 1, &options, sizeof options);
}

struct ls_value *ls_embedding(struct ls_graph *graph, struct ls_value *index,
                              struct ls_value *table) {
    return binary(graph, LS_OP_embedding, index, table);
}

struct ls_value *ls_standardise(struct ls_graph *graph, struct ls_value *x, struct ls_value *mean,
                                struct ls_value *scale) {
    return ls_graph_node(graph, LS_OP_standardise, (struct ls_value *[]){x, mean, scale}, 3, NULL,
                         0);
}

struct ls_value *ls_shortcut(struct ls_graph *graph, struct ls_value *x, int64_t stride,
                             int64_t channels) {
    const struct ls_shortcut_options options = {stride, channels};
    return ls_graph_node(graph, LS_OP_shortcut, &x, 1, &options, sizeof options);
}

struct ls_value *ls_squared_error(struct ls_graph *graph, struct ls_value *x,
                                  struct ls_value *target) {
    return binary(graph, LS_OP_squared_error, x, target);
}

struct ls_value *ls_absolute_error(struct ls_graph *graph, struct ls_value *x,
                                   struct ls_value *target) {
    return binary(graph, LS_OP_absolute_error, x, target);
}

struct ls_value *ls_huber(struct ls_graph *graph, struct ls_value *x, struct ls_value *target,
                          double delta) {
    const struct ls_huber_options options = {delta};
    return ls_graph_node(graph, LS_OP_huber, (struct ls_value *[]){x, target}, 2, &options,
                         sizeof options);
}

struct ls_value *ls_softmax_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                          struct ls_value *target, struct ls_value *class_weights,
                                          const struct ls_cross_entropy_options *options) {
    struct ls_value *const inputs[] = {logits, target, class_weights};
    return ls_graph_node(graph, LS_OP_softmax_cross_entropy, inputs, 3, options, sizeof *options);
}

struct ls_value *ls_binary_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                         struct ls_value *target) {
    return binary(graph, LS_OP_binary_cross_entropy, logits, target);
}
