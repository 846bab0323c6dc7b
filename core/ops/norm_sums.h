/* Batch norm's sums, per channel, in double: over the pixels of an image in order, then over the
 * images of a microbatch in order. And the pattern of its element-wise passes. */
#ifndef LS_OPS_NORM_SUMS_H
#define LS_OPS_NORM_SUMS_H

#include "core/ops/op.h"
#include "core/tensor/variant.h"

/* Half as many lanes as a vector of reals has: a register full of doubles. */
enum {
    LS_NORM_HALF = LS_LANES / 2,
    LS_NORM_CHANNELS = 16,
    LS_NORM_PARTS = LS_NORM_CHANNELS / LS_NORM_HALF
};
typedef real ls_norm_half
    __attribute__((vector_size(LS_NORM_HALF * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef double ls_norm_wide __attribute__((vector_size(LS_NORM_HALF * sizeof(double))));

/* What is summed: u, and u * x, for the elements of one microbatch. */
struct ls_norm_terms {
    const real *u, *x;
    int64_t images, pixels, channels;
};

LS_INLINE ls_norm_wide ls_norm_load(const real *from) {
    return __builtin_convertvector(*(const ls_norm_half *)from, ls_norm_wide);
}

/* Channels c .. c+15, in registers. */
static inline void ls_norm_sum_block(struct ls_norm_terms t, int64_t c, double *sum,
                                     double *product) {
    ls_norm_wide sums[LS_NORM_PARTS] = {0}, products[LS_NORM_PARTS] = {0};
    const real *u = t.u + c, *x = t.x + c;
    for (int64_t n = 0; n < t.images; n++) {
        ls_norm_wide s[LS_NORM_PARTS] = {0}, p[LS_NORM_PARTS] = {0};
        for (int64_t i = 0; i < t.pixels; i++, u += t.channels, x += t.channels)
            for (int k = 0; k < LS_NORM_PARTS; k++) {
                const ls_norm_wide left = ls_norm_load(u + k * LS_NORM_HALF);
                s[k] += left;
                p[k] += left * ls_norm_load(x + k * LS_NORM_HALF);
            }
        for (int k = 0; k < LS_NORM_PARTS; k++) {
            sums[k] += s[k];
            products[k] += p[k];
        }
    }
    memcpy(sum + c, sums, sizeof sums);
    memcpy(product + c, products, sizeof products);
}

/* The same for the channels from c on, fewer than 16. */
static inline void ls_norm_sum_rest(struct ls_norm_terms t, int64_t c, double *sum,
                                    double *product) {
    const int64_t some = t.channels - c;
    double sums[LS_NORM_CHANNELS] = {0}, products[LS_NORM_CHANNELS] = {0};
    const real *restrict u = t.u + c, *restrict x = t.x + c;
    for (int64_t n = 0; n < t.images; n++) {
        double s[LS_NORM_CHANNELS] = {0}, p[LS_NORM_CHANNELS] = {0};
        for (int64_t i = 0; i < t.pixels; i++, u += t.channels, x += t.channels)
            for (int64_t k = 0; k < some; k++) {
                s[k] += (double)u[k];
                p[k] += (double)u[k] * (double)x[k];
            }
        for (int64_t k = 0; k < some; k++) {
            sums[k] += s[k];
            products[k] += p[k];
        }
    }
    memcpy(sum + c, sums, (size_t)some * sizeof *sums);
    memcpy(product + c, products, (size_t)some * sizeof *products);
}

/* sum[c] = sum of u, product[c] = sum of u * x. */
static inline void ls_norm_sums(struct ls_norm_terms t, double *sum, double *product) {
    int64_t c = 0;
    if (t.pixels ==
        1) { /* the same chain of additions as the pixels of one image, with less around it */
        t.pixels = t.images;
        t.images = 1;
    }
    for (; c + LS_NORM_CHANNELS <= t.channels; c += LS_NORM_CHANNELS)
        ls_norm_sum_block(t, c, sum, product);
    if (c < t.channels)
        ls_norm_sum_rest(t, c, sum, product);
}

/* Coefficients per channel are repeated until they fill this many elements or more, so that the
 * element-wise passes have long inner loops where images have few channels. */
enum { LS_NORM_PATTERN = 256 };

static inline int64_t ls_norm_pattern(int64_t channels) {
    return (LS_NORM_PATTERN + channels - 1) / channels * channels;
}

static inline void ls_norm_repeat(real *coefficients, int64_t channels) {
    const int64_t wide = ls_norm_pattern(channels);
    for (int64_t i = channels; i < wide; i++)
        coefficients[i] = coefficients[i - channels];
}

#endif
