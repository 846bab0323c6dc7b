/* The sum, the mean or the largest of all entries of a dimension; with lengths, of the first
 * length[n] positions. Over nothing it is 0.
 *
 * Sums go over the entries ascending, or along the row of a last dimension in 16 lanes (row.h). Of
 * the largest, the first of equals has the gradient; which one it was is saved. */
#include "core/ops/axis.h"
#include "core/ops/row.h"

static const struct ls_reduce_options *options_of(const struct ls_node *node) {
    return node->options;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_reduce_options *options = options_of(node);
    enum ls_status status = ls_axis_check_whole(node, options->axis, error);
    if (status == LS_OK)
        status = ls_check_lengths(node, 1, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape x = node->inputs[0]->shape;
    if (node->inputs[1] && ls_axis_index(x, options->axis) != 1)
        return ls_fail(error, LS_INVALID,
                       "reduce: lengths are those of dimension 1, the positions, found axis %d",
                       options->axis);
    ls_axis_drop(node, options->axis);
    node->flops = ls_shape_row_count(x);
    if (options->kind == LS_REDUCE_MAX)
        node->saved_bytes = (size_t)ls_shape_count(node->output->shape) * sizeof(int32_t);
    return LS_OK;
}

/* The largest of `size` entries, and which one it was; -1 of none. */
static void largest(int64_t size, int64_t columns, const real *restrict x, real *restrict y,
                    int32_t *restrict at) {
    for (int64_t c = 0; c < columns; c++) {
        y[c] = size ? x[c] : 0;
        at[c] = size ? 0 : -1;
    }
    for (int64_t p = 1; p < size; p++)
        for (int64_t c = 0; c < columns; c++) {
            const real v = x[p * columns + c];
            const bool larger = (v > y[c]) | (v != v); /* NaN wins over all */
            y[c] = larger ? v : y[c];
            at[c] = larger ? (int32_t)p : at[c];
        }
}

/* What a sum of so many entries is multiplied by. */
static real share_of(const struct ls_node *node, int64_t size) {
    return options_of(node)->kind == LS_REDUCE_MEAN && size ? (real)(1.0 / (double)size) : 1;
}

static void add_up(const struct ls_node *node, int64_t size, int64_t columns, const real *x,
                   real *restrict y) {
    const real share = share_of(node, size);
    if (columns == 1)
        *y = ls_row_sum(x, size);
    else
        ls_positions_sum((struct ls_positions){1, size, 0, columns}, columns, x, y);
    for (int64_t c = 0; c < columns; c++)
        y[c] *= share;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_axis axis = ls_axis_of(node->inputs[0]->shape, options_of(node)->axis);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
    int32_t *at = options_of(node)->kind == LS_REDUCE_MAX ? node->saved : NULL;
    for (int64_t r = 0; r < run->rows * axis.before; r++) {
        const int64_t size = ls_length_of(node, 1, r / axis.before, axis.size);
        if (at)
            largest(size, axis.behind, x, y, at);
        else
            add_up(node, size, axis.behind, x, y);
        x += axis.size * axis.behind;
        y += axis.behind;
        at += at ? axis.behind : 0;
    }
}

/* What dy brings to the entry p: its share, or all of it if the entry was the largest. */
static void give(int64_t columns, const real *restrict dy, real share, const int32_t *at, int32_t p,
                 real *restrict dx) {
    for (int64_t c = 0; c < columns; c++)
        dx[c] += !at ? dy[c] * share : at[c] == p ? dy[c] : 0;
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_axis axis = ls_axis_of(node->inputs[0]->shape, options_of(node)->axis);
    const real *dy = node->output->gradient;
    const int32_t *at = options_of(node)->kind == LS_REDUCE_MAX ? node->saved : NULL;
    real *dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (!node->accumulate[0])
        memset(dx, 0, (size_t)ls_run_elements(run, node->inputs[0]) * sizeof(real));
    for (int64_t r = 0; r < run->rows * axis.before; r++) {
        const int64_t size = ls_length_of(node, 1, r / axis.before, axis.size);
        const real share = share_of(node, size);
        for (int64_t p = 0; p < size; p++)
            give(axis.behind, dy, share, at, (int32_t)p, dx + p * axis.behind);
        dx += axis.size * axis.behind;
        dy += axis.behind;
        at += at ? axis.behind : 0;
    }
}

#define OPTIONS(kind_value, axis_value)                                                            \
    .options =                                                                                     \
        &(const struct ls_reduce_options){.kind = LS_REDUCE_##kind_value, .axis = axis_value},     \
    .options_size = sizeof(struct ls_reduce_options)
#define LENGTHS(rows, most)                                                                        \
    { .shape = LS_CASE_SHAPE(rows), .integer = true, .constant = true, .high = most }

static const struct ls_op_case cases[] = {
    {.name = "the sum of positions",
     OPTIONS(SUM, 1),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4, 5), .low = -1, .high = 1}, {.absent = true}},
     .microbatches = 2},
    {.name = "the mean of each row",
     OPTIONS(MEAN, -1),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 37), .low = -1, .high = 1}, {.absent = true}},
     .microbatches = 2},
    {.name = "the mean of some positions",
     OPTIONS(MEAN, 1),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 3, 5), .low = -1, .high = 1}, LENGTHS(9, 3)},
     .microbatches = 3},
    {.name = "the sum of some numbers",
     OPTIONS(SUM, 1),
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 19), .low = -1, .high = 1}, LENGTHS(9, 19)},
     .microbatches = 2},
    {.name = "the largest of a middle dimension",
     OPTIONS(MAX, 2),
     .input_count = 2,
     .inputs =
         {{.shape = LS_CASE_SHAPE(3, 2, 4, 5), .low = -1, .high = 1, .distinct = true, .gap = 0.01},
          {.absent = true}},
     .microbatches = 2},
    {.name = "the largest of some positions",
     OPTIONS(MAX, 1),
     .input_count = 2,
     .inputs =
         {{.shape = LS_CASE_SHAPE(9, 3, 5), .low = -1, .high = 1, .distinct = true, .gap = 0.01},
          LENGTHS(9, 3)},
     .microbatches = 3},
};

const struct ls_op LS_NAME(ls_op_reduce) = {
    .name = "reduce",
    .formula = "y = sum, mean or max of x along an axis",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 1,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
