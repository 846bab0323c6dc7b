/* Batch norm's sums, per channel, in double: over the pixels of an image in order, then over the images of a
 * microbatch in order. And the pattern trick of its element-wise passes. */
#ifndef LS_OPS_NORM_SUMS_H
#define LS_OPS_NORM_SUMS_H

#include "core/ops/op.h"
#include "core/tensor/variant.h"

enum { LS_NORM_BLOCK_CHANNELS = 16, LS_NORM_VECTORS = LS_NORM_BLOCK_CHANNELS / LS_LANES };

typedef double ls_norm_vector __attribute__((vector_size(LS_LANES * sizeof(double))));

/* What is summed: u and u * x for the elements of one microbatch. Behind a fused ReLU, u counts only where
 * the output, scale x + shift, was above 0. */
struct ls_norm_terms {
    const real *u, *x;
    const real *scale, *shift; /* per channel; NULL: everything counts */
    int64_t images, pixels, channels;
};

LS_INLINE vreal ls_norm_masked(vreal u, vreal x, vreal scale, vreal shift) {
    return (vreal)((vbits)u & (vbits)(ls_vfma(x, scale, shift) > 0));
}

/* Channels c .. c+15, in registers. */
LS_INLINE void ls_norm_sum_block(struct ls_norm_terms t, int64_t c, bool masked, double *sum,
                                 double *product) {
    ls_norm_vector sums[LS_NORM_VECTORS] = {0}, products[LS_NORM_VECTORS] = {0};
    const real *u = t.u + c, *x = t.x + c;
    for (int64_t n = 0; n < t.images; n++) {
        ls_norm_vector s[LS_NORM_VECTORS] = {0}, p[LS_NORM_VECTORS] = {0};
        for (int64_t i = 0; i < t.pixels; i++, u += t.channels, x += t.channels)
            for (int v = 0; v < LS_NORM_VECTORS; v++) {
                const vreal right = ls_vload(x + v * LS_LANES);
                vreal left = ls_vload(u + v * LS_LANES);
                if (masked)
                    left = ls_norm_masked(left, right, ls_vload(t.scale + c + v * LS_LANES),
                                          ls_vload(t.shift + c + v * LS_LANES));
                const ls_norm_vector wide = __builtin_convertvector(left, ls_norm_vector);
                s[v] += wide;
                p[v] += wide * __builtin_convertvector(right, ls_norm_vector);
            }
        for (int v = 0; v < LS_NORM_VECTORS; v++) {
            sums[v] += s[v];
            products[v] += p[v];
        }
    }
    memcpy(sum + c, sums, sizeof sums);
    memcpy(product + c, products, sizeof products);
}

/* The same for channels c .. end-1, fewer than 16. */
LS_INLINE void ls_norm_sum_rest(struct ls_norm_terms t, int64_t c, bool masked, double *sum,
                                double *product) {
    const int64_t some = t.channels - c;
    double sums[LS_NORM_BLOCK_CHANNELS] = {0}, products[LS_NORM_BLOCK_CHANNELS] = {0};
    const real *u = t.u + c, *x = t.x + c;
    for (int64_t n = 0; n < t.images; n++) {
        double s[LS_NORM_BLOCK_CHANNELS] = {0}, p[LS_NORM_BLOCK_CHANNELS] = {0};
        for (int64_t i = 0; i < t.pixels; i++, u += t.channels, x += t.channels)
            for (int64_t k = 0; k < some; k++) {
                const bool counts = !masked || ls_fma(x[k], t.scale[c + k], t.shift[c + k]) > 0;
                const double wide = counts ? (double)u[k] : 0;
                s[k] += wide;
                p[k] += wide * (double)x[k];
            }
        for (int64_t k = 0; k < some; k++) {
            sums[k] += s[k];
            products[k] += p[k];
        }
    }
    memcpy(sum + c, sums, (size_t)some * sizeof *sums);
    memcpy(product + c, products, (size_t)some * sizeof *products);
}

LS_INLINE void ls_norm_sum_all(struct ls_norm_terms t, bool masked, double *sum, double *product) {
    int64_t c = 0;
    for (; c + LS_NORM_BLOCK_CHANNELS <= t.channels; c += LS_NORM_BLOCK_CHANNELS)
        ls_norm_sum_block(t, c, masked, sum, product);
    if (c < t.channels)
        ls_norm_sum_rest(t, c, masked, sum, product);
}

/* sum[c] = sum of u, product[c] = sum of u * x. */
static inline void ls_norm_sums(struct ls_norm_terms t, double *sum, double *product) {
    if (t.scale)
        ls_norm_sum_all(t, true, sum, product);
    else
        ls_norm_sum_all(t, false, sum, product);
}

/* Coefficients per channel are repeated until they fill this many elements or more, so that the element-wise
 * passes have long inner loops where images have few channels. */
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
