/* Where attention looks: maps of weights, the rollout large and each layer's heads below it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/png.h"
#include "launcher/explain/sheet.h"

enum { OF_A_LINE = (LS_SHEET_WIDTH - 2 * LS_SHEET_MARGIN) / (LS_SHEET_SIDE + LS_SHEET_GAP) };
static const double part_shown = 0.99; /* of the weights is told apart by colours */

/* Maps of a result, [height, width] each; heads 0: it is none, or all of it. */
struct maps {
    int64_t heads, height, width;
};

static struct maps maps_of(const struct ls_result *result) {
    const struct ls_shape row = result->row_shape;
    if (!result->attention)
        return (struct maps){0};
    return row.rank == 2 ? (struct maps){1, row.dims[0], row.dims[1]}
                         : (struct maps){row.dims[0], row.dims[1], row.dims[2]};
}

static int64_t fits(const struct ls_subject *subject) {
    int64_t tiles = 0, numbers = 0;
    for (int i = 0; i < subject->results.count; i++) {
        const struct maps maps = maps_of(&subject->results.items[i]);
        tiles += maps.heads;
        numbers += maps.heads * maps.height * maps.width * 3;
    }
    if (!tiles)
        return 0;
    const int64_t rows = LS_SHEET_ROWS / tiles, most = LS_SHEET_NUMBERS / (numbers + 1);
    const int64_t least = rows < most ? rows : most;
    return least < 1 ? 1 : least;
}

static int compare(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The weight from which on a map is darkest: few are far above the others. */
static float darkest(const float *weights, int64_t count) {
    float *sorted = ls_calloc((size_t)count, sizeof *sorted);
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++)
        if (weights[i] > 0)
            sorted[found++] = weights[i];
    qsort(sorted, (size_t)found, sizeof *sorted, compare);
    const float full = found ? sorted[(int64_t)ceil(part_shown * (double)found) - 1] : 1;
    free(sorted);
    return full;
}

/* White, green, nearly black: by the square root, which shows small weights, too. */
static void colour(const float *weights, int64_t count, float full, float *to) {
    static const float stops[3][3] = {{1, 1, 1}, {0, 0.62f, 0.45f}, {0, 0.12f, 0.1f}};
    for (int64_t i = 0; i < count; i++) {
        const float share = weights[i] > 0 ? sqrtf(fminf(weights[i] / full, 1)) : 0;
        const int from = share >= 0.5f;
        const float on = 2 * share - (float)from;
        for (int c = 0; c < 3; c++)
            to[3 * i + c] = (1 - on) * stops[from][c] + on * stops[from + 1][c];
    }
}

/* A map with its caption below; returns the height of both. */
static enum ls_status print_map(struct ls_sheet *sheet, const float *weights, struct ls_tile tile,
                                const char *name, struct ls_error *error) {
    const int64_t count = tile.height * tile.width;
    const float full = darkest(weights, count);
    float *rgb = ls_calloc((size_t)(3 * count), sizeof *rgb);
    char text[64];
    colour(weights, count, full, rgb);
    tile.rgb = rgb;
    snprintf(text, sizeof text, "%sdarkest %.2g", name, (double)full);
    const enum ls_status status = ls_sheet_tile(sheet, &tile, error);
    ls_sheet_print(sheet, tile.x, sheet->y + ls_tile_height(&tile), tile.side, text);
    free(rgb);
    return status;
}

/* A layer's heads of sample n, side by side. */
static enum ls_status print_heads(struct ls_sheet *sheet, int result, int64_t n,
                                  struct ls_error *error) {
    const struct ls_result *of = &sheet->shown->subject->results.items[result];
    const struct maps maps = maps_of(of);
    const int64_t each = maps.height * maps.width;
    const float *weights =
        (const float *)(const void *)sheet->shown->arrays[result] + n * maps.heads * each;
    const bool large = of->row_shape.rank == 2;
    struct ls_tile tile = {.height = maps.height,
                           .width = maps.width,
                           .side = large ? 2 * LS_SHEET_SIDE + LS_SHEET_GAP : LS_SHEET_SIDE};
    enum ls_status status = LS_OK;
    ls_sheet_print(sheet, LS_SHEET_MARGIN, sheet->y, 0, of->name);
    sheet->y += LS_SHEET_LINE + 4;
    for (int64_t h = 0; h < maps.heads && status == LS_OK; h++) {
        const int64_t place = h % OF_A_LINE;
        char name[32];
        snprintf(name, sizeof name, "head %lld\n", (long long)h);
        tile.x = LS_SHEET_MARGIN + (double)place * (LS_SHEET_SIDE + LS_SHEET_GAP);
        status = print_map(sheet, weights + h * each, tile, maps.heads > 1 ? name : "", error);
        if (place == OF_A_LINE - 1 || h == maps.heads - 1)
            sheet->y +=
                ls_tile_height(&tile) + (maps.heads > 1 ? 2 : 1) * LS_SHEET_LINE + LS_SHEET_GAP;
    }
    return status;
}

/* The first result of all samples, where it is one map of each. */
static enum ls_status write_png(const struct ls_shown *shown, struct ls_error *error) {
    const struct ls_result *result = &shown->subject->results.items[0];
    const struct maps maps = maps_of(result);
    const int64_t each = maps.height * maps.width;
    if (result->row_shape.rank != 2)
        return LS_OK;
    const float *weights = (const void *)shown->arrays[0];
    float *tiles = ls_calloc((size_t)(shown->count * each * 3), sizeof *tiles);
    for (int64_t n = 0; n < shown->count; n++)
        colour(weights + n * each, each, darkest(weights + n * each, each), tiles + n * each * 3);
    const struct ls_png_grid grid = {.count = shown->count,
                                     .height = maps.height,
                                     .width = maps.width,
                                     .channels = 3,
                                     .high = 1,
                                     .columns = OF_A_LINE,
                                     .border = 1};
    char path[LS_TEXT_MAX + 64];
    const enum ls_status status =
        ls_png_write_grid(ls_explain_path(shown->subject, "png", path), tiles, &grid, error);
    free(tiles);
    return status;
}

static enum ls_status draw(struct ls_sheet *sheet, struct ls_error *error) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_subject *subject = shown->subject;
    const int64_t length = ls_shape_count(subject->trained.data.feeds[subject->feed].shape);
    enum ls_status status = write_png(shown, error);
    ls_sheet_open(sheet, shown, false,
                  "A row is a position that looks, from the first at the top on; a column one that "
                  "is looked at, from the first on the left on. Maps: the heads of each layer, by "
                  "its name, and their rollout over all layers, where there is one. Colours: the "
                  "square root of the weight, from 0, white, to the weight that is written below "
                  "the map; darkest, too, is the 1 of 100 above it.");
    for (int64_t n = 0; n < shown->count && status == LS_OK; n++) {
        ls_sheet_title(sheet, n, LS_SHEET_MARGIN, LS_SHEET_WIDTH - 2 * LS_SHEET_MARGIN);
        if (ls_input_kind_of(subject) == LS_INPUT_TEXT)
            ls_sheet_text(sheet, (const int32_t *)shown->block.feeds[subject->input] + n * length,
                          NULL);
        for (int i = 0; i < subject->results.count && status == LS_OK; i++)
            if (subject->results.items[i].attention)
                status = print_heads(sheet, i, n, error);
    }
    return status;
}

const struct ls_picture ls_picture_maps = {.fits = fits, .draw = draw};
