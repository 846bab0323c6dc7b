/* What the kernels compute, written straight from the definition with scalar ls_fma: the oracle
 * that the tests hold the fast kernels against, bit for bit. Slow. Same layouts and arguments as
 * gemm.h, conv.h and attention.h; memory for the tree comes from the heap, since only tests call
 * this. */
#ifndef LS_KERNELS_PLAIN_H
#define LS_KERNELS_PLAIN_H

#include "core/tensor/chain.h"
#include "core/tensor/kernels/attention.h"
#include "core/tensor/kernels/conv.h"
#include "core/tensor/kernels/gemm.h"

/* A sum of products as tensor/chain.h has it. Zeroed to begin with. */
struct ls_plain_sum {
    real chain;
    double total;
    int64_t chains; /* that have ended */
};

/* Adds a b, term number k; terms come in ascending order. */
static inline void ls_plain_add(struct ls_plain_sum *sum, int64_t k, real a, real b) {
    if (k / LS_CHAIN_MAX > sum->chains) {
        sum->total += (double)sum->chain;
        sum->chain = 0;
        sum->chains = k / LS_CHAIN_MAX;
    }
    sum->chain = ls_fma(a, b, sum->chain);
}

static inline real ls_plain_result(const struct ls_plain_sum *sum) {
    return (real)(sum->total + (double)sum->chain) + (real)0;
}

void LS_NAME(ls_plain_gemm_forward)(const struct ls_gemm *gemm, const real *x, const real *w,
                                    const real *bias, bool relu, real *y);
void LS_NAME(ls_plain_gemm_input_gradient)(const struct ls_gemm *gemm, const real *dy,
                                           const real *w, bool add, real *dx);
void LS_NAME(ls_plain_gemm_weight_gradient)(const struct ls_gemm *gemm, const real *x,
                                            const real *dy, real *dw);

void LS_NAME(ls_plain_conv_forward)(const struct ls_conv *conv, const real *x, const real *w,
                                    struct ls_epilogue epilogue, real *y);
void LS_NAME(ls_plain_conv_input_gradient)(const struct ls_conv *conv, const real *dy,
                                           const real *w, struct ls_epilogue epilogue, real *dx);
void LS_NAME(ls_plain_conv_weight_gradient)(const struct ls_conv *conv, const real *x,
                                            const real *dy, real *dw);

/* The same with ls_winograd_applies (winograd.h). */
void LS_NAME(ls_plain_winograd_forward)(const struct ls_conv *conv, const real *x, const real *w,
                                        struct ls_epilogue epilogue, real *y);
void LS_NAME(ls_plain_winograd_input_gradient)(const struct ls_conv *conv, const real *dy,
                                               const real *w, struct ls_epilogue epilogue,
                                               real *dx);
void LS_NAME(ls_plain_winograd_weight_gradient)(const struct ls_conv *conv, const real *x,
                                                const real *dy, real *dw);

/* k and v are not packed; what is saved and scratch are not used. */
void LS_NAME(ls_plain_attention_forward)(const struct ls_attention *attention, real *y,
                                         int64_t y_step);
void LS_NAME(ls_plain_attention_backward)(const struct ls_attention *attention,
                                          const struct ls_attention_gradients *gradients);

/* The sum of `count` arrays along the fixed tree, from its recursive definition, into the first. */
void LS_NAME(ls_plain_tree_sum)(int count, int64_t elements, real *arrays);

/* to[c] = the ordered sum of x[r][c] over rows (core/ops/sum.h). */
void LS_NAME(ls_plain_column_sums)(int64_t rows, int64_t columns, int64_t microbatch_rows,
                                   const real *x, real *to);

#endif
