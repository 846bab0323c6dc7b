/* The kernels of a float variant in one table, for code that is compiled once and chooses among
 * variants while it runs (isa.h: ls_variant_kernels). Such code defines LS_VARIANT_F32_PORTABLE to
 * include this: the types of all float variants are the same. */
#ifndef LS_KERNELS_TABLE_H
#define LS_KERNELS_TABLE_H

#include "core/tensor/kernels/conv.h"
#include "core/tensor/kernels/gemm.h"
#include "core/tensor/kernels/peak.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/update.h"

#define LS_KERNEL_LIST(X)                                                                          \
    X(gemm_forward)                                                                                \
    X(gemm_input_gradient)                                                                         \
    X(gemm_weight_gradient)                                                                        \
    X(gemm_scratch_bytes)                                                                          \
    X(conv_state_bytes)                                                                            \
    X(conv_prepare)                                                                                \
    X(conv_forward)                                                                                \
    X(conv_input_gradient)                                                                         \
    X(conv_weight_gradient)                                                                        \
    X(conv_scratch_bytes)                                                                          \
    X(update)                                                                                      \
    X(peak)

#if LS_REAL_IS_FLOAT
struct ls_kernels {
#define LS_KERNEL_MEMBER(name) __typeof__(LS_NAME(ls_##name)) *name;
    LS_KERNEL_LIST(LS_KERNEL_MEMBER)
#undef LS_KERNEL_MEMBER
};
#endif

#endif
