/* The recording functions of ops.h but for losses: each puts its inputs in the op's order and its
 * options in a struct. */
#include <string.h>

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

struct ls_value *ls_subtract(struct ls_graph *graph, struct ls_value *a, struct ls_value *b) {
    return binary(graph, LS_OP_subtract, a, b);
}

struct ls_value *ls_divide(struct ls_graph *graph, struct ls_value *a, struct ls_value *b) {
    return binary(graph, LS_OP_divide, a, b);
}

struct ls_value *ls_maximum(struct ls_graph *graph, struct ls_value *a, struct ls_value *b) {
    return binary(graph, LS_OP_maximum, a, b);
}

struct ls_value *ls_reshape(struct ls_graph *graph, struct ls_value *x, struct ls_shape row_shape) {
    const struct ls_reshape_options options = {row_shape};
    return ls_graph_node(graph, LS_OP_reshape, &x, 1, &options, sizeof options);
}

struct ls_value *ls_flatten(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_flatten, x);
}

struct ls_value *ls_prepend(struct ls_graph *graph, struct ls_value *x, struct ls_value *vector) {
    return binary(graph, LS_OP_prepend, x, vector);
}

struct ls_value *ls_concat(struct ls_graph *graph, struct ls_value *const *xs, int count,
                           int axis) {
    const struct ls_concat_options options = {axis};
    return ls_graph_node(graph, LS_OP_concat, xs, count, &options, sizeof options);
}

struct ls_value *ls_slice(struct ls_graph *graph, struct ls_value *x,
                          const struct ls_slice_options *options) {
    return ls_graph_node(graph, LS_OP_slice, &x, 1, options, sizeof *options);
}

struct ls_value *ls_take(struct ls_graph *graph, struct ls_value *x, int64_t index) {
    x = ls_slice(graph, x, &(struct ls_slice_options){.axis = 1, .first = index, .count = 1});
    if (!x)
        return NULL;
    struct ls_shape row = {.rank = x->shape.rank - 2};
    memcpy(row.dims, x->shape.dims + 2, (size_t)row.rank * sizeof *row.dims);
    return ls_reshape(graph, x, row);
}

struct ls_value *ls_last(struct ls_graph *graph, struct ls_value *x, struct ls_value *lengths) {
    return binary(graph, LS_OP_last, x, lengths);
}

struct ls_value *ls_transpose(struct ls_graph *graph, struct ls_value *x,
                              const struct ls_transpose_options *options) {
    return ls_graph_node(graph, LS_OP_transpose, &x, 1, options, sizeof *options);
}

struct ls_value *ls_reduce(struct ls_graph *graph, struct ls_value *x, struct ls_value *lengths,
                           const struct ls_reduce_options *options) {
    return ls_graph_node(graph, LS_OP_reduce, (struct ls_value *[]){x, lengths}, 2, options,
                         sizeof *options);
}

struct ls_value *ls_repeat(struct ls_graph *graph, struct ls_value *x, int64_t count) {
    const struct ls_repeat_options options = {count};
    return ls_graph_node(graph, LS_OP_repeat, &x, 1, &options, sizeof options);
}

struct ls_value *ls_upsample(struct ls_graph *graph, struct ls_value *x,
                             const struct ls_upsample_options *options) {
    return ls_graph_node(graph, LS_OP_upsample, &x, 1, options, sizeof *options);
}

struct ls_value *ls_one_hot(struct ls_graph *graph, struct ls_value *index, int64_t count) {
    const struct ls_one_hot_options options = {count};
    return ls_graph_node(graph, LS_OP_one_hot, &index, 1, &options, sizeof options);
}

struct ls_value *ls_stop_gradient(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_stop_gradient, x);
}

struct ls_value *ls_distance(struct ls_graph *graph, struct ls_value *a, struct ls_value *b,
                             enum ls_distance_kind kind) {
    const struct ls_distance_options options = {kind};
    return ls_graph_node(graph, LS_OP_distance, (struct ls_value *[]){a, b}, 2, &options,
                         sizeof options);
}

struct ls_value *ls_batched_product(struct ls_graph *graph, struct ls_value *a, struct ls_value *b,
                                    const struct ls_batched_product_options *options) {
    return ls_graph_node(graph, LS_OP_batched_product, (struct ls_value *[]){a, b}, 2, options,
                         sizeof *options);
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

static struct ls_value *gelu(struct ls_graph *graph, struct ls_value *x,
                             enum ls_gelu_approximation approximation) {
    const struct ls_gelu_options options = {approximation};
    return ls_graph_node(graph, LS_OP_gelu, &x, 1, &options, sizeof options);
}

struct ls_value *ls_gelu(struct ls_graph *graph, struct ls_value *x) {
    return gelu(graph, x, LS_GELU_ERF);
}

struct ls_value *ls_gelu_tanh(struct ls_graph *graph, struct ls_value *x) {
    return gelu(graph, x, LS_GELU_TANH);
}

struct ls_value *ls_silu(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_silu, x);
}

struct ls_value *ls_softplus(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_softplus, x);
}

struct ls_value *ls_exp(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_exp, x);
}

