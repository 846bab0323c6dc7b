/* The picture of prototypes: a line for each, what the model's decoder draws of it (where there is
 * one), then the training images that it is nearest to. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/png.h"
#include "launcher/explain/explain.h"

enum { LINES_MAX = 64 };

struct lines_of_images {
    int64_t lines, each; /* prototypes, and images of one */
    int64_t drawn;       /* 1: the decoder's picture comes first */
    struct ls_shape shape;
    const int64_t *nearest; /* [lines][each] */
    const float *pictures;
};

/* Training images in the order of the sheet; places without one stay black. */
static enum ls_status read_images(const struct ls_subject *subject,
                                  const struct lines_of_images *sheet, float *to,
                                  struct ls_error *error) {
    const int64_t width = ls_shape_count(sheet->shape);
    struct ls_subject training = {0};
    enum ls_status status = ls_subject_open_training(subject, &training, error);
    if (status == LS_OK) {
        struct ls_data *data = &training.trained.data;
        const struct ls_feed_use use = {.feed = &data->options[LS_SOURCE_TRAIN][training.feed],
                                        .type = LS_TYPE_REAL};
        for (int64_t i = 0; i < sheet->lines * sheet->each && status == LS_OK; i++) {
            const uint64_t id = (uint64_t)sheet->nearest[i];
            if (sheet->nearest[i] >= 0)
                status = ls_dataset_read(data->parts[LS_SOURCE_TRAIN].dataset, &use, &id, 1,
                                         to + i * width, error);
        }
    }
    ls_subject_close(&training);
    return status;
}

static enum ls_status write(const struct lines_of_images *sheet, const float *images,
                            const char *path, struct ls_error *error) {
    const int64_t pixels = sheet->shape.dims[0] * sheet->shape.dims[1];
    const int64_t channels = sheet->shape.dims[2], width = pixels * channels;
    const int64_t columns = sheet->each + sheet->drawn;
    float *tiles = ls_calloc((size_t)(sheet->lines * columns * pixels * 3), sizeof *tiles);
    for (int64_t k = 0; k < sheet->lines; k++)
        for (int64_t c = 0; c < columns; c++)
            ls_explain_draw_image(c < sheet->drawn
                                      ? sheet->pictures + k * width
                                      : images + (k * sheet->each + c - sheet->drawn) * width,
                                  pixels, channels, tiles + (k * columns + c) * pixels * 3);
    const struct ls_png_grid grid = {.count = sheet->lines * columns,
                                     .height = sheet->shape.dims[0],
                                     .width = sheet->shape.dims[1],
                                     .channels = 3,
                                     .high = 1,
                                     .columns = columns,
                                     .border = 1};
    const enum ls_status status = ls_png_write_grid(path, tiles, &grid, error);
    free(tiles);
    return status;
}

enum ls_status ls_prototypes_write(const struct ls_subject *subject, char *const *arrays,
                                   const char *path, bool *made, struct ls_error *error) {
    const struct ls_results *results = &subject->results;
    const int nearest = ls_results_find(results, "nearest"),
              pictures = ls_results_find(results, "pictures");
    const struct ls_shape shape = subject->trained.data.feeds[subject->feed].shape;
    *made = nearest >= 0 && shape.rank == 3 && (shape.dims[2] == 1 || shape.dims[2] == 3);
    if (!*made)
        return LS_OK;
    const struct ls_shape rows = results->items[nearest].row_shape;
    struct lines_of_images sheet = {.lines = rows.dims[0] < LINES_MAX ? rows.dims[0] : LINES_MAX,
                                    .each = rows.dims[1],
                                    .shape = shape,
                                    .nearest = (const void *)arrays[nearest]};
    if (pictures >= 0 &&
        !memcmp(results->items[pictures].row_shape.dims + 1, shape.dims, 3 * sizeof *shape.dims)) {
        sheet.drawn = 1;
        sheet.pictures = (const void *)arrays[pictures];
    }
    float *images =
        ls_calloc((size_t)(sheet.lines * sheet.each * ls_shape_count(shape)), sizeof *images);
    enum ls_status status = read_images(subject, &sheet, images, error);
    if (status == LS_OK)
        status = write(&sheet, images, path, error);
    free(images);
    return status;
}
