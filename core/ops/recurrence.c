#include "core/ops/check.h"
#include "core/ops/recurrence_rows.h"
#include "core/tensor/kernels/transpose.h"

/* [N, H], or absent. */
static enum ls_status check_state(const struct ls_node *node, int i, const char *what,
                                  int64_t hidden, struct ls_error *error) {
    const struct ls_value *state = node->inputs[i];
    char text[LS_SHAPE_TEXT_MAX];
    if (!state)
        return LS_OK;
    if (ls_check_batched(node, i, 1, error) != LS_OK)
        return error->status;
    if (!ls_shape_equal(ls_shape_of_row(state->shape), LS_SHAPE(hidden)))
        return ls_fail(error, LS_INVALID, "%s: the %s must have %lld values per sample, found %s",
                       node->op->name, what, (long long)hidden,
                       ls_shape_print(ls_shape_of_row(state->shape), text));
    return LS_OK;
}

static enum ls_status check_step_mode(const struct ls_node *node, int64_t positions,
                                      struct ls_error *error) {
    const struct ls_recurrence_options *options = node->options;
    if (node->step_positions == 0)
        return LS_OK;
    if (options->reverse)
        return ls_fail(error, LS_INVALID,
                       "%s: a sequence that is made step by step has no last position yet; "
                       "`reverse` (one half of a bidirectional layer) begins there",
                       node->op->name);
    if (positions != 1)
        return ls_fail(error, LS_INVALID,
                       "%s: step by step, a sequence has 1 position in the graph, found %lld",
                       node->op->name, (long long)positions);
    return LS_OK;
}

static enum ls_status check(const struct ls_node *node, const struct ls_recurrence *op,
                            struct ls_error *error) {
    const struct ls_shape x = node->inputs[LS_RECURRENCE_X]->shape,
                          u = node->inputs[LS_RECURRENCE_U]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (ls_check_batched(node, LS_RECURRENCE_X, 1, error) != LS_OK)
        return error->status;
    if (x.rank != 3)
        return ls_fail(error, LS_INVALID, "%s: expects positions x channels, found %s",
                       node->op->name, ls_shape_print(ls_shape_of_row(x), text));
    if (u.rank != 2 || u.dims[1] != op->gates * u.dims[0])
        return ls_fail(error, LS_INVALID,
                       "%s: the recurrent weight must be [units, %lld units], found %s",
                       node->op->name, (long long)op->gates, ls_shape_print(u, text));
    const int64_t hidden = u.dims[0];
    if (ls_check_panels(node, LS_RECURRENCE_U, "recurrent weight", u, error) != LS_OK ||
        ls_check_panels(node, LS_RECURRENCE_W, "weight", LS_SHAPE(x.dims[2], u.dims[1]), error) !=
            LS_OK ||
        ls_check_parameter(node, LS_RECURRENCE_BIAS, "bias", LS_SHAPE(u.dims[1]), error) != LS_OK ||
        check_state(node, LS_RECURRENCE_START, "state", hidden, error) != LS_OK ||
        ls_check_lengths(node, LS_RECURRENCE_LENGTHS, error) != LS_OK)
        return error->status;
    if (node->input_count > LS_RECURRENCE_EXTRA) {
        const enum ls_status status =
            op->carries ? check_state(node, LS_RECURRENCE_EXTRA, "cell", hidden, error)
                        : ls_check_parameter(node, LS_RECURRENCE_EXTRA, "candidate's bias",
                                             LS_SHAPE(hidden), error);
        if (status != LS_OK)
            return status;
    }
    return check_step_mode(node, x.dims[1], error);
}

/* A counting sort by length. In step mode a row's only position is run->position of its sequence.
 */
static void order_rows(const struct ls_recurrence_run *v, const struct ls_run *run) {
    const int32_t *lengths = ls_recurrence_data(v->node, LS_RECURRENCE_LENGTHS);
    memset(v->active, 0, (size_t)(v->positions + 1) * sizeof *v->active);
    for (int64_t n = 0; n < v->rows; n++) {
        int64_t length = lengths ? lengths[n] : v->positions;
        if (lengths && v->node->step_positions)
            length = length > run->position;
        LS_ASSERT(length >= 0 && length <= v->positions, "%s: length %lld, expected 0 to %lld",
                  v->node->name, (long long)length, (long long)v->positions);
        v->length[n] = (int32_t)length;
        v->active[length]++;
    }
    int32_t longer = 0;
    for (int64_t s = v->positions; s >= 0; s--) {
        const int32_t here = v->active[s];
        v->active[s] = v->next[s] = longer;
        longer += here;
    }
    for (int64_t n = 0; n < v->rows; n++)
        v->order[v->next[v->length[n]]++] = (int32_t)n;
}

