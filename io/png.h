/* Images as PNG, of 8 bits per channel. */
#ifndef LS_IO_PNG_H
#define LS_IO_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

struct ls_png_grid {
    int64_t count, height, width, channels; /* of images; channels 1 (grey) or 3 (RGB) */
    float low, high;                        /* what is black, and what is white */
    int64_t columns;                        /* images side by side; 0: about as many as rows */
    int64_t border;                         /* black pixels between images */
};

/* Writes images [count, height, width, channels], row by row of the grid; places that are left over
 * are black. Values beyond the range are cut off, NaN is black. The file is written beside path and
 * renamed into place. Errors name the file. */
LS_MUST_USE enum ls_status ls_png_write_grid(const char *path, const float *images,
                                             const struct ls_png_grid *grid,
                                             struct ls_error *error);

/* The same as bytes of a PNG file, owned by the caller. Errors say `name`. */
LS_MUST_USE enum ls_status ls_png_encode_grid(const char *name, const float *images,
                                              const struct ls_png_grid *grid, void **bytes,
                                              size_t *count, struct ls_error *error);

#endif
