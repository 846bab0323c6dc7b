/* All dimensions of a sample as one. An alias, as reshape. */
#include "core/ops/check.h"
#include "core/tensor/variant.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *x = node->inputs[0];
    char text[LS_SHAPE_TEXT_MAX];
    if (!x->batched)
        return ls_fail(error, LS_INVALID,
                       "flatten: the input must have one entry per sample, found a plain %s",
                       ls_shape_print(x->shape, text));
    ls_infer_like(node);
    node->output->shape = LS_SHAPE(x->shape.dims[0], ls_shape_row_count(x->shape));
    return LS_OK;
}

static const struct ls_op_case cases[] = {
    {.name = "an image",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 3, 5), .low = -1, .high = 1}}},
    {.name = "flat already",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 7), .low = -1, .high = 1}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_flatten) = {
    .name = "flatten",
    .formula = "y = x with all dimensions of a sample as one",
    .infer = infer,
    .alias = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
