/* How far each of K is from the nearest sample (Li et al. 2018, R1), of distances d [N, K]: for
 * each k the least distance in the microbatch, charged to the sample that has it (the first of
 * equals). Times the microbatch's samples / K: divided by all samples, which weigh 1 each, the loss
 * is the mean over k, whatever the number of microbatches. */
#include "core/base/memory.h"
#include "core/ops/loss.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    ls_loss_output(node);
    node->scratch_bytes = ls_round_up((size_t)count * sizeof(int64_t), LS_ALIGNMENT);
    node->flops = count;
    return LS_OK;
}

/* nearest[k]: the sample of microbatch m with the least d[., k], counted in the run. Returns what
 * distances are multiplied with. */
static real find(const struct ls_node *node, const struct ls_run *run, int m, int64_t *nearest) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const int64_t first = ls_run_microbatch_first(run, m), rows = ls_run_microbatch_rows(run, m);
    const real *d = node->inputs[0]->data;
    for (int64_t k = 0; k < count; k++)
        nearest[k] = first;
    for (int64_t n = first + 1; n < first + rows; n++)
        for (int64_t k = 0; k < count; k++) {
            const real now = d[n * count + k];
            if (now < d[nearest[k] * count + k] || now != now) /* NaN wins over all */
                nearest[k] = n;
        }
    return (real)((double)rows / (double)count);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real *d = node->inputs[0]->data;
    int64_t *nearest = node->scratch;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++) {
        y[2 * n] = 0;
        y[2 * n + 1] = 1;
    }
    for (int m = 0; m < run->microbatches; m++) {
        const real factor = find(node, run, m, nearest);
        for (int64_t k = 0; k < count; k++) /* a sample's: k ascending */
            y[2 * nearest[k]] += factor * d[nearest[k] * count + k];
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real *dy = node->output->gradient;
    int64_t *nearest = node->scratch;
    real *dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (!node->accumulate[0])
        memset(dx, 0, (size_t)(run->rows * count) * sizeof(real));
    for (int m = 0; m < run->microbatches; m++) {
        const real factor = find(node, run, m, nearest);
        for (int64_t k = 0; k < count; k++)
            dx[nearest[k] * count + k] += factor * dy[2 * nearest[k]];
    }
}

/* Only values of one row are kept apart, so a case has one row in a microbatch or few columns. */
static const struct ls_op_case cases[] = {
    {.name = "microbatches of several",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(7, 2), .low = 0, .high = 4}},
     .microbatches = 2},
    {.name = "one sample is the nearest to all",
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 19), .low = 0, .high = 4}},
     .microbatches = 3},
};

const struct ls_op LS_NAME(ls_op_nearest_sample) = {
    .name = "nearest_sample",
    .formula = "sum over k of rows / K min over n of d[n,k], at that n",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .loss = true,
    .over_microbatch = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