struct ls_value *ls_logarithm(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_log, x);
}

struct ls_value *ls_square(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_square, x);
}

struct ls_value *ls_abs(struct ls_graph *graph, struct ls_value *x) {
    return unary(graph, LS_OP_abs, x);
}

struct ls_value *ls_clamp(struct ls_graph *graph, struct ls_value *x, double low, double high) {
    const struct ls_clamp_options options = {low, high};
    return ls_graph_node(graph, LS_OP_clamp, &x, 1, &options, sizeof options);
}

struct ls_value *ls_scale(struct ls_graph *graph, struct ls_value *x, double factor, double shift) {
    const struct ls_scale_options options = {factor, shift};
    return ls_graph_node(graph, LS_OP_scale, &x, 1, &options, sizeof options);
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

struct ls_value *ls_group_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                               struct ls_value *offset,
                               const struct ls_group_norm_options *options) {
    return ls_graph_node(graph, LS_OP_group_norm, (struct ls_value *[]){x, gain, offset}, 3,
                         options, sizeof *options);
}

struct ls_value *ls_rms_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                             const struct ls_norm_options *options) {
    return ls_graph_node(graph, LS_OP_rms_norm, (struct ls_value *[]){x, gain}, 2, options,
                         sizeof *options);
}

struct ls_value *ls_dropout(struct ls_graph *graph, struct ls_value *x, double rate) {
    const struct ls_dropout_options options = {rate};
    return ls_graph_node(graph, LS_OP_dropout, &x, 1, &options, sizeof options);
}

struct ls_value *ls_noise(struct ls_graph *graph, struct ls_shape row_shape,
                          enum ls_noise_kind kind) {
    const struct ls_noise_options options = {row_shape, kind};
    return ls_graph_node(graph, LS_OP_noise, NULL, 0, &options, sizeof options);
}

struct ls_value *ls_gaussian_noise(struct ls_graph *graph, struct ls_value *x, double deviation) {
    const struct ls_gaussian_noise_options options = {deviation};
    return ls_graph_node(graph, LS_OP_gaussian_noise, &x, 1, &options, sizeof options);
}

struct ls_value *ls_sample_normal(struct ls_graph *graph, struct ls_value *mean,
                                  struct ls_value *log_variance) {
    return binary(graph, LS_OP_sample_normal, mean, log_variance);
}

struct ls_value *ls_attention(struct ls_graph *graph, struct ls_value *x, struct ls_value *memory,
                              struct ls_value *lengths,
                              const struct ls_attention_options *options) {
    return ls_graph_node(graph, LS_OP_attention, (struct ls_value *[]){x, memory, lengths}, 3,
                         options, sizeof *options);
}

struct ls_value *ls_rotary(struct ls_graph *graph, struct ls_value *x,
                           const struct ls_rotary_options *options) {
    return ls_graph_node(graph, LS_OP_rotary, &x, 1, options, sizeof *options);
}

struct ls_value *ls_embedding(struct ls_graph *graph, struct ls_value *index,
                              struct ls_value *table) {
    return binary(graph, LS_OP_embedding, index, table);
}

struct ls_value *ls_lstm(struct ls_graph *graph, struct ls_value *x,
                         const struct ls_recurrence_values *v,
                         const struct ls_recurrence_options *options) {
    struct ls_value *const inputs[] = {
        x, v->weight, v->recurrent_weight, v->bias, v->state, v->lengths, v->cell};
    return ls_graph_node(graph, LS_OP_lstm, inputs, 7, options, sizeof *options);
}

struct ls_value *ls_gru(struct ls_graph *graph, struct ls_value *x,
                        const struct ls_recurrence_values *v,
                        const struct ls_recurrence_options *options) {
    struct ls_value *const inputs[] = {x,        v->weight,  v->recurrent_weight, v->bias,
                                       v->state, v->lengths, v->candidate_bias};
    return ls_graph_node(graph, LS_OP_gru, inputs, 7, options, sizeof *options);
}

struct ls_value *ls_rnn(struct ls_graph *graph, struct ls_value *x,
                        const struct ls_recurrence_values *v,
                        const struct ls_recurrence_options *options) {
    struct ls_value *const inputs[] = {x,       v->weight, v->recurrent_weight,
                                       v->bias, v->state,  v->lengths};
    return ls_graph_node(graph, LS_OP_rnn, inputs, 6, options, sizeof *options);
}

struct ls_value *ls_standardise(struct ls_graph *graph, struct ls_value *x, struct ls_value *mean,
                                struct ls_value *scale) {
    return ls_graph_node(graph, LS_OP_standardise, (struct ls_value *[]){x, mean, scale}, 3, NULL,
                         0);
}

struct ls_value *ls_prototypes(struct ls_graph *graph, struct ls_value *x,
                               struct ls_value *prototypes) {
    return binary(graph, LS_OP_prototypes, x, prototypes);
}

struct ls_value *ls_shortcut(struct ls_graph *graph, struct ls_value *x, int64_t stride,
                             int64_t channels) {
    const struct ls_shortcut_options options = {stride, channels};
    return ls_graph_node(graph, LS_OP_shortcut, &x, 1, &options, sizeof options);
}
