/* Which pixels of a canvas take part in which pixel of the result, for a convolution and, seen
 * from the other side, for its input gradient: pixel (i, j) of a sweep is the product of the
 * weights with the canvas pixels (i * step + row[a], j * step + column[b]), a and b ascending. */
#ifndef LS_KERNELS_STENCIL_H
#define LS_KERNELS_STENCIL_H

#include "core/tensor/kernels/canvas.h"
#include "core/tensor/kernels/conv.h"
#include "core/tensor/kernels/scratch.h"

/* One axis. The arrays have room for kernel[axis] entries. */
struct ls_stencil_axis {
    int64_t count;   /* taps */
    int64_t *offset; /* of each tap, ascending */
    int64_t *tap;    /* its index in the kernel */
    int64_t step;    /* canvas pixels from result to result */
    int64_t results; /* along the axis */
};

/* Takes both axes' arrays from scratch, and returns one for ls_stencil_stretches. */
int64_t *LS_NAME(ls_stencil_take)(const struct ls_conv *conv, struct ls_stencil_axis axes[2],
                                  struct ls_scratch *scratch);

/* Canvases of x and of dy, without memory. */
struct ls_canvas LS_NAME(ls_stencil_input_canvas)(const struct ls_conv *conv);
struct ls_canvas LS_NAME(ls_stencil_output_canvas)(const struct ls_conv *conv);

/* The forward convolution: every tap, on a canvas with the convolution's own padding. */
void LS_NAME(ls_stencil_forward)(const struct ls_conv *conv, int axis, struct ls_stencil_axis *to);

/* The input gradient at the inputs phase, phase + stride, ...: the taps that meet them, on a
 * canvas of dy from ls_stencil_output_canvas. The results of all phases, 0 to min(stride, size)
 * - 1, make up dx. */
void LS_NAME(ls_stencil_backward)(const struct ls_conv *conv, int axis, int64_t phase,
                                  struct ls_stencil_axis *to);

/* Stretches of k for ls_product and ls_outer: offsets in elements from a result's canvas pixel.
 * Where neighbouring taps are neighbours in memory (`channels` is all of a pixel), a row of taps
 * is one stretch. Returns the number of stretches; *depth is the length of each. */
int64_t LS_NAME(ls_stencil_stretches)(const struct ls_stencil_axis axes[2],
                                      const struct ls_canvas *canvas, int64_t channels,
                                      int64_t *stretches, int64_t *depth);

#endif
