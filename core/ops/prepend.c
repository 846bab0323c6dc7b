/* A learned vector in front of every sequence, such as the class token of Devlin et al. 2019. */
#include "core/ops/elementwise.h"
#include "core/ops/sum.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shape x = node->inputs[0]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    enum ls_status status = ls_check_batched(node, 0, 3, error);
    if (status == LS_OK && x.rank != 3)
        status = ls_fail(error, LS_INVALID, "prepend: expected [positions, channels], found %s",
                         ls_shape_print(ls_shape_of_row(x), text));
    if (status == LS_OK)
        status = ls_check_whole(node, error);
    if (status == LS_OK)
        status = ls_check_parameter(node, 1, "vector", LS_SHAPE(x.dims[2]), error);
    if (status != LS_OK)
        return status;
    ls_infer_like(node);
    node->output->shape.dims[1]++;
    node->scratch_bytes =
        ls_round_up((size_t)(x.dims[0] * x.dims[2]) * sizeof(real), LS_ALIGNMENT) +
        ls_column_sums_bytes(x.dims[2], x.dims[0]);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t row = ls_shape_row_count(node->inputs[0]->shape);
    const int64_t columns = ls_shape_last(node->output->shape);
    const real *x = node->inputs[0]->data, *vector = node->inputs[1]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, x += row, y += row + columns) {
        memcpy(y, vector, (size_t)columns * sizeof *y);
        memcpy(y + columns, x, (size_t)row * sizeof *y);
    }
}

/* The vector's gradient: column sums of the first positions, one row for each sample. */
static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *x = node->inputs[0], *vector = node->inputs[1];
    const int64_t row = ls_shape_row_count(x->shape), columns = ls_shape_last(x->shape);
    const real *dy = node->output->gradient;
    real *dx = x->gradient, *first = node->scratch;
    for (int64_t n = 0; n < run->rows; n++, dy += row + columns) {
        memcpy(first + n * columns, dy, (size_t)columns * sizeof *dy);
        if (dx)
            ls_pass_elements(row, dy + columns, dx + n * row, node->accumulate[0]);
    }
    if (vector->gradient)
        ls_column_sums(
            run, 1, columns, first, vector->gradient,
            (char *)node->scratch +
                ls_round_up((size_t)(x->shape.dims[0] * columns) * sizeof(real), LS_ALIGNMENT));
}

static const struct ls_op_case cases[] = {
    {.name = "sequences",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3, 4), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(4), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "more rows than lanes",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(37, 1, 3), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(3), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_prepend) = {
    .name = "prepend",
    .formula = "y[n, 0, :] = v; y[n, t + 1, :] = x[n, t, :]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