struct ls_recurrence_run LS_NAME(ls_recurrence_begin)(const struct ls_node *node,
                                                      const struct ls_run *run,
                                                      const struct ls_recurrence *op,
                                                      struct ls_scratch *scratch) {
    const struct ls_recurrence_options *options = node->options;
    struct ls_recurrence_run v = ls_recurrence_sizes(node, op, run->rows);
    v.reverse = options->reverse;
    ls_recurrence_take(&v, scratch, &(struct ls_scratch){.memory = node->saved});
    memset(v.zeros, 0, (size_t)v.columns * sizeof(real));
    v.start_h = ls_recurrence_data(node, LS_RECURRENCE_START);
    v.start_beside = op->carries ? ls_recurrence_data(node, LS_RECURRENCE_EXTRA) : NULL;
    if (node->step_positions && run->position > 0) {
        v.start_h = node->state;
        v.start_beside = op->carries ? v.start_h + node->output->shape.dims[0] * v.hidden : NULL;
    }
    order_rows(&v, run);
    return v;
}

/* What forward needs beside that, for the rows of a step. */
struct job {
    real *blocks;  /* h before it */
    real *u, **to; /* h U, and the rows of it */
    void *product; /* scratch of the product with W */
};

static struct job take_job(const struct ls_recurrence_run *v, struct ls_scratch *scratch) {
    const struct ls_gemm gemm = ls_recurrence_gemm(v, v->rows);
    return (struct job){
        .blocks = ls_scratch_take(scratch, ls_panels(v->hidden) * LS_PANEL * v->rows, sizeof(real)),
        .u = ls_scratch_take(scratch, v->rows * v->columns, sizeof(real)),
        .to = ls_scratch_take(scratch, v->rows, sizeof(real *)),
        .product = ls_scratch_take(scratch, (int64_t)LS_NAME(ls_gemm_scratch_bytes)(&gemm), 1),
    };
}

static bool wants_gradient(const struct ls_node *node) {
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && node->inputs[i]->wants_gradient)
            return true;
    return false;
}

static size_t scratch_bytes(const struct ls_node *node, const struct ls_recurrence *op,
                            int64_t rows) {
    struct ls_recurrence_run v = ls_recurrence_sizes(node, op, rows);
    struct ls_scratch forward = {0}, saved = {0};
    ls_recurrence_take(&v, &forward, &saved);
    take_job(&v, &forward);
    const size_t backward = wants_gradient(node) ? LS_NAME(ls_recurrence_gradient_bytes)(&v) : 0;
    return forward.used > backward ? forward.used : backward;
}

enum ls_status LS_NAME(ls_recurrence_infer)(struct ls_node *node, const struct ls_recurrence *op,
                                            struct ls_error *error) {
    if (check(node, op, error) != LS_OK)
        return error->status;
    const int64_t rows_max = node->inputs[LS_RECURRENCE_X]->shape.dims[0];
    struct ls_recurrence_run v = ls_recurrence_sizes(node, op, rows_max);
    struct ls_scratch forward = {0}, saved = {0};
    ls_recurrence_take(&v, &forward, &saved);
    ls_infer_like(node);
    node->output->shape.dims[2] = v.hidden;
    node->saved_bytes = saved.used;
    node->scratch_bytes = scratch_bytes(node, op, rows_max);
    node->scratch_row_bytes =
        (scratch_bytes(node, op, 2 * rows_max) - node->scratch_bytes) / (size_t)rows_max;
    if (node->step_positions)
        node->state_bytes = (op->carries ? 2 : 1) * (size_t)(rows_max * v.hidden) * sizeof(real);
    else if (wants_gradient(node))
        node->state_bytes = (size_t)ls_panel_elements(v.columns, v.hidden) * sizeof(real);
    node->flops = v.positions * 2 * (v.inputs + v.hidden) * v.columns;
    return LS_OK;
}

