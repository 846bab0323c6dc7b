/* The ops as a caller sees them: each records a node and returns its output, or NULL after an error
 * (kept in the graph). x, y: [N, ...] with the sample first; C is the last dimension. */
#ifndef LS_GRAPH_OPS_H
#define LS_GRAPH_OPS_H

#include "core/graph/graph.h"
#include "core/ops/options.h"

/* y = x W + b. x [N, ..., in], W [in, out] panels, b [out] or NULL; y [N, ..., out]. */
struct ls_value *ls_linear(struct ls_graph *graph, struct ls_value *x, struct ls_value *weight,
                           struct ls_value *bias);

/* Cross-correlation in NHWC: y[n,i,j,o] = b[o] + sum over (ky, kx, c) of
 * x[n, i*stride - pad + ky*dilation, j*..., group(o)*in/groups + c] W[ky,kx,c,o].
 * x [N,H,W,in], W [kh,kw,in/groups,out] panels; y [N,H',W',out] with
 * H' = (H + pad_top + pad_bottom - dilation*(kh-1) - 1) / stride + 1. */
struct ls_value *ls_conv2d(struct ls_graph *graph, struct ls_value *x, struct ls_value *weight,
                           struct ls_value *bias, const struct ls_conv2d_options *options);

/* Its transpose, from small images to large ones (PyTorch's ConvTranspose2d): y is what x would be
 * as the gradient of the output of a conv2d with the same options, plus b. x [N,H,W,in], W
 * [kh,kw,out/groups,in] panels (that conv2d's weight), b [out] or NULL; y [N,H',W',out] with
 * H' = (H-1)*stride - pad_top - pad_bottom + dilation*(kh-1) + 1 + output_padding. */
struct ls_value *ls_conv_transpose2d(struct ls_graph *graph, struct ls_value *x,
                                     struct ls_value *weight, struct ls_value *bias,
                                     const struct ls_conv_transpose2d_options *options);

/* Largest / mean value of each window, per channel. Padding takes no part (the mean divides by the
 * pixels that are there). First of equals wins. x [N,H,W,C]. */
struct ls_value *ls_max_pool(struct ls_graph *graph, struct ls_value *x,
                             const struct ls_pool_options *options);
struct ls_value *ls_average_pool(struct ls_graph *graph, struct ls_value *x,
                                 const struct ls_pool_options *options);
/* y[n,c] = mean over pixels. x [N,H,W,C] -> [N,C]. */
struct ls_value *ls_global_average_pool(struct ls_graph *graph, struct ls_value *x);

/* y = a + b, y = a * b; equal shapes, or b a [C] parameter or value of the last dimension. */
struct ls_value *ls_add(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);
struct ls_value *ls_multiply(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);

/* The same elements under another shape (without the batch dimension); one -1 is worked out. */
struct ls_value *ls_reshape(struct ls_graph *graph, struct ls_value *x, struct ls_shape row_shape);
struct ls_value *ls_flatten(struct ls_graph *graph, struct ls_value *x);
/* Joins along an axis (1 .. rank-1; -1 the last). */
struct ls_value *ls_concat(struct ls_graph *graph, struct ls_value *const *xs, int count, int axis);

struct ls_value *ls_sigmoid(struct ls_graph *graph, struct ls_value *x); /* 1 / (1 + exp(-x)) */
struct ls_value *ls_tanh(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_relu(struct ls_graph *graph, struct ls_value *x); /* max(x, 0) */
/* x > 0 ? x : slope x */
struct ls_value *ls_leaky_relu(struct ls_graph *graph, struct ls_value *x, double slope);
/* x > 0 ? x : alpha (exp(x) - 1); Clevert et al. 2016 */
struct ls_value *ls_elu(struct ls_graph *graph, struct ls_value *x, double alpha);
/* x/2 (1 + erf(x / sqrt 2)); Hendrycks & Gimpel 2016 */
struct ls_value *ls_gelu(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_silu(struct ls_graph *graph, struct ls_value *x);     /* x sigmoid(x) */
struct ls_value *ls_softplus(struct ls_graph *graph, struct ls_value *x); /* log(1 + exp(x)) */
/* Over the last dimension. */
struct ls_value *ls_softmax(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_log_softmax(struct ls_graph *graph, struct ls_value *x);

/* y = gain (x - mean) / sqrt(variance + epsilon) + offset per channel C; mean and variance over
 * each microbatch when training (Ioffe & Szegedy 2015; "ghost" statistics), running ones otherwise
 * or where a microbatch has fewer than two values per channel. mean, variance:
 * LS_PARAMETER_STATISTIC [C]. */
struct ls_value *ls_batch_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                               struct ls_value *offset, struct ls_value *running_mean,
                               struct ls_value *running_variance,
                               const struct ls_norm_options *options);
/* The same over the last dimension of each row (Ba et al. 2016). */
struct ls_value *ls_layer_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                               struct ls_value *offset, const struct ls_norm_options *options);

/* Zero with probability `rate`, else x / (1 - rate), when training (Srivastava et al. 2014). */
struct ls_value *ls_dropout(struct ls_graph *graph, struct ls_value *x, double rate);

/* y[n, ..., :] = table[index[n, ...], :]. index int32, table [V, D] plain. */
struct ls_value *ls_embedding(struct ls_graph *graph, struct ls_value *index,
                              struct ls_value *table);

/* y = (x - mean) * scale; mean, scale: LS_PARAMETER_CONSTANT of the last dimension [C] or of the
 * whole row. No gradient to them. */
struct ls_value *ls_standardise(struct ls_graph *graph, struct ls_value *x, struct ls_value *mean,
                                struct ls_value *scale);

/* Every stride-th pixel, channels padded with zeros on both sides to `channels`: the shortcut
 * without parameters of He et al. 2016 (option A). x [N,H,W,C] ->
 * [N,ceil(H/stride),ceil(W/stride),channels]. */
struct ls_value *ls_shortcut(struct ls_graph *graph, struct ls_value *x, int64_t stride,
                             int64_t channels);

/* Losses give [N, 2]: per sample the loss times its weight, and the weight. */
/* mean over the outputs of a sample of (x - t)^2, |x - t|, or Huber's with its delta; x, t [N,
 * ...]. */
struct ls_value *ls_squared_error(struct ls_graph *graph, struct ls_value *x,
                                  struct ls_value *target);
struct ls_value *ls_absolute_error(struct ls_graph *graph, struct ls_value *x,
                                   struct ls_value *target);
struct ls_value *ls_huber(struct ls_graph *graph, struct ls_value *x, struct ls_value *target,
                          double delta);
/* -sum_k q_k log softmax(x)_k with q = (1 - smoothing) onehot(t) + smoothing / K; logits x [N, ...,
 * K], t [N, ...] int32. A label equal to `ignored` has weight 0; others weigh class_weights[t]
 * (constant parameter [K], or NULL: 1). Summed over the positions of a sample. */
struct ls_value *ls_softmax_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                          struct ls_value *target, struct ls_value *class_weights,
                                          const struct ls_cross_entropy_options *options);
/* max(x,0) - x t + log(1 + exp(-|x|)), mean over the outputs of a sample; x, t [N, ...] real. */
struct ls_value *ls_binary_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                         struct ls_value *target);

#endif
