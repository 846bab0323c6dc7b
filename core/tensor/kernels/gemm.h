/* Products of linear layers with weights in panels: y = x W + b and its two gradients.
 * x [rows, in], y [rows, out], dense; W and its gradient are stored [ceil(out / 32)][in][32]. */
#ifndef LS_KERNELS_GEMM_H
#define LS_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/tensor/variant.h"

struct ls_gemm {
    int64_t rows, in, out;
    int64_t microbatch_rows; /* for the weight gradient; the last microbatch may have fewer */
};

/* y = x W, then + bias (NULL: none), then ReLU. */
void LS_NAME(ls_gemm_forward)(const struct ls_gemm *gemm, const real *x, const real *w,
                              const real *bias, bool relu, real *y, void *scratch);

/* dx = dy W^T, a chain over the outputs ascending; with `add`, dx += that. */
void LS_NAME(ls_gemm_input_gradient)(const struct ls_gemm *gemm, const real *dy, const real *w,
                                     bool add, real *dx, void *scratch);

/* dw = x^T dy: a chain over rows per microbatch, microbatches along the fixed tree. Here as above
 * long chains are cut (tensor/chain.h). */
void LS_NAME(ls_gemm_weight_gradient)(const struct ls_gemm *gemm, const real *x, const real *dy,
                                      real *dw, void *scratch);

/* Bytes of scratch for each of these, for at most gemm->rows rows, however cut into microbatches.
 */
size_t LS_NAME(ls_gemm_scratch_bytes)(const struct ls_gemm *gemm);

#endif
