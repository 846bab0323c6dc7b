#include "io/png.h"

#include <png.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/file.h"

enum { PIXELS_MAX = 1 << 28, SIDE_MAX = 1 << 20 };

/* The picture: images side by side. */
struct picture {
    int64_t columns, rows; /* of the grid */
    int64_t width, height; /* in pixels */
    int64_t stride;        /* bytes of a line */
    unsigned char *bytes;  /* owned */
};

static int64_t columns_of(const struct ls_png_grid *grid) {
    int64_t columns = grid->columns;
    while (columns == 0 || (grid->columns == 0 && columns * columns < grid->count))
        columns++;
    return columns < grid->count ? columns : grid->count;
}

static enum ls_status check(const char *path, const struct ls_png_grid *grid,
                            struct ls_error *error) {
    if (grid->channels != 1 && grid->channels != 3)
        return ls_fail(error, LS_INVALID,
                       "cannot write %s: an image has 1 channel or 3, found %lld", path,
                       (long long)grid->channels);
    if (!(grid->low < grid->high))
        return ls_fail(error, LS_INVALID,
                       "cannot write %s: white must be above black, found %g to %g", path,
                       (double)grid->low, (double)grid->high);
    const int64_t sizes[] = {grid->count, grid->height, grid->width};
    for (int i = 0; i < 3; i++)
        if (sizes[i] < 1 || sizes[i] > SIDE_MAX)
            return ls_fail(error, LS_INVALID,
                           "cannot write %s: expected images of 1 to %d pixels a side, found %lld "
                           "of %lldx%lld",
                           path, SIDE_MAX, (long long)grid->count, (long long)grid->height,
                           (long long)grid->width);
    if (grid->columns < 0 || grid->border < 0 || grid->border > SIDE_MAX)
        return ls_fail(error, LS_INVALID,
                       "cannot write %s: expected columns and a border from 0 on, found %lld and "
                       "%lld",
                       path, (long long)grid->columns, (long long)grid->border);
    return LS_OK;
}

/* Black. */
static enum ls_status begin(struct picture *picture, const char *path,
                            const struct ls_png_grid *grid, struct ls_error *error) {
    *picture = (struct picture){.columns = columns_of(grid)};
    picture->rows = (grid->count + picture->columns - 1) / picture->columns;
    picture->width = picture->columns * (grid->width + grid->border) - grid->border;
    picture->height = picture->rows * (grid->height + grid->border) - grid->border;
    if (picture->width > SIDE_MAX || picture->height > SIDE_MAX ||
        picture->width * picture->height > PIXELS_MAX)
        return ls_fail(error, LS_INVALID,
                       "cannot write %s: a picture of %lldx%lld pixels is too large", path,
                       (long long)picture->width, (long long)picture->height);
    picture->stride = picture->width * grid->channels;
    picture->bytes = ls_calloc((size_t)picture->height, (size_t)picture->stride);
    return LS_OK;
}

static unsigned char byte_of(const struct ls_png_grid *grid, float value) {
    const float share = (value - grid->low) / (grid->high - grid->low);
    if (!(share > 0)) /* or NaN */
        return 0;
    return share < 1 ? (unsigned char)(share * 255 + 0.5f) : 255;
}

static void put(struct picture *picture, const struct ls_png_grid *grid, int64_t index,
                const float *image) {
    const int64_t row = index / picture->columns, column = index % picture->columns;
    const int64_t line = grid->width * grid->channels;
    unsigned char *corner = picture->bytes + row * (grid->height + grid->border) * picture->stride +
                            column * (grid->width + grid->border) * grid->channels;
    for (int64_t y = 0; y < grid->height; y++)
        for (int64_t x = 0; x < line; x++)
            corner[y * picture->stride + x] = byte_of(grid, image[y * line + x]);
}

static enum ls_status encode(const struct picture *picture, int64_t channels, const char *name,
                             void **bytes, size_t *count, struct ls_error *error) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    *bytes = ls_calloc(size, 1);
    if (!png_image_write_to_memory(&image, *bytes, &size, 0, picture->bytes, 0, NULL)) {
        free(*bytes);
        *bytes = NULL;
        return ls_fail(error, LS_SYSTEM, "cannot write %s: %s", name, image.message);
    }
    *count = size;
    return LS_OK;
}

enum ls_status ls_png_encode_grid(const char *name, const float *images,
                                  const struct ls_png_grid *grid, void **bytes, size_t *count,
                                  struct ls_error *error) {
    struct picture picture;
    *bytes = NULL;
    enum ls_status status = check(name, grid, error);
    if (status == LS_OK)
        status = begin(&picture, name, grid, error);
    if (status != LS_OK)
        return status;
    for (int64_t i = 0; i < grid->count; i++)
        put(&picture, grid, i, images + i * grid->height * grid->width * grid->channels);
    status = encode(&picture, grid->channels, name, bytes, count, error);
    free(picture.bytes);
    return status;
}

enum ls_status ls_png_write_grid(const char *path, const float *images,
                                 const struct ls_png_grid *grid, struct ls_error *error) {
    void *bytes;
    size_t count;
    enum ls_status status = ls_png_encode_grid(path, images, grid, &bytes, &count, error);
    if (status == LS_OK)
        status = ls_file_write(path, bytes, count, error);
    free(bytes);
    return status;
}
