/* Products of the matrices of each sample, one pair after the other. Every element is one chain of
 * fused multiply-adds, its index ascending (tensor/kernels/product.h); so are those of the
 * gradients. */
#include "core/ops/check.h"
#include "core/ops/options.h"
#include "core/tensor/kernels/pack.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"

/* y [rows, columns] = left [rows, length] right [length, columns]. A factor may be stored turned,
 * [length, rows] or [columns, length]. */
struct job {
    int64_t rows, columns, length;
    bool left_turned, right_turned;
    bool add; /* y += */
};

/* The sizes of one product: a is P x K, b is K x Q. */
struct sizes {
    int64_t matrices; /* of a sample */
    int64_t p, k, q;
};

static struct sizes sizes_of(const struct ls_node *node) {
    const struct ls_batched_product_options *options = node->options;
    const struct ls_shape a = node->inputs[0]->shape, b = node->inputs[1]->shape;
    const int rows = a.rank - 2, columns = a.rank - 1;
    struct sizes s = {.matrices = 1,
                      .p = a.dims[options->transpose_a ? columns : rows],
                      .k = a.dims[options->transpose_a ? rows : columns],
                      .q = b.dims[options->transpose_b ? rows : columns]};
    for (int i = 1; i < rows; i++)
        s.matrices *= a.dims[i];
    return s;
}

static struct job forward_job(const struct ls_node *node) {
    const struct ls_batched_product_options *o = node->options;
    const struct sizes s = sizes_of(node);
    return (struct job){s.p, s.q, s.k, o->transpose_a, o->transpose_b, false};
}

/* da = dy B', or B dy' where a is stored transposed. */
static struct job a_job(const struct ls_node *node) {
    const struct ls_batched_product_options *o = node->options;
    const struct sizes s = sizes_of(node);
    return o->transpose_a
               ? (struct job){s.k, s.p, s.q, o->transpose_b, true, node->accumulate[0]}
               : (struct job){s.p, s.k, s.q, false, !o->transpose_b, node->accumulate[0]};
}

/* db = A' dy, or dy' A where b is stored transposed. */
static struct job b_job(const struct ls_node *node) {
    const struct ls_batched_product_options *o = node->options;
    const struct sizes s = sizes_of(node);
    return o->transpose_b
               ? (struct job){s.q, s.k, s.p, true, o->transpose_a, node->accumulate[1]}
               : (struct job){s.k, s.q, s.p, !o->transpose_a, false, node->accumulate[1]};
}

/* What a product needs room for. */
struct room {
    real *panels; /* of right */
    real *left;   /* row-major, where it is stored turned */
    const real **x;
    real **y;
};

static struct room take_room(const struct job *job, struct ls_scratch *scratch) {
    return (struct room){
        ls_scratch_take(scratch, ls_panel_elements(job->length, job->columns), sizeof(real)),
        ls_scratch_take(scratch, job->left_turned ? job->rows * job->length : 0, sizeof(real)),
        ls_scratch_take(scratch, job->rows, sizeof(real *)),
        ls_scratch_take(scratch, job->rows, sizeof(real *))};
}

static size_t scratch_bytes(struct job job) {
    struct ls_scratch scratch = {0};
    take_room(&job, &scratch);
    return scratch.used;
}

/* Right in panels [length][32], the last filled up with zeros. */
static void pack(const struct job *job, const real *right, real *panels) {
    if (!job->right_turned)
        ls_pack_blocks(job->length, job->columns, right, job->columns, panels,
                       job->length * LS_PANEL);
    for (int64_t c = 0; c < job->columns && job->right_turned; c += LS_PANEL) {
        const int64_t left = job->columns - c;
        ls_turn_rows(left < LS_PANEL ? left : LS_PANEL, job->length, right + c * job->length,
                     job->length, panels + c * job->length);
    }
}

