/* Items of `lockstep bench kernels`: the products of linear layers, as rows x inputs x outputs. */
#include <stdio.h>
#include <stdlib.h>

#include "core/tensor/kernels/table.h"
#include "launcher/command/bench_kernels.h"
#include "launcher/command/bench_onednn.h"

/* Cubes, few rows, then those of the mlp, cnn, autoencoder, transformer and recurrent workloads. */
static const struct ls_gemm shapes[] = {
    {256, 256, 256, 0},  {512, 512, 512, 0},   {1024, 1024, 1024, 0}, {32, 1024, 1024, 0},
    {128, 784, 1024, 0}, {128, 1024, 1024, 0}, {128, 1024, 10, 0},    {64, 9216, 128, 0},
    {128, 784, 400, 0},  {768, 128, 384, 0},   {768, 512, 128, 0},    {1024, 384, 1536, 0},
    {2080, 192, 768, 0}, {32, 256, 1024, 0},
};

struct product {
    const struct ls_kernels *kernels;
    struct ls_gemm gemm;
    struct ls_bench_array x, w, y, dx, dw, dy, scratch;
    struct ls_bench_array plain_w, plain; /* of the rivals: row-major weights, and their result */
    struct ls_blas_product blas;
};

static void run_forward(void *context) {
    struct product *p = context;
    p->kernels->gemm_forward(&p->gemm, p->x.data, p->w.data, NULL, false, p->y.data,
                             p->scratch.data);
}

static void run_input_gradient(void *context) {
    struct product *p = context;
    p->kernels->gemm_input_gradient(&p->gemm, p->dy.data, p->w.data, false, p->dx.data,
                                    p->scratch.data);
}

static void run_weight_gradient(void *context) {
    struct product *p = context;
    p->kernels->gemm_weight_gradient(&p->gemm, p->x.data, p->dy.data, p->dw.data, p->scratch.data);
}

static void run_blas(void *context) {
    ls_blas_product(&((struct product *)context)->blas);
}

static struct product create(const struct ls_bench *bench, struct ls_gemm g) {
    const int64_t weights = g.in * g.out, panels = ls_panel_elements(g.in, g.out);
    struct product p = {
        .kernels = bench->kernels,
        .gemm = g,
        .x = ls_bench_array(g.rows * g.in, 1),
        .w = ls_bench_array(panels, 0),
        .y = ls_bench_array(g.rows * g.out, 0),
        .dx = ls_bench_array(g.rows * g.in, 0),
        .dw = ls_bench_array(panels, 0),
        .dy = ls_bench_array(g.rows * g.out, 2),
        .plain_w = ls_bench_array(weights, 3),
    };
    const int64_t largest = g.rows * (g.in > g.out ? g.in : g.out);
    p.plain = ls_bench_array(largest > weights ? largest : weights, 0);
    for (int64_t k = 0; k < g.in; k++)
        for (int64_t c = 0; c < g.out; c++)
            p.w.data[ls_panel_index(g.in, k, c)] = p.plain_w.data[k * g.out + c];
    p.gemm.microbatch_rows = 1; /* more need less scratch */
    p.scratch = ls_bench_array(
        (int64_t)(bench->kernels->gemm_scratch_bytes(&p.gemm) / sizeof(float)) + 1, 0);
    return p;
}

static void destroy(struct product *p) {
    const struct ls_bench_array all[] = {p->x,  p->w,       p->y,       p->dx,   p->dw,
                                         p->dy, p->scratch, p->plain_w, p->plain};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ls_bench_array_destroy(all[i]);
}

/* Each direction as C[m, n] = A[m, k] B[k, n] on plain arrays. */
static struct ls_blas_product as_product(const struct product *p, enum ls_direction direction) {
    const int64_t rows = p->gemm.rows, in = p->gemm.in, out = p->gemm.out;
    const float *x = p->x.data, *dy = p->dy.data, *w = p->plain_w.data;
    struct ls_blas_product blas = {.m = rows, .n = out, .k = in, .a = x, .b = w};
    if (direction == LS_INPUT_GRADIENT)
        blas = (struct ls_blas_product){rows, in, out, .a = dy, .b = w, .turn_b = true};
    if (direction == LS_WEIGHT_GRADIENT)
        blas = (struct ls_blas_product){in, out, rows, .a = x, .b = dy, .turn_a = true};
    blas.c = p->plain.data;
    return blas;
}

/* The largest error of some elements, each relative to the sum of its terms' sizes. */
static double error_of(const struct product *p, enum ls_direction direction) {
    const struct ls_blas_product *b = &p->blas;
    double largest = 0;
    for (int64_t s = 0; s < 200; s++) {
        const int64_t i = s * 7919 % b->m, j = s * 104729 % b->n;
        double sum = 0, size = 0;
        for (int64_t k = 0; k < b->k; k++) {
            const double term = (double)b->a[b->turn_a ? k * b->m + i : i * b->k + k] *
                                (double)b->b[b->turn_b ? j * b->k + k : k * b->n + j];
            sum += term;
            size += fabs(term);
        }
        const float *found = direction == LS_FORWARD ? &p->y.data[i * b->n + j]
                             : direction == LS_INPUT_GRADIENT
                                 ? &p->dx.data[i * b->n + j]
                                 : &p->dw.data[ls_panel_index(b->m, i, j)];
        const double error = fabs((double)*found - sum) / size;
        largest = error <= largest ? largest : error;
    }
    return largest;
}

static void bench_direction(struct ls_bench *bench, struct product *p, enum ls_direction direction,
                            int microbatches) {
    static const char *const names[] = {"gemm_forward", "gemm_input_gradient",
                                        "gemm_weight_gradient"};
    void (*const runs[])(void *) = {run_forward, run_input_gradient, run_weight_gradient};
    char shape[64];
    const int length = snprintf(shape, sizeof shape, "%dx%dx%d", (int)p->gemm.rows, (int)p->gemm.in,
                                (int)p->gemm.out);
    if (microbatches > 1)
        snprintf(shape + length, sizeof shape - (size_t)length, " in %d", microbatches);
    if (!ls_bench_wants(bench, names[direction], shape))
        return;
    if (!p->kernels)
        *p = create(bench, p->gemm);
    p->gemm.microbatch_rows = (p->gemm.rows + microbatches - 1) / microbatches;
    p->blas = as_product(p, direction);
    runs[direction](p);
    struct ls_onednn *onednn = ls_onednn_product(&p->blas);
    const struct ls_bench_item item = {
        .kernel = names[direction],
        .shape = shape,
        .flops = 2.0 * (double)p->gemm.rows * (double)p->gemm.in * (double)p->gemm.out,
        .calls = {{runs[direction], p}, {run_blas, p}, {onednn ? ls_onednn_run : NULL, onednn}},
        .error = error_of(p, direction),
        .tolerance = 1e-5,
    };
    ls_bench_item(bench, &item);
    ls_onednn_destroy(onednn);
}

void ls_bench_products(struct ls_bench *bench) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct product p = {.gemm = shapes[i]}; /* the first item that is wanted creates it */
        bench_direction(bench, &p, LS_FORWARD, 1);
        bench_direction(bench, &p, LS_INPUT_GRADIENT, 1);
        bench_direction(bench, &p, LS_WEIGHT_GRADIENT, 1);
        bench_direction(bench, &p, LS_WEIGHT_GRADIENT, 8);
        if (p.kernels)
            destroy(&p);
    }
}
