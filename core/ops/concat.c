/* Joins values along an axis other than the sample's. Seen as matrices: the dimensions before the
 * axis are rows, the axis and what follows are columns; the inputs' columns stand side by side. */
#include "core/ops/axis.h"

static int axis_of(const struct ls_node *node) {
    const struct ls_concat_options *options = node->options;
    return ls_axis_index(node->inputs[0]->shape, options->axis);
}

/* Elements of a value from the axis on. */
static int64_t columns_of(const struct ls_value *value, int axis) {
    const struct ls_axis parts = ls_axis_of(value->shape, axis);
    return parts.size * parts.behind;
}

static bool fits(struct ls_shape a, struct ls_shape b, int axis) {
    b.dims[axis] = a.dims[axis];
    return ls_shape_equal(a, b);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_concat_options *options = node->options;
    const int axis = axis_of(node);
    char first[LS_SHAPE_TEXT_MAX], other[LS_SHAPE_TEXT_MAX];
    int64_t joined = 0;
    for (int i = 0; i < node->input_count; i++) {
        const enum ls_status status = ls_check_batched(node, i, 2, error);
        if (status != LS_OK)
            return status;
    }
    const enum ls_status status = ls_axis_check(node, options->axis, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape shape = node->inputs[0]->shape;
    for (int i = 0; i < node->input_count; i++) {
        const struct ls_shape next = node->inputs[i]->shape;
        if (next.rank != shape.rank || !fits(shape, next, axis))
            return ls_fail(error, LS_INVALID,
                           "concat: input %d of shape %s does not fit %s along axis %d", i + 1,
                           ls_shape_print(next, other), ls_shape_print(shape, first), axis);
        joined += next.dims[axis];
    }
    ls_infer_like(node);
    node->output->shape.dims[axis] = joined;
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int axis = axis_of(node);
    const int64_t wide = columns_of(node->output, axis);
    const int64_t rows = ls_run_elements(run, node->output) / wide;
    real *y = node->output->data;
    for (int i = 0; i < node->input_count; i++) {
        const int64_t columns = columns_of(node->inputs[i], axis);
        const real *x = node->inputs[i]->data;
        for (int64_t r = 0; r < rows; r++)
            memcpy(y + r * wide, x + r * columns, (size_t)columns * sizeof(real));
        y += columns;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int axis = axis_of(node);
    const int64_t wide = columns_of(node->output, axis);
    const int64_t rows = ls_run_elements(run, node->output) / wide;
    const real *dy = node->output->gradient;
    for (int i = 0; i < node->input_count; i++) {
        const int64_t columns = columns_of(node->inputs[i], axis);
        real *dx = node->inputs[i]->gradient;
        for (int64_t r = 0; dx && r < rows; r++)
            ls_pass_elements(columns, dy + r * wide, dx + r * columns, node->accumulate[i]);
        dy += columns;
    }
}

static const struct ls_op_case cases[] = {
    {.name = "last axis, three inputs",
     .options = &(const struct ls_concat_options){.axis = -1},
     .options_size = sizeof(struct ls_concat_options),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 5), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(3, 2, 1), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(3, 2, 8), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "middle axis",
     .options = &(const struct ls_concat_options){.axis = 1},
     .options_size = sizeof(struct ls_concat_options),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 4), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(2, 1, 4), .low = -1, .high = 1}}},
    {.name = "one input",
     .options = &(const struct ls_concat_options){.axis = 1},
     .options_size = sizeof(struct ls_concat_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_concat) = {
    .name = "concat",
    .formula = "y = the inputs side by side along an axis",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