static void multiply(const struct job *job, const real *left, const real *right, real *y,
                     const struct room *room) {
    pack(job, right, room->panels);
    if (job->left_turned)
        ls_transpose(job->length, job->rows, left, job->rows, room->left, job->length);
    for (int64_t r = 0; r < job->rows; r++) {
        room->x[r] = (job->left_turned ? room->left : left) + r * job->length;
        room->y[r] = y + r * job->columns;
    }
    LS_NAME(ls_product)
    (&(const struct ls_product){.rows = job->rows,
                                .columns = job->columns,
                                .x = room->x,
                                .y = room->y,
                                .taps = &(const int64_t){0},
                                .depth = job->length,
                                .length = job->length,
                                .w = room->panels,
                                .panel_stride = job->length * LS_PANEL,
                                .add = job->add});
}

/* All matrices of the run. */
static void multiply_each(const struct ls_node *node, const struct ls_run *run, struct job job,
                          const real *left, const real *right, real *y) {
    struct ls_scratch scratch = {.memory = node->scratch};
    const struct room room = take_room(&job, &scratch);
    const int64_t count = run->rows * sizes_of(node).matrices;
    for (int64_t m = 0; m < count; m++)
        multiply(&job, left + m * job.rows * job.length, right + m * job.length * job.columns,
                 y + m * job.rows * job.columns, &room);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static bool fits(const struct ls_node *node) {
    const struct ls_batched_product_options *options = node->options;
    const struct ls_shape a = node->inputs[0]->shape, b = node->inputs[1]->shape;
    if (a.rank != b.rank)
        return false;
    for (int i = 0; i < a.rank - 2; i++)
        if (a.dims[i] != b.dims[i])
            return false;
    return b.dims[options->transpose_b ? b.rank - 1 : b.rank - 2] == sizes_of(node).k;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_batched_product_options *options = node->options;
    enum ls_status status = ls_check_batched(node, 0, 3, error);
    if (status == LS_OK)
        status = ls_check_batched(node, 1, 3, error);
    if (status == LS_OK && node->inputs[0]->shape.rank == 3)
        status = ls_check_whole(node, error);
    if (status != LS_OK)
        return status;
    char a[LS_SHAPE_TEXT_MAX], b[LS_SHAPE_TEXT_MAX];
    if (!fits(node))
        return ls_fail(
            error, LS_INVALID,
            "batched_product: expected matrices that fit each other, found %s%s and %s%s",
            ls_shape_print(node->inputs[0]->shape, a), options->transpose_a ? " transposed" : "",
            ls_shape_print(node->inputs[1]->shape, b), options->transpose_b ? " transposed" : "");
    const struct sizes s = sizes_of(node);
    ls_infer_like(node);
    node->output->shape.dims[node->output->shape.rank - 2] = s.p;
    node->output->shape.dims[node->output->shape.rank - 1] = s.q;
    node->flops = 2 * s.matrices * s.p * s.k * s.q;
    node->scratch_bytes = larger(scratch_bytes(forward_job(node)),
                                 larger(scratch_bytes(a_job(node)), scratch_bytes(b_job(node))));
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    multiply_each(node, run, forward_job(node), node->inputs[0]->data, node->inputs[1]->data,
                  node->output->data);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_batched_product_options *options = node->options;
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    const real *dy = node->output->gradient;
    if (a->gradient)
        multiply_each(node, run, a_job(node), options->transpose_a ? b->data : dy,
                      options->transpose_a ? dy : b->data, a->gradient);
    if (b->gradient)
        multiply_each(node, run, b_job(node), options->transpose_b ? dy : a->data,
                      options->transpose_b ? a->data : dy, b->gradient);
}

#define CASE(...)                                                                                  \
    .options = &(const struct ls_batched_product_options){__VA_ARGS__},                            \
    .options_size = sizeof(struct ls_batched_product_options), .input_count = 2

static const struct ls_op_case cases[] = {
    {.name = "as stored",
     CASE(0),
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 3, 4), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(3, 2, 4, 5), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "a transposed, more columns than a panel",
     CASE(.transpose_a = true),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4, 3), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(2, 4, 35), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "b transposed, more rows than a tile",
     CASE(.transpose_b = true),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 17, 3), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(2, 5, 3), .low = -1, .high = 1}}},
    {.name = "both transposed",
     CASE(.transpose_a = true, .transpose_b = true),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 1, 6, 2), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(2, 1, 9, 6), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_batched_product) = {
    .name = "batched_product",
    .formula = "y[n,...,p,q] = sum over k of a[n,...,p,k] b[n,...,k,q]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
