/* Noise that a network starts from (a generator; Goodfellow et al. 2014). A row's numbers depend on
 * (seed, node, step, position in the global batch): noise belongs to no sample of the data, and two
 * rows of a batch must differ even where the data set is smaller than the batch. */
#include "core/ops/check.h"
#include "core/ops/draw.h"
#include "core/ops/options.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_noise_options *options = node->options;
    const struct ls_shape row = options->row_shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (!ls_shape_batched(node->rows_max, row, &node->output->shape))
        return ls_fail(error, LS_INVALID,
                       "noise: expects up to %d dimensions from 1 on, found a row of shape %s",
                       LS_RANK_MAX - 1, ls_shape_print(row, text));
    if (node->step_positions > 0)
        return ls_fail(error, LS_INVALID,
                       "noise: belongs to whole samples, and cannot be drawn position by position");
    node->output->batched = true;
    node->output->type = LS_TYPE_REAL;
    node->flops = 120 * ls_shape_row_count(node->output->shape);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_noise_options *options = node->options;
    const int64_t count = ls_shape_row_count(node->output->shape);
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, y += count) {
        const struct ls_random_key key =
            ls_random_key(run->seed, node->ordinal, run->step, run->row_first + (uint64_t)n);
        if (options->kind == LS_NOISE_UNIFORM)
            ls_draw_uniform(key, 0, count, y);
        else
            ls_draw_normal(key, 0, count, y);
    }
}

static const struct ls_op_case cases[] = {
    {.name = "a vector",
     .options = &(const struct ls_noise_options){.row_shape = LS_CASE_SHAPE(7)},
     .options_size = sizeof(struct ls_noise_options),
     .rows = 5,
     .microbatches = 2},
    {.name = "uniform, longer than a vector register",
     .options = &(const struct ls_noise_options){.row_shape = LS_CASE_SHAPE(3, 37),
                                                 .kind = LS_NOISE_UNIFORM},
     .options_size = sizeof(struct ls_noise_options),
     .rows = 4,
     .microbatches = 4},
};

const struct ls_op LS_NAME(ls_op_noise) = {
    .name = "noise",
    .formula = "y = e, standard normal or uniform in [-1, 1)",
    .infer = infer,
    .forward = forward,
    .source = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
