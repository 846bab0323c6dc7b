/* A 1 at the place that an index names, zeros beside it. */
#include "core/base/memory.h"
#include "core/ops/check.h"
#include "core/ops/options.h"
#include "core/tensor/variant.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_one_hot_options *options = node->options;
    const struct ls_value *index = node->inputs[0];
    char text[LS_SHAPE_TEXT_MAX];
    if (!index->batched || index->type != LS_TYPE_INT32 || index->shape.rank >= LS_RANK_MAX)
        return ls_fail(error, LS_INVALID,
                       "one_hot: expected integers, one or more per sample, found %s of shape %s",
                       index->type == LS_TYPE_INT32 ? "integers" : "real numbers",
                       ls_shape_print(index->shape, text));
    if (options->count < 1 || options->count > INT32_MAX)
        return ls_fail(error, LS_INVALID, "one_hot: expected a count from 1 on, found %lld",
                       (long long)options->count);
    ls_infer_like(node);
    node->output->type = LS_TYPE_REAL;
    node->output->shape.dims[node->output->shape.rank++] = options->count;
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->output->shape);
    const int64_t count = ls_run_elements(run, node->inputs[0]);
    const int32_t *index = node->inputs[0]->data;
    real *y = node->output->data;
    memset(y, 0, (size_t)(count * columns) * sizeof(real));
    for (int64_t i = 0; i < count; i++) {
        LS_ASSERT(index[i] >= 0 && index[i] < columns, "%s: index %d, expected 0 to %lld",
                  node->name, (int)index[i], (long long)columns - 1);
        y[i * columns + index[i]] = 1;
    }
}

static const struct ls_op_case cases[] = {
    {.name = "a sequence",
     .options = &(const struct ls_one_hot_options){.count = 5},
     .options_size = sizeof(struct ls_one_hot_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4), .integer = true, .constant = true, .high = 4}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_one_hot) = {
    .name = "one_hot",
    .formula = "y[n,...,k] = 1 where k = index[n,...], else 0",
    .infer = infer,
    .forward = forward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
