/* Every sample's numbers again at each of several positions. In step mode a sequence has one. */
#include "core/ops/axis.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_repeat_options *options = node->options;
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape x = node->inputs[0]->shape;
    if (options->count < 1 || x.rank >= LS_RANK_MAX || options->count > INT32_MAX)
        return ls_fail(error, LS_INVALID,
                       "repeat: expected a count from 1 on and at most %d dimensions of a sample, "
                       "found %lld and %d",
                       LS_RANK_MAX - 2, (long long)options->count, x.rank - 1);
    ls_infer_like(node);
    struct ls_shape *shape = &node->output->shape;
    shape->rank++;
    for (int i = x.rank; i > 1; i--)
        shape->dims[i] = x.dims[i - 1];
    shape->dims[1] = node->step_positions > 0 ? 1 : options->count;
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_axis axis = ls_axis_of(node->output->shape, 1);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, x += axis.behind)
        for (int64_t p = 0; p < axis.size; p++, y += axis.behind)
            memcpy(y, x, (size_t)axis.behind * sizeof(real));
}

/* The sum over positions, ascending, is made in the first one. */
static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_axis axis = ls_axis_of(node->output->shape, 1);
    real *dy = node->output->gradient, *dx = node->inputs[0]->gradient;
    for (int64_t n = 0; dx && n < run->rows; n++, dx += axis.behind) {
        for (int64_t p = 1; p < axis.size; p++)
            ls_pass_elements(axis.behind, dy + p * axis.behind, dy, true);
        ls_pass_elements(axis.behind, dy, dx, node->accumulate[0]);
        dy += axis.size * axis.behind;
    }
}

static const struct ls_op_case cases[] = {
    {.name = "a vector",
     .options = &(const struct ls_repeat_options){.count = 4},
     .options_size = sizeof(struct ls_repeat_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 7), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "a matrix, once",
     .options = &(const struct ls_repeat_options){.count = 1},
     .options_size = sizeof(struct ls_repeat_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 2), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_repeat) = {
    .name = "repeat",
    .formula = "y[n,t,...] = x[n,...] for every position t",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
