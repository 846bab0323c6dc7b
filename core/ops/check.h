/* What infer() functions ask of their inputs, with errors that name what was expected and found. */
#ifndef LS_OPS_CHECK_H
#define LS_OPS_CHECK_H

#include "core/ops/op.h"

/* Input i is a batched value of reals with at least rank_min dimensions, the sample's included. */
static inline enum ls_status ls_check_batched(const struct ls_node *node, int i, int rank_min,
                                              struct ls_error *error) {
    const struct ls_value *value = node->inputs[i];
    char text[LS_SHAPE_TEXT_MAX];
    if (!value->batched)
        return ls_fail(error, LS_INVALID,
                       "%s: input %d must have one entry per sample, found a plain %s",
                       node->op->name, i + 1, ls_shape_print(value->shape, text));
    if (value->type != LS_TYPE_REAL)
        return ls_fail(error, LS_INVALID, "%s: input %d must hold real numbers, found integers",
                       node->op->name, i + 1);
    if (value->shape.rank < rank_min)
        return ls_fail(
            error, LS_INVALID,
            "%s: input %d must have at least %d dimensions (the sample's included), found %s",
            node->op->name, i + 1, rank_min, ls_shape_print(value->shape, text));
    return LS_OK;
}

/* Input i is not batched (a parameter, as a rule) and has this shape; NULL is fine. */
static inline enum ls_status ls_check_parameter(const struct ls_node *node, int i, const char *what,
                                                struct ls_shape shape, struct ls_error *error) {
    const struct ls_value *value = node->inputs[i];
    char found[LS_SHAPE_TEXT_MAX], expected[LS_SHAPE_TEXT_MAX];
    if (value && (value->batched || !ls_shape_equal(value->shape, shape)))
        return ls_fail(error, LS_INVALID, "%s: the %s must be a parameter of shape %s, found %s%s",
                       node->op->name, what, ls_shape_print(shape, expected),
                       ls_shape_print(value->shape, found), value->batched ? " per sample" : "");
    return LS_OK;
}

/* Input i is a weight of this shape, and if it is a parameter, stored in panels. */
static inline enum ls_status ls_check_panels(const struct ls_node *node, int i, const char *what,
                                             struct ls_shape shape, struct ls_error *error) {
    if (ls_check_parameter(node, i, what, shape, error) != LS_OK)
        return error->status;
    if (node->inputs[i]->parameter && node->inputs[i]->layout != LS_LAYOUT_PANELS)
        return ls_fail(error, LS_INVALID, "%s: the %s must be stored in panels, found it plain",
                       node->op->name, what);
    return LS_OK;
}

/* Input i is one length per sample, or not given. */
static inline enum ls_status ls_check_lengths(const struct ls_node *node, int i,
                                              struct ls_error *error) {
    const struct ls_value *value = node->inputs[i];
    char text[LS_SHAPE_TEXT_MAX];
    if (value &&
        (!value->batched || value->type != LS_TYPE_INT32 || ls_shape_row_count(value->shape) != 1))
        return ls_fail(error, LS_INVALID,
                       "%s: the lengths must be one integer per sample, found %s of shape %s",
                       node->op->name, value->type == LS_TYPE_INT32 ? "integers" : "real numbers",
                       ls_shape_print(value->shape, text));
    return LS_OK;
}

/* What looks over all positions of a sequence cannot do so one position at a time. */
static inline enum ls_status ls_check_whole(const struct ls_node *node, struct ls_error *error) {
    if (node->step_positions > 0)
        return ls_fail(error, LS_INVALID,
                       "%s: it looks over all positions of a sequence, and what is generated comes "
                       "one position at a time",
                       node->op->name);
    return LS_OK;
}

/* The output gets the type and shape of input 0. */
static inline void ls_infer_like(struct ls_node *node) {
    node->output->shape = node->inputs[0]->shape;
    node->output->batched = node->inputs[0]->batched;
    node->output->type = node->inputs[0]->type;
}

/* The length of sample n that input i gives, of at most so many positions; all of them without that
 * input. */
static inline int64_t ls_length_of(const struct ls_node *node, int i, int64_t n,
                                   int64_t positions) {
    const struct ls_value *value = node->inputs[i];
    const int64_t length = value ? ((const int32_t *)value->data)[n] : positions;
    LS_ASSERT(length >= 0 && length <= positions, "%s: length %lld, expected 0 to %lld", node->name,
              (long long)length, (long long)positions);
    return length;
}

/* Elements of a value that take part in a run. */
static inline int64_t ls_run_elements(const struct ls_run *run, const struct ls_value *value) {
    return value->batched ? run->rows * ls_shape_row_count(value->shape)
                          : ls_shape_count(value->shape);
}

#endif
