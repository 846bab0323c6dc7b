#include "core/tensor/kernels/plain.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/tree.h"
#include "core/tensor/kernels/narrow.h"
#include "core/tensor/kernels/product.h"

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

void LS_NAME(ls_plain_tree_sum)(int count, int64_t elements, real *arrays) {
    if (count < 2)
        return;
    const int left = ls_tree_split(count);
    LS_NAME(ls_plain_tree_sum)(left, elements, arrays);
    LS_NAME(ls_plain_tree_sum)(count - left, elements, arrays + left * elements);
    for (int64_t i = 0; i < elements; i++)
        arrays[i] += arrays[left * elements + i];
}

/* What becomes of a sum for column c; `before` is what stood there. */
static real finish(real y, struct ls_epilogue e, int64_t c, real before) {
    if (e.bias)
        y += e.bias[c];
    if (e.relu && y < 0)
        y = 0;
    return e.add ? before + y : y;
}

void LS_NAME(ls_plain_gemm_forward)(const struct ls_gemm *g, const real *x, const real *w,
                                    const real *bias, bool relu, real *y) {
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t o = 0; o < g->out; o++) {
            struct ls_plain_sum sum = {0};
            for (int64_t i = 0; i < g->in; i++)
                ls_plain_add(&sum, i, x[r * g->in + i], w[ls_panel_index(g->in, i, o)]);
            y[r * g->out + o] =
                finish(ls_plain_result(&sum), (struct ls_epilogue){bias, relu, false}, o, 0);
        }
}

void LS_NAME(ls_plain_gemm_input_gradient)(const struct ls_gemm *g, const real *dy, const real *w,
                                           bool add, real *dx) {
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t i = 0; i < g->in; i++) {
            struct ls_plain_sum sum = {0};
            for (int64_t o = 0; o < g->out; o++)
                ls_plain_add(&sum, o, w[ls_panel_index(g->in, i, o)], dy[r * g->out + o]);
            real *to = dx + r * g->in + i;
            *to = finish(ls_plain_result(&sum), (struct ls_epilogue){.add = add}, i, *to);
        }
}

void LS_NAME(ls_plain_gemm_weight_gradient)(const struct ls_gemm *g, const real *x, const real *dy,
                                            real *dw) {
    const int64_t elements = ls_panel_elements(g->in, g->out);
    const int count = (int)((g->rows + g->microbatch_rows - 1) / g->microbatch_rows);
    real *leaves = ls_calloc((size_t)(count + 1) * (size_t)elements, sizeof(real));
    for (int m = 0; m < count; m++) {
        const int64_t first = m * g->microbatch_rows;
        const int64_t end = smaller(first + g->microbatch_rows, g->rows);
        for (int64_t i = 0; i < g->in; i++)
            for (int64_t o = 0; o < g->out; o++) {
                struct ls_plain_sum sum = {0};
                for (int64_t r = first; r < end; r++)
                    ls_plain_add(&sum, r - first, x[r * g->in + i], dy[r * g->out + o]);
                leaves[m * elements + ls_panel_index(g->in, i, o)] = ls_plain_result(&sum);
            }
    }
    LS_NAME(ls_plain_tree_sum)(count, elements, leaves);
    memcpy(dw, leaves, (size_t)elements * sizeof(real));
    free(leaves);
}

/* One of the products that a convolution sums: pixel of y, tap, input pixel. */
struct pair {
    int64_t y, tap, x; /* pixel indices inside their image; tap = ky * kernel_width + kx */
};

/* Pixel of x under tap (ky, kx) of pixel (i, j) of y; false if it is off the image. */
static bool pair_at(const struct ls_conv *c, int64_t i, int64_t j, int64_t ky, int64_t kx,
                    struct pair *pair) {
    const int64_t row = i * c->stride[0] - c->padding[0] + ky * c->dilation[0];
    const int64_t column = j * c->stride[1] - c->padding[2] + kx * c->dilation[1];
    pair->y = i * ls_conv_out(c, 1) + j;
    pair->tap = ky * c->kernel[1] + kx;
    pair->x = row * c->width + column;
    return row >= 0 && row < c->height && column >= 0 && column < c->width;
}

