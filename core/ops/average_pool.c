/* The mean of each window, per channel; pixels of the padding do not count. */
#include "core/ops/pool.h"
#include "core/ops/row.h"

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_pool_axis h = ls_pool_axis_of(node, 0), w = ls_pool_axis_of(node, 1);
    const int64_t channels = node->output->shape.dims[3];
    const real *image = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, image += h.size * w.size * channels)
        for (int64_t i = 0; i < h.out; i++)
            for (int64_t j = 0; j < w.out; j++, y += channels) {
                const int64_t top = ls_pool_first(h, i), bottom = ls_pool_end(h, i);
                const int64_t left = ls_pool_first(w, j), right = ls_pool_end(w, j);
                const real share = (real)(1.0 / (double)((bottom - top) * (right - left)));
                const struct ls_positions window = {bottom - top, right - left, w.size * channels,
                                                    channels};
                ls_positions_sum(window, channels, image + (top * w.size + left) * channels, y);
                for (int64_t c = 0; c < channels; c++)
                    y[c] *= share;
            }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_pool_axis h = ls_pool_axis_of(node, 0), w = ls_pool_axis_of(node, 1);
    const int64_t channels = node->output->shape.dims[3];
    real *image = node->inputs[0]->gradient;
    const real *restrict dy = node->output->gradient;
    if (!image)
        return;
    if (!node->accumulate[0])
        memset(image, 0, (size_t)ls_run_elements(run, node->inputs[0]) * sizeof(real));
    for (int64_t n = 0; n < run->rows; n++, image += h.size * w.size * channels)
        for (int64_t i = 0; i < h.out; i++)
            for (int64_t j = 0; j < w.out; j++, dy += channels) {
                const int64_t top = ls_pool_first(h, i), bottom = ls_pool_end(h, i);
                const int64_t left = ls_pool_first(w, j), right = ls_pool_end(w, j);
                const real share = (real)(1.0 / (double)((bottom - top) * (right - left)));
                for (int64_t r = top; r < bottom; r++)
                    for (int64_t q = left; q < right; q++) {
                        real *restrict dx = image + (r * w.size + q) * channels;
                        for (int64_t c = 0; c < channels; c++)
                            dx[c] += dy[c] * share;
                    }
            }
}

const struct ls_op LS_NAME(ls_op_average_pool) = {
    .name = "average_pool",
    .formula = "y[n,i,j,c] = mean of x over the pixels of window (i,j)",
    .infer = ls_pool_infer,
    .forward = forward,
    .backward = backward,
    .cases = ls_pool_cases,
    .case_count = LS_POOL_CASES,
};
