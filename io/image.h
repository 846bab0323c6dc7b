/* Pictures out of PNG and JPEG files, of 8 bits per channel. Internal to io. */
#ifndef LS_IO_IMAGE_H
#define LS_IO_IMAGE_H

#include <stdint.h>

#include "core/base/status.h"

struct ls_image {
    int64_t height, width, channels; /* channels: 1 (grey) or 3 (RGB) */
    unsigned char *pixels;           /* [height, width, channels] owned; NULL: only measured */
};

/* Sizes and channels alone, out of the file's header. What kind of file it is its first bytes
 * tell. Other kinds, 16 bits per channel, CMYK and transparent pixels are errors; a JPEG's
 * orientation mark is not followed. */
LS_MUST_USE enum ls_status ls_image_measure(const char *path, struct ls_image *image,
                                            struct ls_error *error);

/* With its pixels; damaged or cut files are errors. Palettes become RGB. */
LS_MUST_USE enum ls_status ls_image_read(const char *path, struct ls_image *image,
                                         struct ls_error *error);
void ls_image_clear(struct ls_image *image); /* also of a zeroed one */

/* Grey becomes RGB with equal channels; RGB stays. */
void ls_image_colour(struct ls_image *image);

/* Scales the picture until it just covers height x width, and cuts the middle out. Each pixel is a
 * mean of those around its place, weighted by a triangle as wide as two pixels of the smaller
 * picture (the bilinear filter with antialiasing of Pillow and torchvision). */
void ls_image_resize(struct ls_image *image, int64_t height, int64_t width);

#endif