static int64_t pixels_of_y(const struct ls_conv *c) {
    return ls_conv_out(c, 0) * ls_conv_out(c, 1);
}

void LS_NAME(ls_plain_conv_forward)(const struct ls_conv *c, const real *x, const real *w,
                                    struct ls_epilogue e, real *y) {
    const int64_t ig = c->in / c->groups, og = c->out / c->groups;
    const int64_t length = c->kernel[0] * c->kernel[1] * ig;
    for (int64_t n = 0; n < c->images; n++, x += c->height * c->width * c->in)
        for (int64_t i = 0; i < ls_conv_out(c, 0); i++)
            for (int64_t j = 0; j < ls_conv_out(c, 1); j++)
                for (int64_t o = 0; o < c->out; o++, y++) {
                    struct ls_plain_sum sum = {0};
                    struct pair p;
                    for (int64_t ky = 0; ky < c->kernel[0]; ky++)
                        for (int64_t kx = 0; kx < c->kernel[1]; kx++)
                            for (int64_t k = 0; pair_at(c, i, j, ky, kx, &p) && k < ig; k++)
                                ls_plain_add(&sum, p.tap * ig + k, x[p.x * c->in + o / og * ig + k],
                                             w[ls_panel_index(length, p.tap * ig + k, o)]);
                    *y = finish(ls_plain_result(&sum), e, o, *y);
                }
}

/* The pixels of y, first .. last along an axis, that can have input `at` under a tap. */
static void reach(const struct ls_conv *c, int axis, int64_t at, int64_t *first, int64_t *last) {
    const int64_t before = at + c->padding[2 * axis] - c->dilation[axis] * (c->kernel[axis] - 1);
    *first = before <= 0 ? 0 : before / c->stride[axis];
    *last = smaller(ls_conv_out(c, axis) - 1, (at + c->padding[2 * axis]) / c->stride[axis]);
}

/* Along an axis, how many of the taps behind `tap` ever meet an input at `at`, whether there is a
 * pixel of y or none: they come before it. */
static int64_t taps_behind(const struct ls_conv *c, int axis, int64_t at, int64_t tap) {
    int64_t count = 0;
    for (int64_t k = tap + 1; k < c->kernel[axis]; k++)
        count += (at + c->padding[2 * axis] - k * c->dilation[axis]) % c->stride[axis] == 0;
    return count;
}

/* The number of the first term that `tap` brings to an element of dx. */
static int64_t term_of(const struct ls_conv *c, int64_t pixel, int64_t tap) {
    const int64_t row = pixel / c->width, column = pixel % c->width, og = c->out / c->groups;
    return (taps_behind(c, 0, row, tap / c->kernel[1]) * taps_behind(c, 1, column, -1) +
            taps_behind(c, 1, column, tap % c->kernel[1])) *
           og;
}

/* One element of dx: every pixel of y in order that has it under one of its taps. Narrow: each of
 * them has a chain of its own, and these are added. */
static real input_sum(const struct ls_conv *c, const real *dy, const real *w, int64_t pixel,
                      int64_t channel) {
    const int64_t ig = c->in / c->groups, og = c->out / c->groups, group = channel / ig;
    const int64_t length = c->kernel[0] * c->kernel[1] * ig;
    int64_t first[2], last[2];
    reach(c, 0, pixel / c->width, &first[0], &last[0]);
    reach(c, 1, pixel % c->width, &first[1], &last[1]);
    struct ls_plain_sum sum = {0};
    real narrow = 0;
    struct pair p;
    for (int64_t i = first[0]; i <= last[0]; i++)
        for (int64_t j = first[1]; j <= last[1]; j++)
            for (int64_t t = 0; t < c->kernel[0] * c->kernel[1]; t++) {
                if (!pair_at(c, i, j, t / c->kernel[1], t % c->kernel[1], &p) || p.x != pixel)
                    continue;
                const int64_t term = ls_narrow(c) ? 0 : term_of(c, pixel, t);
                for (int64_t o = 0; o < og; o++)
                    ls_plain_add(&sum, term + o, dy[p.y * c->out + group * og + o],
                                 w[ls_panel_index(length, t * ig + channel % ig, group * og + o)]);
                if (ls_narrow(c)) {
                    narrow += ls_plain_result(&sum);
                    sum = (struct ls_plain_sum){0};
                }
            }
    return ls_narrow(c) ? narrow : ls_plain_result(&sum);
}

