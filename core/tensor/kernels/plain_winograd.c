/* The definition of the Winograd convolution (winograd.h), scalar, tile by tile. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/tree.h"
#include "core/tensor/kernels/plain.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/winograd.h"

enum { SIDE_MAX = 6 };

/* A one-dimensional transform. */
typedef void transform_line(int m, const real *from, real *to);

static void input_transform(int m, const real *d, real *t) {
    if (m == 2) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
        return;
    }
    const real a = ls_fma(-4, d[2], d[4]), b = ls_fma(-4, d[1], d[3]);
    const real c = d[4] - d[2], e = d[3] - d[1];
    t[0] = ls_fma(4, d[0], ls_fma(-5, d[2], d[4]));
    t[1] = a + b;
    t[2] = a - b;
    t[3] = ls_fma(2, e, c);
    t[4] = ls_fma(-2, e, c);
    t[5] = ls_fma(4, d[1], ls_fma(-5, d[3], d[5]));
}

static void output_transform(int m, const real *t, real *y) {
    const real a = t[1] + t[2], d = t[1] - t[2];
    if (m == 2) {
        y[0] = t[0] + a;
        y[1] = d - t[3];
        return;
    }
    const real p = t[3] + t[4], e = t[3] - t[4];
    y[0] = (t[0] + a) + p;
    y[1] = ls_fma(2, e, d);
    y[2] = ls_fma(4, p, a);
    y[3] = ls_fma(8, e, d) + t[5];
}

static void gradient_transform(int m, const real *d, real *t) {
    t[0] = d[0];
    if (m == 2) {
        t[1] = d[0] + d[1];
        t[2] = d[0] - d[1];
        t[3] = 0 - d[1];
        return;
    }
    const real e = d[0] + d[2], o = d[1] + d[3];
    const real f = ls_fma(4, d[2], d[0]), g = ls_fma(8, d[3], 2 * d[1]);
    t[1] = e + o;
    t[2] = e - o;
    t[3] = f + g;
    t[4] = f - g;
    t[5] = d[3];
}

static void weight_transform(int m, const real *g, real *t) {
    const real s = g[0] + g[2];
    if (m == 2) {
        t[0] = g[0];
        t[1] = (real)0.5 * (s + g[1]);
        t[2] = (real)0.5 * (s - g[1]);
        t[3] = g[2];
        return;
    }
    const real e = ls_fma((real)(1.0 / 6), g[2], (real)(1.0 / 24) * g[0]);
    t[0] = (real)0.25 * g[0];
    t[1] = (real)(-1.0 / 6) * (s + g[1]);
    t[2] = (real)(-1.0 / 6) * (s - g[1]);
    t[3] = ls_fma((real)(1.0 / 12), g[1], e);
    t[4] = ls_fma((real)(-1.0 / 12), g[1], e);
    t[5] = g[2];
}

static void weight_back_transform(int m, const real *t, real *g) {
    const real p = t[1] + t[2], q = t[1] - t[2];
    if (m == 2) {
        g[0] = ls_fma((real)0.5, p, t[0]);
        g[1] = (real)0.5 * q;
        g[2] = ls_fma((real)0.5, p, t[3]);
        return;
    }
    const real u = t[3] + t[4], v = t[3] - t[4];
    g[0] = ls_fma((real)(1.0 / 24), u, ls_fma((real)(-1.0 / 6), p, (real)0.25 * t[0]));
    g[1] = ls_fma((real)(1.0 / 12), v, (real)(-1.0 / 6) * q);
    g[2] = ls_fma((real)(1.0 / 6), u, ls_fma((real)(-1.0 / 6), p, t[5]));
}

/* to [b][b] = the transform of from [a][a] along columns, then along rows. */
static void transform_square(transform_line *transform, int m, int a, int b, const real *from,
                             real *to) {
    real half[SIDE_MAX][SIDE_MAX];
    for (int j = 0; j < a; j++) {
        real column[SIDE_MAX], result[SIDE_MAX];
        for (int i = 0; i < a; i++)
            column[i] = from[i * a + j];
        transform(m, column, result);
        for (int i = 0; i < b; i++)
            half[i][j] = result[i];
    }
    for (int i = 0; i < b; i++)
        transform(m, half[i], to + i * b);
}

