/* What linear, conv2d and conv_transpose2d share: inputs x, weight, bias (may be absent), perhaps a
 * fused ReLU. */
#ifndef LS_OPS_AFFINE_H
#define LS_OPS_AFFINE_H

#include "core/ops/check.h"
#include "core/ops/sum.h"

static inline const struct ls_value *ls_affine_bias(const struct ls_node *node) {
    return node->input_count > 2 ? node->inputs[2] : NULL;
}

/* The bias's values, or NULL. */
static inline const real *ls_affine_bias_data(const struct ls_node *node) {
    const struct ls_value *bias = ls_affine_bias(node);
    return bias ? bias->data : NULL;
}

/* First part of backward: takes the gradient back through the ReLU, in place; sums the bias's. */
static inline void ls_affine_begin_backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *y = node->output, *bias = ls_affine_bias(node);
    const int64_t columns = ls_shape_last(y->shape), elements = ls_run_elements(run, y);
    real *restrict gradient = y->gradient;
    const real *restrict output = y->data;
    if (node->activation == LS_ACTIVATION_RELU)
        for (int64_t i = 0; i < elements; i++)
            gradient[i] = output[i] > 0 ? gradient[i] : 0;
    if (bias && bias->gradient)
        ls_column_sums(run, ls_shape_row_count(y->shape) / columns, columns, gradient,
                       bias->gradient, node->scratch);
}

/* Checks the weight, in panels, and bias [out]. */
static inline enum ls_status ls_affine_check(const struct ls_node *node, struct ls_shape weight,
                                             int64_t out, struct ls_error *error) {
    if (ls_check_panels(node, 1, "weight", weight, error) != LS_OK)
        return error->status;
    return ls_affine_bias(node) ? ls_check_parameter(node, 2, "bias", LS_SHAPE(out), error) : LS_OK;
}

#endif
