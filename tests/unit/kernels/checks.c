#include "tests/unit/kernels/checks.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/ops/sum.h"
#include "core/tensor/kernels/pack.h"
#include "core/tensor/kernels/plain.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/winograd.h"
#include "core/tensor/sum.h"

/* Random numbers of a case: splitmix64 (Steele et al. 2014). */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t between(uint64_t *state, int64_t low, int64_t high) {
    return low + (int64_t)(next(state) % (uint64_t)(high - low + 1));
}

/* An array with guards of NaN around it, at an address that is a multiple of nothing but the
 * element. */
enum { GUARD = 40 };
struct array {
    real *block, *data;
    int64_t count;
};

static struct array array_create(uint64_t *state, int64_t count) {
    const int64_t shift = between(state, 0, 15);
    struct array a = {.count = count};
    a.block = malloc((size_t)(count + 2 * GUARD) * sizeof(real));
    ck_assert_ptr_nonnull(a.block);
    a.data = a.block + GUARD - shift;
    for (int64_t i = 0; i < count + 2 * GUARD; i++)
        a.block[i] = (real)NAN;
    return a;
}

/* Values in (-1, 1); some are exact zeros of either sign, as behind a ReLU, some so small that a
 * product of two of them is a zero with a sign. */
static struct array array_random(uint64_t *state, int64_t count) {
    struct array a = array_create(state, count);
    for (int64_t i = 0; i < count; i++) {
        const uint64_t bits = next(state);
        const real value = (real)((float)(int32_t)(bits >> 40) * 0x1p-23f - 1.0f);
        const real tiny = value * (real)(LS_REAL_IS_FLOAT ? 1e-30 : 1e-200);
        const real choice[8] = {0, -(real)0, tiny, value, value, value, value, value};
        a.data[i] = choice[bits % 8];
    }
    return a;
}

/* Weights in panels: padding is zero. */
static struct array array_panels(uint64_t *state, int64_t length, int64_t columns) {
    struct array a = array_random(state, ls_panel_elements(length, columns));
    for (int64_t k = 0; k < length; k++)
        for (int64_t c = columns; c < ls_panels(columns) * LS_PANEL; c++)
            a.data[ls_panel_index(length, k, c)] = 0;
    return a;
}

static void array_destroy(struct array a) {
    bool whole = true; /* ck_assert writes a line each time, too slow for every element */
    for (int64_t i = 0; i < a.data - a.block; i++)
        whole = whole && isnan(a.block[i]);
    for (real *at = a.data + a.count; at < a.block + a.count + 2 * GUARD; at++)
        whole = whole && isnan(*at);
    ck_assert_msg(whole, "memory around an array was written");
    free(a.block);
}

static void *scratch_create(size_t bytes) {
    void *scratch = NULL;
    ck_assert_int_eq(posix_memalign(&scratch, 64, bytes + 64), 0);
    memset(scratch, 0xff, bytes); /* NaN: nothing may lean on what scratch holds */
    return scratch;
}

/* Fails where fast and plain differ in a bit; mixes plain's digest into *digest; frees both. */
static void compare(struct array fast, struct array plain, const char *what, uint64_t *digest) {
    for (int64_t i = 0; i < plain.count; i++)
        if (memcmp(fast.data + i, plain.data + i, sizeof(real)) != 0)
            ck_abort_msg("%s: element %lld of %lld is %.9g, by the definition %.9g", what,
                         (long long)i, (long long)plain.count, (double)fast.data[i],
                         (double)plain.data[i]);
    *digest = *digest * 31 + ls_hash_bytes(plain.data, (size_t)plain.count * sizeof(real));
    array_destroy(fast);
    array_destroy(plain);
}

static struct array copy_of(uint64_t *state, struct array a) {
    struct array copy = array_create(state, a.count);
    memcpy(copy.data, a.data, (size_t)a.count * sizeof(real));
    return copy;
}