void LS_NAME(ls_recurrence_prepare)(struct ls_node *node) {
    const struct ls_value *u = node->inputs[LS_RECURRENCE_U];
    if (node->state && node->step_positions == 0)
        ls_turn_panels(u->shape.dims[0], u->shape.dims[1], u->data, node->state);
}

/* u = h U of the first `count` rows of the order. */
static void multiply(const struct ls_recurrence_run *v, const struct job *job, int64_t count) {
    LS_NAME(ls_product)
    (&(const struct ls_product){.rows = count,
                                .columns = v->columns,
                                .blocks = job->blocks,
                                .block_next = count * LS_PANEL,
                                .y = job->to,
                                .length = v->hidden,
                                .w = v->node->inputs[LS_RECURRENCE_U]->data,
                                .panel_stride = v->hidden * LS_PANEL});
}

/* The cells of a step, and their h as what the next one multiplies. */
static void run_step(const struct ls_recurrence_run *v, const struct job *job, int64_t step) {
    const int64_t count = v->active[step], next = v->active[step + 1];
    const bool multiplies = step > 0 || v->start_h;
    if (multiplies)
        multiply(v, job, count);
    for (int64_t r = 0; r < count; r++) {
        struct ls_cell cell = ls_recurrence_cell(v, v->order[r], step);
        cell.u = multiplies ? job->to[r] : v->zeros;
        v->op->forward(v->node, &cell);
        if (r < next)
            ls_recurrence_block(job->blocks, next, r, 0, v->hidden, cell.h);
    }
}

/* Behind a row's positions the state is what it was. */
static void copy_behind(const struct ls_recurrence_run *v) {
    real *y = v->node->output->data;
    for (int64_t n = 0; n < v->rows; n++, y += v->positions * v->hidden) {
        const int64_t length = v->length[n];
        const real *last = length > 0 && !v->reverse ? y + (length - 1) * v->hidden
                                                     : ls_recurrence_row(v, v->start_h, n);
        for (int64_t t = length; t < v->positions; t++)
            memcpy(y + t * v->hidden, last, (size_t)v->hidden * sizeof(real));
    }
}

/* Step mode: the state for the next run. */
static void keep_state(const struct ls_recurrence_run *v) {
    const size_t bytes = (size_t)v->hidden * sizeof(real);
    real *h = v->node->state, *second = h + v->node->output->shape.dims[0] * v->hidden;
    memcpy(h, v->node->output->data, (size_t)v->rows * bytes);
    for (int64_t n = 0; v->op->carries && n < v->rows; n++, second += v->hidden) {
        const real *from =
            v->length[n] > 0 ? v->beside + n * v->hidden : ls_recurrence_row(v, v->start_beside, n);
        if (from != second)
            memcpy(second, from, bytes);
    }
}

void LS_NAME(ls_recurrence_forward)(const struct ls_node *node, const struct ls_run *run,
                                    const struct ls_recurrence *op) {
    struct ls_scratch scratch = {.memory = node->scratch};
    const struct ls_recurrence_run v = LS_NAME(ls_recurrence_begin)(node, run, op, &scratch);
    const struct job job = take_job(&v, &scratch);
    const struct ls_gemm gemm = ls_recurrence_gemm(&v, run->microbatch_rows);
    LS_NAME(ls_gemm_forward)
    (&gemm, node->inputs[LS_RECURRENCE_X]->data, node->inputs[LS_RECURRENCE_W]->data,
     ls_recurrence_data(node, LS_RECURRENCE_BIAS), false, v.z, job.product);
    for (int64_t r = 0; r < v.rows; r++)
        job.to[r] = job.u + r * v.columns;
    for (int64_t r = 0; v.start_h && r < v.active[0]; r++)
        ls_recurrence_block(job.blocks, v.active[0], r, 0, v.hidden,
                            v.start_h + v.order[r] * v.hidden);
    for (int64_t step = 0; v.active[step] > 0; step++)
        run_step(&v, &job, step);
    copy_behind(&v);
    if (node->step_positions)
        keep_state(&v);
}
