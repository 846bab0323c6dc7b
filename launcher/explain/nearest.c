/* Samples, or prototypes with what the model's decoder draws of them, each beside the training
 * samples that are nearest. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/png.h"
#include "launcher/explain/sheet.h"

enum { FEW = 7, APART = 12, COLUMNS = 2 };

/* Lines of a sample or a prototype and of `few` training samples, of the `each` that were found. */
struct lines {
    enum ls_input_kind kind;
    bool prototypes;
    int64_t count, each, few;
    const int64_t *ids; /* [count][each] -1: there are no more; borrowed, as the next */
    const float *distances;
    const int32_t *classes;       /* of the training samples; NULL: see the block */
    const float *drawn;           /* [count] images of prototypes; NULL: none */
    struct ls_shape image;        /* of kind LS_INPUT_IMAGE */
    struct ls_sample_block block; /* [count * few] training samples; owned */
};

/* The place of the training samples in the results; -1: the method finds none. */
static int find_nearest(const struct ls_subject *subject, bool *prototypes) {
    const int found = ls_results_find(&subject->results, "neighbours");
    *prototypes = found < 0;
    return found < 0 ? ls_results_find(&subject->results, "nearest") : found;
}

static int64_t few_of(int64_t each) {
    return each < FEW ? each : FEW;
}

static int64_t fits(const struct ls_subject *subject) {
    bool prototypes;
    const int at = find_nearest(subject, &prototypes);
    if (at < 0 || ls_input_kind_of(subject) == LS_INPUT_OTHER)
        return 0;
    if (prototypes)
        return 1; /* they are no rows */
    const int64_t tiles = 1 + few_of(ls_shape_last(subject->results.items[at].row_shape));
    const int64_t numbers = ls_shape_count(subject->trained.data.feeds[subject->feed].shape);
    const int64_t rows = LS_SHEET_TILES / tiles, most = LS_SHEET_NUMBERS / (3 * tiles * numbers);
    const int64_t least = rows < most ? rows : most;
    return least < 1 ? 1 : least;
}

static struct lines lines_of(const struct ls_shown *shown) {
    const struct ls_subject *subject = shown->subject;
    const struct ls_results *results = &subject->results;
    struct lines lines = {.kind = ls_input_kind_of(subject)};
    const int at = find_nearest(subject, &lines.prototypes);
    const int classes = ls_results_find(results, "nearest_classes");
    const int drawn = ls_results_find(results, "pictures");
    const int distances =
        ls_results_find(results, lines.prototypes ? "nearest_distances" : "distances");
    const struct ls_shape shape = subject->trained.data.feeds[subject->feed].shape;
    lines.count = lines.prototypes ? results->items[at].row_shape.dims[0] : shown->count;
    lines.count = lines.count < LS_SHEET_ROWS ? lines.count : LS_SHEET_ROWS;
    lines.each = ls_shape_last(results->items[at].row_shape);
    lines.few = few_of(lines.each);
    lines.ids = (const void *)shown->arrays[at];
    lines.distances = (const void *)shown->arrays[distances];
    lines.classes = classes >= 0 ? (const void *)shown->arrays[classes] : NULL;
    if (lines.kind == LS_INPUT_IMAGE)
        lines.image = ls_image_shape(shape);
    if (drawn >= 0 && lines.image.rank &&
        !memcmp(results->items[drawn].row_shape.dims + 1, lines.image.dims,
                3 * sizeof *lines.image.dims))
        lines.drawn = (const void *)shown->arrays[drawn];
    return lines;
}

/* The training samples with their labels, where they have some; a place without one has any. */
static enum ls_status read_training(struct lines *lines, const struct ls_subject *subject,
                                    struct ls_error *error) {
    struct ls_subject training = {0};
    const int64_t rows = lines->count * lines->few;
    uint64_t *ids = ls_calloc((size_t)rows, sizeof *ids);
    for (int64_t i = 0; i < rows; i++) {
        const int64_t id = lines->ids[i / lines->few * lines->each + i % lines->few];
        ids[i] = id < 0 ? 0 : (uint64_t)id;
    }
    lines->block.rows_max = rows;
    enum ls_status status = ls_subject_open_training(subject, &training, error);
    if (status == LS_OK)
        status = ls_subject_read_rows(&training, &lines->block, ids, rows, error);
    if (status == LS_OK && !lines->classes)
        ls_subject_read_labels(&training, &lines->block, rows);
    ls_subject_close(&training);
    free(ids);
    return status;
}

