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

/* a + b, a - b, a * b, a / b, max(a, b), element by element (of equals, a has the gradient); equal
 * shapes, or b a parameter of a's trailing dimensions: [C], or [T, C] for a of [N, T, C] (in step
 * mode: its row of the position, and T must be at least what the graph may step through). */
struct ls_value *ls_add(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);
struct ls_value *ls_subtract(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);
struct ls_value *ls_multiply(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);
struct ls_value *ls_divide(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);
struct ls_value *ls_maximum(struct ls_graph *graph, struct ls_value *a, struct ls_value *b);

/* The same elements under another shape (without the batch dimension); one -1 is worked out. */
struct ls_value *ls_reshape(struct ls_graph *graph, struct ls_value *x, struct ls_shape row_shape);
struct ls_value *ls_flatten(struct ls_graph *graph, struct ls_value *x);
/* y[n,0,:] = v, y[n,t+1,:] = x[n,t,:]. x [N, T, C], v [C] a parameter. */
struct ls_value *ls_prepend(struct ls_graph *graph, struct ls_value *x, struct ls_value *vector);
/* Joins along an axis (1 .. rank-1; -1 the last). */
struct ls_value *ls_concat(struct ls_graph *graph, struct ls_value *const *xs, int count, int axis);

/* Entries first .. first + count - 1 along an axis (count 0: all from `first` on; first below 0:
 * counted from the end). */
struct ls_value *ls_slice(struct ls_graph *graph, struct ls_value *x,
                          const struct ls_slice_options *options);
/* One position: [N, T, ...] -> [N, ...]; below 0: counted from the end. */
struct ls_value *ls_take(struct ls_graph *graph, struct ls_value *x, int64_t index);
/* The last valid position: [N, T, ...] -> [N, ...]. lengths [N] int32 or NULL (T); of length 0:
 * zeros. */
struct ls_value *ls_last(struct ls_graph *graph, struct ls_value *x, struct ls_value *lengths);
/* The dimensions of a sample in another order: output dimension 1 + i is input dimension order[i];
 * {2, 1} makes [N, C, T] of [N, T, C]. */
struct ls_value *ls_transpose(struct ls_graph *graph, struct ls_value *x,
                              const struct ls_transpose_options *options);
/* Sum, mean or maximum over an axis, which goes away. lengths [N] int32 or NULL, with axis 1 alone:
 * of the first length[n] positions; over none it is 0. */
struct ls_value *ls_reduce(struct ls_graph *graph, struct ls_value *x, struct ls_value *lengths,
                           const struct ls_reduce_options *options);
/* The same numbers at each of so many positions: [N, ...] -> [N, count, ...]. */
struct ls_value *ls_repeat(struct ls_graph *graph, struct ls_value *x, int64_t count);

/* Each pixel as a block of equal ones: [N, H, W, C] -> [N, H factor[0], W factor[1], C]. */
struct ls_value *ls_upsample(struct ls_graph *graph, struct ls_value *x,
                             const struct ls_upsample_options *options);
/* y[n, ..., k] = 1 where k = index[n, ...], else 0; index int32 in [0, count). */
struct ls_value *ls_one_hot(struct ls_graph *graph, struct ls_value *index, int64_t count);
/* y = x, and no gradient flows back. */
struct ls_value *ls_stop_gradient(struct ls_graph *graph, struct ls_value *x);
/* Sum of (a - b)^2, or 1 - a b / (|a| |b|) (1 where a length is 0); a, b [N, D] -> [N, 1]. */
struct ls_value *ls_distance(struct ls_graph *graph, struct ls_value *a, struct ls_value *b,
                             enum ls_distance_kind kind);
/* y = A B of each matrix: a [N, ..., P, K] or transposed [N, ..., K, P], b [N, ..., K, Q] or
 * transposed [N, ..., Q, K] -> [N, ..., P, Q]. */
struct ls_value *ls_batched_product(struct ls_graph *graph, struct ls_value *a, struct ls_value *b,
                                    const struct ls_batched_product_options *options);

