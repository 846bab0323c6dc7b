/* The input gradient of a convolution over images of few channels: an RGB image, the single channel
 * of a grey one. A vector of inputs would be mostly empty lanes, so vectors run over taps and
 * inputs together instead: one product gives what each gradient pixel adds to each pixel under its
 * window, and these are added up where they meet. Called by conv.c; the sums are stated in conv.h.
 */
#ifndef LS_KERNELS_NARROW_H
#define LS_KERNELS_NARROW_H

#include "core/tensor/kernels/conv.h"
#include "core/tensor/kernels/depthwise.h"

enum { LS_NARROW_CHANNELS_MAX = 4, LS_NARROW_OUTPUTS_MIN = 8 };

static inline bool ls_narrow(const struct ls_conv *c) {
    return c->groups == 1 && c->in <= LS_NARROW_CHANNELS_MAX && c->out >= LS_NARROW_OUTPUTS_MIN &&
           c->kernel[0] * c->kernel[1] > 1;
}

/* `turned`: the weights as panels of (tap, input), [ceil(taps * in / 32)][out][32]. */
void LS_NAME(ls_narrow_input_gradient)(const struct ls_conv *conv, const real *dy,
                                       const real *turned, struct ls_epilogue epilogue, real *dx,
                                       void *scratch);

size_t LS_NAME(ls_narrow_scratch_bytes)(const struct ls_conv *conv);

#endif
