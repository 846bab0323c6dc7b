/* Images beside what explains them, and images that a method makes, one for each unit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/png.h"
#include "launcher/explain/sheet.h"

enum { PICTURES_OF_A_ROW = 8, CELL_MIN = 228 };

/* Of attributions of images, and of what a method says may be looked at. Rank 0: neither. */
static struct ls_shape find_images(const struct ls_subject *subject) {
    const struct ls_result *result = &subject->results.items[0];
    const bool attributions = !strcmp(result->name, "attributions") &&
                              ls_input_kind_of(subject) == LS_INPUT_IMAGE &&
                              !subject->method->units;
    return result->picture || attributions ? ls_image_shape(result->row_shape)
                                           : (struct ls_shape){0};
}

static int64_t tiles_of(const struct ls_subject *subject) {
    return subject->results.items[0].picture ? 1 : 2;
}

static int64_t fits(const struct ls_subject *subject) {
    const struct ls_shape shape = find_images(subject);
    if (!shape.rank || ls_series_shape(subject).rank)
        return 0;
    const int64_t rows = LS_SHEET_NUMBERS / (tiles_of(subject) * ls_shape_count(shape) * 3 + 1);
    return rows < 1 ? 1 : rows < LS_SHEET_ROWS ? rows : LS_SHEET_ROWS;
}

void ls_tile_image(const float *image, int64_t pixels, int64_t channels, float *to) {
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
static float *draw_tiles(const struct ls_shown *shown, struct ls_shape shape, int64_t each) {
    const int64_t pixels = shape.dims[0] * shape.dims[1], channels = shape.dims[2];
    const int64_t width = pixels * channels;
    const float *kept = (const void *)shown->arrays[0];
    float *tiles = ls_calloc((size_t)(each * shown->count * pixels * 3), sizeof *tiles);
    for (int64_t n = 0; n < shown->count; n++) {
        float *tile = tiles + each * n * pixels * 3;
        ls_tile_image((each == 2 ? shown->block.inputs : kept) + n * width, pixels, channels, tile);
        if (each == 2)
            draw_attributions(kept + n * width, pixels, channels, tile + pixels * 3);
    }
    return tiles;
}

/* One sample or unit, whose first tile is this. */
static enum ls_status print_cell(struct ls_sheet *sheet, int64_t n, struct ls_tile tile,
                                 int64_t each, struct ls_error *error) {
    const double left = tile.x, step = (double)tile.width * ls_tile_scale(&tile) + LS_SHEET_GAP;
    for (int64_t k = 0; k < each; k++) {
        const enum ls_status status = ls_sheet_tile(sheet, &tile, error);
        if (status != LS_OK)
            return status;
        tile.rgb += tile.height * tile.width * 3;
        tile.x = left + step * (double)(k + 1);
    }
    if (each == 2 && ls_shown_silent(sheet->shown, n))
        ls_sheet_print(sheet, left + step + 4, sheet->y + 4, step - LS_SHEET_GAP - 8,
                       ls_silent_words);
    return LS_OK;
}

/* Cells side by side: tiles above their captions, which take the room of the highest of a line. */
static enum ls_status print_images(struct ls_sheet *sheet, const float *tiles,
                                   struct ls_shape shape, int64_t each, struct ls_error *error) {
    const int64_t count = sheet->shown->count, numbers = shape.dims[0] * shape.dims[1] * 3;
    struct ls_tile tile = {.height = shape.dims[0], .width = shape.dims[1], .side = LS_SHEET_SIDE};
    const double whole =
        (double)each * ((double)tile.width * ls_tile_scale(&tile) + LS_SHEET_GAP) + LS_SHEET_GAP;
    const double cell = whole > CELL_MIN ? whole : CELL_MIN;
    const int64_t columns = (int64_t)((LS_SHEET_WIDTH - LS_SHEET_MARGIN) / cell);
    enum ls_status status = LS_OK;
    for (int64_t n = 0; n < count && status == LS_OK; n += columns) {
        int lines = 0;
        for (int64_t c = 0; c < columns && n + c < count && status == LS_OK; c++) {
            char *name = ls_sheet_name(sheet, n + c);
            const int more = ls_sheet_lines(name, cell - LS_SHEET_GAP);
            tile.x = LS_SHEET_MARGIN + (double)c * cell;
            tile.rgb = tiles + (n + c) * each * numbers;
            ls_sheet_print(sheet, tile.x, sheet->y + ls_tile_height(&tile), cell - LS_SHEET_GAP,
                           name);
            lines = more > lines ? more : lines;
            status = print_cell(sheet, n + c, tile, each, error);
            free(name);
        }
        sheet->y += ls_tile_height(&tile) + lines * LS_SHEET_LINE + LS_SHEET_GAP;
    }
    return status;
}

static enum ls_status draw(struct ls_sheet *sheet, struct ls_error *error) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_shape shape = find_images(shown->subject);
    const int64_t each = tiles_of(shown->subject);
    float *tiles = draw_tiles(shown, shape, each);
    const struct ls_png_grid grid = {.count = each * shown->count,
                                     .height = shape.dims[0],
                                     .width = shape.dims[1],
                                     .channels = 3,
                                     .high = 1,
                                     .columns = each * PICTURES_OF_A_ROW,
                                     .border = 1};
    char path[LS_TEXT_MAX + 64];
    ls_sheet_open(sheet, shown, each == 2,
                  each == 2
                      ? "Red speaks for the explained value, blue against it, white does neither; "
                        "the strongest of a sample is full."
                      : "Each from its least value, black, to its greatest, white.");
    enum ls_status status =
        ls_png_write_grid(ls_explain_path(shown->subject, "png", path), tiles, &grid, error);
    if (status == LS_OK)
        status = print_images(sheet, tiles, shape, each, error);
    free(tiles);
    return status;
}

const struct ls_picture ls_picture_images = {.fits = fits, .draw = draw};
