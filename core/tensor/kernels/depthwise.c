#include "core/tensor/kernels/depthwise.h"

#include "core/tensor/kernels/lanes.h"
#include "core/tensor/kernels/product.h"

/* Weights of tap t at channel c: w[panel(c)][t][c % 32]. */
LS_INLINE const real *weights_at(const struct ls_conv *d, const real *w, int64_t t, int64_t c) {
    return w + ls_panel_index(d->kernel[0] * d->kernel[1], t, c);
}

/* The chains of the channels from c on, `left` of them at most, to where they belong. */
LS_INLINE void finish(struct ls_epilogue e, int64_t c, int64_t left, vreal chain, real *to) {
    chain += (vreal){0};
    if (e.bias)
        chain += ls_vload_some(e.bias + c, left);
    if (e.relu)
        chain = ls_vrelu(chain);
    if (e.add)
        chain = ls_vload_some(to, left) + chain;
    ls_vstore_some(to, left, chain);
}

void LS_NAME(ls_depthwise_forward)(const struct ls_conv *d, const real *x, const real *w,
                                   struct ls_epilogue e, real *y) {
    const int64_t rows = ls_conv_out(d, 0), columns = ls_conv_out(d, 1), channels = d->in;
    const int64_t image = d->height * d->width * channels;
    for (int64_t pixel = 0; pixel < d->images * rows * columns; pixel++, y += channels) {
        const int64_t i = pixel / columns % rows * d->stride[0] - d->padding[0];
        const int64_t j = pixel % columns * d->stride[1] - d->padding[2];
        const real *from = x + pixel / (rows * columns) * image;
        for (int64_t c = 0; c < channels; c += LS_LANES) {
            vreal chain = {0};
            for (int64_t ky = 0; ky < d->kernel[0]; ky++) {
                const int64_t row = i + ky * d->dilation[0];
                if (row < 0 || row >= d->height)
                    continue;
                for (int64_t kx = 0; kx < d->kernel[1]; kx++) {
                    const int64_t column = j + kx * d->dilation[1];
                    if (column < 0 || column >= d->width)
                        continue;
                    chain = ls_vfma(ls_vload_some(from + (row * d->width + column) * channels + c,
                                                  channels - c),
                                    ls_vload(weights_at(d, w, ky * d->kernel[1] + kx, c)), chain);
                }
            }
            finish(e, c, channels - c, chain, y + c);
        }
    }
}

/* The pixel of y that has input `at` under its tap k along an axis; false if none has. */
LS_INLINE bool result_at(const struct ls_conv *d, int axis, int64_t results, int64_t at, int64_t k,
                         int64_t *result) {
    const int64_t distance = at + d->padding[2 * axis] - k * d->dilation[axis];
    *result = distance / d->stride[axis];
    return distance >= 0 && distance % d->stride[axis] == 0 && *result < results;
}

void LS_NAME(ls_depthwise_input_gradient)(const struct ls_conv *d, const real *dy, const real *w,
                                          struct ls_epilogue e, real *dx) {
    const int64_t rows = ls_conv_out(d, 0), columns = ls_conv_out(d, 1), channels = d->in;
    const int64_t pixels = d->height * d->width;
    for (int64_t pixel = 0; pixel < d->images * pixels; pixel++, dx += channels) {
        const real *from = dy + pixel / pixels * rows * columns * channels;
        const int64_t i = pixel % pixels / d->width, j = pixel % d->width;
        for (int64_t c = 0; c < channels; c += LS_LANES) {
            vreal chain = {0};
            int64_t row, column;
            for (int64_t ky = d->kernel[0] - 1; ky >= 0; ky--) {
                if (!result_at(d, 0, rows, i, ky, &row))
                    continue;
                for (int64_t kx = d->kernel[1] - 1; kx >= 0; kx--)
                    if (result_at(d, 1, columns, j, kx, &column))
                        chain =
                            ls_vfma(ls_vload_some(from + (row * columns + column) * channels + c,
                                                  channels - c),
                                    ls_vload(weights_at(d, w, ky * d->kernel[1] + kx, c)), chain);
            }
            finish(e, c, channels - c, chain, dx + c);
        }
    }
}

/* The chain of tap (ky, kx) for the channels from c on, over some pixels of one image's dy. */
LS_INLINE vreal tap_chain(const struct ls_conv *d, int64_t ky, int64_t kx, int64_t c,
                          struct ls_conv_stretch pixels, const real *x, const real *dy,
                          vreal chain) {
    const int64_t columns = ls_conv_out(d, 1), channels = d->in;
    const int64_t end = pixels.first + pixels.count;
    for (int64_t i = pixels.first / columns; i * columns < end; i++) {
        const int64_t row = i * d->stride[0] - d->padding[0] + ky * d->dilation[0];
        if (row < 0 || row >= d->height)
            continue;
        const int64_t line = i * columns, stop = end - line < columns ? end - line : columns;
        for (int64_t j = pixels.first > line ? pixels.first - line : 0; j < stop; j++) {
            const int64_t column = j * d->stride[1] - d->padding[2] + kx * d->dilation[1];
            if (column >= 0 && column < d->width)
                chain = ls_vfma(
                    ls_vload_some(x + (row * d->width + column) * channels + c, channels - c),
                    ls_vload_some(dy + (line + j) * channels + c, channels - c), chain);
        }
    }
    return chain;
}

void LS_NAME(ls_depthwise_weight_gradient)(const struct ls_conv *d, bool fresh,
                                           struct ls_conv_stretch pixels, const real *x,
                                           const real *dy, real *dw) {
    const int64_t taps = d->kernel[0] * d->kernel[1];
    const int64_t image = ls_conv_out(d, 0) * ls_conv_out(d, 1);
    const int64_t end = pixels.first + pixels.count;
    if (fresh)
        memset(dw, 0, (size_t)ls_panel_elements(taps, d->in) * sizeof(real));
    for (int64_t c = 0; c < d->in; c += LS_LANES)
        for (int64_t t = 0; t < taps; t++) {
            real *to = dw + ls_panel_index(taps, t, c);
            vreal chain = ls_vload(to);
            for (int64_t at = pixels.first, n, some; at < end; at += some) {
                n = at / image;
                some = (end < (n + 1) * image ? end : (n + 1) * image) - at;
                chain = tap_chain(d, t / d->kernel[1], t % d->kernel[1], c,
                                  (struct ls_conv_stretch){at - n * image, some},
                                  x + n * d->height * d->width * d->in, dy + n * image * d->in,
                                  chain);
            }
            ls_vstore(to, chain + (vreal){0});
        }
}
