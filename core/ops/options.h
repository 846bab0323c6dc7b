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

struct ls_dropout_options {
    double rate; /* in [0, 1) */
};

struct ls_concat_options {
    int axis; /* 1 .. rank-1; -1 the last */
};

struct ls_reshape_options {
    struct ls_shape row_shape; /* without the batch dimension; at most one dimension is -1 */
};

struct ls_shortcut_options {
    int64_t stride, channels;
};

struct ls_huber_options {
    double delta; /* above 0 */
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

struct ls_cross_entropy_options {
    double smoothing;
    bool has_ignored;
    int32_t ignored;
};

#endif
