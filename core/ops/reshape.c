/* The same elements under another shape. An alias: no data moves, forward or backward. */
#include "core/ops/check.h"
#include "core/ops/options.h"
#include "core/tensor/variant.h"

/* Replaces the one dimension that is -1 by what is left of `count`; false if nothing fits. */
static bool complete(struct ls_shape *shape, int64_t count) {
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] == -1 && open < 0)
            open = i;
        else if (shape->dims[i] < 1 || __builtin_mul_overflow(known, shape->dims[i], &known))
            return false;
    }
    if (open >= 0 && count % known == 0)
        shape->dims[open] = count / known;
    return open >= 0 ? count % known == 0 : count == known;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_reshape_options *options = node->options;
    const struct ls_value *x = node->inputs[0];
    struct ls_shape row = options->row_shape;
    char from[LS_SHAPE_TEXT_MAX], to[LS_SHAPE_TEXT_MAX];
    if (!x->batched)
        return ls_fail(error, LS_INVALID,
                       "reshape: the input must have one entry per sample, found a plain %s",
                       ls_shape_print(x->shape, from));
    if (row.rank > LS_RANK_MAX - 1)
        return ls_fail(error, LS_INVALID, "reshape: expected at most %d dimensions, found %d",
                       LS_RANK_MAX - 1, row.rank);
    if (!complete(&row, ls_shape_row_count(x->shape)))
        return ls_fail(error, LS_INVALID,
                       "reshape: a sample of shape %s (%lld elements) does not fit the shape %s",
                       ls_shape_print(ls_shape_of_row(x->shape), from),
                       (long long)ls_shape_row_count(x->shape), ls_shape_print(row, to));
    ls_infer_like(node);
    node->output->shape.rank = 1 + row.rank;
    for (int i = 0; i < row.rank; i++)
        node->output->shape.dims[1 + i] = row.dims[i];
    return LS_OK;
}

static const struct ls_op_case cases[] = {
    {.name = "split a dimension",
     .options = &(const struct ls_reshape_options){.row_shape = LS_CASE_SHAPE(2, 3)},
     .options_size = sizeof(struct ls_reshape_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(4, 6), .low = -1, .high = 1}}},
    {.name = "one dimension worked out",
     .options = &(const struct ls_reshape_options){.row_shape = LS_CASE_SHAPE(-1, 4)},
     .options_size = sizeof(struct ls_reshape_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 2, 5), .low = -1, .high = 1}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_reshape) = {
    .name = "reshape",
    .formula = "y = x under another shape",
    .infer = infer,
    .alias = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
