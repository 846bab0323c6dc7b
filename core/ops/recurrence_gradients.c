#include "core/ops/elementwise.h"
#include "core/ops/recurrence_rows.h"
#include "core/ops/sum.h"

/* What backward needs: per (n, t), and for the rows of a step. */
struct job {
    real *dz;      /* [N, T, G] */
    real *dq;      /* [N, T, H], or NULL: see struct ls_cell */
    real *before;  /* [N, T, H]: h one position before */
    real *blocks;  /* dz of the rows of a step */
    real *dh, *dc; /* [N, H], in the order of the rows; dc NULL without a second state */
    real **to;     /* the rows of dh */
    void *sums;    /* scratch of the products and sums over all (n, t) */
};

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* The product with U, whose rows are those of the product with W. */
static struct ls_gemm recurrent_gemm(struct ls_gemm gemm, const struct ls_recurrence_run *v) {
    gemm.in = v->hidden;
    return gemm;
}

static struct job take_job(const struct ls_recurrence_run *v, struct ls_scratch *scratch) {
    const int64_t places = v->rows * v->positions;
    const struct ls_gemm w = ls_recurrence_gemm(v, v->rows), u = recurrent_gemm(w, v);
    const size_t products =
        larger(LS_NAME(ls_gemm_scratch_bytes)(&w), LS_NAME(ls_gemm_scratch_bytes)(&u));
    const size_t sums = larger(products, ls_column_sums_bytes(v->columns, v->rows));
    return (struct job){
        .dz = ls_scratch_take(scratch, places * v->columns, sizeof(real)),
        .dq = v->op->apart ? ls_scratch_take(scratch, places * v->hidden, sizeof(real)) : NULL,
        .before = ls_scratch_take(scratch, places * v->hidden, sizeof(real)),
        .blocks =
            ls_scratch_take(scratch, ls_panels(v->columns) * LS_PANEL * v->rows, sizeof(real)),
        .dh = ls_scratch_take(scratch, v->rows * v->hidden, sizeof(real)),
        .dc = v->op->carries ? ls_scratch_take(scratch, v->rows * v->hidden, sizeof(real)) : NULL,
        .to = ls_scratch_take(scratch, v->rows, sizeof(real *)),
        .sums = ls_scratch_take(scratch, (int64_t)sums, 1),
    };
}

size_t LS_NAME(ls_recurrence_gradient_bytes)(const struct ls_recurrence_run *v) {
    struct ls_recurrence_run sizes = *v;
    struct ls_scratch scratch = {0};
    ls_recurrence_take(&sizes, &scratch, &(struct ls_scratch){0});
    take_job(v, &scratch);
    return scratch.used;
}

/* Adds to dh of row n what comes from the positions behind the row's end, where the state stays:
 * in the order opposite to time. */
static void pass_behind(const struct ls_recurrence_run *v, int64_t n, real *dh) {
    const int64_t length = v->length[n], last = v->positions - 1;
    const real *dy = v->node->output->gradient;
    for (int64_t k = length; k <= last; k++) {
        const int64_t t = v->reverse ? k : last + length - k;
        ls_pass_elements(v->hidden, dy + (n * v->positions + t) * v->hidden, dh, true);
    }
}

static real *gradient_of(const struct ls_recurrence_run *v, int input) {
    const struct ls_value *value = v->node->inputs[input];
    return value ? value->gradient : NULL;
}

/* The rows behind the last step: dh and dc before any, +0 where there is no position. */
static void begin(const struct ls_recurrence_run *v, const struct job *job) {
    memset(job->dh, 0, (size_t)(v->rows * v->hidden) * sizeof(real));
    if (job->dc)
        memset(job->dc, 0, (size_t)(v->rows * v->hidden) * sizeof(real));
    for (int64_t r = 0; r < v->rows; r++) {
        const int64_t n = v->order[r], end = n * v->positions + v->length[n];
        const size_t behind = (size_t)(v->positions - v->length[n]) * sizeof(real);
        job->to[r] = job->dh + r * v->hidden;
        memset(job->dz + end * v->columns, 0, behind * (size_t)v->columns);
        memset(job->before + end * v->hidden, 0, behind * (size_t)v->hidden);
        if (job->dq)
            memset(job->dq + end * v->hidden, 0, behind * (size_t)v->hidden);
        if (!v->reverse)
            pass_behind(v, n, job->to[r]);
    }
}

/* dh (+)= dz U^T of the first `count` rows of the order. */
static void multiply(const struct ls_recurrence_run *v, const struct job *job, int64_t count) {
    LS_NAME(ls_product)
    (&(const struct ls_product){.rows = count,
                                .columns = v->hidden,
                                .blocks = job->blocks,
                                .block_next = count * LS_PANEL,
                                .y = job->to,
                                .length = v->columns,
                                .w = v->node->state,
                                .panel_stride = v->columns * LS_PANEL,
                                .add = v->op->passes});
}

