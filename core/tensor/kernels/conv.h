/* Convolution over NHWC images: y = x * W + b (cross-correlation) and its two gradients. x
 * [images, height, width, in], y [images, out_height, out_width, out]; the weights of the plain
 * shape [kernel_height, kernel_width, in / groups, out] are stored in panels [ceil(out /
 * 32)][K][32] with K = kernel_height * kernel_width * in / groups. A transposed convolution is the
 * same seen from the other side: forward is the input gradient, and its input gradient forward.
 *
 * Chains of the direct convolution: y over (ky, kx, input) ascending; dx over gradient pixels (row,
 * column) ascending, then the group's outputs ascending; dW over the pixels of y (image, row,
 * column) ascending for each microbatch, microbatches along the fixed tree. Long chains are cut
 * (tensor/chain.h), those of dW at every LS_CHAIN_MAX pixels of y. Pixels off the image take part
 * as zeros or not at all: the + 0 at a chain's end makes that the same. Where an image
 * has few channels (narrow.h), dx is a sum from +0 over gradient pixels ascending, of one chain
 * each over the outputs ascending. */
#ifndef LS_KERNELS_CONV_H
#define LS_KERNELS_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "core/tensor/algorithm.h"
#include "core/tensor/kernels/tree_stack.h"

struct ls_conv {
    int64_t images, height, width, in, out, groups;
    int64_t kernel[2], stride[2], dilation[2];
    int64_t padding[4];        /* top, bottom, left, right */
    int64_t microbatch_images; /* for the weight gradient; the last microbatch may have fewer */
    enum ls_winograd winograd;
};

/* Height (axis 0) or width (axis 1) of y; less than 1 where the kernel does not fit. */
static inline int64_t ls_conv_out(const struct ls_conv *c, int axis) {
    const int64_t size = axis == 0 ? c->height : c->width;
    const int64_t padded = size + c->padding[2 * axis] + c->padding[2 * axis + 1];
    const int64_t extent = c->dilation[axis] * (c->kernel[axis] - 1) + 1;
    return padded < extent ? 0 : (padded - extent) / c->stride[axis] + 1;
}

/* The forms of the weights that the kernels read beside w itself, and lists of taps: `state` is
 * zero before the first time, and made anew whenever w has changed. `gradients`: input gradients
 * will be wanted. */
size_t LS_NAME(ls_conv_state_bytes)(const struct ls_conv *conv);
void LS_NAME(ls_conv_prepare)(const struct ls_conv *conv, const real *w, bool gradients,
                              void *state);

/* What becomes of a result: + bias (NULL: none), then ReLU; or, with `add` and neither of them, it
 * is added to what is there. */
struct ls_epilogue {
    const real *bias; /* of y [out], of dx [in] */
    bool relu, add;
};

/* y = x * W. */
void LS_NAME(ls_conv_forward)(const struct ls_conv *conv, const real *x, const real *w,
                              const void *state, struct ls_epilogue epilogue, real *y,
                              void *scratch);

/* dx = dy * W turned. */
void LS_NAME(ls_conv_input_gradient)(const struct ls_conv *conv, const real *dy, const real *w,
                                     const void *state, struct ls_epilogue epilogue, real *dx,
                                     void *scratch);

/* dw: a chain over pixels per microbatch, microbatches along the fixed tree. */
void LS_NAME(ls_conv_weight_gradient)(const struct ls_conv *conv, const real *x, const real *dy,
                                      real *dw, void *scratch);

/* The same while the images come, so that a caller can make them a few at a time:
 *
 *     ls_conv_sum_begin(&sum, &conv, dw, kept);
 *     for each microbatch {
 *         for some of its images, in order: ls_conv_sum_add(&sum, images, x, dy, scratch);
 *         ls_conv_sum_push(&sum);
 *     }
 *     ls_conv_sum_finish(&sum);
 *
 * `kept`: ls_conv_sum_bytes that nobody else touches meanwhile. */
struct ls_conv_sum {
    const struct ls_conv *conv; /* borrowed */
    real *dw, *frequencies;     /* frequencies: sums of winograd.h */
    struct ls_tree_stack tree;
    int64_t terms;  /* of the chain that has begun: pixels of y, or tiles of winograd.h */
    double *totals; /* of the microbatch's chains that have ended; NULL if none can be so long */
    bool cut;       /* there are some */
};

/* Some of the pixels of y, or tiles, of a call's images, counted from the first image's first. */
struct ls_conv_stretch {
    int64_t first, count;
};

void LS_NAME(ls_conv_sum_begin)(struct ls_conv_sum *sum, const struct ls_conv *conv, real *dw,
                                void *kept);
void LS_NAME(ls_conv_sum_add)(struct ls_conv_sum *sum, int64_t images, const real *x,
                              const real *dy, void *scratch);
void LS_NAME(ls_conv_sum_push)(struct ls_conv_sum *sum);
void LS_NAME(ls_conv_sum_finish)(struct ls_conv_sum *sum);
size_t LS_NAME(ls_conv_sum_bytes)(const struct ls_conv *conv);

/* Bytes of scratch for each of these, for at most conv->images images, however cut. */
size_t LS_NAME(ls_conv_scratch_bytes)(const struct ls_conv *conv);

#endif