/* An image [height, width, channels]; pixels off it are zero. */
struct image {
    const real *data;
    int64_t height, width, channels;
};

static real pixel(struct image image, int64_t y, int64_t x, int64_t channel) {
    const bool inside = y >= 0 && y < image.height && x >= 0 && x < image.width;
    return inside ? image.data[(y * image.width + x) * image.channels + channel] : 0;
}

/* The transform of the a x a pixels from (y, x) on. */
static void transform_pixels(transform_line *transform, int m, int a, struct image image, int64_t y,
                             int64_t x, int64_t channel, real *to) {
    real pixels[SIDE_MAX * SIDE_MAX];
    for (int i = 0; i < a; i++)
        for (int j = 0; j < a; j++)
            pixels[i * a + j] = pixel(image, y + i, x + j, channel);
    transform_square(transform, m, a, m + 2, pixels, to);
}

/* weights[tap] between an input and an output channel. */
typedef void read_weights(const struct ls_conv *c, const real *w, int64_t in, int64_t out,
                          real weights[9]);

static void forward_weights(const struct ls_conv *c, const real *w, int64_t in, int64_t out,
                            real weights[9]) {
    for (int64_t tap = 0; tap < 9; tap++)
        weights[tap] = w[ls_panel_index(9 * c->in, tap * c->in + in, out)];
}

/* Turned by 180 degrees, from output channels to input channels. */
static void turned_weights(const struct ls_conv *c, const real *w, int64_t in, int64_t out,
                           real weights[9]) {
    for (int64_t tap = 0; tap < 9; tap++)
        weights[8 - tap] = w[ls_panel_index(9 * c->in, tap * c->in + out, in)];
}

/* The m x m outputs of one tile whose inputs start at (y, left), for one output channel. */
static void output_tile(const struct ls_conv *c, struct image x, int64_t y, int64_t left,
                        const real *w, read_weights *read, int64_t out, real *outputs) {
    const int m = ls_winograd_outputs(c), side = m + 2;
    real sums[SIDE_MAX * SIDE_MAX] = {0}, d[SIDE_MAX * SIDE_MAX], g[SIDE_MAX * SIDE_MAX];
    for (int64_t in = 0; in < x.channels; in++) {
        real weights[9];
        read(c, w, in, out, weights);
        transform_square(weight_transform, m, 3, side, weights, g);
        transform_pixels(input_transform, m, side, x, y, left, in, d);
        for (int f = 0; f < side * side; f++)
            sums[f] = ls_fma(d[f], g[f], sums[f]);
    }
    transform_square(output_transform, m, side, m, sums, outputs);
}

static real end(struct ls_epilogue e, real value, int64_t channel, real before) {
    if (e.bias)
        value += e.bias[channel];
    if (e.relu && value < 0)
        value = 0;
    return e.add ? before + value : value;
}

/* One image: y [height, width, channels] from x with `top` and `left` pixels around it. */
static void convolve(const struct ls_conv *c, struct image x, int64_t top, int64_t left,
                     const real *w, read_weights *read, struct ls_epilogue e, struct image shape,
                     real *y) {
    const int m = ls_winograd_outputs(c);
    for (int64_t i = 0; i < shape.height; i += m)
        for (int64_t j = 0; j < shape.width; j += m)
            for (int64_t o = 0; o < shape.channels; o++) {
                real tile[SIDE_MAX * SIDE_MAX];
                output_tile(c, x, i - top, j - left, w, read, o, tile);
                for (int64_t k = 0; k < m * m; k++) {
                    const int64_t row = i + k / m, column = j + k % m;
                    real *to = y + (row * shape.width + column) * shape.channels + o;
                    if (row < shape.height && column < shape.width)
                        *to = end(e, tile[k], o, *to);
                }
            }
}