static void run_step(const struct ls_recurrence_run *v, const struct job *job, int64_t step) {
    const int64_t count = v->active[step], H = v->hidden;
    const int64_t own = v->op->apart ? v->columns - H : v->columns;
    for (int64_t r = 0; r < count; r++) {
        const int64_t n = v->order[r], place = ls_recurrence_place(v, n, step);
        struct ls_cell cell = ls_recurrence_cell(v, n, step);
        cell.dy = (const real *)v->node->output->gradient + place * H;
        cell.dh = job->to[r];
        cell.dc = job->dc ? job->dc + r * H : NULL;
        cell.dz = job->dz + place * v->columns;
        cell.dq = job->dq ? job->dq + place * H : NULL;
        v->op->backward(v->node, &cell);
        memcpy(job->before + place * H, cell.h_before, (size_t)H * sizeof(real));
        ls_recurrence_block(job->blocks, count, r, 0, own, cell.dz);
        if (job->dq)
            ls_recurrence_block(job->blocks, count, r, own, H, cell.dq);
    }
    if (step > 0 || gradient_of(v, LS_RECURRENCE_START))
        multiply(v, job, count);
}

/* The gradient of a state before the first position, from rows in the order of the run. */
static void give_start(const struct ls_recurrence_run *v, int input, const real *rows) {
    real *to = gradient_of(v, input);
    for (int64_t r = 0; to && r < v->rows; r++)
        ls_pass_elements(v->hidden, rows + r * v->hidden, to + v->order[r] * v->hidden,
                         v->node->accumulate[input]);
}

/* The last H columns of dz become dq: from here on it is the gradient of u. */
static void take_apart(const struct ls_recurrence_run *v, const struct job *job) {
    real *to = job->dz + v->columns - v->hidden;
    for (int64_t place = 0; place < v->rows * v->positions; place++, to += v->columns)
        memcpy(to, job->dq + place * v->hidden, (size_t)v->hidden * sizeof(real));
}

/* What is summed, or made, in one go over all (n, t). */
static void finish(const struct ls_recurrence_run *v, const struct ls_run *run,
                   const struct job *job) {
    const struct ls_gemm gemm = ls_recurrence_gemm(v, run->microbatch_rows),
                         recurrent = recurrent_gemm(gemm, v);
    const struct ls_node *node = v->node;
    real *dx = gradient_of(v, LS_RECURRENCE_X), *dw = gradient_of(v, LS_RECURRENCE_W),
         *du = gradient_of(v, LS_RECURRENCE_U), *db = gradient_of(v, LS_RECURRENCE_BIAS);
    if (db)
        ls_column_sums(run, v->positions, v->columns, job->dz, db, job->sums);
    if (dw)
        LS_NAME(ls_gemm_weight_gradient)
    (&gemm, node->inputs[LS_RECURRENCE_X]->data, job->dz, dw, job->sums);
    if (dx)
        LS_NAME(ls_gemm_input_gradient)
    (&gemm, job->dz, node->inputs[LS_RECURRENCE_W]->data, node->accumulate[LS_RECURRENCE_X], dx,
     job->sums);
    if (job->dq)
        take_apart(v, job);
    if (du)
        LS_NAME(ls_gemm_weight_gradient)(&recurrent, job->before, job->dz, du, job->sums);
    if (job->dq && gradient_of(v, LS_RECURRENCE_EXTRA))
        ls_column_sums(run, v->positions, v->hidden, job->dq, gradient_of(v, LS_RECURRENCE_EXTRA),
                       job->sums);
}

void LS_NAME(ls_recurrence_backward)(const struct ls_node *node, const struct ls_run *run,
                                     const struct ls_recurrence *op) {
    struct ls_scratch scratch = {.memory = node->scratch};
    const struct ls_recurrence_run v = LS_NAME(ls_recurrence_begin)(node, run, op, &scratch);
    const struct job job = take_job(&v, &scratch);
    begin(&v, &job);
    for (int64_t step = v.positions - 1; step >= 0; step--)
        if (v.active[step] > 0)
            run_step(&v, &job, step);
    if (gradient_of(&v, LS_RECURRENCE_START)) {
        for (int64_t r = 0; v.reverse && r < v.rows; r++)
            pass_behind(&v, v.order[r], job.to[r]);
        give_start(&v, LS_RECURRENCE_START, job.dh);
    }
    if (op->carries)
        give_start(&v, LS_RECURRENCE_EXTRA, job.dc);
    finish(&v, run, &job);
}
