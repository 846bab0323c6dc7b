/* y = x W + b on the last dimension: every vector of a sample is a row of one product. */
#include "core/ops/affine.h"
#include "core/ops/affine_cases.h"
#include "core/ops/linear_blas.h"
#include "core/tensor/kernels/gemm.h"

static struct ls_gemm gemm_of(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shape weight = node->inputs[1]->shape;
    const int64_t vectors = ls_shape_row_count(node->inputs[0]->shape) / weight.dims[0];
    return (struct ls_gemm){.rows = run->rows * vectors,
                            .in = weight.dims[0],
                            .out = weight.dims[1],
                            .microbatch_rows = run->microbatch_rows * vectors};
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    if (ls_check_batched(node, 0, 2, error) != LS_OK)
        return error->status;
    const struct ls_value *x = node->inputs[0];
    const struct ls_shape weight = node->inputs[1]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (weight.rank != 2)
        return ls_fail(error, LS_INVALID, "linear: the weight must be [inputs, outputs], found %s",
                       ls_shape_print(weight, text));
    if (ls_shape_last(x->shape) != weight.dims[0])
        return ls_fail(error, LS_INVALID, "linear: expects %lld inputs, found %s",
                       (long long)weight.dims[0], ls_shape_print(ls_shape_of_row(x->shape), text));
    if (ls_affine_check(node, weight, weight.dims[1], error) != LS_OK)
        return error->status;
    ls_infer_like(node);
    node->output->shape.dims[x->shape.rank - 1] = weight.dims[1];
    const int64_t rows = x->shape.dims[0];
    const struct ls_gemm gemm =
        gemm_of(node, &(struct ls_run){.rows = rows, .microbatch_rows = rows});
    const size_t bias = ls_column_sums_bytes(gemm.out, rows);
    const size_t product = ls_linear_uses_blas(node) ? ls_linear_blas_scratch(node, rows)
                                                     : LS_NAME(ls_gemm_scratch_bytes)(&gemm);
    node->scratch_bytes = bias > product ? bias : product;
    node->state_bytes = ls_linear_uses_blas(node) ? ls_linear_blas_state(node) : 0;
    node->flops = 2 * gemm.in * gemm.out * (ls_shape_row_count(x->shape) / gemm.in);
    return LS_OK;
}

static void prepare(struct ls_node *node) {
    if (ls_linear_uses_blas(node))
        ls_linear_blas_prepare(node);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_gemm gemm = gemm_of(node, run);
    const real *bias = ls_affine_bias_data(node);
    const bool relu = node->activation == LS_ACTIVATION_RELU;
    if (ls_linear_uses_blas(node))
        ls_linear_blas_forward(node, &gemm, bias, relu);
    else
        LS_NAME(ls_gemm_forward)
    (&gemm, node->inputs[0]->data, node->inputs[1]->data, bias, relu, node->output->data,
     node->scratch);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_gemm gemm = gemm_of(node, run);
    const struct ls_value *x = node->inputs[0], *weight = node->inputs[1];
    const real *dy = node->output->gradient;
    ls_affine_begin_backward(node, run);
    if (ls_linear_uses_blas(node)) {
        ls_linear_blas_backward(node, &gemm);
        return;
    }
    if (weight->gradient)
        LS_NAME(ls_gemm_weight_gradient)(&gemm, x->data, dy, weight->gradient, node->scratch);
    if (x->gradient)
        LS_NAME(ls_gemm_input_gradient)
    (&gemm, dy, weight->data, node->accumulate[0], x->gradient, node->scratch);
}

static const struct ls_op_case cases[] = {
    {.name = "one row", .input_count = 3, .inputs = {X(1, 5), W(5, 3), B(3)}},
    {.name = "more than a panel, three microbatches, the last shorter",
     .input_count = 3,
     .inputs = {X(8, 7), W(7, 35), B(35)},
     .microbatches = 3},
    {.name = "sequences without bias",
     .input_count = 3,
     .inputs = {X(3, 4, 6), W(6, 2), {.absent = true}},
     .microbatches = 2},
    /* One input, no bias, nothing near 0: no result is near the kink. */
    {.name = "fused ReLU",
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 1), .low = -1, .high = 1, .gap = 0.1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(1, 9),
                 .parameter = true,
                 .layout = LS_LAYOUT_PANELS,
                 .low = -1,
                 .high = 1,
                 .gap = 0.1,
                 .kink = 1e9},
                {.absent = true}},
     .microbatches = 2,
     .activation = LS_ACTIVATION_RELU},
};

const struct ls_op LS_NAME(ls_op_linear) = {
    .name = "linear",
    .formula = "y[n,...,o] = sum over i of x[n,...,i] W[i,o], + b[o]",
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .fuses = true,
    .cases = cases,
    .case_count = (int)(sizeof cases / sizeof *cases),
};
