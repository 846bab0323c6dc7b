/* The sum of several losses of the same samples, each with its weight. After the one division of
 * the sum over the global batch, in the optimiser, every loss is to be the mean over its own
 * weight: so a run may bring a factor for each (struct ls_run.term_factors). */
#include "core/ops/loss.h"

/* What loss i is multiplied with. */
static real factor_of(const struct ls_node *node, const struct ls_run *run, int i) {
    const struct ls_weighted_loss_options *options = node->options;
    return (real)(options->weights[i] * (run->term_factors ? run->term_factors[i] : 1.0));
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_weighted_loss_options *options = node->options;
    char text[LS_SHAPE_TEXT_MAX];
    if (node->input_count > LS_TERMS_MAX)
        return ls_fail(error, LS_INVALID, "weighted_loss: at most %d losses, found %d",
                       LS_TERMS_MAX, node->input_count);
    for (int i = 0; i < node->input_count; i++) {
        const struct ls_shape shape = node->inputs[i]->shape;
        const enum ls_status status = ls_check_batched(node, i, 2, error);
        if (status != LS_OK)
            return status;
        if (shape.rank != 2 || shape.dims[1] != 2)
            return ls_fail(
                error, LS_INVALID,
                "weighted_loss: input %d must be a loss and a weight per sample, found %s", i + 1,
                ls_shape_print(shape, text));
        if (!(options->weights[i] >= 0 && options->weights[i] < (double)INFINITY))
            return ls_fail(
                error, LS_INVALID,
                "weighted_loss: the weight of loss %d must be at least 0 and finite, found "
                "%g",
                i + 1, options->weights[i]);
    }
    ls_loss_output(node);
    node->flops = 2 * node->input_count;
    return LS_OK;
}

/* Of a sample: one chain, losses in order. */
static void forward(const struct ls_node *node, const struct ls_run *run) {
    const real *first = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++) {
        y[2 * n] = 0;
        y[2 * n + 1] = first[2 * n + 1];
    }
    for (int i = 0; i < node->input_count; i++) {
        const real factor = factor_of(node, run, i);
        const real *restrict x = node->inputs[i]->data;
        for (int64_t n = 0; n < run->rows; n++)
            y[2 * n] = ls_fma(factor, x[2 * n], y[2 * n]);
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const real *restrict dy = node->output->gradient;
    for (int i = 0; i < node->input_count; i++) {
        const real factor = factor_of(node, run, i);
        real *restrict dx = node->inputs[i]->gradient;
        for (int64_t n = 0; dx && n < run->rows; n++) {
            const real slope = factor * dy[2 * n];
            dx[2 * n] = node->accumulate[i] ? dx[2 * n] + slope : slope;
            if (!node->accumulate[i])
                dx[2 * n + 1] = 0;
        }
    }
}

static const struct ls_op_case cases[] = {
    {.name = "one loss",
     .options = &(const struct ls_weighted_loss_options){.weights = {0.25}},
     .options_size = sizeof(struct ls_weighted_loss_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 2), .low = -2, .high = 2}},
     .microbatches = 2},
    {.name = "three losses",
     .options = &(const struct ls_weighted_loss_options){.weights = {1, 0.5, 3}},
     .options_size = sizeof(struct ls_weighted_loss_options),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(3, 2), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(3, 2), .low = -2, .high = 2}}},
};

const struct ls_op LS_NAME(ls_op_weighted_loss) = {
    .name = "weighted_loss",
    .formula = "sum over i of w_i factor_i loss_i; weight: of the first",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 0,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
