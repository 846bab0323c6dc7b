/* linear in free order (compute.gemm: openblas): products by OpenBLAS on a plain copy of the
 * weights. Weight gradients are still one product per microbatch, added along the fixed tree.
 * Float only: in double ls_linear_uses_blas is false, and what follows compiles but is never
 * called. */
#ifndef LS_OPS_LINEAR_BLAS_H
#define LS_OPS_LINEAR_BLAS_H

#include "core/ops/sum.h"
#include "core/tensor/blas.h"
#include "core/tensor/kernels/gemm.h"
#include "core/tensor/kernels/product.h"

static inline bool ls_linear_uses_blas(const struct ls_node *node) {
    return LS_REAL_IS_FLOAT && node->kernels->openblas;
}

static inline size_t ls_linear_blas_state(const struct ls_node *node) {
    return (size_t)ls_shape_count(node->inputs[1]->shape) * sizeof(real);
}

/* Partial weight gradients, plain; slot 0 of the tree too. */
static inline size_t ls_linear_blas_scratch(const struct ls_node *node, int64_t rows_max) {
    return (size_t)ls_tree_slots(rows_max) * ls_linear_blas_state(node);
}

/* Element (i, o) of panels <-> plain, 32 columns at a time. */
static inline void ls_linear_blas_prepare(struct ls_node *node) {
    const struct ls_shape shape = node->inputs[1]->shape;
    const int64_t in = shape.dims[0], out = shape.dims[1];
    const real *panels = node->inputs[1]->data;
    real *plain = node->state;
    for (int64_t o = 0; o < out; o += LS_PANEL)
        for (int64_t i = 0; i < in; i++)
            memcpy(plain + i * out + o, panels + ls_panel_index(in, i, o),
                   (size_t)(out - o < LS_PANEL ? out - o : LS_PANEL) * sizeof(real));
}

static inline void ls_linear_blas_store(const struct ls_gemm *g, const real *plain, real *panels) {
    memset(panels, 0, (size_t)ls_panel_elements(g->in, g->out) * sizeof(real));
    for (int64_t o = 0; o < g->out; o += LS_PANEL)
        for (int64_t i = 0; i < g->in; i++)
            memcpy(panels + ls_panel_index(g->in, i, o), plain + i * g->out + o,
                   (size_t)(g->out - o < LS_PANEL ? g->out - o : LS_PANEL) * sizeof(real));
}

static inline void ls_linear_blas_forward(const struct ls_node *node, const struct ls_gemm *g,
                                          const real *bias, bool relu) {
    real *y = node->output->data;
    ls_blas_product(&(struct ls_blas_product){.m = g->rows,
                                              .n = g->out,
                                              .k = g->in,
                                              .a = node->inputs[0]->data,
                                              .b = node->state,
                                              .c = (void *)y});
    for (int64_t r = 0; r < g->rows; r++, y += g->out)
        for (int64_t o = 0; o < g->out; o++) {
            const real value = bias ? y[o] + bias[o] : y[o];
            y[o] = relu && value < 0 ? 0 : value;
        }
}

static inline void ls_linear_blas_weight_gradient(const struct ls_node *node,
                                                  const struct ls_gemm *g) {
    const real *x = node->inputs[0]->data, *dy = node->output->gradient;
    real *sum = node->scratch;
    const int64_t elements = g->in * g->out;
    struct ls_tree_stack stack = ls_tree_stack_begin(sum, sum + elements, elements);
    for (int64_t r = 0; r < g->rows; r += g->microbatch_rows) {
        const int64_t left = g->rows - r;
        ls_blas_product(
            &(struct ls_blas_product){.m = g->in,
                                      .n = g->out,
                                      .k = left < g->microbatch_rows ? left : g->microbatch_rows,
                                      .a = (const void *)(x + r * g->in),
                                      .turn_a = true,
                                      .b = (const void *)(dy + r * g->out),
                                      .c = (void *)ls_tree_stack_leaf(&stack)});
        ls_tree_stack_push(&stack);
    }
    ls_tree_stack_finish(&stack);
    ls_linear_blas_store(g, sum, node->inputs[1]->gradient);
}

static inline void ls_linear_blas_backward(const struct ls_node *node, const struct ls_gemm *g) {
    if (node->inputs[1]->gradient)
        ls_linear_blas_weight_gradient(node, g);
    if (node->inputs[0]->gradient)
        ls_blas_product(&(struct ls_blas_product){.m = g->rows,
                                                  .n = g->in,
                                                  .k = g->out,
                                                  .a = node->output->gradient,
                                                  .b = node->state,
                                                  .turn_b = true,
                                                  .add = node->accumulate[0],
                                                  .c = node->inputs[0]->gradient});
}

#endif