void LS_NAME(ls_plain_conv_input_gradient)(const struct ls_conv *c, const real *dy, const real *w,
                                           struct ls_epilogue e, real *dx) {
    for (int64_t n = 0; n < c->images; n++, dy += pixels_of_y(c) * c->out)
        for (int64_t pixel = 0; pixel < c->height * c->width; pixel++)
            for (int64_t channel = 0; channel < c->in; channel++, dx++)
                *dx = finish(input_sum(c, dy, w, pixel, channel), e, channel, *dx);
}

/* One weight over one microbatch. */
static real weight_sum(const struct ls_conv *c, const real *x, const real *dy, int64_t first,
                         int64_t end, int64_t k, int64_t o) {
    const int64_t ig = c->in / c->groups, og = c->out / c->groups, tap = k / ig;
    struct ls_plain_sum sum = {0};
    struct pair p;
    for (int64_t n = first; n < end; n++)
        for (int64_t i = 0; i < ls_conv_out(c, 0); i++)
            for (int64_t j = 0; j < ls_conv_out(c, 1); j++)
                if (pair_at(c, i, j, tap / c->kernel[1], tap % c->kernel[1], &p))
                    ls_plain_add(
                        &sum, (n - first) * pixels_of_y(c) + p.y,
                        x[(n * c->height * c->width + p.x) * c->in + o / og * ig + k % ig],
                        dy[(n * pixels_of_y(c) + p.y) * c->out + o]);
    return ls_plain_result(&sum);
}

void LS_NAME(ls_plain_conv_weight_gradient)(const struct ls_conv *c, const real *x, const real *dy,
                                            real *dw) {
    const int64_t length = c->kernel[0] * c->kernel[1] * (c->in / c->groups);
    const int64_t elements = ls_panel_elements(length, c->out);
    const int count = (int)((c->images + c->microbatch_images - 1) / c->microbatch_images);
    real *leaves = ls_calloc((size_t)(count + 1) * (size_t)elements, sizeof(real));
    for (int m = 0; m < count; m++) {
        const int64_t first = m * c->microbatch_images;
        const int64_t end = smaller(first + c->microbatch_images, c->images);
        for (int64_t k = 0; k < length; k++)
            for (int64_t o = 0; o < c->out; o++)
                leaves[m * elements + ls_panel_index(length, k, o)] =
                    weight_sum(c, x, dy, first, end, k, o);
    }
    LS_NAME(ls_plain_tree_sum)(count, elements, leaves);
    memcpy(dw, leaves, (size_t)elements * sizeof(real));
    free(leaves);
}

void LS_NAME(ls_plain_column_sums)(int64_t rows, int64_t columns, int64_t microbatch_rows,
                                   const real *x, real *to) {
    const int count = (int)((rows + microbatch_rows - 1) / microbatch_rows);
    real *leaves = ls_calloc((size_t)count + 1, sizeof(real));
    for (int64_t c = 0; c < columns; c++) {
        leaves[0] = 0;
        for (int m = 0; m < count; m++) {
            const int64_t end = smaller((m + 1) * microbatch_rows, rows);
            double total = 0;
            for (int64_t r = m * microbatch_rows, next; r < end; r = next) {
                real lanes[16] = {0};
                next = smaller(r + 16 * LS_CHAIN_MAX, end);
                for (int64_t i = r; i < next; i++)
                    lanes[(i - r) % 16] += x[i * columns + c];
                LS_NAME(ls_plain_tree_sum)(16, 1, lanes);
                total += (double)lanes[0];
            }
            leaves[m] = (real)total;
        }
        LS_NAME(ls_plain_tree_sum)(count, 1, leaves);
        to[c] = leaves[0] + (real)0;
    }
    free(leaves);
}
