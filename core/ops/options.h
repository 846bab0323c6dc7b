/* Options of the ops; their formulas are in core/graph/ops.h. A member that is 0 has its default.
 */
#ifndef LS_OPS_OPTIONS_H
#define LS_OPS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tensor/shape.h"

struct ls_leaky_relu_options {
    double slope;
};

struct ls_elu_options {
    double alpha;
};

enum ls_gelu_approximation { LS_GELU_ERF, LS_GELU_TANH };

struct ls_gelu_options {
    enum ls_gelu_approximation approximation;
};

struct ls_scale_options {
    double factor, shift;
};

struct ls_clamp_options {
    double low, high; /* low is not above high */
};

struct ls_dropout_options {
    double rate; /* in [0, 1) */
};

enum ls_noise_kind { LS_NOISE_NORMAL, LS_NOISE_UNIFORM };

struct ls_noise_options {
    struct ls_shape row_shape; /* without the batch dimension */
    enum ls_noise_kind kind;
};

struct ls_gaussian_noise_options {
    double deviation; /* at least 0 */
};

struct ls_attention_options {
    int64_t heads;  /* 0 means 1; a divisor of the channels */
    bool causal;    /* position i sees no position behind it */
    double dropout; /* of the probabilities; in [0, 1) */
};

struct ls_rotary_options {
    int64_t channels; /* the first so many of a position are rotated; 0: all */
    int64_t width;    /* of a head, even; 0: one head of all of these */
    double base;      /* 0 means 10000 */
};

struct ls_concat_options {
    int axis; /* 1 .. rank-1; -1 the last */
};

/* Axes are counted from 1, the first dimension behind the sample; -1 is the last. */
struct ls_slice_options {
    int axis;
    int64_t first; /* below 0: counted from the end */
    int64_t count; /* 0: all that are left */
};

struct ls_transpose_options {
    int count;                  /* of the dimensions of a sample */
    int order[LS_RANK_MAX - 1]; /* output dimension 1 + i is input dimension order[i] */
};

enum ls_reduce_kind { LS_REDUCE_SUM, LS_REDUCE_MEAN, LS_REDUCE_MAX };

struct ls_reduce_options {
    enum ls_reduce_kind kind;
    int axis;
};

struct ls_repeat_options {
    int64_t count;
};

struct ls_reshape_options {
    struct ls_shape row_shape; /* without the batch dimension; at most one dimension is -1 */
};

struct ls_shortcut_options {
    int64_t stride, channels;
};

/* Of losses element by element. */
struct ls_loss_options {
    bool sum;        /* over the elements of a sample, instead of their mean */
    double delta;    /* of huber; above 0 */
    double quantile; /* of quantile; above 0 and below 1 */
    double margin;   /* of contrastive and triplet; above 0 */
    bool squared;    /* of contrastive: the distances are squared ones */
};

enum ls_adversarial_kind { LS_ADVERSARIAL_LOGISTIC, LS_ADVERSARIAL_HINGE, LS_ADVERSARIAL_LINEAR };

struct ls_adversarial_options {
    struct ls_loss_options loss; /* first, since loss.h looks for it there */
    enum ls_adversarial_kind kind;
    int wanted; /* 1: x is to be large; 0: small */
};

enum { LS_TERMS_MAX = 8 };

struct ls_weighted_loss_options {
    double weights[LS_TERMS_MAX];
};

struct ls_conv2d_options {
    int64_t stride[2];   /* 0 means 1 */
    int64_t padding[4];  /* top, bottom, left, right */
    int64_t dilation[2]; /* 0 means 1 */
    int64_t groups;      /* 0 means 1 */
};

struct ls_conv_transpose2d_options {
    struct ls_conv2d_options convolution; /* the mirrored one, from y to x */
    int64_t output_padding[2]; /* below the stride: more pixels at the bottom and right */
};

struct ls_pool_options {
    int64_t window[2], stride[2], padding[2]; /* stride 0 means window */
};

struct ls_norm_options {
    double epsilon; /* 0 means 1e-5 */
};

/* Of lstm, gru, rnn. */
struct ls_recurrence_options {
    bool reverse; /* from the last valid position of each sample to the first */
    bool relu;    /* rnn: max(x, 0) instead of tanh */
};

struct ls_group_norm_options {
    int64_t groups; /* a divisor of the channels; 0 means 1 */
    double epsilon; /* 0 means 1e-5 */
};

struct ls_one_hot_options {
    int64_t count;
};

struct ls_upsample_options {
    int64_t factor[2]; /* of height and width */
};

enum ls_distance_kind { LS_DISTANCE_SQUARED, LS_DISTANCE_COSINE };

struct ls_distance_options {
    enum ls_distance_kind kind;
};

struct ls_batched_product_options {
    bool transpose_a, transpose_b;
};

struct ls_cross_entropy_options {
    double smoothing;
    bool has_ignored;
    int32_t ignored;
};

#endif
