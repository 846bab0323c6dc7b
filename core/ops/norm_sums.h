/* Batch norm's sums over a microbatch, per channel: in blocks of 64 pixels of an image (of rows,
 * where there are no pixels), in each block the even and the odd pixels by a chain of their own,
 * the two added; blocks in order, in double. x is taken relative to a centre, so that a large mean
 * costs no digits. */
#ifndef LS_OPS_NORM_SUMS_H
#define LS_OPS_NORM_SUMS_H

#include "core/ops/op.h"
#include "core/tensor/kernels/lanes.h"

enum { LS_NORM_PIXELS = 64, LS_NORM_CHANNELS = 16, LS_NORM_PARTS = LS_NORM_CHANNELS / LS_LANES };

/* What is summed: u, and u * v. */
enum ls_norm_mode {
    LS_NORM_FORWARD,     /* u = v = x - centre */
    LS_NORM_BACKWARD,    /* u = dy, v = x - centre */
    LS_NORM_BEHIND_RELU, /* u = scale x + shift > 0 ? dy : 0 */
    LS_NORM_BEHIND_SUM /* u = y > 0 ? dy : 0, which replaces dy and goes to the residual's gradient
                          as well */
};

struct ls_norm_terms {
    int64_t images, pixels, channels;
    const real *x, *y;                  /* the microbatch's */
    const real *centre, *scale, *shift; /* per channel; readable for 16 more */
    real *dy, *residual;                /* residual: NULL where none is wanted */
    bool relu, residual_adds;           /* of LS_NORM_BEHIND_SUM */
};

/* One channel vector of one pixel, at element `at`; `some`: channels that are there. */
LS_INLINE void ls_norm_add(const enum ls_norm_mode mode, const struct ls_norm_terms *t, int64_t at,
                           int64_t some, vreal centre, vreal scale, vreal shift, vreal *sum,
                           vreal *product) {
    const vreal x = ls_vload_some(t->x + at, some), v = x - centre;
    vreal u = v;
    if (mode != LS_NORM_FORWARD)
        u = ls_vload_some(t->dy + at, some);
    if (mode == LS_NORM_BEHIND_RELU)
        u = (vreal)((vbits)u & (ls_vfma(x, scale, shift) > (vreal){0}));
    if (mode == LS_NORM_BEHIND_SUM) {
        if (t->relu) {
            u = (vreal)((vbits)u & (ls_vload_some(t->y + at, some) > (vreal){0}));
            ls_vstore_some(t->dy + at, some, u);
        }
        if (t->residual) {
            vreal total = u;
            if (t->residual_adds)
                total += ls_vload_some(t->residual + at, some);
            ls_vstore_some(t->residual + at, some, total);
        }
    }
    *sum += u;
    *product = ls_vfma(u, v, *product);
}

/* The channels c .. c+15 of one pixel. */
LS_INLINE void ls_norm_pixel(const enum ls_norm_mode mode, const bool whole,
                             const struct ls_norm_terms *t, int64_t at, int64_t c, vreal *sums,
                             vreal *products) {
#pragma GCC unroll 4
    for (int k = 0; k < LS_NORM_PARTS; k++) {
        const int64_t channel = c + k * LS_LANES;
        ls_norm_add(mode, t, at + channel, whole ? LS_LANES : t->channels - channel,
                    ls_vload(t->centre + channel), ls_vload(t->scale + channel),
                    ls_vload(t->shift + channel), &sums[k], &products[k]);
    }
}

/* Adds the pixels of one block, from element `at` on, for the channels c .. c+15. */
LS_INLINE void ls_norm_block(const enum ls_norm_mode mode, const bool whole,
                             const struct ls_norm_terms *t, int64_t at, int64_t pixels, int64_t c,
                             double *sum, double *product) {
    vreal sums[2][LS_NORM_PARTS] = {0}, products[2][LS_NORM_PARTS] = {0};
    for (int64_t i = 0; i + 1 < pixels; i += 2, at += 2 * t->channels) {
        ls_norm_pixel(mode, whole, t, at, c, sums[0], products[0]);
        ls_norm_pixel(mode, whole, t, at + t->channels, c, sums[1], products[1]);
    }
    if (pixels % 2)
        ls_norm_pixel(mode, whole, t, at, c, sums[0], products[0]);
    real total[2][LS_NORM_CHANNELS];
#pragma GCC unroll 4
    for (int k = 0; k < LS_NORM_PARTS; k++) {
        ls_vstore(total[0] + k * LS_LANES, sums[0][k] + sums[1][k]);
        ls_vstore(total[1] + k * LS_LANES, products[0][k] + products[1][k]);
    }
    const int64_t some = whole ? LS_NORM_CHANNELS : t->channels - c;
    for (int64_t k = 0; k < some; k++) {
        sum[c + k] += (double)total[0][k];
        product[c + k] += (double)total[1][k];
    }
}

/* sum[c] += sum of u, product[c] += sum of u v. The images of a microbatch may come in several
 * calls, in order, if they have more than one pixel. */
LS_INLINE void ls_norm_sums(const enum ls_norm_mode mode, struct ls_norm_terms t, double *sum,
                            double *product) {
    if (t.pixels == 1) { /* vectors: the rows are the pixels of one image */
        t.pixels = t.images;
        t.images = 1;
    }
    for (int64_t n = 0; n < t.images; n++)
        for (int64_t i = 0; i < t.pixels; i += LS_NORM_PIXELS) {
            const int64_t at = (n * t.pixels + i) * t.channels;
            const int64_t some = t.pixels - i < LS_NORM_PIXELS ? t.pixels - i : LS_NORM_PIXELS;
            int64_t c = 0;
            for (; c + LS_NORM_CHANNELS <= t.channels; c += LS_NORM_CHANNELS)
                ls_norm_block(mode, true, &t, at, some, c, sum, product);
            if (c < t.channels)
                ls_norm_block(mode, false, &t, at, some, c, sum, product);
        }
}

#endif