/* Shapes around the edges of tiles and blocks, then random ones. */
static struct ls_gemm gemm_case(int number, uint64_t *s) {
    static const struct ls_gemm edges[] = {
        {1, 1, 1, 1},
        {1, 7, 33, 1},
        {14, 32, 32, 16},
        {6, 16, 8, 3},
        {1100, 5, 3, 300},
        {70, 3000, 5, 16},
        {3, 2, 1300, 2},
        {65, 40, 64, 1},
        {28, 784, 10, 28},
        {40, 1, 40, 7},
        /* chains that are cut: of rows, of inputs, of outputs */
        {9000, 3, 5, 8193},
        {5, 8200, 3, 2},
        {4, 17, 4097, 4},
    };
    if (number < (int)(sizeof edges / sizeof *edges))
        return edges[number];
    struct ls_gemm g = {
        .rows = between(s, 1, 70), .in = between(s, 1, 150), .out = between(s, 1, 100)};
    g.microbatch_rows = between(s, 1, g.rows);
    return g;
}

static uint64_t linear(int number) {
    uint64_t state = (uint64_t)number, digest = 0, *s = &state;
    const struct ls_gemm g = gemm_case(number, s);
    const bool with_bias = between(s, 0, 1), relu = between(s, 0, 1), add = between(s, 0, 1);
    char what[160];
    snprintf(what, sizeof what, "rows %d in %d out %d microbatch %d bias %d relu %d add %d",
             (int)g.rows, (int)g.in, (int)g.out, (int)g.microbatch_rows, with_bias, relu, add);
    void *scratch = scratch_create(LS_NAME(ls_gemm_scratch_bytes)(&g));
    struct array x = array_random(s, g.rows * g.in), dy = array_random(s, g.rows * g.out);
    struct array w = array_panels(s, g.in, g.out), bias = array_random(s, g.out);
    const real *b = with_bias ? bias.data : NULL;

    struct array y = array_create(s, dy.count), plain_y = array_create(s, dy.count);
    LS_NAME(ls_gemm_forward)(&g, x.data, w.data, b, relu, y.data, scratch);
    LS_NAME(ls_plain_gemm_forward)(&g, x.data, w.data, b, relu, plain_y.data);
    compare(y, plain_y, what, &digest);

    struct array dx = array_random(s, x.count), plain_dx = copy_of(s, dx);
    LS_NAME(ls_gemm_input_gradient)(&g, dy.data, w.data, add, dx.data, scratch);
    LS_NAME(ls_plain_gemm_input_gradient)(&g, dy.data, w.data, add, plain_dx.data);
    compare(dx, plain_dx, what, &digest);

    struct array dw = array_create(s, w.count), plain_dw = array_create(s, w.count);
    LS_NAME(ls_gemm_weight_gradient)(&g, x.data, dy.data, dw.data, scratch);
    LS_NAME(ls_plain_gemm_weight_gradient)(&g, x.data, dy.data, plain_dw.data);
    compare(dw, plain_dw, what, &digest);

    array_destroy(x);
    array_destroy(dy);
    array_destroy(w);
    array_destroy(bias);
    free(scratch);
    return digest;
}

