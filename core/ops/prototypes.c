/* Squared distances of samples to K learned points of their space (Li et al. 2018). Taken directly
 * and not through |x|^2 - 2 x p + |p|^2: they are never negative, and 0 where a sample is its
 * prototype.
 *
 * Sums: a distance in 16 lanes along the row; dx one chain over k; dp of a microbatch in 16 lanes
 * (lane = row mod 16), cut like those of sum.h, then along the tree. */
#include "core/ops/check.h"
#include "core/ops/row.h"
#include "core/ops/sum.h"

/* At the beginning of scratch: sums of chains. */
static size_t totals_bytes(int64_t columns) {
    return ls_round_up((size_t)columns * sizeof(double), LS_ALIGNMENT);
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *x = node->inputs[0], *p = node->inputs[1];
    char text[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    const int64_t columns = ls_shape_row_count(x->shape);
    if (p->batched || p->layout != LS_LAYOUT_PLAIN || p->shape.rank != 2 ||
        p->shape.dims[1] != columns)
        return ls_fail(error, LS_INVALID,
                       "prototypes: must be a plain parameter of shape (count, %lld), found %s",
                       (long long)columns, ls_shape_print(p->shape, text));
    node->output->shape = LS_SHAPE(x->shape.dims[0], p->shape.dims[0]);
    node->output->batched = true;
    node->output->type = LS_TYPE_REAL;
    node->scratch_bytes =
        totals_bytes(columns) + (size_t)(LS_SUM_LANES + ls_tree_slots(x->shape.dims[0]) - 1) *
                                    (size_t)columns * sizeof(real);
    node->flops = 3 * p->shape.dims[0] * columns;
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = node->inputs[1]->shape.dims[0], columns = node->inputs[1]->shape.dims[1];
    const real *x = node->inputs[0]->data, *p = node->inputs[1]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++)
        for (int64_t k = 0; k < count; k++)
            y[n * count + k] = ls_row_squared_distance(x + n * columns, p + k * columns, columns);
}

/* to += 2 dy (a - b) */
LS_INLINE void add_difference(real dy, const real *restrict a, const real *restrict b,
                              int64_t columns, real *restrict to) {
    for (int64_t c = 0; c < columns; c++)
        to[c] = ls_fma(2 * dy, a[c] - b[c], to[c]);
}

/* Of prototype k. */
static void backward_prototype(const struct ls_node *node, const struct ls_run *run, int64_t k) {
    const int64_t count = node->inputs[1]->shape.dims[0], columns = node->inputs[1]->shape.dims[1];
    const real *x = node->inputs[0]->data;
    const real *p = (const real *)node->inputs[1]->data + k * columns;
    const real *dy = (const real *)node->output->gradient + k;
    double *totals = node->scratch;
    real *lanes = (real *)((char *)node->scratch + totals_bytes(columns));
    struct ls_tree_stack stack = ls_tree_stack_begin(
        (real *)node->inputs[1]->gradient + k * columns, lanes + LS_SUM_LANES * columns, columns);
    for (int m = 0; m < run->microbatches; m++) {
        const int64_t first = ls_run_microbatch_first(run, m),
                      rows = ls_run_microbatch_rows(run, m);
        real *leaf = ls_tree_stack_leaf(&stack);
        memset(totals, 0, totals_bytes(columns));
        memset(leaf, 0, (size_t)columns * sizeof(real));
        for (int64_t r = 0; r < rows; r++) {
            if (r % LS_SUM_ROWS == 0)
                memset(lanes, 0, (size_t)(LS_SUM_LANES * columns) * sizeof(real));
            add_difference(dy[(first + r) * count], p, x + (first + r) * columns, columns,
                           lanes + r % LS_SUM_LANES * columns);
            if ((r + 1) % LS_SUM_ROWS && r + 1 < rows)
                continue;
            ls_chain_add(columns, leaf, totals);
            ls_lanes_combine(lanes, columns, leaf);
        }
        ls_chain_finish(columns, totals, leaf);
        ls_tree_stack_push(&stack);
    }
    ls_tree_stack_finish(&stack);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = node->inputs[1]->shape.dims[0], columns = node->inputs[1]->shape.dims[1];
    const real *x = node->inputs[0]->data, *p = node->inputs[1]->data;
    const real *dy = node->output->gradient;
    real *dx = node->inputs[0]->gradient;
    for (int64_t n = 0; dx && n < run->rows; n++) {
        if (!node->accumulate[0])
            memset(dx + n * columns, 0, (size_t)columns * sizeof(real));
        for (int64_t k = 0; k < count; k++)
            add_difference(dy[n * count + k], x + n * columns, p + k * columns, columns,
                           dx + n * columns);
    }
    for (int64_t k = 0; node->inputs[1]->gradient && k < count; k++)
        backward_prototype(node, run, k);
}

static const struct ls_op_case cases[] = {
    {.name = "a few",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(7, 5), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(3, 5), .parameter = true, .low = -2, .high = 2}},
     .microbatches = 3},
    {.name = "more columns than lanes, more rows, too",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(37, 19), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 19), .parameter = true, .low = -2, .high = 2}},
     .microbatches = 2,
     .tolerance = 1e-5},
};

const struct ls_op LS_NAME(ls_op_prototypes) = {
    .name = "prototypes",
    .formula = "y[k] = sum over c of (x[c] - p[k,c])^2",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
