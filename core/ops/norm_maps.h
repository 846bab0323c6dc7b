/* The two affine maps of a batch norm over one microbatch, and what is done with them to some of
 * its images: batch_norm.c takes a whole microbatch, conv2d.c a few images at a time while they are
 * in cache. With i = 1 / sqrt(variance + epsilon), h = (x - mean) i, n values, S = sum dy and T =
 * sum dy h = i sum dy (x - mean):
 *
 *     y  = (gain i) x + (offset - mean gain i) [+ residual], perhaps behind a ReLU
 *     dx = gain i (dy - S / n - h T / n), without the sums where the statistics are constants
 *
 * Images are counted from the run's first one. */
#ifndef LS_OPS_NORM_MAPS_H
#define LS_OPS_NORM_MAPS_H

#include "core/ops/norm_sums.h"
#include "core/ops/weave.h"
#include "core/tensor/kernels/scratch.h"

enum {
    LS_NORM_X,
    LS_NORM_GAIN,
    LS_NORM_OFFSET,
    LS_NORM_MEAN,
    LS_NORM_VARIANCE,
    LS_NORM_RESIDUAL /* optional */
};

/* Per microbatch, from forward to backward. C each. */
struct ls_norm_saved {
    double *mean, *inverse; /* what it was normalised by; inverse: i */
    double *sum, *product;  /* the sums of this direction (norm_sums.h) */
};

static inline struct ls_norm_saved ls_norm_saved(const struct ls_node *norm, int m) {
    const int64_t channels = ls_shape_last(norm->output->shape);
    double *at = (double *)norm->saved + 4 * m * channels;
    return (struct ls_norm_saved){at, at + channels, at + 2 * channels, at + 3 * channels};
}

static inline size_t ls_norm_saved_bytes(int64_t channels, int64_t microbatches) {
    return (size_t)(4 * microbatches * channels) * sizeof(double);
}

/* Coefficients per channel, repeated (norm_maps.c). */
struct ls_norm_maps {
    real *scale, *shift;         /* y = scale x + shift */
    real *steep, *tilt, *offset; /* dx = steep dy + tilt x + offset */
    real *centre;                /* backward's sums are of x - centre */
};

struct ls_norm_maps LS_NAME(ls_norm_take_maps)(int64_t channels, struct ls_scratch *scratch);

/* Scale and shift of microbatch m. */
void LS_NAME(ls_norm_forward_map)(const struct ls_node *norm, int m, struct ls_norm_maps maps);

/* y of `count` images from `first` on. */
void LS_NAME(ls_norm_forward_images)(const struct ls_node *norm, struct ls_norm_maps maps,
                                     int64_t first, int64_t count, real *y);

/* Before the first image of microbatch m: the sums become zero; scale, shift and centre. */
void LS_NAME(ls_norm_backward_begin)(const struct ls_node *norm, int m, struct ls_norm_maps maps);

/* Adds images to the sums. Behind a residual, dy is masked by the ReLU in place, and the residual's
 * gradient gets it, unless it is the same memory. */
void LS_NAME(ls_norm_backward_sums)(const struct ls_node *norm, int m, struct ls_norm_maps maps,
                                    int64_t first, int64_t count);

/* When all images are in the sums: T of each channel to `along`, if that is not NULL; all maps. */
void LS_NAME(ls_norm_backward_map)(const struct ls_node *norm, const struct ls_run *run, int m,
                                   struct ls_norm_maps maps, real *along);

/* dx of images. */
void LS_NAME(ls_norm_backward_images)(const struct ls_node *norm, struct ls_norm_maps maps,
                                      int64_t first, int64_t count, bool accumulate, real *dx);

/* Values per channel of microbatch m, and whether its statistics are constants: not when training,
 * except where nobody trains the running ones, or one value would be its own mean. */
static inline int64_t ls_norm_values(const struct ls_node *norm, const struct ls_run *run, int m) {
    const struct ls_shape shape = norm->output->shape;
    return ls_run_microbatch_rows(run, m) * (ls_shape_row_count(shape) / ls_shape_last(shape));
}

static inline bool ls_norm_frozen(const struct ls_node *norm, const struct ls_run *run,
                                  int64_t values) {
    return !run->training || norm->inputs[LS_NORM_MEAN]->fixed ||
           norm->inputs[LS_NORM_VARIANCE]->fixed || values < 2;
}

#endif
