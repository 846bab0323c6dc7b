/* Items of `lockstep bench kernels`: convolutions of 16 images. Their FLOPs are those of the direct
 * algorithm, whichever runs. */
#include <stdio.h>
#include <stdlib.h>

#include "core/tensor/kernels/conv_parts.h"
#include "core/tensor/kernels/table.h"
#include "launcher/command/bench_kernels.h"
#include "launcher/command/bench_onednn.h"

enum { IMAGES = 16 };

/* r_: of a residual network, c_: of a small one, d_: of a discriminator. */
static const struct {
    const char *name;
    int in, size, out, kernel, stride, padding;
} shapes[] = {
    {"r_3-16@32", 3, 32, 16, 3, 1, 1},      {"r_16-16@32", 16, 32, 16, 3, 1, 1},
    {"r_32-32@16", 32, 16, 32, 3, 1, 1},    {"r_64-64@8", 64, 8, 64, 3, 1, 1},
    {"r_16-32s2", 16, 32, 32, 3, 2, 1},     {"r_32-64s2", 32, 16, 64, 3, 2, 1},
    {"r_1x1_16-32s2", 16, 32, 32, 1, 2, 0}, {"r_1x1_32-64s2", 32, 16, 64, 1, 2, 0},
    {"c_1-32@28", 1, 28, 32, 3, 1, 0},      {"c_32-64@26", 32, 26, 64, 3, 1, 0},
    {"d_1-64@28s2", 1, 28, 64, 4, 2, 1},    {"d_64-128@14s2", 64, 14, 128, 4, 2, 1},
};

struct convolution {
    const struct ls_kernels *kernels;
    struct ls_conv conv;
    struct ls_bench_array x, w, y, dx, dw, dy, state, scratch;
};

static void run_forward(void *context) {
    struct convolution *c = context;
    c->kernels->conv_forward(&c->conv, c->x.data, c->w.data, c->state.data, (struct ls_epilogue){0},
                             c->y.data, c->scratch.data);
}

static void run_input_gradient(void *context) {
    struct convolution *c = context;
    c->kernels->conv_input_gradient(&c->conv, c->dy.data, c->w.data, c->state.data,
                                    (struct ls_epilogue){0}, c->dx.data, c->scratch.data);
}

static void run_weight_gradient(void *context) {
    struct convolution *c = context;
    c->kernels->conv_weight_gradient(&c->conv, c->x.data, c->dy.data, c->dw.data, c->scratch.data);
}

static struct ls_bench_array bytes(size_t count) {
    return ls_bench_array((int64_t)(count / sizeof(float)) + 1, 0);
}

static struct convolution create(const struct ls_bench *bench, struct ls_conv conv) {
    const int64_t inputs = conv.images * conv.height * conv.width * conv.in;
    const int64_t outputs = conv.images * ls_conv_out(&conv, 0) * ls_conv_out(&conv, 1) * conv.out;
    const int64_t length = ls_conv_length(&conv), panels = ls_panel_elements(length, conv.out);
    struct convolution c = {.kernels = bench->kernels,
                            .conv = conv,
                            .x = ls_bench_array(inputs, 1),
                            .w = ls_bench_array(panels, 3),
                            .y = ls_bench_array(outputs, 0),
                            .dx = ls_bench_array(inputs, 0),
                            .dw = ls_bench_array(panels, 0),
                            .dy = ls_bench_array(outputs, 2),
                            .state = bytes(bench->kernels->conv_state_bytes(&conv)),
                            .scratch = bytes(bench->kernels->conv_scratch_bytes(&conv))};
    for (int64_t k = 0; k < length; k++)
        for (int64_t i = conv.out; i < ls_panels(conv.out) * LS_PANEL; i++)
            c.w.data[ls_panel_index(length, k, i)] = 0;
    bench->kernels->conv_prepare(&conv, c.w.data, true, c.state.data);
    return c;
}

