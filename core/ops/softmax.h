/* Rows of softmax, log_softmax and softmax_cross_entropy: the last dimension of a value. */
#ifndef LS_OPS_SOFTMAX_H
#define LS_OPS_SOFTMAX_H

#include "core/ops/check.h"
#include "core/tensor/math.h"
#include "core/ops/row.h"

/* p = exp(x - max x), not yet divided by its sum, which is returned; *largest is max x. x and p may
 * be the same memory. */
LS_INLINE real ls_softmax_row(const real *x, int64_t count, real *p, real *largest) {
    const real top = ls_row_max(x, count);
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++)
        p[i] = ls_math_exp(x[i] - top);
    *largest = top;
    return ls_row_sum(p, count);
}

static inline enum ls_status ls_softmax_infer(struct ls_node *node, struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    ls_infer_like(node);
    node->flops = 15 * ls_shape_row_count(node->output->shape);
    return LS_OK;
}

/* The cases of softmax and log_softmax. */
static const struct ls_op_case ls_softmax_cases[] = {
    {.name = "a few classes",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 10), .low = -3, .high = 3}},
     .microbatches = 2},
    {.name = "more than the lanes, three dimensions",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 37), .low = -3, .high = 3}}},
    {.name = "one class",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 1), .low = -3, .high = 3}}},
};
enum { LS_SOFTMAX_CASES = sizeof ls_softmax_cases / sizeof *ls_softmax_cases };

#endif
