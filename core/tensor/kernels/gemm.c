#include "core/tensor/kernels/gemm.h"

#include "core/tensor/kernels/outer.h"
#include "core/tensor/kernels/pack.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"

enum {
    CACHED = 128 * 1024, /* elements of a block of rows: it stays in the second-level cache */
    ROWS_MAX = 512,      /* rows of a block */
    INPUTS = 16 * LS_TILE_ROWS, /* input gradients made before they are turned */
    TURNED = LS_PANEL           /* their stride */
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows of a block, a whole number of panels. */
static int64_t block_rows(int64_t row_elements) {
    const int64_t rows = CACHED / row_elements / LS_PANEL * LS_PANEL;
    return rows < LS_PANEL ? LS_PANEL : smaller(rows, ROWS_MAX);
}

static real *take_blocks(const struct ls_gemm *g, struct ls_scratch *scratch) {
    const int64_t rows = smaller(block_rows(g->in), g->rows);
    return ls_scratch_take(scratch, ls_panels(g->in) * LS_PANEL * rows, sizeof(real));
}

void LS_NAME(ls_gemm_forward)(const struct ls_gemm *g, const real *x, const real *w,
                              const real *bias, bool relu, real *y, void *scratch) {
    real *to[ROWS_MAX], *blocks = take_blocks(g, &(struct ls_scratch){.memory = scratch});
    const int64_t block = block_rows(g->in);
    struct ls_product product = {.columns = g->out,
                                 .blocks = blocks,
                                 .y = to,
                                 .length = g->in,
                                 .w = w,
                                 .panel_stride = g->in * LS_PANEL,
                                 .bias = bias,
                                 .relu = relu};
    for (int64_t row = 0; row < g->rows; row += block) {
        product.rows = smaller(block, g->rows - row);
        product.block_next = product.rows * LS_PANEL;
        ls_pack_blocks(product.rows, g->in, x + row * g->in, g->in, blocks, product.block_next);
        for (int64_t r = 0; r < product.rows; r++)
            to[r] = y + (row + r) * g->out;
        LS_NAME(ls_product)(&product);
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

/* Few outputs, as the last layer of a classifier has, make chains too short to pay for turning dx.
 * W is small then: it is turned instead. */
static bool turns_weights(const struct ls_gemm *g) {
    return g->out <= LS_PANEL;
}

struct input_job {
    real *panel, *turned, *buffer;
    real *weights; /* panels [ceil(in / 32)][out][32], or empty */
};

static struct input_job take_input_job(const struct ls_gemm *g, struct ls_scratch *scratch) {
    return (struct input_job){
        .panel = ls_scratch_take(scratch, LS_PANEL * g->out, sizeof(real)),
        .turned = ls_scratch_take(scratch, INPUTS * TURNED, sizeof(real)),
        .buffer = ls_scratch_take(scratch, INPUTS * LS_PANEL, sizeof(real)),
        .weights = ls_scratch_take(scratch, turns_weights(g) ? ls_panel_elements(g->out, g->in) : 0,
                                   sizeof(real)),
    };
}

/* dx = dy W^T like a forward product; turned: room for W^T in panels. */
static void multiply_by_turned(const struct ls_gemm *g, const real *dy, const real *w, bool add,
                               real *dx, real *turned) {
    const real *x[ROWS_MAX];
    real *y[ROWS_MAX];
    const int64_t at_row = 0;
    struct ls_product product = {.columns = g->in,
                                 .x = x,
                                 .y = y,
                                 .taps = &at_row,
                                 .depth = g->out,
                                 .length = g->out,
                                 .w = turned,
                                 .panel_stride = g->out * LS_PANEL,
                                 .add = add};
    ls_turn_panels(g->in, g->out, w, turned);
    for (int64_t row = 0; row < g->rows; row += ROWS_MAX) {
        product.rows = smaller(ROWS_MAX, g->rows - row);
        for (int64_t r = 0; r < product.rows; r++) {
            x[r] = dy + (row + r) * g->out;
            y[r] = dx + (row + r) * g->in;
        }
        LS_NAME(ls_product)(&product);
    }
}

/* 32 rows of dy at a time are the vector side, and all rows of W, whose panels are blocks of it,
 * pass by as the broadcast side; that makes the result dx^T, some inputs at a time. */
void LS_NAME(ls_gemm_input_gradient)(const struct ls_gemm *g, const real *dy, const real *w,
                                     bool add, real *dx, void *scratch) {
    const struct input_job job = take_input_job(g, &(struct ls_scratch){.memory = scratch});
    if (turns_weights(g)) {
        multiply_by_turned(g, dy, w, add, dx, job.weights);
        return;
    }
    real *to[INPUTS];
    for (int64_t i = 0; i < INPUTS; i++)
        to[i] = job.turned + i * TURNED;
    struct ls_product product = {.block_next = g->in * LS_PANEL,
                                 .far = true,
                                 .y = to,
                                 .length = g->out,
                                 .w = job.panel,
                                 .panel_stride = g->out * LS_PANEL};
    for (int64_t row = 0; row < g->rows; row += LS_PANEL) {
        product.columns = smaller(LS_PANEL, g->rows - row);
        ls_turn_rows(product.columns, g->out, dy + row * g->out, g->out, job.panel);
        for (int64_t first = 0; first < g->in; first += INPUTS) {
            product.rows = smaller(INPUTS, g->in - first);
            product.blocks = w + first * LS_PANEL;
            LS_NAME(ls_product)(&product);
            turn_back(product.columns, product.rows, job.turned, add, dx + row * g->in + first,
                      g->in, job.buffer);
        }
    }
}

/* x [rows, in] as [ceil(in / width)][rows][width], so that a tile reads it in one stream. Eight
 * rows at a time, whole vectors where the row has them: what they write too much is overwritten
 * by the next. */
static void gather_inputs(const struct ls_gemm *g, int64_t width, const real *x, real *to) {
    const int64_t beyond = (width + LS_LANES - 1) / LS_LANES * LS_LANES - width;
    for (int64_t row = 0; row < g->rows; row += 8) {
        const int64_t end = smaller(row + 8, g->rows);
        for (int64_t first = 0; first < g->in; first += width) {
            real *group = to + first * g->rows;
            const int64_t some = smaller(width, g->in - first);
            const bool vectors =
                first + 2 * LS_TILE_ROWS <= g->in && beyond <= (g->rows - end) * width;
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

/* Room for any cut into microbatches, and so for any width. */
static struct weight_job take_weight_job(const struct ls_gemm *g, int64_t microbatches,
                                         struct ls_scratch *scratch) {
    const int rows_max = ls_outer_rows_max(true, microbatches, g->microbatch_rows);
    struct weight_job job = {.width = ls_tile_rows(g->in, rows_max)};
    job.groups = (g->in + job.width - 1) / job.width;
    job.taps = ls_scratch_take(scratch, g->in, sizeof *job.taps);
    job.from = ls_scratch_take(scratch, microbatches, sizeof *job.from);
    job.inputs = ls_scratch_take(scratch, (g->in + LS_TILE_ROWS) * g->rows, sizeof(real));
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
    struct ls_scratch forward = {0}, input = {0}, weight = {0};
    take_blocks(g, &forward);
    take_input_job(g, &input);
    take_weight_job(g, g->rows, &weight);
    const size_t gradients = input.used > weight.used ? input.used : weight.used;
    return forward.used > gradients ? forward.used : gradients;
}
