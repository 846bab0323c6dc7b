/* Some neighbouring entries of a dimension. */
#include "core/ops/axis.h"

/* The first entry counted from the front, and how many there are. */
struct stretch {
    int64_t first, count;
};

static struct stretch stretch_of(const struct ls_node *node) {
    const struct ls_slice_options *options = node->options;
    const int64_t size = ls_axis_of(node->inputs[0]->shape, options->axis).size;
    const int64_t first = options->first < 0 ? options->first + size : options->first;
    return (struct stretch){first, options->count ? options->count : size - first};
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_slice_options *options = node->options;
    const enum ls_status status = ls_axis_check_whole(node, options->axis, error);
    if (status != LS_OK)
        return status;
    const struct stretch s = stretch_of(node);
    const int64_t size = ls_axis_of(node->inputs[0]->shape, options->axis).size;
    if (s.first < 0 || s.first >= size || s.count < 1 || s.count > size - s.first)
        return ls_fail(error, LS_INVALID,
                       "slice: expected some of the %lld entries of dimension %d, found %lld from "
                       "%lld on",
                       (long long)size, ls_axis_index(node->inputs[0]->shape, options->axis),
                       (long long)options->count, (long long)options->first);
    ls_infer_like(node);
    node->output->shape.dims[ls_axis_index(node->inputs[0]->shape, options->axis)] = s.count;
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_slice_options *options = node->options;
    const struct ls_axis axis = ls_axis_of(node->inputs[0]->shape, options->axis);
    const struct stretch s = stretch_of(node);
    const int64_t rows = run->rows * axis.before, columns = s.count * axis.behind;
    const real *x = (const real *)node->inputs[0]->data + s.first * axis.behind;
    real *y = node->output->data;
    for (int64_t r = 0; r < rows; r++)
        memcpy(y + r * columns, x + r * axis.size * axis.behind, (size_t)columns * sizeof(real));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_slice_options *options = node->options;
    const struct ls_axis axis = ls_axis_of(node->inputs[0]->shape, options->axis);
    const struct stretch s = stretch_of(node);
    const int64_t rows = run->rows * axis.before, columns = s.count * axis.behind;
    const int64_t wide = axis.size * axis.behind, skipped = s.first * axis.behind;
    const real *dy = node->output->gradient;
    real *dx = node->inputs[0]->gradient;
    for (int64_t r = 0; dx && r < rows; r++, dx += wide, dy += columns) {
        if (!node->accumulate[0]) {
            memset(dx, 0, (size_t)skipped * sizeof(real));
            memset(dx + skipped + columns, 0, (size_t)(wide - skipped - columns) * sizeof(real));
        }
        ls_pass_elements(columns, dy, dx + skipped, node->accumulate[0]);
    }
}

static const struct ls_op_case cases[] = {
    {.name = "channels",
     .options = &(const struct ls_slice_options){.axis = -1, .first = 1, .count = 3},
     .options_size = sizeof(struct ls_slice_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 5), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "all but the first position",
     .options = &(const struct ls_slice_options){.axis = 1, .first = 1},
     .options_size = sizeof(struct ls_slice_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4, 5), .low = -1, .high = 1}},
     .microbatches = 3},
    {.name = "the last but one of a middle dimension",
     .options = &(const struct ls_slice_options){.axis = 2, .first = -2, .count = 1},
     .options_size = sizeof(struct ls_slice_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 4, 2), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_slice) = {
    .name = "slice",
    .formula = "y = entries first .. first + count - 1 of x along an axis",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
