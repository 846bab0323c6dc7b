#include "core/explain/windows.h"

#include <string.h>

enum { PARTS_OF_A_SIDE = 14 };

static int64_t steps_of(int64_t side, int64_t size, int64_t stride) {
    return side <= size ? 1 : (side - size + stride - 1) / stride + 1;
}

struct ls_windows ls_windows_create(const struct ls_explainer *explainer, const int64_t size[2],
                                    const int64_t stride[2]) {
    const struct ls_shape shape = ls_shape_of_row(explainer->model->explained->shape);
    const bool image = shape.rank == 3;
    struct ls_windows w = {.height = ls_shape_count(shape), .width = 1, .depth = 1};
    if (shape.rank == 2 || image)
        w.height = shape.dims[0];
    if (image || (shape.rank == 2 && !explainer->tokens))
        w.width = shape.dims[1];
    if (image || explainer->tokens)
        w.depth = ls_shape_last(shape);
    for (int i = 0; i < 2; i++) {
        const int64_t side = i ? w.width : w.height, usual = side / PARTS_OF_A_SIDE;
        w.size[i] = size[i] ? size[i] : image && usual > 1 ? usual : 1;
        if (!image && i == 1)
            w.size[i] = 1;
        w.stride[i] = stride[i] ? stride[i] : w.size[i];
    }
    w.rows = steps_of(w.height, w.size[0], w.stride[0]);
    w.columns = steps_of(w.width, w.size[1], w.stride[1]);
    w.count = w.rows * w.columns;
    return w;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

struct ls_window ls_window_at(const struct ls_windows *windows, int64_t index) {
    const int64_t y = index / windows->columns * windows->stride[0];
    const int64_t x = index % windows->columns * windows->stride[1];
    return (struct ls_window){.first = {least(y, windows->height), least(x, windows->width)},
                              .end = {least(y + windows->size[0], windows->height),
                                      least(x + windows->size[1], windows->width)}};
}

void ls_window_cover(const struct ls_windows *windows, int64_t index, const float *baseline,
                     float *to) {
    const struct ls_window window = ls_window_at(windows, index);
    for (int64_t y = window.first[0]; y < window.end[0]; y++) {
        const int64_t first = (y * windows->width + window.first[1]) * windows->depth;
        const int64_t count = (window.end[1] - window.first[1]) * windows->depth;
        memcpy(to + first, baseline + first, (size_t)count * sizeof *to);
    }
}

void ls_window_add(const struct ls_windows *windows, int64_t index, double number, double *to) {
    const struct ls_window window = ls_window_at(windows, index);
    for (int64_t y = window.first[0]; y < window.end[0]; y++)
        for (int64_t i = (y * windows->width + window.first[1]) * windows->depth;
             i < (y * windows->width + window.end[1]) * windows->depth; i++)
            to[i] += number;
}
