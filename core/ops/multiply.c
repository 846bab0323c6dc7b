/* An element-wise product. */
#include "core/ops/pair.h"

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_run_elements(run, node->output);
    const int64_t columns = ls_pair_repeats(node) ? ls_shape_last(node->output->shape) : count;
    const real *a = node->inputs[0]->data, *b = node->inputs[1]->data;
    real *y = node->output->data;
    for (int64_t i = 0; i < count; i += columns)
#pragma GCC ivdep /* y may be a */
        for (int64_t c = 0; c < columns; c++)
            y[i + c] = a[i + c] * b[c];
}

/* to = dy * other, or added to it; `other` has `columns` elements that repeat. */
static void scale(int64_t count, int64_t columns, const real *restrict dy,
                  const real *restrict other, real *restrict to, bool accumulate) {
    for (int64_t i = 0; i < count; i += columns)
        if (accumulate)
            for (int64_t c = 0; c < columns; c++)
                to[i + c] += dy[i + c] * other[c];
        else
            for (int64_t c = 0; c < columns; c++)
                to[i + c] = dy[i + c] * other[c];
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    const int64_t count = ls_run_elements(run, node->output);
    const int64_t columns = ls_pair_repeats(node) ? ls_shape_last(b->shape) : count;
    real *restrict dy = node->output->gradient;
    const real *restrict values = a->data;
    if (a->gradient)
        scale(count, columns, dy, b->data, a->gradient, node->accumulate[0]);
    if (!b->gradient)
        return;
    if (!ls_pair_repeats(node)) {
        scale(count, columns, dy, values, b->gradient, node->accumulate[1]);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        dy[i] *= values[i];
    ls_column_sums(run, ls_pair_vectors(node), columns, dy, b->gradient, node->scratch);
}

static const struct ls_op_case cases[] = {
    {.name = "equal shapes",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 5), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(3, 2, 5), .low = -2, .high = 2}},
     .microbatches = 2},
    {.name = "a parameter for every vector",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(7, 3, 9), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(9), .parameter = true, .low = -2, .high = 2}},
     .microbatches = 3},
    {.name = "more rows than lanes",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(37, 1), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(1), .parameter = true, .low = -2, .high = 2}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_multiply) = {
    .name = "multiply",
    .formula = "y = a * b, element by element",
    .infer = ls_pair_infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
