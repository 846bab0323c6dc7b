#include "core/tensor/kernels/narrow.h"

#include "core/tensor/kernels/gemm.h"
#include "core/tensor/kernels/scratch.h"

enum { CACHED = 64 * 1024 }; /* elements of the shares that are made at once */

/* What one call needs, in scratch. */
struct job {
    int64_t columns;   /* shares of a gradient pixel: taps * in */
    int64_t lines;     /* of gradient pixels whose shares fit at once */
    int64_t row;       /* elements of a row of the image, padding included */
    real *shares;      /* [lines][width of y][columns] */
    real *image, *end; /* one image's sums, padding included */
    void *product;     /* scratch */
};

/* All shares of the gradient pixels of some lines. */
static struct ls_gemm product_of(const struct ls_conv *c, const struct job *job, int64_t lines) {
    const int64_t rows = lines * ls_conv_out(c, 1);
    return (struct ls_gemm){
        .rows = rows, .in = c->out, .out = job->columns, .microbatch_rows = rows};
}

static struct job take_job(const struct ls_conv *c, struct ls_scratch *scratch) {
    const int64_t width = ls_conv_out(c, 1), height = ls_conv_out(c, 0);
    struct job job = {.columns = c->kernel[0] * c->kernel[1] * c->in,
                      .row = (c->padding[2] + c->width + c->padding[3]) * c->in};
    const int64_t fit = CACHED / (width * job.columns);
    job.lines = fit < 1 ? 1 : fit < height ? fit : height;
    const int64_t sums = (c->padding[0] + c->height + c->padding[1]) * job.row;
    job.shares = ls_scratch_take(scratch, job.lines * width * job.columns, sizeof(real));
    job.image = ls_scratch_take(scratch, sums, sizeof(real));
    job.end = job.image ? job.image + sums : NULL;
    const struct ls_gemm most = product_of(c, &job, job.lines);
    job.product = ls_scratch_take(scratch, 1, LS_NAME(ls_gemm_scratch_bytes)(&most));
    return job;
}

/* One line of gradient pixels; `to`: the pixel under the first tap of the first of them. Taps from
 * right to left meet a pixel in the order of the gradient pixels. */
static void add_line(const struct ls_conv *c, const struct job *job, const real *restrict shares,
                     real *restrict to) {
    const int64_t width = ls_conv_out(c, 1), step = c->stride[1] * c->in;
    for (int64_t ky = 0; ky < c->kernel[0]; ky++, to += c->dilation[0] * job->row)
        for (int64_t kx = c->kernel[1] - 1; kx >= 0; kx--)
            for (int64_t i = 0; i < c->in; i++) {
                const real *from = shares + (ky * c->kernel[1] + kx) * c->in + i;
                real *sums = to + kx * c->dilation[1] * c->in + i;
                for (int64_t p = 0; p < width; p++)
                    sums[p * step] += from[p * job->columns];
            }
}

/* The sums without their padding, and what belongs to them. */
static void write_image(const struct ls_conv *c, const struct job *job, struct ls_epilogue e,
                        real *dx) {
    const real *from = job->image + c->padding[0] * job->row + c->padding[2] * c->in;
    for (int64_t y = 0; y < c->height; y++, from += job->row)
        for (int64_t i = 0; i < c->width * c->in; i++, dx++) {
            real value = from[i];
            if (e.bias)
                value += e.bias[i % c->in];
            if (e.relu)
                value = value < 0 ? 0 : value;
            *dx = e.add ? *dx + value : value;
        }
}

void LS_NAME(ls_narrow_input_gradient)(const struct ls_conv *c, const real *dy, const real *turned,
                                       struct ls_epilogue e, real *dx, void *scratch) {
    const struct job job = take_job(c, &(struct ls_scratch){.memory = scratch});
    const int64_t height = ls_conv_out(c, 0), width = ls_conv_out(c, 1);
    for (int64_t n = 0; n < c->images; n++, dx += c->height * c->width * c->in) {
        memset(job.image, 0, (size_t)(job.end - job.image) * sizeof(real));
        for (int64_t line = 0, lines; line < height; line += lines) {
            lines = height - line < job.lines ? height - line : job.lines;
            const struct ls_gemm product = product_of(c, &job, lines);
            LS_NAME(ls_gemm_forward)
            (&product, dy, turned, NULL, false, job.shares, job.product);
            dy += product.rows * c->out;
            for (int64_t l = 0; l < lines; l++)
                add_line(c, &job, job.shares + l * width * job.columns,
                         job.image + (line + l) * c->stride[0] * job.row);
        }
        write_image(c, &job, e, dx);
    }
}

size_t LS_NAME(ls_narrow_scratch_bytes)(const struct ls_conv *c) {
    struct ls_scratch scratch = {0};
    take_job(c, &scratch);
    return scratch.used;
}
