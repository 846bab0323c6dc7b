/* How far each sample is from the nearest of K (Li et al. 2018, R2), of distances d [N, K]; the
 * first of equals takes the gradient, and NaN wins over all. */
#include "core/ops/loss.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    ls_loss_output(node);
    node->flops = ls_shape_row_count(node->inputs[0]->shape);
    return LS_OK;
}

static int64_t nearest(const real *d, int64_t count) {
    int64_t best = 0;
    for (int64_t k = 1; k < count; k++)
        best = d[k] < d[best] || d[k] != d[k] ? k : best;
    return best;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real *d = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, d += count) {
        y[2 * n] = d[nearest(d, count)];
        y[2 * n + 1] = 1;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real *d = node->inputs[0]->data, *dy = node->output->gradient;
    real *dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (!node->accumulate[0])
        memset(dx, 0, (size_t)(run->rows * count) * sizeof(real));
    for (int64_t n = 0; n < run->rows; n++, d += count, dx += count)
        dx[nearest(d, count)] += dy[2 * n];
}

static const struct ls_op_case cases[] = {
    {.name = "several",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 7), .low = 0, .high = 4, .gap = 0.1, .distinct = true}},
     .microbatches = 2},
    {.name = "one",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 1), .low = 0, .high = 4}}},
};

const struct ls_op LS_NAME(ls_op_nearest_prototype) = {
    .name = "nearest_prototype",
    .formula = "min over k of d[k]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
