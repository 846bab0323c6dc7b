/* FOLDER/METHOD.png of the first images or maps, and FOLDER/METHOD.svg of these and of texts with
 * what they are (sheet.c). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/png.h"
#include "launcher/explain/sheet.h"

enum { PICTURES_MAX = 64, PICTURES_OF_A_ROW = 8 };

struct ls_explain_pictures {
    struct ls_subject *subject; /* borrowed */
    struct ls_shape shape;      /* of an image; rank 0: texts */
    int64_t width;              /* of a row of the first result */
    int64_t shown;              /* rows that are kept */
    float *kept;                /* [PICTURES_MAX][width] owned, as the next */
    float *outputs;
    int32_t *predicted;
};

/* Of attributions of images, and of what a method says may be looked at. */
static struct ls_shape find_images(const struct ls_result *result) {
    struct ls_shape shape = result->row_shape;
    if (shape.rank == 2 && result->picture)
        shape = LS_SHAPE(shape.dims[0], shape.dims[1], 1);
    const bool image = shape.rank == 3 && (shape.dims[2] == 1 || shape.dims[2] == 3);
    return image && (result->picture || !strcmp(result->name, "attributions"))
               ? shape
               : (struct ls_shape){0};
}

struct ls_explain_pictures *ls_explain_pictures_create(struct ls_subject *subject) {
    const struct ls_result *result = &subject->results.items[0];
    const struct ls_shape shape = find_images(result);
    const bool texts = subject->explainer.tokens && !strcmp(result->name, "attributions");
    if (!shape.rank && !texts)
        return NULL;
    struct ls_explain_pictures *pictures = ls_calloc(1, sizeof *pictures);
    pictures->subject = subject;
    pictures->shape = shape;
    pictures->width = ls_shape_count(result->row_shape);
    pictures->kept = ls_calloc((size_t)(PICTURES_MAX * pictures->width), sizeof *pictures->kept);
    pictures->outputs = ls_calloc(PICTURES_MAX, sizeof *pictures->outputs);
    pictures->predicted = ls_calloc(PICTURES_MAX, sizeof *pictures->predicted);
    return pictures;
}

void ls_explain_pictures_destroy(struct ls_explain_pictures *pictures) {
    if (!pictures)
        return;
    free(pictures->kept);
    free(pictures->outputs);
    free(pictures->predicted);
    free(pictures);
}

void ls_explain_pictures_keep(struct ls_explain_pictures *pictures, char *const *arrays,
                              int64_t rows) {
    const struct ls_subject *subject = pictures->subject;
    const int64_t left = PICTURES_MAX - pictures->shown, more = rows < left ? rows : left;
    memcpy(pictures->kept + pictures->shown * pictures->width, arrays[0],
           (size_t)(more * pictures->width) * sizeof *pictures->kept);
    if (!subject->method->units) {
        const int common = subject->results.count; /* outputs, then what is predicted */
        memcpy(pictures->outputs + pictures->shown, arrays[common],
               (size_t)more * sizeof *pictures->outputs);
        memcpy(pictures->predicted + pictures->shown, arrays[common + 1],
               (size_t)more * sizeof *pictures->predicted);
    }
    pictures->shown += more;
}

void ls_explain_draw_image(const float *image, int64_t pixels, int64_t channels, float *to) {
    float low = image[0], high = image[0];
    for (int64_t i = 0; i < pixels * channels; i++) {
        low = image[i] < low ? image[i] : low;
        high = image[i] > high ? image[i] : high;
    }
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < 3; c++)
            to[3 * p + c] =
                high > low ? (image[p * channels + (channels == 3 ? c : 0)] - low) / (high - low)
                           : 0.0f;
}

/* White is 0, red speaks for the value and blue against it; the strongest is full. */
static void draw_attributions(const float *values, int64_t pixels, int64_t channels, float *to) {
    float most = 0;
    for (int64_t i = 0; i < pixels * channels; i++)
        to[i / channels * 3] = 0;
    for (int64_t i = 0; i < pixels * channels; i++)
        to[i / channels * 3] += values[i];
    for (int64_t p = 0; p < pixels; p++)
        most = fabsf(to[3 * p]) > most ? fabsf(to[3 * p]) : most;
    for (int64_t p = 0; p < pixels; p++) {
        const float share = most > 0 ? to[3 * p] / most : 0, faded = 1 - fabsf(share);
        to[3 * p] = share < 0 ? faded : 1;
        to[3 * p + 1] = faded;
        to[3 * p + 2] = share > 0 ? faded : 1;
    }
}

/* Samples stand beside what explains them; what may be looked at by itself, alone. */
static float *draw_tiles(const struct ls_explain_pictures *p, int64_t each, const float *inputs) {
    const int64_t pixels = p->shape.dims[0] * p->shape.dims[1], channels = p->shape.dims[2];
    float *tiles = ls_calloc((size_t)(each * p->shown * pixels * 3), sizeof *tiles);
    for (int64_t n = 0; n < p->shown; n++) {
        float *tile = tiles + each * n * pixels * 3;
        ls_explain_draw_image((each == 2 ? inputs : p->kept) + n * p->width, pixels, channels,
                              tile);
        if (each == 2)
            draw_attributions(p->kept + n * p->width, pixels, channels, tile + pixels * 3);
    }
    return tiles;
}

static enum ls_status write_sheet(const struct ls_sheet *sheet, const char *path,
                                  struct ls_error *error) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for %s", path);
    enum ls_status status = ls_sheet_print(sheet, out, error);
    LS_ASSERT(!fclose(out), "no memory for %s", path);
    if (status == LS_OK)
        status = ls_file_write(path, text, size, error);
    free(text);
    return status;
}

enum ls_status ls_explain_pictures_write(const struct ls_explain_pictures *p,
                                         struct ls_error *error) {
    struct ls_subject *subject = p->subject;
    const bool units = subject->method->units != NULL;
    struct ls_sheet sheet = {.subject = subject,
                             .count = p->shown,
                             .each = subject->results.items[0].picture ? 1 : 2,
                             .height = p->shape.dims[0],
                             .width = p->shape.dims[1],
                             .outputs = units ? NULL : p->outputs,
                             .predicted = p->predicted,
                             .values = p->kept,
                             .block = {.rows_max = p->shown}};
    char path[LS_TEXT_MAX + 64];
    enum ls_status status = LS_OK;
    if (!units)
        status = ls_subject_read(subject, &sheet.block, 0, p->shown, error);
    if (status == LS_OK && !units)
        ls_subject_read_labels(subject, &sheet.block, p->shown);
    if (status == LS_OK && p->shape.rank) {
        float *tiles = draw_tiles(p, sheet.each, sheet.block.inputs);
        const struct ls_png_grid grid = {.count = sheet.each * p->shown,
                                         .height = sheet.height,
                                         .width = sheet.width,
                                         .channels = 3,
                                         .high = 1,
                                         .columns = sheet.each * PICTURES_OF_A_ROW,
                                         .border = 1};
        sheet.tiles = tiles;
        status = ls_png_write_grid(ls_explain_path(subject, "png", path), tiles, &grid, error);
        if (status == LS_OK)
            status = write_sheet(&sheet, ls_explain_path(subject, "svg", path), error);
        free(tiles);
    } else if (status == LS_OK)
        status = write_sheet(&sheet, ls_explain_path(subject, "svg", path), error);
    ls_sample_block_clear(&sheet.block);
    return status;
}