void LS_NAME(ls_plain_winograd_forward)(const struct ls_conv *c, const real *x, const real *w,
                                        struct ls_epilogue e, real *y) {
    const struct image to = {NULL, ls_conv_out(c, 0), ls_conv_out(c, 1), c->out};
    for (int64_t n = 0; n < c->images; n++)
        convolve(c,
                 (struct image){x + n * c->height * c->width * c->in, c->height, c->width, c->in},
                 c->padding[0], c->padding[2], w, forward_weights, e, to,
                 y + n * to.height * to.width * c->out);
}

void LS_NAME(ls_plain_winograd_input_gradient)(const struct ls_conv *c, const real *dy,
                                               const real *w, struct ls_epilogue e, real *dx) {
    const int64_t height = ls_conv_out(c, 0), width = ls_conv_out(c, 1);
    const struct image to = {NULL, c->height, c->width, c->in};
    for (int64_t n = 0; n < c->images; n++)
        convolve(c, (struct image){dy + n * height * width * c->out, height, width, c->out},
                 2 - c->padding[0], 2 - c->padding[2], w, turned_weights, e, to,
                 dx + n * to.height * to.width * c->in);
}

/* The 9 weight gradients between two channels, over the images first .. end-1. */
static void weight_leaf(const struct ls_conv *c, const real *x, const real *dy, int64_t first,
                        int64_t end, int64_t in, int64_t out, real weights[9]) {
    const int m = ls_winograd_outputs(c), side = m + 2;
    const int64_t height = ls_conv_out(c, 0), width = ls_conv_out(c, 1);
    real sums[SIDE_MAX * SIDE_MAX] = {0}, d[SIDE_MAX * SIDE_MAX], g[SIDE_MAX * SIDE_MAX];
    double totals[9] = {0};
    int64_t tiles = 0;
    for (int64_t n = first; n < end; n++)
        for (int64_t i = 0; i < height; i += m)
            for (int64_t j = 0; j < width; j += m, tiles++) {
                if (tiles && tiles % LS_CHAIN_MAX == 0) {
                    transform_square(weight_back_transform, m, side, 3, sums, weights);
                    ls_chain_add(9, weights, totals);
                    memset(sums, 0, sizeof sums);
                }
                const struct image image = {x + n * c->height * c->width * c->in, c->height,
                                            c->width, c->in};
                const struct image gradient = {dy + n * height * width * c->out, height, width,
                                               c->out};
                transform_pixels(input_transform, m, side, image, i - c->padding[0],
                                 j - c->padding[2], in, d);
                transform_pixels(gradient_transform, m, m, gradient, i, j, out, g);
                for (int f = 0; f < side * side; f++)
                    sums[f] = ls_fma(d[f], g[f], sums[f]);
            }
    transform_square(weight_back_transform, m, side, 3, sums, weights);
    ls_chain_finish(9, totals, weights);
}

void LS_NAME(ls_plain_winograd_weight_gradient)(const struct ls_conv *c, const real *x,
                                                const real *dy, real *dw) {
    const int64_t elements = ls_panel_elements(9 * c->in, c->out);
    const int count = (int)((c->images + c->microbatch_images - 1) / c->microbatch_images);
    real *leaves = ls_calloc((size_t)(count * elements), sizeof(real));
    for (int l = 0; l < count; l++) {
        const int64_t first = l * c->microbatch_images, left = c->images - first;
        const int64_t some = left < c->microbatch_images ? left : c->microbatch_images;
        for (int64_t i = 0; i < c->in; i++)
            for (int64_t o = 0; o < c->out; o++) {
                real weights[9];
                weight_leaf(c, x, dy, first, first + some, i, o, weights);
                for (int64_t tap = 0; tap < 9; tap++)
                    leaves[l * elements + ls_panel_index(9 * c->in, tap * c->in + i, o)] =
                        weights[tap] + (real)0;
            }
    }
    LS_NAME(ls_plain_tree_sum)(count, elements, leaves);
    memcpy(dw, leaves, (size_t)elements * sizeof(real));
    free(leaves);
}
