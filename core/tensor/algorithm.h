/* Which algorithm computes a convolution: a setting of a run, since the bits differ. */
#ifndef LS_TENSOR_ALGORITHM_H
#define LS_TENSOR_ALGORITHM_H

/* 3x3 convolutions of stride 1 with 16 channels or more: directly, or by Winograd's F(2x2, 3x3) or
 * F(4x4, 3x3) (kernels/winograd.h). */
enum ls_winograd { LS_WINOGRAD_OFF, LS_WINOGRAD_F2, LS_WINOGRAD_F4 };

#endif
