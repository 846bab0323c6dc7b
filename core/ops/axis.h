/* One dimension of the samples among the others: those before it are rows, those behind it are the
 * elements of each of its entries. */
#ifndef LS_OPS_AXIS_H
#define LS_OPS_AXIS_H

#include "core/ops/elementwise.h"

/* Of one sample. */
struct ls_axis {
    int64_t before, size, behind;
};

/* The axis counted from the front: -1 is the last. */
static inline int ls_axis_index(struct ls_shape shape, int axis) {
    return axis < 0 ? axis + shape.rank : axis;
}

static inline struct ls_axis ls_axis_of(struct ls_shape shape, int axis) {
    const int index = ls_axis_index(shape, axis);
    struct ls_axis parts = {1, shape.dims[index], 1};
    for (int i = 1; i < index; i++)
        parts.before *= shape.dims[i];
    for (int i = index + 1; i < shape.rank; i++)
        parts.behind *= shape.dims[i];
    return parts;
}

/* Input 0 is real, and the axis is one of its samples' dimensions. */
static inline enum ls_status ls_axis_check(const struct ls_node *node, int axis,
                                           struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape shape = node->inputs[0]->shape;
    const int index = ls_axis_index(shape, axis);
    if (index < 1 || index >= shape.rank)
        return ls_fail(error, LS_INVALID, "%s: the axis must be 1 to %d or -1, found %d",
                       node->op->name, shape.rank - 1, axis);
    return LS_OK;
}

/* The same for ops that look over all entries of the axis; axis 1 is that of positions. */
static inline enum ls_status ls_axis_check_whole(const struct ls_node *node, int axis,
                                                 struct ls_error *error) {
    const enum ls_status status = ls_axis_check(node, axis, error);
    if (status != LS_OK || ls_axis_index(node->inputs[0]->shape, axis) != 1)
        return status;
    return ls_check_whole(node, error);
}

/* The output is input 0 without the axis. */
static inline void ls_axis_drop(struct ls_node *node, int axis) {
    ls_infer_like(node);
    struct ls_shape *shape = &node->output->shape;
    shape->rank--;
    for (int i = ls_axis_index(node->inputs[0]->shape, axis); i < shape->rank; i++)
        shape->dims[i] = shape->dims[i + 1];
    shape->dims[shape->rank] = 0;
}

#endif