static struct ls_conv conv_case(int number, uint64_t *s) {
    static const struct ls_conv edges[] = {
        /* several blocks of images; the first layer of an image model; whole-image kernel */
        {5, 40, 40, 8, 9, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 2, LS_WINOGRAD_OFF},
        {3, 28, 28, 1, 32, 1, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 2, LS_WINOGRAD_OFF},
        {7, 9, 9, 3, 16, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 3, LS_WINOGRAD_OFF},
        {4, 5, 5, 6, 40, 1, {5, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, LS_WINOGRAD_OFF},
        {2, 16, 16, 16, 32, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, LS_WINOGRAD_OFF},
        {2, 8, 8, 16, 32, 1, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 2, LS_WINOGRAD_OFF},
        {2, 6, 7, 8, 64, 2, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, LS_WINOGRAD_OFF},  /* groups of
                                                                                         * whole
                                                                                         * panels
                                                                                         */
        {2, 6, 300, 2, 3, 1, {1, 3}, {1, 1}, {1, 1}, {0, 0, 1, 1}, 1, LS_WINOGRAD_OFF}, /* a line
                                                                                         * longer
                                                                                         * than a
                                                                                         * block
                                                                                         */
        {2, 60, 60, 4, 8, 1, {6, 6}, {1, 1}, {1, 1}, {2, 0, 3, 1}, 1, LS_WINOGRAD_OFF}, /* narrow:
                                                                                         * several
                                                                                         * blocks */
        {2, 5, 5, 1, 9, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, LS_WINOGRAD_OFF},
        /* chains that are cut: over pixels, inside a line, over taps and channels, each channel by
         * itself */
        {3, 50, 60, 2, 3, 1, {2, 3}, {1, 1}, {1, 1}, {1, 0, 1, 1}, 2, LS_WINOGRAD_OFF},
        {1, 2, 9000, 1, 2, 1, {1, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, LS_WINOGRAD_OFF},
        {1, 6, 5, 470, 33, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, LS_WINOGRAD_OFF},
        {2, 4, 3, 40, 40, 2, {15, 15}, {1, 1}, {1, 1}, {8, 8, 8, 8}, 2, LS_WINOGRAD_OFF},
        {2, 70, 66, 5, 5, 5, {2, 2}, {1, 1}, {1, 1}, {1, 0, 0, 1}, 2, LS_WINOGRAD_OFF},
        {2, 2, 2, 3, 4, 1, {2, 2}, {3, 3}, {1, 1}, {0, 0, 0, 0}, 1, LS_WINOGRAD_OFF}, /* stride
                                                                                       * beyond the
                                                                                       * image
                                                                                       */
    };
    if (number < (int)(sizeof edges / sizeof *edges))
        return edges[number];
    struct ls_conv c = {.images = between(s, 1, 5), .groups = 1};
    c.microbatch_images = between(s, 1, c.images);
    const int64_t kind = between(s, 0, 3);
    if (kind == 0)
        c.groups = between(s, 2, 4);
    if (kind == 1)
        c.groups = c.in = c.out = between(s, 1, 40);
    else {
        c.in = c.groups * between(s, 1, 20);
        c.out = c.groups * between(s, 1, kind == 2 ? 70 : 20);
    }
    for (int axis = 0; axis < 2; axis++) {
        c.kernel[axis] = between(s, 1, 4);
        c.stride[axis] = between(s, 1, 3);
        c.dilation[axis] = between(s, 1, 2);
        c.padding[2 * axis] = between(s, 0, 3);
        c.padding[2 * axis + 1] = between(s, 0, 3);
    }
    do {
        c.height = between(s, 1, 12);
        c.width = between(s, 1, 12);
    } while (ls_conv_out(&c, 0) < 1 || ls_conv_out(&c, 1) < 1);
    return c;
}

static char *conv_print(const struct ls_conv *c, char *text, size_t size) {
    snprintf(text, size,
             "images %d of %dx%dx%d out %d groups %d kernel %dx%d stride %dx%d dilation %dx%d "
             "padding %d,%d,%d,%d microbatch %d",
             (int)c->images, (int)c->height, (int)c->width, (int)c->in, (int)c->out, (int)c->groups,
             (int)c->kernel[0], (int)c->kernel[1], (int)c->stride[0], (int)c->stride[1],
             (int)c->dilation[0], (int)c->dilation[1], (int)c->padding[0], (int)c->padding[1],
             (int)c->padding[2], (int)c->padding[3], (int)c->microbatch_images);
    return text;
}

static int64_t conv_length(const struct ls_conv *c) {
    return c->kernel[0] * c->kernel[1] * (c->in / c->groups);
}

/* The definitions of a convolution's three directions. */
struct definition {
    void (*forward)(const struct ls_conv *c, const real *x, const real *w, struct ls_epilogue e,
                    real *y);
    void (*input_gradient)(const struct ls_conv *c, const real *dy, const real *w,
                           struct ls_epilogue e, real *dx);
    void (*weight_gradient)(const struct ls_conv *c, const real *x, const real *dy, real *dw);
};

static const struct definition direct = {LS_NAME(ls_plain_conv_forward),
                                         LS_NAME(ls_plain_conv_input_gradient),
                                         LS_NAME(ls_plain_conv_weight_gradient)};
static const struct definition by_winograd = {LS_NAME(ls_plain_winograd_forward),
                                              LS_NAME(ls_plain_winograd_input_gradient),
                                              LS_NAME(ls_plain_winograd_weight_gradient)};

/* Adding, or a bias and a ReLU, or one of them, or nothing. */
static struct ls_epilogue random_epilogue(uint64_t *s, const real *bias) {
    struct ls_epilogue e = {.add = between(s, 0, 3) == 0};
    if (!e.add && between(s, 0, 1))
        e.bias = bias;
    e.relu = !e.add && between(s, 0, 1);
    return e;
}

/* The weight gradient while the images come, some at a time. */
static void sum_images(const struct ls_conv *c, struct array x, struct array dy, struct array dw,
                       uint64_t *s) {
    struct ls_conv_sum sum;
    void *kept = scratch_create(LS_NAME(ls_conv_sum_bytes)(c));
    void *scratch = scratch_create(LS_NAME(ls_conv_scratch_bytes)(c));
    const int64_t x_image = x.count / c->images, dy_image = dy.count / c->images;
    LS_NAME(ls_conv_sum_begin)(&sum, c, dw.data, kept);
    for (int64_t n = 0, some; n < c->images; n += some) {
        const int64_t left = c->microbatch_images - n % c->microbatch_images;
        some = between(s, 1, left < c->images - n ? left : c->images - n);
        LS_NAME(ls_conv_sum_add)
        (&sum, some, x.data + n * x_image, dy.data + n * dy_image, scratch);
        if (some == left || n + some == c->images)
            LS_NAME(ls_conv_sum_push)(&sum);
    }
    LS_NAME(ls_conv_sum_finish)(&sum);
    free(scratch);
    free(kept);
}

static uint64_t check_convolution(struct ls_conv c, struct definition plain, uint64_t *s) {
    uint64_t digest = 0;
    char what[256];
    conv_print(&c, what, sizeof what);
    void *scratch = scratch_create(LS_NAME(ls_conv_scratch_bytes)(&c));
    struct array x = array_random(s, c.images * c.height * c.width * c.in);
    struct array dy = array_random(s, c.images * ls_conv_out(&c, 0) * ls_conv_out(&c, 1) * c.out);
    struct array w = array_panels(s, conv_length(&c), c.out);
    struct array bias = array_random(s, c.out), dx_bias = array_random(s, c.in);
    void *state_memory = scratch_create(LS_NAME(ls_conv_state_bytes)(&c));
    memset(state_memory, 0, LS_NAME(ls_conv_state_bytes)(&c));
    LS_NAME(ls_conv_prepare)(&c, w.data, true, state_memory);

    struct ls_epilogue e = random_epilogue(s, bias.data);
    struct array y = array_random(s, dy.count), plain_y = copy_of(s, y);
    LS_NAME(ls_conv_forward)(&c, x.data, w.data, state_memory, e, y.data, scratch);
    plain.forward(&c, x.data, w.data, e, plain_y.data);
    compare(y, plain_y, what, &digest);

    e = random_epilogue(s, dx_bias.data);
    struct array dx = array_random(s, x.count), plain_dx = copy_of(s, dx);
    LS_NAME(ls_conv_input_gradient)(&c, dy.data, w.data, state_memory, e, dx.data, scratch);
    plain.input_gradient(&c, dy.data, w.data, e, plain_dx.data);
    compare(dx, plain_dx, what, &digest);

    struct array dw = array_create(s, w.count), plain_dw = array_create(s, w.count);
    LS_NAME(ls_conv_weight_gradient)(&c, x.data, dy.data, dw.data, scratch);
    plain.weight_gradient(&c, x.data, dy.data, plain_dw.data);
    struct array dw_in_parts = array_create(s, w.count), plain_again = copy_of(s, plain_dw);
    sum_images(&c, x, dy, dw_in_parts, s);
    compare(dw_in_parts, plain_again, what, &digest);
    compare(dw, plain_dw, what, &digest);

    const struct array arrays[] = {x, dy, w, bias, dx_bias};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        array_destroy(arrays[i]);
    free(state_memory);
    free(scratch);
    return digest;
}

static uint64_t convolution(int number) {
    uint64_t state = (uint64_t)number + 1000;
    const struct ls_conv c = conv_case(number, &state);
    return check_convolution(c, direct, &state);
}

/* 3x3 convolutions of stride 1: whole tiles, cut ones, more tiles than a chunk has, odd channels.
 */
static struct ls_conv winograd_case(int number, uint64_t *s) {
    static const int64_t edges[][7] = {
        /* images, height, width, in, out, padding, microbatch */
        {2, 8, 8, 16, 16, 1, 1},  {3, 10, 9, 16, 32, 0, 2},  {1, 1, 1, 16, 16, 1, 1},
        {5, 17, 6, 20, 35, 1, 2}, {1, 24, 24, 48, 16, 1, 1}, {2, 3, 3, 33, 70, 2, 2},
    };
    struct ls_conv c = {.groups = 1,
                        .kernel = {3, 3},
                        .stride = {1, 1},
                        .dilation = {1, 1},
                        .winograd = number % 2 ? LS_WINOGRAD_F2 : LS_WINOGRAD_F4};
    const int edge = number / 2;
    if (edge < (int)(sizeof edges / sizeof *edges)) {
        const int64_t *e = edges[edge];
        c.images = e[0], c.height = e[1], c.width = e[2], c.in = e[3], c.out = e[4];
        c.microbatch_images = e[6];
        for (int i = 0; i < 4; i++)
            c.padding[i] = e[5];
        return c;
    }
    c.images = between(s, 1, 4);
    c.microbatch_images = between(s, 1, c.images);
    c.in = between(s, 16, 40);
    c.out = between(s, 16, 40);
    for (int i = 0; i < 4; i++)
        c.padding[i] = between(s, 0, 3);
    do {
        c.height = between(s, 1, 12);
        c.width = between(s, 1, 12);
    } while (ls_conv_out(&c, 0) < 1 || ls_conv_out(&c, 1) < 1);
    return c;
}

static uint64_t winograd(int number) {
    uint64_t state = (uint64_t)number + 5000;
    const struct ls_conv c = winograd_case(number, &state);
    ck_assert(ls_winograd_applies(&c));
    return check_convolution(c, by_winograd, &state);
}

/* The definition by Winograd against the direct one: they differ by rounding only. */
static void nearly(struct array a, struct array b, double tolerance, const char *what) {
    double error = 0, size = 1e-30;
    for (int64_t i = 0; i < a.count; i++) {
        error = fmax(error, fabs((double)a.data[i] - (double)b.data[i]));
        size = fmax(size, fabs((double)b.data[i]));
    }
    ck_assert_msg(error <= tolerance * size, "%s: error %g of %g, at most %g of it", what, error,
                  size, tolerance);
    array_destroy(a);
    array_destroy(b);
}

static uint64_t winograd_is_close(int number) {
    uint64_t state = (uint64_t)number + 5000, *s = &state;
    const struct ls_conv c = winograd_case(number, s);
    const double tolerance = LS_REAL_IS_FLOAT ? 2e-5 : 1e-13;
    struct array x = array_random(s, c.images * c.height * c.width * c.in);
    struct array dy = array_random(s, c.images * ls_conv_out(&c, 0) * ls_conv_out(&c, 1) * c.out);
    struct array w = array_panels(s, conv_length(&c), c.out);
    struct array y[2], dx[2], dw[2];
    for (int i = 0; i < 2; i++) {
        const struct definition plain = i ? direct : by_winograd;
        y[i] = array_create(s, dy.count);
        dx[i] = array_create(s, x.count);
        dw[i] = array_create(s, w.count);
        plain.forward(&c, x.data, w.data, (struct ls_epilogue){0}, y[i].data);
        plain.input_gradient(&c, dy.data, w.data, (struct ls_epilogue){0}, dx[i].data);
        plain.weight_gradient(&c, x.data, dy.data, dw[i].data);
    }
    nearly(y[0], y[1], tolerance, "forward");
    nearly(dx[0], dx[1], tolerance, "input gradient");
    nearly(dw[0], dw[1], tolerance, "weight gradient");
    array_destroy(x);
    array_destroy(dy);
    array_destroy(w);
    return 0;
}

/* The weight gradient of samples first .. end-1, of a linear layer or a convolution. */
static struct array partial(const struct ls_gemm *g, const struct ls_conv *c, int64_t first,
                            int64_t end, struct array x, struct array dy, uint64_t *s) {
    struct ls_gemm some_rows = *g;
    struct ls_conv some_images = *c;
    some_rows.rows = some_images.images = end - first;
    const int64_t x_sample = x.count / c->images, dy_sample = dy.count / c->images;
    const bool linear_layer = g->in > 0;
    struct array dw = array_create(s, linear_layer ? ls_panel_elements(g->in, g->out)
                                                   : ls_panel_elements(conv_length(c), c->out));
    const real *from = x.data + first * x_sample, *grad = dy.data + first * dy_sample;
    void *scratch = scratch_create(linear_layer ? LS_NAME(ls_gemm_scratch_bytes)(&some_rows)
                                                : LS_NAME(ls_conv_scratch_bytes)(&some_images));
    if (linear_layer)
        LS_NAME(ls_gemm_weight_gradient)(&some_rows, from, grad, dw.data, scratch);
    else
        LS_NAME(ls_conv_weight_gradient)(&some_images, from, grad, dw.data, scratch);
    free(scratch);
    return dw;
}

/* One call for all 8 microbatches; or `calls` of them, added along the tree. */
static struct array in_calls(int calls, const struct ls_gemm *g, const struct ls_conv *c,
                             struct array x, struct array dy, uint64_t *s) {
    struct array sums[8];
    const int64_t step = 8 / calls * c->microbatch_images;
    for (int i = 0; i < calls; i++) {
        const int64_t end = (i + 1) * step < c->images ? (i + 1) * step : c->images;
        sums[i] = partial(g, c, i * step, end, x, dy, s);
    }
    for (int distance = 1; distance < calls; distance *= 2)
        for (int i = 0; i < calls; i += 2 * distance) {
            for (int64_t k = 0; k < sums[i].count; k++)
                sums[i].data[k] += sums[i + distance].data[k];
            array_destroy(sums[i + distance]);
        }
    return sums[0];
}

static uint64_t pieces(int number) {
    uint64_t state = (uint64_t)number + 2000, digest = 0, *s = &state;
    const int64_t rows = between(s, 2, 5), missing = between(s, 0, rows - 1);
    const bool linear_layer = number % 2 == 0;
    struct ls_gemm g = {.rows = 8 * rows - missing, .microbatch_rows = rows};
    struct ls_conv c = {.images = 8 * rows - missing,
                        .microbatch_images = rows,
                        .height = 5,
                        .width = 6,
                        .in = between(s, 1, 5),
                        .out = between(s, 1, 40),
                        .groups = 1,
                        .kernel = {3, 2},
                        .stride = {1, 1},
                        .dilation = {1, 1},
                        .padding = {1, 0, 1, 0}};
    if (linear_layer) {
        g.in = between(s, 1, 60);
        g.out = between(s, 1, 60);
    }
    struct array x = array_random(s, c.images * (linear_layer ? g.in : 30 * c.in));
    struct array dy = array_random(
        s, c.images * (linear_layer ? g.out : ls_conv_out(&c, 0) * ls_conv_out(&c, 1) * c.out));
    for (int calls = 2; calls <= 8; calls *= 2)
        compare(in_calls(calls, &g, &c, x, dy, s), in_calls(1, &g, &c, x, dy, s),
                linear_layer ? "linear in pieces" : "convolution in pieces", &digest);
    array_destroy(x);
    array_destroy(dy);
    return digest;
}

static uint64_t column_sums(int number) {
    uint64_t state = (uint64_t)number + 3000, digest = 0, *s = &state;
    const bool cut = number == 1; /* a microbatch of more rows than its lanes take */
    const int64_t vectors = cut ? 50000 : between(s, 1, 20);
    const int64_t columns = cut ? 3 : between(s, 1, number % 4 ? 60 : 600);
    struct ls_run run = {.rows = cut ? 3 : between(s, 1, 40)};
    run.microbatch_rows = between(s, 1, run.rows);
    run.microbatches = (int)((run.rows + run.microbatch_rows - 1) / run.microbatch_rows);
    struct array x = array_random(s, run.rows * vectors * columns);
    struct array fast = array_create(s, columns), plain = array_create(s, columns);
    void *scratch = scratch_create(ls_column_sums_bytes(columns, run.rows));
    ls_column_sums(&run, vectors, columns, x.data, fast.data, scratch);
    LS_NAME(ls_plain_column_sums)
    (run.rows * vectors, columns, run.microbatch_rows * vectors, x.data, plain.data);
    compare(fast, plain, "column sums", &digest);
    array_destroy(x);
    free(scratch);
    return digest;
}

static double recursive(const double *values, int count) {
    if (count == 0)
        return 0;
    const int left = count > 1 ? ls_tree_split(count) : 0;
    return count == 1 ? values[0]
                      : recursive(values, left) + recursive(values + left, count - left);
}

/* number leaves of one double. */
static uint64_t tree_stack(int number) {
    uint64_t state = (uint64_t)number;
    double leaves[200], sum = 1, rest[LS_TREE_DEPTH_MAX];
    ck_assert_int_lt(number, 200);
    struct ls_tree_stack_double stack = ls_tree_stack_double_begin(&sum, rest, 1);
    for (int i = 0; i < number; i++) {
        leaves[i] = (double)next(&state) * 1e-3;
        *ls_tree_stack_double_leaf(&stack) = leaves[i];
        ls_tree_stack_double_push(&stack);
        ck_assert_int_le(stack.depth, ls_tree_slots(number));
    }
    ls_tree_stack_double_finish(&stack);
    const double expected = recursive(leaves, number);
    ck_assert_msg(memcmp(&sum, &expected, sizeof sum) == 0, "%d leaves: %.17g, by definition %.17g",
                  number, sum, expected);
    return ls_hash_bytes(&sum, sizeof sum);
}

/* Every other case in place, every other one past the caches. There is no double form. */
static uint64_t sums(int number) {
    uint64_t digest = 0;
#if LS_REAL_IS_FLOAT
    uint64_t state = (uint64_t)number + 4000, *s = &state;
    const int64_t count = between(s, 0, 300);
    struct array left = array_random(s, count), right = array_random(s, count);
    struct array fast = array_create(s, count), plain = array_create(s, count);
    for (int64_t i = 0; i < count; i++)
        plain.data[i] = left.data[i] + right.data[i];
    real *aligned = scratch_create(300 * sizeof(real));
    real *into = number % 4 < 2 ? aligned : number % 4 == 2 ? left.data : right.data;
    LS_NAME(ls_sum)(into, left.data, right.data, count, number % 4 == 1);
    memcpy(fast.data, into, (size_t)count * sizeof(real));
    compare(fast, plain, "sums", &digest);
    free(aligned);
    array_destroy(left);
    array_destroy(right);
#else
    (void)number;
#endif
    return digest;
}

/* Shapes around panels of queries and blocks of keys, then random ones; queries, keys and values
 * side by side, as a linear layer makes them. */
static struct ls_attention attention_case(int number, uint64_t *s) {
    static const int64_t edges[][3] = {{1, 1, 1},    {32, 64, 32},  {33, 65, 33}, {16, 63, 16},
                                       {17, 128, 5}, {64, 129, 64}, {2, 200, 3},  {97, 0, 8},
                                       {3, 4200, 2}, {4200, 3, 2}};
    const bool edge = number < (int)(sizeof edges / sizeof *edges);
    struct ls_attention a = {.queries = edge ? edges[number][0] : between(s, 1, 70),
                             .keys = edge ? edges[number][1] : between(s, 0, 140),
                             .width = edge ? edges[number][2] : between(s, 1, 40),
                             .causal = between(s, 0, 1),
                             .drop = ls_drop(between(s, 0, 2) ? 0 : 0.3),
                             .key = {{(uint32_t)next(s), (uint32_t)next(s)}},
                             .position = between(s, 0, 1000),
                             .keeps = between(s, 0, 1)};
    if (a.causal && a.keys > a.queries)
        a.keys = a.queries;
    a.keys_max = a.keys + between(s, 0, 3);
    a.keys_max = a.keys_max > 0 ? a.keys_max : 1;
    a.q_step = a.width + between(s, 0, 5);
    a.kv_step = 2 * a.width + between(s, 0, 5);
    return a;
}

static struct array packed(const struct ls_attention *a, const real *from, uint64_t *s) {
    struct array to = array_create(s, ls_panels(a->width) * a->keys_max * LS_PANEL);
    ls_pack_blocks(a->keys, a->width, from, a->kv_step, to.data, a->keys_max * LS_PANEL);
    return to;
}

/* The gradients of one call. dkv: dk and dv side by side. */
static void attention_backward(const struct ls_attention *a, bool plain, struct array dy,
                               struct array dq, struct array dkv, bool add) {
    const struct ls_attention_gradients g = {.dy = dy.data,
                                             .dy_step = a->width,
                                             .dq = dq.data,
                                             .dk = dkv.data,
                                             .dv = dkv.data + a->width,
                                             .dq_step = a->width,
                                             .dkv_step = 2 * a->width,
                                             .add_q = add,
                                             .add_kv = add};
    if (plain)
        LS_NAME(ls_plain_attention_backward)(a, &g);
    else
        LS_NAME(ls_attention_backward)(a, &g);
}

static uint64_t attention(int number) {
    uint64_t state = (uint64_t)number + 5000, digest = 0, *s = &state;
    struct ls_attention a = attention_case(number, s);
    const bool add = between(s, 0, 1), blocks = between(s, 0, 1);
    char what[160];
    snprintf(what, sizeof what, "queries %d keys %d width %d causal %d dropout %d keeps %d add %d",
             (int)a.queries, (int)a.keys, (int)a.width, a.causal, a.drop.threshold > 0, a.keeps,
             add);
    struct array q = array_random(s, a.queries * a.q_step);
    struct array kv = array_random(s, (a.keys + 1) * a.kv_step);
    struct array dy = array_random(s, a.queries * a.width);
    a.q = q.data;
    a.k = kv.data;
    a.v = kv.data + a.width;
    struct ls_attention fast = a;
    struct array k = packed(&a, a.k, s), v = packed(&a, a.v, s);
    if (blocks) {
        fast.packed = true;
        fast.k = k.data;
        fast.v = v.data;
        fast.kv_step = a.keys_max * LS_PANEL;
    }
    fast.scratch = scratch_create(LS_NAME(ls_attention_scratch_bytes)(&fast));
    fast.saved = scratch_create(LS_NAME(ls_attention_saved_bytes)(&fast));

    struct array y = array_create(s, dy.count), plain_y = array_create(s, dy.count);
    LS_NAME(ls_attention_forward)(&fast, y.data, a.width);
    LS_NAME(ls_plain_attention_forward)(&a, plain_y.data, a.width);
    compare(y, plain_y, what, &digest);

    struct array dq = array_random(s, dy.count), plain_dq = copy_of(s, dq);
    struct array dkv = array_random(s, 2 * a.keys * a.width), plain_dkv = copy_of(s, dkv);
    attention_backward(&fast, false, dy, dq, dkv, add);
    attention_backward(&a, true, dy, plain_dq, plain_dkv, add);
    compare(dq, plain_dq, what, &digest);
    compare(dkv, plain_dkv, what, &digest);
    array_destroy(q);
    array_destroy(kv);
    array_destroy(dy);
    array_destroy(k);
    array_destroy(v);
    free(fast.scratch);
    free(fast.saved);
    return digest;
}

const struct ls_kernel_checks LS_NAME(ls_kernel_checks) = {{
    [LS_CHECK_LINEAR] = linear,
    [LS_CHECK_CONVOLUTION] = convolution,
    [LS_CHECK_WINOGRAD] = winograd,
    [LS_CHECK_WINOGRAD_IS_CLOSE] = winograd_is_close,
    [LS_CHECK_PIECES] = pieces,
    [LS_CHECK_COLUMN_SUMS] = column_sums,
    [LS_CHECK_TREE_STACK] = tree_stack,
    [LS_CHECK_SUMS] = sums,
    [LS_CHECK_ATTENTION] = attention,
}};
