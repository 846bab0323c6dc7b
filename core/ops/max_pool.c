/* The largest value of each window, per channel; the first of equals wins, and NaN wins over all.
 * Which pixel of the window it was is saved for backward: a byte where the window has at most 256
 * pixels. */
#include "core/ops/pool.h"

enum { BLOCK = 16 }; /* channels that are searched at once, in registers */

/* Saved positions: uint8_t or int32_t. */
static bool small_window(const struct ls_node *node) {
    const struct ls_pool_options *options = node->options;
    return options->window[0] * options->window[1] <= 256;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const enum ls_status status = ls_pool_infer(node, error);
    if (status == LS_OK)
        node->saved_bytes = (size_t)ls_shape_count(node->output->shape) *
                            (small_window(node) ? sizeof(uint8_t) : sizeof(int32_t));
    return status;
}

/* A window inside one image: its first pixel, its size, and the distance of rows of pixels. */
struct window {
    const real *corner;
    int64_t height, width, channels, pitch;
};

/* The largest of `some` channels (at most BLOCK, a constant where it can be) and where. */
LS_INLINE void search(struct window w, int64_t some, real *restrict best, real_bits *restrict at) {
    for (int64_t c = 0; c < some; c++) {
        best[c] = w.corner[c];
        at[c] = 0;
    }
    for (int64_t r = 0; r < w.height; r++)
        for (int64_t q = 0; q < w.width; q++) {
            const real *restrict x = w.corner + r * w.pitch + q * w.channels;
            const real_bits position = (real_bits)(r * w.width + q);
#pragma GCC unroll 1 /* vectors, not 16 scalars */
            for (int64_t c = 0; c < some; c++) {
                const bool larger = (x[c] > best[c]) | (x[c] != x[c]);
                best[c] = larger ? x[c] : best[c];
                at[c] = larger ? position : at[c];
            }
        }
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_pool_axis h = ls_pool_axis_of(node, 0), w = ls_pool_axis_of(node, 1);
    const int64_t channels = node->output->shape.dims[3], pitch = w.size * channels;
    const bool small = small_window(node);
    const real *image = node->inputs[0]->data;
    real *y = node->output->data;
    uint8_t *bytes = node->saved;
    int32_t *words = node->saved;
    int64_t done = 0;
    for (int64_t n = 0; n < run->rows; n++, image += h.size * pitch)
        for (int64_t i = 0; i < h.out; i++)
            for (int64_t j = 0; j < w.out; j++)
                for (int64_t c = 0; c < channels; c += BLOCK) {
                    const int64_t top = ls_pool_first(h, i), left = ls_pool_first(w, j);
                    const struct window window = {image + top * pitch + left * channels + c,
                                                  ls_pool_end(h, i) - top, ls_pool_end(w, j) - left,
                                                  channels, pitch};
                    const int64_t some = channels - c < BLOCK ? channels - c : BLOCK;
                    real best[BLOCK];
                    real_bits at[BLOCK];
                    if (some == BLOCK)
                        search(window, BLOCK, best, at);
                    else
                        search(window, some, best, at);
                    memcpy(y + done, best, (size_t)some * sizeof(real));
                    for (int64_t k = 0; k < some && small; k++)
                        bytes[done + k] = (uint8_t)at[k];
                    for (int64_t k = 0; k < some && !small; k++)
                        words[done + k] = (int32_t)at[k];
                    done += some;
                }
}

/* Hands dy to the pixel that was the largest; `position` is that of the pixel dx in its window. */
LS_INLINE void hand_back(int64_t channels, const real *restrict dy, const void *at, int64_t done,
                         bool small, int32_t position, real *restrict dx) {
    const uint8_t *restrict bytes = (const uint8_t *)at + done;
    const int32_t *restrict words = (const int32_t *)at + done;
    if (small)
        for (int64_t c = 0; c < channels; c++)
            dx[c] += bytes[c] == position ? dy[c] : 0;
    else
        for (int64_t c = 0; c < channels; c++)
            dx[c] += words[c] == position ? dy[c] : 0;
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_pool_axis h = ls_pool_axis_of(node, 0), w = ls_pool_axis_of(node, 1);
    const int64_t channels = node->output->shape.dims[3];
    const bool small = small_window(node);
    const real *dy = node->output->gradient;
    real *image = node->inputs[0]->gradient;
    int64_t done = 0;
    if (!image)
        return;
    if (!node->accumulate[0])
        memset(image, 0, (size_t)ls_run_elements(run, node->inputs[0]) * sizeof(real));
    for (int64_t n = 0; n < run->rows; n++, image += h.size * w.size * channels)
        for (int64_t i = 0; i < h.out; i++)
            for (int64_t j = 0; j < w.out; j++, done += channels) {
                const int64_t top = ls_pool_first(h, i), bottom = ls_pool_end(h, i);
                const int64_t left = ls_pool_first(w, j), right = ls_pool_end(w, j);
                int32_t position = 0;
                for (int64_t r = top; r < bottom; r++)
                    for (int64_t q = left; q < right; q++, position++)
                        hand_back(channels, dy + done, node->saved, done, small, position,
                                  image + (r * w.size + q) * channels);
            }
}

const struct ls_op LS_NAME(ls_op_max_pool) = {
    .name = "max_pool",
    .formula = "y[n,i,j,c] = max of x over the pixels of window (i,j)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = ls_pool_cases,
    .case_count = LS_POOL_CASES,
};
