/* Images with their zero border around them, some at a time, so that the taps of a convolution
 * never leave memory and need no tests. Without a border the images are used where they are. */
#ifndef LS_KERNELS_CANVAS_H
#define LS_KERNELS_CANVAS_H

#include <stdbool.h>

#include "core/tensor/variant.h"

struct ls_canvas {
    int64_t height, width, channels; /* of the images */
    int64_t border[4];               /* top, bottom, left, right */
    int64_t images;                  /* that fit at once */
    real *memory;                    /* borrowed scratch, ls_canvas_elements; none without border */
};

enum { LS_CANVAS_CACHED = 48 * 1024 }; /* elements that stay in the second-level cache */

static inline bool ls_canvas_copies(const struct ls_canvas *c) {
    return c->border[0] + c->border[1] + c->border[2] + c->border[3] > 0;
}

/* From pixel to the pixel below it, and from image to image, in elements. */
static inline int64_t ls_canvas_line(const struct ls_canvas *c) {
    return (c->border[2] + c->width + c->border[3]) * c->channels;
}

static inline int64_t ls_canvas_image(const struct ls_canvas *c) {
    return (c->border[0] + c->height + c->border[1]) * ls_canvas_line(c);
}

/* Decides how many of `images` are placed at once. */
static inline void ls_canvas_size(struct ls_canvas *c, int64_t images) {
    const int64_t fit = LS_CANVAS_CACHED / ls_canvas_image(c);
    c->images = fit < 1 ? 1 : fit < images ? fit : images;
}

static inline int64_t ls_canvas_elements(const struct ls_canvas *c) {
    return ls_canvas_copies(c) ? c->images * ls_canvas_image(c) : 0;
}

/* Once before the first ls_canvas_place of so many images in all: makes the border zero. */
static inline void ls_canvas_clear(const struct ls_canvas *c, int64_t images) {
    const int64_t placed = images < c->images ? images : c->images;
    if (ls_canvas_copies(c))
        memset(c->memory, 0, (size_t)(placed * ls_canvas_image(c)) * sizeof(real));
}

/* Places `images` images (at most c->images) and returns the first one's first pixel, border
 * included. */
static inline const real *ls_canvas_place(const struct ls_canvas *c, int64_t images,
                                          const real *from) {
    if (!ls_canvas_copies(c))
        return from;
    const int64_t row = c->width * c->channels;
    for (int64_t n = 0; n < images; n++) {
        real *to = c->memory + n * ls_canvas_image(c) + c->border[0] * ls_canvas_line(c) +
                   c->border[2] * c->channels;
        for (int64_t i = 0; i < c->height; i++, from += row)
            memcpy(to + i * ls_canvas_line(c), from, (size_t)row * sizeof(real));
    }
    return c->memory;
}

#endif
