#include "core/tensor/kernels/gemm.h"

#include "core/tensor/kernels/outer.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"
#include "core/tensor/kernels/transpose.h"

enum {
    CACHED = 128 * 1024,       /* elements of a block of rows: it stays in the second-level cache */
    ROWS_MAX = 512,            /* rows of a block */
    INPUTS = 4 * LS_TILE_ROWS, /* input gradients made before they are turned */
    PAD = 16,                  /* keeps strides off the powers of two, which caches dislike */
    TURNED = ROWS_MAX + PAD
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows of a block, a whole number of panels. */
static int64_t block_rows(int64_t row_elements) {
    const int64_t rows = CACHED / row_elements / LS_PANEL * LS_PANEL;
    return rows < LS_PANEL ? LS_PANEL : smaller(rows, ROWS_MAX);
}

void LS_NAME(ls_gemm_forward)(const struct ls_gemm *g, const real *x, const real *w,
                              const real *bias, bool relu, real *y) {
    const real *from[ROWS_MAX];
    real *to[ROWS_MAX];
    const int64_t tap = 0, block = block_rows(g->in);
    struct ls_product product = {.columns = g->out,
                                 .x = from,
                                 .y = to,
                                 .taps = &tap,
                                 .depth = g->in,
                                 .length = g->in,
                                 .w = w,
                                 .panel_stride = g->in * LS_PANEL,
                                 .bias = bias,
                                 .relu = relu};
    for (int64_t row = 0; row < g->rows; row += block) {
        product.rows = smaller(block, g->rows - row);
        for (int64_t r = 0; r < product.rows; r++) {
            from[r] = x + (row + r) * g->in;
            to[r] = y + (row + r) * g->out;
        }
        LS_NAME(ls_product)(&product);
    }
}

/* A block of rows of dy [rows, out] as columns: panels of 32 rows, [ceil(rows / 32)][out][32]. */
static void turn_rows(int64_t rows, int64_t out, const real *dy, real *panels) {
    for (int64_t row = 0; row < rows; row += LS_PANEL, panels += out * LS_PANEL) {
        const int64_t some = smaller(LS_PANEL, rows - row);
        ls_transpose(some, out, dy + row * out, out, panels, LS_PANEL);
        for (int64_t o = 0; some < LS_PANEL && o < out; o++)
            memset(panels + o * LS_PANEL + some, 0, (size_t)(LS_PANEL - some) * sizeof(real));
    }
}

/* dx[row][first + i] (+)= turned[i][row] */
static void turn_back(int64_t rows, int64_t inputs, const real *turned, bool add, real *dx,
                      int64_t in, real *buffer) {
    if (!add) {
        ls_transpose(inputs, rows, turned, TURNED, dx, in);
        return;
    }
    ls_transpose(inputs, rows, turned, TURNED, buffer, INPUTS);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < inputs; i++)
            dx[r * in + i] += buffer[r * INPUTS + i];
}

struct input_job {
    int64_t block, panels, *taps;
    real *columns, *weights, *turned, *buffer;
};

static struct input_job take_input_job(const struct ls_gemm *g, struct ls_scratch *scratch) {
    struct input_job job = {.block = block_rows(g->out), .panels = ls_panels(g->out)};
    job.taps = ls_scratch_take(scratch, job.panels, sizeof *job.taps);
    job.columns = ls_scratch_take(scratch, job.block * g->out, sizeof(real));
    job.weights = ls_scratch_take(scratch, INPUTS * job.panels * LS_PANEL + PAD, sizeof(real));
    job.turned = ls_scratch_take(scratch, INPUTS * TURNED, sizeof(real));
    job.buffer = ls_scratch_take(scratch, INPUTS * TURNED, sizeof(real));
    return job;
}

/* Rows first .. first+inputs-1 of W, panel after panel, as [panels][inputs][32]. */
static void gather_weights(const struct ls_gemm *g, int64_t first, int64_t inputs, const real *w,
                           real *to) {
    const int64_t some = inputs * LS_PANEL;
    for (int64_t p = 0; p < ls_panels(g->out); p++)
        memcpy(to + p * some, w + (p * g->in + first) * LS_PANEL, (size_t)some * sizeof(real));
}

/* Row i of W is 32 outputs long in each panel, so panels are taps, and rows of W are the
 * broadcast side; dy is the vector side, which makes the result dx^T, a few inputs at a time.
 * Weights that will be read more than once are gathered before: panels often lie a power of two
 * apart, and would drive each other out of cache. */
