/* Convolutions in which every channel is a group of its own: vectors run over channels. Called
 * by conv.c. */
#ifndef LS_KERNELS_DEPTHWISE_H
#define LS_KERNELS_DEPTHWISE_H

#include "core/tensor/kernels/conv.h"

static inline bool ls_depthwise(const struct ls_conv *conv) {
    return conv->groups == conv->in && conv->groups == conv->out;
}

void LS_NAME(ls_depthwise_forward)(const struct ls_conv *conv, const real *x, const real *w,
                                   struct ls_epilogue epilogue, real *y);
void LS_NAME(ls_depthwise_input_gradient)(const struct ls_conv *conv, const real *dy, const real *w,
                                          struct ls_epilogue epilogue, real *dx);
/* Starts (`fresh`) or continues one chain over some pixels of dy; dw gets the padding too. */
void LS_NAME(ls_depthwise_weight_gradient)(const struct ls_conv *conv, bool fresh,
                                           struct ls_conv_stretch pixels, const real *x,
                                           const real *dy, real *dw);

#endif