/* What the training sample is: by itself in a narrow column, where lines end between its parts.
 * Owned by the caller. */
static char *name_near(const struct ls_sheet *sheet, const struct lines *lines, int64_t line,
                       int64_t i) {
    const int64_t at = line * lines->each + i;
    const int32_t *labels = lines->block.labels;
    const char *apart = lines->kind == LS_INPUT_IMAGE ? "\n" : ", ";
    char number[32], class[LS_TEXT_MAX] = "";
    char *text;
    if (lines->classes || labels)
        snprintf(class, sizeof class, "%slabel %.200s", apart,
                 ls_names_class(sheet->shown->names,
                                lines->classes ? lines->classes[at] : labels[line * lines->few + i],
                                number));
    LS_ASSERT(asprintf(&text, "training %" PRId64 "%s%sdistance %.4g", lines->ids[at], class, apart,
                       (double)lines->distances[at]) >= 0,
              "no memory for the pictures of row %" PRId64, line);
    return text;
}

/* "prototype 3", or what the sample is; owned by the caller. */
static char *name_line(const struct ls_sheet *sheet, const struct lines *lines, int64_t line) {
    char text[32];
    snprintf(text, sizeof text, "prototype %" PRId64, line);
    return lines->prototypes ? ls_strdup(text) : ls_sheet_name(sheet, line);
}

/* The i-th of a line, the sample or prototype being -1; NULL: there is no such. */
static const float *input_of(const struct ls_sheet *sheet, const struct lines *lines, int64_t line,
                             int64_t i) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_subject *subject = shown->subject;
    const int64_t width = ls_shape_count(subject->trained.data.feeds[subject->feed].shape);
    const float *near = lines->block.feeds[subject->input],
                *own = shown->block.feeds[subject->input];
    if (i >= 0)
        return lines->ids[line * lines->each + i] < 0 ? NULL
                                                      : near + (line * lines->few + i) * width;
    return lines->prototypes ? lines->drawn ? lines->drawn + line * width : NULL
                             : own + line * width;
}

/* Tiles of a line: without a decoder a prototype has none of its own. */
static int64_t columns_of(const struct lines *lines) {
    return lines->few + (!lines->prototypes || lines->drawn);
}

/* Of images, a line on the sheet: the tiles with their captions below. */
static enum ls_status print_images(struct ls_sheet *sheet, const struct lines *lines, int64_t line,
                                   const float *tiles, struct ls_error *error) {
    const int64_t numbers = lines->image.dims[0] * lines->image.dims[1] * 3;
    struct ls_tile tile = {
        .height = lines->image.dims[0], .width = lines->image.dims[1], .side = LS_SHEET_SIDE};
    enum ls_status status = LS_OK;
    int most = 0;
    for (int64_t i = -1; i < lines->few && status == LS_OK; i++) {
        const bool there = input_of(sheet, lines, line, i) != NULL;
        if (!there && i >= 0)
            continue;
        char *name = i < 0 ? name_line(sheet, lines, line) : name_near(sheet, lines, line, i);
        const int count = ls_sheet_lines(name, LS_SHEET_SIDE);
        tile.x = LS_SHEET_MARGIN + (double)(i + 1) * (LS_SHEET_SIDE + LS_SHEET_GAP) +
                 (i < 0 ? 0 : APART);
        tile.rgb = tiles + ((line + 1) * columns_of(lines) - lines->few + i) * numbers;
        ls_sheet_print(sheet, tile.x, sheet->y + ls_tile_height(&tile), LS_SHEET_SIDE, name);
        if (there)
            status = ls_sheet_tile(sheet, &tile, error);
        most = count > most ? count : most;
        free(name);
    }
    sheet->y += ls_tile_height(&tile) + most * LS_SHEET_LINE + LS_SHEET_GAP;
    return status;
}