static void input_block(const struct ls_gemm *g, const struct input_job *job, int64_t rows,
                        int64_t first, int64_t inputs, const real *w) {
    const bool gather = rows > LS_TILE_COLUMNS;
    const int64_t panel = gather ? inputs * LS_PANEL : g->in * LS_PANEL;
    const real *weights = gather ? job->weights : w + first * LS_PANEL, *from[INPUTS];
    real *to[INPUTS];
    if (gather)
        gather_weights(g, first, inputs, w, job->weights);
    for (int64_t p = 0; p < job->panels; p++)
        job->taps[p] = p * panel;
    for (int64_t i = 0; i < inputs; i++) {
        from[i] = weights + i * LS_PANEL;
        to[i] = job->turned + i * TURNED;
    }
    LS_NAME(ls_product)
    (&(struct ls_product){.rows = inputs,
                          .columns = rows,
                          .x = from,
                          .y = to,
                          .taps = job->taps,
                          .depth = LS_PANEL,
                          .length = g->out,
                          .w = job->columns,
                          .panel_stride = g->out * LS_PANEL});
}

void LS_NAME(ls_gemm_input_gradient)(const struct ls_gemm *g, const real *dy, const real *w,
                                     bool add, real *dx, void *scratch) {
    const struct input_job job = take_input_job(g, &(struct ls_scratch){.memory = scratch});
    for (int64_t row = 0; row < g->rows; row += job.block) {
        const int64_t rows = smaller(job.block, g->rows - row);
        turn_rows(rows, g->out, dy + row * g->out, job.columns);
        for (int64_t first = 0; first < g->in; first += INPUTS) {
            const int64_t inputs = smaller(INPUTS, g->in - first);
            input_block(g, &job, rows, first, inputs, w);
            turn_back(rows, inputs, job.turned, add, dx + row * g->in + first, g->in, job.buffer);
        }
    }
}

/* x [rows, in] as [ceil(in / width)][rows][width], so that a tile reads it in one stream. Eight
 * rows at a time, whole vectors where the row has them: what they write too much is overwritten
 * by the next. */
static void gather_inputs(const struct ls_gemm *g, int64_t width, const real *x, real *to) {
    for (int64_t row = 0; row < g->rows; row += 8) {
        const int64_t end = smaller(row + 8, g->rows);
        for (int64_t first = 0; first < g->in; first += width) {
            real *group = to + first * g->rows;
            const int64_t some = smaller(width, g->in - first);
            const bool vectors = first + 2 * LS_TILE_ROWS <= g->in && end < g->rows;
            for (int64_t r = row; r < end; r++)
                if (vectors)
                    for (int64_t i = 0; i < width; i += LS_LANES)
                        ls_vstore(group + r * width + i, ls_vload(x + r * g->in + first + i));
                else
                    memcpy(group + r * width, x + r * g->in + first, (size_t)some * sizeof(real));
        }
    }
}

struct weight_job {
    int64_t width, groups, *taps; /* a group: inputs of one tile */
    const real **from;            /* per microbatch: its first row in `inputs` */
    real *inputs, *packed;
};

static struct weight_job take_weight_job(const struct ls_gemm *g, int64_t microbatches,
                                         struct ls_scratch *scratch) {
    struct weight_job job = {.width = ls_tile_rows(g->in)};
    job.groups = (g->in + job.width - 1) / job.width;
    job.taps = ls_scratch_take(scratch, job.groups, sizeof *job.taps);
    job.from = ls_scratch_take(scratch, microbatches, sizeof *job.from);
    job.inputs = ls_scratch_take(scratch, job.groups * g->rows * job.width, sizeof(real));
    job.packed = ls_scratch_take(scratch, g->rows * LS_TILE_COLUMNS, sizeof(real));
    return job;
}

void LS_NAME(ls_gemm_weight_gradient)(const struct ls_gemm *g, const real *x, const real *dy,
                                      real *dw, void *scratch) {
    const int64_t lines = (g->rows + g->microbatch_rows - 1) / g->microbatch_rows;
    const struct weight_job job =
        take_weight_job(g, lines, &(struct ls_scratch){.memory = scratch});
    gather_inputs(g, job.width, x, job.inputs);
    for (int64_t i = 0; i < job.groups; i++)
        job.taps[i] = i * g->rows * job.width;
    for (int64_t m = 0; m < lines; m++)
        job.from[m] = job.inputs + m * g->microbatch_rows * job.width;
    LS_NAME(ls_outer)
    (&(struct ls_outer){.lines = lines,
                        .count = g->microbatch_rows,
                        .last_count = g->rows - (lines - 1) * g->microbatch_rows,
                        .x = job.from,
                        .x_step = job.width,
                        .taps = job.taps,
                        .depth = job.width,
                        .length = g->in,
                        .g = dy,
                        .g_step = g->out,
                        .columns = g->out,
                        .tree = true,
                        .to = dw,
                        .packed = job.packed});
}

size_t LS_NAME(ls_gemm_scratch_bytes)(const struct ls_gemm *g) {
    struct ls_scratch input = {0}, weight = {0};
    take_input_job(g, &input);
    take_weight_job(g, g->rows, &weight);
    return input.used > weight.used ? input.used : weight.used;
}
