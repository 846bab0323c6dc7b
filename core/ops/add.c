/* A sum of two values, such as a residual connection, with an optional ReLU behind it. */
#include "core/ops/math.h"
#include "core/ops/pair.h"

static void add(int64_t count, const real *a, const real *b, real *y, bool relu) {
#pragma GCC ivdep /* y may be a */
    for (int64_t i = 0; i < count; i++) {
        const real sum = a[i] + b[i];
        y[i] = relu ? ls_math_relu(sum) : sum;
    }
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_run_elements(run, node->output);
    const real *a = node->inputs[0]->data, *b = node->inputs[1]->data;
    real *y = node->output->data;
    const bool relu = node->activation == LS_ACTIVATION_RELU;
    if (!ls_pair_repeats(node)) {
        add(count, a, b, y, relu);
        return;
    }
    const int64_t columns = ls_shape_last(node->output->shape);
    for (int64_t i = 0; i < count; i += columns)
        add(columns, a + i, b, y + i, relu);
}

static void pass(int64_t count, const real *restrict dy, real *restrict to, bool accumulate) {
    if (accumulate)
        for (int64_t i = 0; i < count; i++)
            to[i] += dy[i];
    else
        memcpy(to, dy, (size_t)count * sizeof(real));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    const int64_t count = ls_run_elements(run, node->output);
    real *restrict dy = node->output->gradient;
    const real *restrict y = node->output->data;
    if (node->activation == LS_ACTIVATION_RELU)
        for (int64_t i = 0; i < count; i++)
            dy[i] = y[i] > 0 ? dy[i] : 0;
    if (a->gradient)
        pass(count, dy, a->gradient, node->accumulate[0]);
    if (!b->gradient)
        return;
    if (ls_pair_repeats(node))
        ls_column_sums(run, ls_pair_vectors(node), ls_shape_last(b->shape), dy, b->gradient,
                       node->scratch);
    else
        pass(count, dy, b->gradient, node->accumulate[1]);
}

static const struct ls_op_case cases[] = {
    {.name = "equal shapes",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 5), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(3, 2, 5), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "a parameter for every vector",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(7, 3, 9), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(9), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 3},
    {.name = "more rows than lanes",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(41, 1), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(1), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "with ReLU",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(4, 11), .low = -3, .high = 3, .gap = 1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(4, 11), .low = -0.9, .high = 0.9}},
     .activation = LS_ACTIVATION_RELU,
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_add) = {
    .name = "add",
    .formula = "y = a + b",
    .infer = ls_pair_infer,
    .forward = forward,
    .backward = backward,
    .in_place = true,
    .fuses = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
