/* Inside the kernels: scratch of ls_conv_weight_gradient and of ls_conv_turn. */
#ifndef LS_KERNELS_CONV_WEIGHT_H
#define LS_KERNELS_CONV_WEIGHT_H

#include "core/tensor/kernels/conv.h"

size_t LS_NAME(ls_conv_weight_scratch_bytes)(const struct ls_conv *conv);

#endif
