/* Ops of two values a and b: equal shapes, or b a parameter [C] that is taken for every vector
 * along a's last dimension. */
#ifndef LS_OPS_PAIR_H
#define LS_OPS_PAIR_H

#include "core/ops/check.h"
#include "core/ops/sum.h"

/* b is repeated: a parameter of a's last dimension. */
static inline bool ls_pair_repeats(const struct ls_node *node) {
    return !node->inputs[1]->batched;
}

/* Vectors along the last dimension in one sample of a. */
static inline int64_t ls_pair_vectors(const struct ls_node *node) {
    const struct ls_shape shape = node->inputs[0]->shape;
    return ls_shape_row_count(shape) / ls_shape_last(shape);
}

static inline enum ls_status ls_pair_infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    const int64_t last = ls_shape_last(a->shape);
    const bool fits = b->batched ? ls_shape_equal(a->shape, b->shape)
                                 : a->shape.rank > 1 && ls_shape_equal(b->shape, LS_SHAPE(last));
    if (!fits || b->type != LS_TYPE_REAL)
        return ls_fail(
            error, LS_INVALID,
            "%s: the second input must have the first one's shape %s or be a parameter of its last "
            "dimension %lld, found %s %s%s",
            node->op->name, ls_shape_print(a->shape, first), (long long)last,
            b->batched ? "a value" : "a parameter", ls_shape_print(b->shape, second),
            b->type == LS_TYPE_REAL ? "" : " of integers");
    ls_infer_like(node);
    node->flops = ls_shape_row_count(a->shape);
    if (ls_pair_repeats(node))
        node->scratch_bytes = ls_column_sums_bytes(last, a->shape.dims[0]);
    return LS_OK;
}

#endif
