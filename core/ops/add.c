/* A sum of two values, such as a residual connection or position embeddings, with an optional ReLU
 * behind it. */
#include "core/tensor/math.h"
#include "core/ops/pair.h"

LS_INLINE real sum(real a, real b) {
    return a + b;
}

LS_INLINE real sum_relu(real a, real b) {
    return ls_math_relu(a + b);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    if (node->activation == LS_ACTIVATION_RELU)
        ls_pair_forward(node, run, sum_relu);
    else
        ls_pair_forward(node, run, sum);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_run_elements(run, node->output);
    real *restrict dy = node->output->gradient;
    const real *restrict y = node->output->data;
    if (node->activation == LS_ACTIVATION_RELU)
        for (int64_t i = 0; i < count; i++)
            dy[i] = y[i] > 0 ? dy[i] : 0;
    ls_pair_backward(node, run, (struct ls_pair_gradients){0});
}

static const struct ls_op_case cases[] = {
    LS_PAIR_CASES((.low = -1, .high = 1), (.low = -1, .high = 1)),
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
