#include "core/tensor/kernels/gemm.h"

#include "core/tensor/kernels/outer.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"
#include "core/tensor/kernels/transpose.h"

enum {
    CACHED = 128 * 1024, /* elements that a block of rows may have, to stay in the second-level cache */
    ROWS_MAX = 512,      /* rows of a block */
    INPUTS = 4 * LS_TILE_ROWS /* input gradients made before they are turned */
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
        ls_transpose(inputs, rows, turned, ROWS_MAX, dx, in);
        return;
    }
    ls_transpose(inputs, rows, turned, ROWS_MAX, buffer, INPUTS);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < inputs; i++)
            dx[r * in + i] += buffer[r * INPUTS + i];
}

struct input_job {
    int64_t block, panels, *taps;
    real *columns, *turned, *buffer;
};

static struct input_job take_input_job(const struct ls_gemm *g, struct ls_scratch *scratch) {
    struct input_job job = {.block = block_rows(g->out), .panels = ls_panels(g->out)};
    job.taps = ls_scratch_take(scratch, job.panels, sizeof *job.taps);
    job.columns = ls_scratch_take(scratch, job.block * g->out, sizeof(real));
    job.turned = ls_scratch_take(scratch, INPUTS * ROWS_MAX, sizeof(real));
    job.buffer = ls_scratch_take(scratch, INPUTS * ROWS_MAX, sizeof(real));
    return job;
}

/* The weights' panels are read in place as the broadcast side: row i of W is 32 outputs long in each panel,
 * so panels are taps. dy is the vector side, which makes the result dx^T, a few inputs at a time. */
void LS_NAME(ls_gemm_input_gradient)(const struct ls_gemm *g, const real *dy, const real *w,
                                     bool add, real *dx, void *scratch) {
    const struct input_job job =
        take_input_job(g, &(struct ls_scratch){.memory = scratch});
    for (int64_t p = 0; p < job.panels; p++)
        job.taps[p] = p * g->in * LS_PANEL;
    const real *from[INPUTS];
    real *to[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        to[i] = job.turned + i * ROWS_MAX;
    for (int64_t row = 0; row < g->rows; row += job.block) {
        const int64_t rows = smaller(job.block, g->rows - row);
        turn_rows(rows, g->out, dy + row * g->out, job.columns);
        for (int64_t first = 0; first < g->in; first += INPUTS) {
            const int64_t inputs = smaller(INPUTS, g->in - first);
            for (int64_t i = 0; i < inputs; i++)
                from[i] = w + (first + i) * LS_PANEL;
            LS_NAME(ls_product)(&(struct ls_product){.rows = inputs,
                                                     .columns = rows,
                                                     .x = from,
                                                     .y = to,
                                                     .taps = job.taps,
                                                     .depth = LS_PANEL,
                                                     .length = g->out,
                                                     .w = job.columns,
                                                     .panel_stride = g->out * LS_PANEL});
            turn_back(rows, inputs, job.turned, add, dx + row * g->in + first, g->in,
                      job.buffer);
        }
    }
}

/* x [rows, in] as [ceil(in / width)][rows][width], so that a tile reads it in one stream. */
static void gather_inputs(const struct ls_gemm *g, int64_t width, const real *x, real *to) {
    for (int64_t first = 0; first < g->in; first += width) {
        const int64_t some = smaller(width, g->in - first);
        for (int64_t r = 0; r < g->rows; r++, to += width)
            for (int64_t i = 0; i < some; i++)
                to[i] = x[r * g->in + first + i];
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
    LS_NAME(ls_outer)(&(struct ls_outer){.lines = lines,
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
