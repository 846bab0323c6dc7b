/* Ops that map each element on its own. A file gives its function and its derivative as static
 * inline functions; they are inlined into the loops here, which then vectorise. */
#ifndef LS_OPS_ELEMENTWISE_H
#define LS_OPS_ELEMENTWISE_H

#include "core/ops/check.h"
#include "core/ops/math.h"

/* An element and the op's option (a slope, say) in, an element out. */
typedef real ls_elementwise_function(real x, real option);

/* dx from dy and from x or y, whichever the derivative is written in. */
typedef real ls_elementwise_gradient(real dy, real value, real option);

LS_INLINE enum ls_status ls_elementwise_infer(struct ls_node *node, int64_t flops,
                                              struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    ls_infer_like(node);
    node->flops = flops * ls_shape_row_count(node->output->shape);
    return LS_OK;
}

/* y = f(x). The two may be the same memory: ivdep, because restrict would be a lie. */
LS_INLINE void ls_elementwise_forward(const struct ls_node *node, const struct ls_run *run,
                                      ls_elementwise_function *f, real option) {
    const int64_t count = ls_run_elements(run, node->output);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++)
        y[i] = f(x[i], option);
}

/* dx = gradient(dy, value); value points at x or y. */
LS_INLINE void ls_elementwise_backward(const struct ls_node *node, const struct ls_run *run,
                                       const real *restrict value,
                                       ls_elementwise_gradient *gradient, real option) {
    const int64_t count = ls_run_elements(run, node->output);
    const real *restrict dy = node->output->gradient;
    real *restrict dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (node->accumulate[0])
        for (int64_t i = 0; i < count; i++)
            dx[i] += gradient(dy[i], value[i], option);
    else
        for (int64_t i = 0; i < count; i++)
            dx[i] = gradient(dy[i], value[i], option);
}

#endif
