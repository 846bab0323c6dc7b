/* What the files of the Winograd convolution share: how an image is cut into tiles, and planes,
 * the transformed tiles of a chunk.
 *
 * A plane holds one frequency: [ceil(channels / 16)][tiles][16], so that a product walks it with
 * constant strides, and so that a vector of channels of a tile is a whole cache line. Channels
 * past the last are zeros. */
#ifndef LS_KERNELS_WINOGRAD_PARTS_H
#define LS_KERNELS_WINOGRAD_PARTS_H

#include "core/tensor/kernels/lanes.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"
#include "core/tensor/kernels/winograd.h"
#include "core/tensor/kernels/winograd_transform.h"

enum { LS_PLANE_CHANNELS = 16 };

static inline int64_t ls_plane_blocks(int64_t channels) {
    return (channels + LS_PLANE_CHANNELS - 1) / LS_PLANE_CHANNELS;
}

struct ls_planes {
    real *memory;   /* borrowed scratch */
    int64_t tiles;  /* that there is room for */
    int64_t stride; /* from plane to plane */
    int64_t channels;
};

/* Where a frequency's element of tile 0 and this channel is. */
LS_INLINE real *ls_plane_at(const struct ls_planes *p, int frequency, int64_t channel) {
    return p->memory + frequency * p->stride +
           channel / LS_PLANE_CHANNELS * p->tiles * LS_PLANE_CHANNELS + channel % LS_PLANE_CHANNELS;
}

/* A convolution y = x * w as sweeps over tiles: the forward one, or the input gradient as the
 * convolution of dy with turned weights. */
struct ls_tiling {
    int m;
    int64_t images, height, width, in; /* what is read */
    int64_t out_height, out_width, out;
    int64_t top, left;     /* zeros around; negative: pixels left out */
    int64_t rows, columns; /* tiles of an image */
};

static inline int64_t ls_tiling_count(const struct ls_tiling *t) {
    return t->images * t->rows * t->columns;
}

/* A tile: its image, and its first output pixel. */
struct ls_tile_place {
    int64_t image, y, x;
};

static inline struct ls_tile_place ls_tile_at(const struct ls_tiling *t, int64_t tile) {
    const int64_t row = tile / t->columns;
    return (struct ls_tile_place){row / t->rows, row % t->rows * t->m,
                                  (tile - row * t->columns) * t->m};
}

struct ls_tiling LS_NAME(ls_winograd_tiling)(const struct ls_conv *conv, bool input_gradient);

/* Tiles that go through the transforms and products at once: they stay in the second-level cache.
 */
int64_t LS_NAME(ls_winograd_chunk)(const struct ls_conv *conv);

/* Planes for a chunk of tiles. */
struct ls_planes LS_NAME(ls_winograd_take_planes)(const struct ls_conv *conv, int64_t channels,
                                                  struct ls_scratch *scratch);

/* B^T d B of the tiles first .. first+count-1 of x; zeros: 6 * in zeros. */
void LS_NAME(ls_winograd_read)(const struct ls_tiling *tiling, const real *x, int64_t first,
                               int64_t count, const real *zeros, const struct ls_planes *to);

#endif