struct ls_value *ls_sigmoid(struct ls_graph *graph, struct ls_value *x); /* 1 / (1 + exp(-x)) */
struct ls_value *ls_tanh(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_relu(struct ls_graph *graph, struct ls_value *x); /* max(x, 0) */
/* x > 0 ? x : slope x */
struct ls_value *ls_leaky_relu(struct ls_graph *graph, struct ls_value *x, double slope);
/* x > 0 ? x : alpha (exp(x) - 1); Clevert et al. 2016 */
struct ls_value *ls_elu(struct ls_graph *graph, struct ls_value *x, double alpha);
/* x/2 (1 + erf(x / sqrt 2)), and with x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) in its place;
 * Hendrycks & Gimpel 2016 */
struct ls_value *ls_gelu(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_gelu_tanh(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_silu(struct ls_graph *graph, struct ls_value *x);     /* x sigmoid(x) */
struct ls_value *ls_softplus(struct ls_graph *graph, struct ls_value *x); /* log(1 + exp(x)) */
struct ls_value *ls_exp(struct ls_graph *graph, struct ls_value *x);
/* The natural logarithm, of numbers above 0. */
struct ls_value *ls_logarithm(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_square(struct ls_graph *graph, struct ls_value *x);
struct ls_value *ls_abs(struct ls_graph *graph, struct ls_value *x);
/* min(max(x, low), high); no gradient where x is cut off */
struct ls_value *ls_clamp(struct ls_graph *graph, struct ls_value *x, double low, double high);
/* factor x + shift */
struct ls_value *ls_scale(struct ls_graph *graph, struct ls_value *x, double factor, double shift);
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

/* The same over each group of C / groups channels of a row, with all its positions [N, ..., C] (Wu
 * & He 2018). */
struct ls_value *ls_group_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                               struct ls_value *offset,
                               const struct ls_group_norm_options *options);
/* y = gain x / sqrt(mean of x^2 + epsilon) over the last dimension (Zhang & Sennrich 2019). */
struct ls_value *ls_rms_norm(struct ls_graph *graph, struct ls_value *x, struct ls_value *gain,
                             const struct ls_norm_options *options);

/* Zero with probability `rate`, else x / (1 - rate), when training (Srivastava et al. 2014). */
struct ls_value *ls_dropout(struct ls_graph *graph, struct ls_value *x, double rate);

/* Numbers for a network to start from, without an input: [N, row_shape...], standard normal or
 * uniform in [-1, 1), by (seed, node, step, position in the global batch). A run at step 0 (every
 * evaluation) gives the same each time. */
struct ls_value *ls_noise(struct ls_graph *graph, struct ls_shape row_shape,
                          enum ls_noise_kind kind);
/* x + deviation e when training, e standard normal; else x (Vincent et al. 2010). */
struct ls_value *ls_gaussian_noise(struct ls_graph *graph, struct ls_value *x, double deviation);
/* mean + exp(log_variance / 2) e, e standard normal by (seed, node, step, data row), in training
 * and wherever a loss is measured; the mean where run->mean_only (Kingma & Welling 2014). Both
 * [N, ...], of one shape. */
struct ls_value *ls_sample_normal(struct ls_graph *graph, struct ls_value *mean,
                                  struct ls_value *log_variance);
/* Scaled dot-product attention with several heads (Vaswani et al. 2017, section 3.2). Per sample
 * and head, of width D = C / heads: p[i,:] = softmax over valid j of q[i] . k[j] / sqrt D;  y[i] =
 * sum over valid j of p[i,j] v[j] Key j is valid if j < lengths[n] and, if causal, j <= i. Without
 * valid keys y is 0. When training, dropout acts on p. memory NULL: x [N, T, 3C] holds queries,
 * keys and values side by side, so that one linear layer makes them; else x [N, Tq, C] holds the
 * queries and memory [N, Tk, 2C] keys and values. lengths int32 [N] or NULL: all. y [N, Tq, C].
 * Positions behind the length must hold finite numbers. In step mode causal self-attention
 * remembers earlier positions. */
struct ls_value *ls_attention(struct ls_graph *graph, struct ls_value *x, struct ls_value *memory,
                              struct ls_value *lengths, const struct ls_attention_options *options);

/* Rotary positions (Su et al. 2021, "RoFormer"): channels 2i and 2i+1 of each head are turned by
 * the angle t base^(-2i / width) at position t, so that q . k depends on the distance of two
 * positions alone. x [N, T, ...]; on what a linear layer makes for ls_attention: channels = 2C,
 * width = C / heads. */
struct ls_value *ls_rotary(struct ls_graph *graph, struct ls_value *x,
                           const struct ls_rotary_options *options);

/* y[n, ..., :] = table[index[n, ...], :]. index int32, table [V, D] plain; or the weight
 * [D, V] of a linear layer, in panels: y[n, ..., :] = table[:, index[n, ...]]. */
struct ls_value *ls_embedding(struct ls_graph *graph, struct ls_value *index,
                              struct ls_value *table);

/* Recurrences: y[n,t,:] = h[n,t], the state of sample n after its position t; x [N,T,I] -> [N,T,H].
 * Of G = 4H (lstm), 3H (gru) or H (rnn) columns, the gates lie side by side in the order of the
 * formulas, with z[n,t] = x[n,t] W + b and u[n,t] = h[n,t-1] U. */
struct ls_recurrence_values {
    struct ls_value *weight;           /* W [I,G] panels */
    struct ls_value *recurrent_weight; /* U [H,G] panels */
    struct ls_value *bias;             /* b [G], or NULL */
    struct ls_value *candidate_bias;   /* b' [H], or NULL; gru */
    struct ls_value *state;            /* h before the first position [N,H]; NULL: zeros */
    struct ls_value *cell;             /* c before the first position [N,H]; NULL: zeros; lstm */
    /* Valid positions of each sample [N] int32; NULL: all. Behind them the state stays as it is,
     * and x has no part in anything. */
    struct ls_value *lengths;
};
/* i, f, o = sigmoid(z + u), g = tanh(z + u) (columns i, f, g, o); c[t] = f c[t-1] + i g; h[t] = o
 * tanh(c[t]). Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000. */
struct ls_value *ls_lstm(struct ls_graph *graph, struct ls_value *x,
                         const struct ls_recurrence_values *values,
                         const struct ls_recurrence_options *options);
/* r, s = sigmoid(z + u), n = tanh(z + r (u + b')) (columns r, s, n); h[t] = (1 - s) n + s h[t-1].
 * Cho et al. 2014, in the variant of cuDNN and PyTorch: r takes the product instead of h[t-1]. */
struct ls_value *ls_gru(struct ls_graph *graph, struct ls_value *x,
                        const struct ls_recurrence_values *values,
                        const struct ls_recurrence_options *options);
/* h[t] = tanh(z + u), or max(z + u, 0). Elman 1990. */
struct ls_value *ls_rnn(struct ls_graph *graph, struct ls_value *x,
                        const struct ls_recurrence_values *values,
                        const struct ls_recurrence_options *options);

/* y = (x - mean) * scale; mean, scale: LS_PARAMETER_CONSTANT of the last dimension [C] or of the
 * whole row. No gradient to them. */
struct ls_value *ls_standardise(struct ls_graph *graph, struct ls_value *x, struct ls_value *mean,
                                struct ls_value *scale);

/* y[n,k] = squared distance of x[n] to prototype k; x [N, ...] of D elements, prototypes [K, D]
 * plain; y [N, K] (Li et al. 2018). */
struct ls_value *ls_prototypes(struct ls_graph *graph, struct ls_value *x,
                               struct ls_value *prototypes);

/* Every stride-th pixel, channels padded with zeros on both sides to `channels`: the shortcut
 * without parameters of He et al. 2016 (option A). x [N,H,W,C] ->
 * [N,ceil(H/stride),ceil(W/stride),channels]. */
struct ls_value *ls_shortcut(struct ls_graph *graph, struct ls_value *x, int64_t stride,
                             int64_t channels);

/* Losses give [N, 2]: per sample the loss times its weight, and the weight.
 *
 * The element losses are the mean over the elements of a sample of a function of x and t, both
 * [N, ...] with as many elements, or their sum (options->sum). `valid` says which elements count:
 * NULL, all; int32 [N], the first so many along dimension 1; real [N], [N, T], ..., a weight for
 * each sample, each position, ... of x. A sample's weight is then the share of its elements that
 * count, else 1; column 0 is the sum of what counts / elements. options NULL: all default. */
/* (x - t)^2, |x - t|; with d = |x - t|: d <= delta ? d^2 / 2 : delta (d - delta / 2) (Huber 1964);
 * t > x ? q (t - x) : (1 - q) (x - t) with q = options->quantile (Koenker & Bassett 1978). */
struct ls_value *ls_squared_error(struct ls_graph *graph, struct ls_value *x,
                                  struct ls_value *target, struct ls_value *valid,
                                  const struct ls_loss_options *options);
struct ls_value *ls_absolute_error(struct ls_graph *graph, struct ls_value *x,
                                   struct ls_value *target, struct ls_value *valid,
                                   const struct ls_loss_options *options);
struct ls_value *ls_huber(struct ls_graph *graph, struct ls_value *x, struct ls_value *target,
                          struct ls_value *valid, const struct ls_loss_options *options);
struct ls_value *ls_quantile(struct ls_graph *graph, struct ls_value *x, struct ls_value *target,
                             struct ls_value *valid, const struct ls_loss_options *options);
/* max(x,0) - x t + log(1 + exp(-|x|)); t real, 0 to 1 (NaN of another). */
struct ls_value *ls_binary_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                         struct ls_value *target, struct ls_value *valid,
                                         const struct ls_loss_options *options);
/* (v + (t - mean)^2 exp(-v) + log 2 pi) / 2, v the log of the variance; all [N, ...] (Nix & Weigend
 * 1994). */
struct ls_value *ls_gaussian_nll(struct ls_graph *graph, struct ls_value *mean,
                                 struct ls_value *log_variance, struct ls_value *target,
                                 struct ls_value *valid, const struct ls_loss_options *options);
/* -sum_k q_k log softmax(x)_k with q = (1 - smoothing) onehot(t) + smoothing / K; logits x [N, ...,
 * K], t [N, ...] int32. A label equal to `ignored` has weight 0; others weigh class_weights[t]
 * (constant parameter [K], or NULL: 1). Summed over the positions of a sample, or over its first
 * lengths[n] along dimension 1 (int32 [N]; NULL: all). */
struct ls_value *ls_softmax_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                          struct ls_value *target, struct ls_value *class_weights,
                                          struct ls_value *lengths,
                                          const struct ls_cross_entropy_options *options);
/* The Kullback-Leibler divergence of N(mean, exp v) from N(0, 1), summed over a sample's elements:
 * -(1 + v - mean^2 - exp v) / 2; both [N, ...]; weight 1 (Kingma & Welling 2014). */
struct ls_value *ls_kl_normal(struct ls_graph *graph, struct ls_value *mean,
                              struct ls_value *log_variance);
/* What one of two networks wants of the discriminator's x [N, ...]: 1, that it is large (s = 1), or
 * 0, small (s = -1). Mean over a sample of -log sigmoid(s x), for both networks (Goodfellow et al.
 * 2014, non-saturating); or of max(0, 1 - s x), hinge, for the discriminator, and of -s x, linear,
 * for the generator (Lim & Ye 2017). */
struct ls_value *ls_adversarial(struct ls_graph *graph, struct ls_value *x, int wanted,
                                enum ls_adversarial_kind kind);
/* s D^2 / 2 + (1 - s) max(0, margin - D)^2 / 2; distance D [N, 1], or D^2 (options->squared), same
 * s [N] real, 1 or 0 (Hadsell et al. 2006). */
struct ls_value *ls_contrastive(struct ls_graph *graph, struct ls_value *distance,
                                struct ls_value *same, const struct ls_loss_options *options);
/* max(0, near - far + margin): distances [N, 1] of an anchor to a sample of its kind and to another
 * (Schroff et al. 2015). */
struct ls_value *ls_triplet(struct ls_graph *graph, struct ls_value *near, struct ls_value *far,
                            const struct ls_loss_options *options);
/* Of distances [N, K]: the least over k, per sample; or, over_samples, for each k the least over
 * the samples of the microbatch, charged to the sample that has it, times the microbatch's samples
 * / K, so that over a batch it is the mean over k. Weight 1 (Li et al. 2018, R2 and R1). */
struct ls_value *ls_nearest_distance(struct ls_graph *graph, struct ls_value *distances,
                                     bool over_samples);
/* Column 0: the sum of weights[i] * run->term_factors[i] * column 0 of losses[i]; column 1: that of
 * losses[0]. Up to LS_TERMS_MAX losses [N, 2]. */
struct ls_value *ls_weighted_loss(struct ls_graph *graph, struct ls_value *const *losses,
                                  const double *weights, int count);

#endif