static void destroy(struct convolution *c) {
    const struct ls_bench_array all[] = {c->x,  c->w,  c->y,     c->dx,
                                         c->dw, c->dy, c->state, c->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ls_bench_array_destroy(all[i]);
}

/* The sum over the taps, for the y of one pixel and output; *size: the sum of the terms' sizes. */
static double plain_y(const struct convolution *c, int64_t pixel, int64_t output, double *size) {
    const struct ls_conv *v = &c->conv;
    const int64_t columns = ls_conv_out(v, 1), pixels = ls_conv_out(v, 0) * columns;
    const int64_t row = pixel % pixels / columns, column = pixel % columns;
    double sum = *size = 0;
    for (int64_t ky = 0; ky < v->kernel[0]; ky++)
        for (int64_t kx = 0; kx < v->kernel[1]; kx++) {
            const int64_t i = row * v->stride[0] - v->padding[0] + ky;
            const int64_t j = column * v->stride[1] - v->padding[2] + kx;
            if (i < 0 || i >= v->height || j < 0 || j >= v->width)
                continue;
            const int64_t tap = (ky * v->kernel[1] + kx) * v->in;
            const float *x = c->x.data + ((pixel / pixels * v->height + i) * v->width + j) * v->in;
            for (int64_t k = 0; k < v->in; k++) {
                const double w =
                    (double)c->w.data[ls_panel_index(ls_conv_length(v), tap + k, output)];
                sum += (double)x[k] * w;
                *size += fabs((double)x[k] * w);
            }
        }
    return sum;
}

/* The largest error of some elements of y, each relative to the sum of its terms' sizes. */
static double error_of_forward(const struct convolution *c) {
    double largest = 0, size;
    for (int64_t s = 0; s < 200; s++) {
        const int64_t i = s * 15485863 % c->y.count, out = c->conv.out;
        const double expected = plain_y(c, i / out, i % out, &size);
        const double error = fabs((double)c->y.data[i] - expected) / size;
        largest = error <= largest ? largest : error;
    }
    return largest;
}

static double dot(struct ls_bench_array a, struct ls_bench_array b) {
    double sum = 0;
    for (int64_t i = 0; i < a.count; i++)
        sum += (double)a.data[i] * (double)b.data[i];
    return sum;
}

/* y is linear in x and in w, so that y dy = dx x = dw w. Relative to what a sum of as many terms
 * of random sign is like. */
static double error_of_gradient(const struct convolution *c, struct ls_bench_array gradient,
                                struct ls_bench_array of) {
    return fabs(dot(gradient, of) - dot(c->y, c->dy)) / sqrt(dot(c->y, c->y));
}

static void bench_direction(struct ls_bench *bench, struct convolution *c, const char *shape,
                            enum ls_direction direction) {
    static const char *const names[] = {"conv_forward", "conv_input_gradient",
                                        "conv_weight_gradient"};
    void (*const runs[])(void *) = {run_forward, run_input_gradient, run_weight_gradient};
    if (!ls_bench_wants(bench, names[direction], shape))
        return;
    run_forward(c);
    double error = error_of_forward(c);
    if (direction != LS_FORWARD) {
        const bool input = direction == LS_INPUT_GRADIENT;
        runs[direction](c);
        error = error_of_gradient(c, input ? c->dx : c->dw, input ? c->x : c->w);
    }
    struct ls_onednn *onednn = ls_onednn_convolution(&c->conv, direction);
    const struct ls_bench_item item = {
        .kernel = names[direction],
        .shape = shape,
        .flops = 2.0 * (double)c->y.count * (double)ls_conv_length(&c->conv),
        .calls = {{runs[direction], c}, {0}, {onednn ? ls_onednn_run : NULL, onednn}},
        .error = error,
        .tolerance = 1e-4,
    };
    ls_bench_item(bench, &item);
    ls_onednn_destroy(onednn);
}

void ls_bench_convolutions(struct ls_bench *bench) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int size = shapes[i].size, kernel = shapes[i].kernel, stride = shapes[i].stride;
        const int padding = shapes[i].padding;
        struct convolution c =
            create(bench, (struct ls_conv){.images = IMAGES,
                                           .height = size,
                                           .width = size,
                                           .in = shapes[i].in,
                                           .out = shapes[i].out,
                                           .groups = 1,
                                           .kernel = {kernel, kernel},
                                           .stride = {stride, stride},
                                           .dilation = {1, 1},
                                           .padding = {padding, padding, padding, padding},
                                           .microbatch_images = IMAGES,
                                           .winograd = bench->winograd});
        for (int direction = 0; direction < LS_DIRECTIONS; direction++)
            bench_direction(bench, &c, shapes[i].name, (enum ls_direction)direction);
        destroy(&c);
    }
}