/* Places without an image stay black. */
static float *draw_tiles(const struct ls_sheet *sheet, const struct lines *lines) {
    const int64_t pixels = lines->image.dims[0] * lines->image.dims[1];
    const int64_t columns = columns_of(lines);
    float *tiles = ls_calloc((size_t)(lines->count * columns * pixels * 3), sizeof *tiles);
    for (int64_t k = 0; k < lines->count * columns; k++) {
        const float *image =
            input_of(sheet, lines, k / columns, k % columns - (columns - lines->few));
        if (image)
            ls_tile_image(image, pixels, lines->image.dims[2], tiles + k * pixels * 3);
    }
    return tiles;
}

static enum ls_status draw_images(struct ls_sheet *sheet, const struct lines *lines,
                                  struct ls_error *error) {
    float *tiles = draw_tiles(sheet, lines);
    const struct ls_png_grid grid = {.count = lines->count * columns_of(lines),
                                     .height = lines->image.dims[0],
                                     .width = lines->image.dims[1],
                                     .channels = 3,
                                     .high = 1,
                                     .columns = columns_of(lines),
                                     .border = 1};
    char path[LS_TEXT_MAX + 64];
    enum ls_status status =
        ls_png_write_grid(ls_explain_path(sheet->shown->subject, "png", path), tiles, &grid, error);
    for (int64_t n = 0; n < lines->count && status == LS_OK; n++)
        status = print_images(sheet, lines, n, tiles, error);
    free(tiles);
    return status;
}

/* Of texts and series: one below the other, or two side by side. */
static void print_others(struct ls_sheet *sheet, const struct lines *lines, int64_t line) {
    const struct ls_subject *subject = sheet->shown->subject;
    const struct ls_shape shape = subject->trained.data.feeds[subject->feed].shape;
    const bool text = lines->kind == LS_INPUT_TEXT;
    const double cell = (LS_SHEET_WIDTH - LS_SHEET_MARGIN) / COLUMNS;
    double top = sheet->y, bottom = top;
    for (int64_t i = -1, place = 0; i < lines->few; i++) {
        const float *input = input_of(sheet, lines, line, i);
        if (!input && i >= 0)
            continue;
        char *name = i < 0 ? name_line(sheet, lines, line) : name_near(sheet, lines, line, i);
        const double x = LS_SHEET_MARGIN + (text ? 0 : (double)(place % COLUMNS) * cell);
        const struct ls_curves curves = {.shape = shape,
                                         .values = input,
                                         .few = ls_series_few(ls_shape_last(shape)),
                                         .x = x,
                                         .width = cell - LS_SHEET_MARGIN};
        if (text || place % COLUMNS == 0)
            top = bottom;
        sheet->y = top;
        ls_sheet_print(sheet, x, top, text ? 0 : curves.width, name);
        sheet->y += ls_sheet_lines(name, text ? 0 : curves.width) * LS_SHEET_LINE + 4;
        if (input && text)
            ls_sheet_text(sheet, (const void *)input, NULL);
        else if (input)
            ls_sheet_curves(sheet, &curves);
        bottom = fmax(bottom, sheet->y);
        place++;
        free(name);
    }
    sheet->y = bottom + LS_SHEET_GAP;
}

static enum ls_status draw(struct ls_sheet *sheet, struct ls_error *error) {
    const struct ls_shown *shown = sheet->shown;
    struct lines lines = lines_of(shown);
    char legend[LS_TEXT_MAX], part[64] = "";
    if (lines.few < lines.each)
        snprintf(part, sizeof part, ", the first %" PRId64 " of %" PRId64, lines.few, lines.each);
    snprintf(legend, sizeof legend,
             "Each %s, then the training samples, by their rows, that are nearest to it%s, by the "
             "Euclidean distance of the values of %.200s.",
             !lines.prototypes ? "sample"
             : lines.drawn     ? "prototype as the model draws it"
                               : "prototype",
             part, lines.prototypes ? shown->subject->cut : shown->subject->layer);
    ls_sheet_open(sheet, shown, false, legend);
    enum ls_status status = read_training(&lines, shown->subject, error);
    if (status == LS_OK && lines.kind == LS_INPUT_IMAGE)
        status = draw_images(sheet, &lines, error);
    for (int64_t n = 0; n < lines.count && status == LS_OK && lines.kind != LS_INPUT_IMAGE; n++)
        print_others(sheet, &lines, n);
    ls_sample_block_clear(&lines.block);
    return status;
}

const struct ls_picture ls_picture_nearest = {.fits = fits, .draw = draw};
