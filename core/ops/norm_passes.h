/* Batch norm's scratch, and its two element-wise passes: affine maps per channel. */
#ifndef LS_OPS_NORM_PASSES_H
#define LS_OPS_NORM_PASSES_H

#include "core/ops/math.h"
#include "core/ops/norm_sums.h"
#include "core/ops/sum.h"

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

/* Where things lie in scratch: sums [C], and coefficients [C], repeated. */
struct ls_norm_room {
    double *sum, *product;
    real *centre;
    real *scale, *shift;         /* y = scale x + shift */
    real *steep, *tilt, *offset; /* dx = steep dy + tilt x + offset */
    real *stacks[2];             /* for two sums over microbatches */
};

enum { LS_NORM_COEFFICIENTS = 6 };

/* Elements of one set of coefficients; readable for a block of channels beyond. */
static inline int64_t ls_norm_coefficients(int64_t channels) {
    return ls_norm_pattern(channels) + LS_NORM_CHANNELS;
}

static inline size_t ls_norm_room_bytes(int64_t channels, int64_t rows_max) {
    return (size_t)(2 * channels) * sizeof(double) +
           (size_t)(LS_NORM_COEFFICIENTS * ls_norm_coefficients(channels) +
                    2 * (ls_tree_slots(rows_max) - 1) * channels) *
               sizeof(real);
}

static inline struct ls_norm_room ls_norm_room_of(const struct ls_node *node) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t wide = ls_norm_coefficients(channels);
    struct ls_norm_room r = {.sum = node->scratch};
    r.product = r.sum + channels;
    r.centre = (real *)(r.product + channels);
    r.scale = r.centre + wide;
    r.shift = r.scale + wide;
    r.steep = r.shift + wide;
    r.tilt = r.steep + wide;
    r.offset = r.tilt + wide;
    r.stacks[0] = r.offset + wide;
    r.stacks[1] = r.stacks[0] + (ls_tree_slots(node->output->shape.dims[0]) - 1) * channels;
    return r;
}

/* y = scale x + shift, + residual, behind a ReLU; the last two where they are. */
LS_INLINE void ls_norm_apply(int64_t count, int64_t wide, struct ls_norm_room r, const real *x,
                             const real *residual, real *y, const bool relu) {
    const real *restrict scale = r.scale, *restrict shift = r.shift;
    for (int64_t i = 0; i < count; i += wide) {
        const int64_t some = count - i < wide ? count - i : wide;
#pragma GCC ivdep /* y may be x */
        for (int64_t c = 0; c < some; c++) {
            real value = ls_fma(x[i + c], scale[c], shift[c]);
            if (residual)
                value += residual[i + c];
            y[i + c] = relu ? ls_math_relu(value) : value;
        }
    }
}

/* `masked`: dy counts where scale x + shift > 0. */
LS_INLINE void ls_norm_write_dx(int64_t count, int64_t wide, struct ls_norm_room r,
                                const real *restrict x, const real *restrict dy, real *restrict dx,
                                const bool masked, const bool accumulate) {
    const real *restrict steep = r.steep, *restrict tilt = r.tilt, *restrict offset = r.offset;
    const real *restrict scale = r.scale, *restrict shift = r.shift;
    for (int64_t i = 0; i < count; i += wide) {
        const int64_t some = count - i < wide ? count - i : wide;
        for (int64_t c = 0; c < some; c++) {
            real g = dy[i + c];
            if (masked)
                g = ls_fma(x[i + c], scale[c], shift[c]) > 0 ? g : 0;
            const real value = ls_fma(steep[c], g, ls_fma(tilt[c], x[i + c], offset[c]));
            dx[i + c] = accumulate ? dx[i + c] + value : value;
        }
    }
}

#endif
