/* Losses of a value x against a target t, element by element, averaged over a sample's elements. A
 * file gives the loss of one element and its derivatives as static inline functions. Each loss is
 * [N, 2]: the weighted loss of the sample and its weight; backward starts from the gradient of
 * column 0. */
#ifndef LS_OPS_LOSS_H
#define LS_OPS_LOSS_H

#include "core/ops/check.h"
#include "core/ops/math.h"
#include "core/ops/row.h"

typedef real ls_loss_function(real x, real t, real option);

enum { LS_LOSS_BLOCK = 256 }; /* elements whose losses are written down before they are summed */

static inline void ls_loss_output(struct ls_node *node) {
    node->output->shape = LS_SHAPE(node->inputs[0]->shape.dims[0], 2);
    node->output->batched = true;
    node->output->type = LS_TYPE_REAL;
}

static inline enum ls_status ls_loss_infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *x = node->inputs[0], *t = node->inputs[1];
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status == LS_OK)
        status = ls_check_batched(node, 1, 1, error);
    if (status != LS_OK)
        return status;
    if (ls_shape_row_count(x->shape) != ls_shape_row_count(t->shape))
        return ls_fail(error, LS_INVALID,
                       "%s: outputs of shape %s need as many targets per sample (%lld), found "
                       "targets of shape %s",
                       node->op->name, ls_shape_print(x->shape, first),
                       (long long)ls_shape_row_count(x->shape), ls_shape_print(t->shape, second));
    ls_loss_output(node);
    node->flops = 4 * ls_shape_row_count(x->shape);
    return LS_OK;
}

/* Losses of a sample: blocks in order, each summed in 16 lanes. */
LS_INLINE void ls_loss_forward(const struct ls_node *node, const struct ls_run *run,
                               ls_loss_function *loss, real option) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real share = (real)(1.0 / (double)count);
    const real *restrict x = node->inputs[0]->data;
    const real *restrict t = node->inputs[1]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++) {
        real sum = 0;
        for (int64_t i = 0; i < count; i += LS_LOSS_BLOCK) {
            const int64_t some = count - i < LS_LOSS_BLOCK ? count - i : LS_LOSS_BLOCK;
            real losses[LS_LOSS_BLOCK];
            for (int64_t k = 0; k < some; k++)
                losses[k] = loss(x[n * count + i + k], t[n * count + i + k], option);
            sum += ls_row_sum(losses, some);
        }
        y[2 * n] = sum * share;
        y[2 * n + 1] = 1;
    }
}

/* The gradient of one input, from the derivative with respect to it. */
LS_INLINE void ls_loss_backward(const struct ls_node *node, const struct ls_run *run, int input,
                                ls_loss_function *derivative, real option) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real share = (real)(1.0 / (double)count);
    const real *restrict x = node->inputs[0]->data;
    const real *restrict t = node->inputs[1]->data;
    const real *restrict dy = node->output->gradient;
    real *restrict to = node->inputs[input]->gradient;
    if (!to)
        return;
    for (int64_t n = 0; n < run->rows; n++) {
        const real scale = dy[2 * n] * share;
        if (node->accumulate[input])
            for (int64_t i = n * count; i < (n + 1) * count; i++)
                to[i] += scale * derivative(x[i], t[i], option);
        else
            for (int64_t i = n * count; i < (n + 1) * count; i++)
                to[i] = scale * derivative(x[i], t[i], option);
    }
}

#endif
