#include "core/tensor/kernels/stencil.h"

int64_t *LS_NAME(ls_stencil_take)(const struct ls_conv *c, struct ls_stencil_axis axes[2],
                                  struct ls_scratch *scratch) {
    for (int axis = 0; axis < 2; axis++) {
        axes[axis].offset = ls_scratch_take(scratch, c->kernel[axis], sizeof(int64_t));
        axes[axis].tap = ls_scratch_take(scratch, c->kernel[axis], sizeof(int64_t));
    }
    return ls_scratch_take(scratch, c->kernel[0] * c->kernel[1], sizeof(int64_t));
}

void LS_NAME(ls_stencil_forward)(const struct ls_conv *c, int axis, struct ls_stencil_axis *to) {
    to->count = c->kernel[axis];
    to->step = c->stride[axis];
    to->results = ls_conv_out(c, axis);
    for (int64_t k = 0; k < to->count; k++) {
        to->offset[k] = k * c->dilation[axis];
        to->tap[k] = k;
    }
}

static int64_t size_of(const struct ls_conv *c, int axis) {
    return axis == 0 ? c->height : c->width;
}

/* Input phase + q * stride lies under tap k of output q + *offset; false if tap k never meets
 * that phase. */
static bool meets(const struct ls_conv *c, int axis, int64_t phase, int64_t k, int64_t *offset) {
    const int64_t distance = phase + c->padding[2 * axis] - k * c->dilation[axis];
    *offset = distance / c->stride[axis];
    return distance % c->stride[axis] == 0;
}

static int64_t results_of(const struct ls_conv *c, int axis, int64_t phase) {
    return (size_of(c, axis) - phase + c->stride[axis] - 1) / c->stride[axis];
}

/* Pixels before and after dy that some input meets. */
static void border_of(const struct ls_conv *c, int axis, int64_t *before, int64_t *after) {
    *before = *after = 0;
    for (int64_t phase = 0; phase < c->stride[axis] && phase < size_of(c, axis); phase++)
        for (int64_t k = 0; k < c->kernel[axis]; k++) {
            int64_t offset;
            if (!meets(c, axis, phase, k, &offset))
                continue;
            const int64_t beyond = results_of(c, axis, phase) + offset - ls_conv_out(c, axis);
            *before = -offset > *before ? -offset : *before;
            *after = beyond > *after ? beyond : *after;
        }
}

void LS_NAME(ls_stencil_backward)(const struct ls_conv *c, int axis, int64_t phase,
                                  struct ls_stencil_axis *to) {
    int64_t before, after, offset;
    border_of(c, axis, &before, &after);
    to->count = 0;
    to->step = 1;
    to->results = results_of(c, axis, phase);
    for (int64_t k = c->kernel[axis] - 1; k >= 0; k--)
        if (meets(c, axis, phase, k, &offset)) {
            to->offset[to->count] = before + offset;
            to->tap[to->count++] = k;
        }
}

int64_t LS_NAME(ls_stencil_stretches)(const struct ls_stencil_axis axes[2],
                                      const struct ls_canvas *canvas, int64_t channels,
                                      int64_t *stretches, int64_t *depth) {
    bool joined = channels == canvas->channels && axes[1].count > 0;
    for (int64_t b = 1; b < axes[1].count; b++)
        joined = joined && axes[1].offset[b] == axes[1].offset[b - 1] + 1;
    const int64_t columns = joined ? 1 : axes[1].count;
    for (int64_t a = 0; a < axes[0].count; a++)
        for (int64_t b = 0; b < columns; b++)
            stretches[a * columns + b] =
                axes[0].offset[a] * ls_canvas_line(canvas) + axes[1].offset[b] * canvas->channels;
    *depth = joined ? axes[1].count * channels : channels;
    return axes[0].count * columns;
}

struct ls_canvas LS_NAME(ls_stencil_input_canvas)(const struct ls_conv *c) {
    struct ls_canvas canvas = {.height = c->height, .width = c->width, .channels = c->in};
    memcpy(canvas.border, c->padding, sizeof canvas.border);
    ls_canvas_size(&canvas, c->images);
    return canvas;
}

struct ls_canvas LS_NAME(ls_stencil_output_canvas)(const struct ls_conv *c) {
    struct ls_canvas canvas = {
        .height = ls_conv_out(c, 0), .width = ls_conv_out(c, 1), .channels = c->out};
    border_of(c, 0, &canvas.border[0], &canvas.border[1]);
    border_of(c, 1, &canvas.border[2], &canvas.border[3]);
    ls_canvas_size(&canvas, c->images);
    return canvas;
}
