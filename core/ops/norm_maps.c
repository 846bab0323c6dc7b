#include "core/ops/norm_maps.h"

#include "core/tensor/math.h"

/* Coefficients are repeated until they fill this many elements or more, so that the element-wise
 * passes have long inner loops where images have few channels. */
enum { PATTERN = 256 };

static int64_t pattern(int64_t channels) {
    return (PATTERN + channels - 1) / channels * channels;
}

static void repeat(real *coefficients, int64_t channels) {
    const int64_t wide = pattern(channels);
    for (int64_t i = channels; i < wide; i++)
        coefficients[i] = coefficients[i - channels];
}

struct ls_norm_maps LS_NAME(ls_norm_take_maps)(int64_t channels, struct ls_scratch *scratch) {
    real *taken[6];
    for (int i = 0; i < 6; i++) /* readable for a block of channels beyond */
        taken[i] = ls_scratch_take(scratch, pattern(channels) + LS_NORM_CHANNELS, sizeof(real));
    return (struct ls_norm_maps){taken[0], taken[1], taken[2], taken[3], taken[4], taken[5]};
}

void LS_NAME(ls_norm_forward_map)(const struct ls_node *norm, int m, struct ls_norm_maps maps) {
    const int64_t channels = ls_shape_last(norm->output->shape);
    const real *gain = norm->inputs[LS_NORM_GAIN]->data;
    const real *offset = norm->inputs[LS_NORM_OFFSET]->data;
    const struct ls_norm_saved saved = ls_norm_saved(norm, m);
    for (int64_t c = 0; c < channels; c++) {
        const double scale = (double)gain[c] * saved.inverse[c];
        maps.scale[c] = (real)scale;
        maps.shift[c] = (real)((double)offset[c] - saved.mean[c] * scale);
    }
    repeat(maps.scale, channels);
    repeat(maps.shift, channels);
}

/* The residual and ReLU are added where they are. */
LS_INLINE void apply(int64_t count, int64_t wide, struct ls_norm_maps maps, const real *x,
                     const real *residual, real *y, const bool relu) {
    const real *restrict scale = maps.scale, *restrict shift = maps.shift;
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

static const struct ls_value *residual_of(const struct ls_node *norm) {
    return norm->input_count > LS_NORM_RESIDUAL ? norm->inputs[LS_NORM_RESIDUAL] : NULL;
}

static bool has_relu(const struct ls_node *norm) {
    return norm->activation == LS_ACTIVATION_RELU;
}

void LS_NAME(ls_norm_forward_images)(const struct ls_node *norm, struct ls_norm_maps maps,
                                     int64_t first, int64_t count, real *y) {
    const int64_t row = ls_shape_row_count(norm->output->shape);
    const int64_t wide = pattern(ls_shape_last(norm->output->shape));
    const real *x = (const real *)norm->inputs[LS_NORM_X]->data + first * row;
    const struct ls_value *residual = residual_of(norm);
    if (residual)
        apply(count * row, wide, maps, x, (const real *)residual->data + first * row, y,
              has_relu(norm));
    else
        apply(count * row, wide, maps, x, NULL, y, has_relu(norm));
}

void LS_NAME(ls_norm_backward_begin)(const struct ls_node *norm, int m, struct ls_norm_maps maps) {
    const int64_t channels = ls_shape_last(norm->output->shape);
    const struct ls_norm_saved saved = ls_norm_saved(norm, m);
    for (int64_t c = 0; c < channels; c++) {
        maps.centre[c] = (real)saved.mean[c];
        saved.sum[c] = saved.product[c] = 0;
    }
    LS_NAME(ls_norm_forward_map)(norm, m, maps);
}

/* A ReLU's mask is worked out from x again, unless a residual had its say: then y is asked. */
void LS_NAME(ls_norm_backward_sums)(const struct ls_node *norm, int m, struct ls_norm_maps maps,
                                    int64_t first, int64_t count) {
    const struct ls_shape shape = norm->output->shape;
    const int64_t from = first * ls_shape_row_count(shape);
    const struct ls_value *residual = residual_of(norm);
    const struct ls_norm_saved saved = ls_norm_saved(norm, m);
    const bool passes =
        residual && residual->gradient && residual->gradient != norm->output->gradient;
    const struct ls_norm_terms terms = {
        .images = count,
        .pixels = ls_shape_row_count(shape) / ls_shape_last(shape),
        .channels = ls_shape_last(shape),
        .x = (const real *)norm->inputs[LS_NORM_X]->data + from,
        .y = residual ? (const real *)norm->output->data + from : NULL,
        .centre = maps.centre,
        .scale = maps.scale,
        .shift = maps.shift,
        .dy = (real *)norm->output->gradient + from,
        .residual = passes ? (real *)residual->gradient + from : NULL,
        .relu = has_relu(norm),
        .residual_adds = residual && norm->accumulate[LS_NORM_RESIDUAL],
    };
    if (residual)
        ls_norm_sums(LS_NORM_BEHIND_SUM, terms, saved.sum, saved.product);
    else if (terms.relu)
        ls_norm_sums(LS_NORM_BEHIND_RELU, terms, saved.sum, saved.product);
    else
        ls_norm_sums(LS_NORM_BACKWARD, terms, saved.sum, saved.product);
}

void LS_NAME(ls_norm_backward_map)(const struct ls_node *norm, const struct ls_run *run, int m,
                                   struct ls_norm_maps maps, real *along) {
    const int64_t channels = ls_shape_last(norm->output->shape);
    const int64_t values = ls_norm_values(norm, run, m);
    const real *gain = norm->inputs[LS_NORM_GAIN]->data;
    const struct ls_norm_saved saved = ls_norm_saved(norm, m);
    const double share = ls_norm_frozen(norm, run, values) ? 0 : 1 / (double)values;
    for (int64_t c = 0; c < channels; c++) {
        const double scale = (double)gain[c] * saved.inverse[c];
        const double from_centre = saved.mean[c] - (double)(real)saved.mean[c];
        const double total = saved.inverse[c] * (saved.product[c] - from_centre * saved.sum[c]);
        const double tilt = saved.inverse[c] * total * share;
        maps.steep[c] = (real)scale;
        maps.tilt[c] = (real)(-scale * tilt);
        maps.offset[c] = (real)(scale * (saved.mean[c] * tilt - saved.sum[c] * share));
        if (along)
            along[c] = (real)total + (real)0; /* sums over samples are never -0 */
    }
    repeat(maps.steep, channels);
    repeat(maps.tilt, channels);
    repeat(maps.offset, channels);
    LS_NAME(ls_norm_forward_map)(norm, m, maps);
}

/* `masked`: dy counts where scale x + shift > 0. */
LS_INLINE void write_dx(int64_t count, int64_t wide, struct ls_norm_maps maps,
                        const real *restrict x, const real *restrict dy, real *restrict dx,
                        const bool masked, const bool accumulate) {
    const real *restrict steep = maps.steep, *restrict tilt = maps.tilt;
    const real *restrict offset = maps.offset;
    const real *restrict scale = maps.scale, *restrict shift = maps.shift;
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

void LS_NAME(ls_norm_backward_images)(const struct ls_node *norm, struct ls_norm_maps maps,
                                      int64_t first, int64_t count, bool accumulate, real *dx) {
    const int64_t row = ls_shape_row_count(norm->output->shape);
    const int64_t wide = pattern(ls_shape_last(norm->output->shape));
    const real *x = (const real *)norm->inputs[LS_NORM_X]->data + first * row;
    const real *dy = (const real *)norm->output->gradient + first * row;
    const bool masked = has_relu(norm) && !residual_of(norm);
    if (masked && accumulate)
        write_dx(count * row, wide, maps, x, dy, dx, true, true);
    else if (masked)
        write_dx(count * row, wide, maps, x, dy, dx, true, false);
    else if (accumulate)
        write_dx(count * row, wide, maps, x, dy, dx, false, true);
    else
        write_dx(count * row, wide, maps, x, dy, dx, false, false);
}
