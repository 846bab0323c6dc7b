#include "launcher/explain/sheet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"
#include "io/file.h"
#include "io/png.h"
#include "launcher/chart/markup.h"

static const double letter = 6.4; /* of a caption, on average and a bit more */

void ls_sheet_open(struct ls_sheet *sheet, const struct ls_shown *shown, bool explains,
                   const char *legend) {
    const struct ls_subject *subject = shown->subject;
    char title[LS_TEXT_MAX * 2], explained[LS_TEXT_MAX * 2], part[96] = "";
    ls_names_explained(shown->names, subject, explained, sizeof explained);
    *sheet = (struct ls_sheet){.shown = shown, .explains = explains, .y = LS_SHEET_MARGIN};
    sheet->out = open_memstream(&sheet->text, &sheet->size);
    LS_ASSERT(sheet->out, "no memory for the pictures of %s", subject->method->name);
    if (shown->count < subject->rows && subject->method->layer != LS_LAYER_PROTOTYPES)
        snprintf(part, sizeof part, " The first %" PRId64 " of %" PRId64 " %s.", shown->count,
                 subject->rows, subject->method->units ? "units" : "samples");
    LS_ASSERT(asprintf(&sheet->legend, "%s%s%s%s%s", explains ? "Explained: " : "",
                       explains ? explained : "", explains ? ". " : "", legend, part) >= 0,
              "no memory for the pictures of %s", subject->method->name);
    snprintf(title, sizeof title, "%s of %s, step %" PRIu64, subject->method->name, subject->run,
             subject->trained.run.state.step);
    const double width = LS_SHEET_WIDTH - 2 * LS_SHEET_MARGIN;
    const char *const texts[] = {title, sheet->legend};
    for (int i = 0; i < 2; i++) {
        fprintf(sheet->out, "<g class=\"%s\">\n", i ? "legend" : "head");
        ls_sheet_print(sheet, LS_SHEET_MARGIN, sheet->y, width, texts[i]);
        fputs("</g>\n", sheet->out);
        sheet->y += ls_sheet_lines(texts[i], width) * LS_SHEET_LINE;
    }
    sheet->y += LS_SHEET_GAP;
}

void ls_sheet_clear(struct ls_sheet *sheet) {
    if (sheet->out)
        fclose(sheet->out);
    free(sheet->text);
    free(sheet->legend);
    *sheet = (struct ls_sheet){0};
}

static bool write_page(FILE *out, const void *context) {
    const struct ls_sheet *sheet = context;
    const struct ls_subject *subject = sheet->shown->subject;
    const double height = sheet->y + LS_SHEET_MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" height=\"%.0f\" "
            "viewBox=\"0 0 %d %.0f\">\n<title>",
            LS_SHEET_WIDTH, height, LS_SHEET_WIDTH, height);
    ls_markup_print(out, subject->method->name);
    fputs(" of ", out);
    ls_markup_print(out, subject->run);
    fputs("</title>\n<desc>", out);
    ls_markup_print(out, sheet->legend);
    fputs(
        "</desc>\n<style>text{font:14px monospace;fill:#000;white-space:pre}"
        ".caption{font:12px sans-serif}.small{font:10px sans-serif}.head .caption{font-weight:bold}"
        ".legend .caption{fill:#444}</style>\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"#fff\"/>\n",
        out);
    return fwrite(sheet->text, 1, sheet->size, out) == sheet->size && fputs("</svg>\n", out) >= 0;
}

enum ls_status ls_sheet_write(struct ls_sheet *sheet, const char *path, struct ls_error *error) {
    LS_ASSERT(!fflush(sheet->out), "no memory for %s", path);
    return ls_file_make(path, write_page, sheet, error);
}

static void print_output(FILE *out, const struct ls_shown *shown, int64_t n) {
    const struct ls_subject *subject = shown->subject;
    const int64_t outputs = ls_target_count(&subject->explainer, &subject->target);
    const float *values = (const float *)(const void *)shown->arrays[subject->results.count];
    char which[LS_TEXT_MAX];
    if (subject->target.kind == LS_TARGET_CLASS)
        fprintf(out, ", output %s:", ls_names_number(shown->names, subject->target.class, which));
    else if (outputs > 1)
        fprintf(out, ", mean of %" PRId64 " outputs:", outputs);
    else
        fputs(", output", out);
    fprintf(out, " %.5g", (double)values[n]);
}

static void print_sample(FILE *out, const struct ls_sheet *sheet, int64_t n) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_subject *subject = shown->subject;
    const struct ls_target *target = &subject->target;
    const int64_t positions = ls_subject_positions(subject);
    const int32_t *labels = shown->block.labels;
    char number[32];
    fprintf(out, "row %" PRIu64, shown->block.ids[n]);
    if (!target->classifies) {
        print_output(out, shown, n);
        return;
    }
    const int32_t predicted =
        ((const int32_t *)(const void *)shown->arrays[subject->results.count + 1])[n];
    const int64_t explained = target->kind == LS_TARGET_CLASS             ? target->class
                              : target->kind == LS_TARGET_LABEL && labels ? labels[n]
                                                                          : predicted;
    if (labels)
        fprintf(out, ", label %s", ls_names_class(shown->names, labels[n], number));
    fprintf(out, ", predicted %s", ls_names_class(shown->names, predicted, number));
    if (sheet->explains && explained != predicted)
        fprintf(out, ", explained %s", ls_names_class(shown->names, explained, number));
    if (positions > 1)
        fprintf(out, ", at position %" PRId64, ls_target_position(target, n, positions));
}

char *ls_sheet_name(const struct ls_sheet *sheet, int64_t n) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_subject *subject = shown->subject;
    char *text = NULL, number[32];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for the pictures of %s", subject->method->name);
    if (!subject->method->units)
        print_sample(out, sheet, n);
    else if (subject->layer[0])
        fprintf(out, "unit %" PRId64, subject->unit + n);
    else
        fprintf(out, "%s %s", subject->target.classifies ? "class" : "output",
                ls_names_class(shown->names, subject->unit + n, number));
    LS_ASSERT(!fclose(out), "no memory for the pictures of %s", subject->method->name);
    return text;
}

/* Bytes of the first line; *next: where the one behind it begins. */
static size_t first_line(const char *text, double width, const char **next) {
    const unsigned char *at = (const unsigned char *)text;
    size_t blank = 0;
    double place = 0;
    for (size_t left = strlen(text), length; left && *at != '\n'; at += length, left -= length) {
        length = ls_utf8_length(at, left);
        length = length ? length : 1;
        const size_t used = (size_t)(at - (const unsigned char *)text);
        if (*at == ' ')
            blank = used;
        if ((place += letter) <= width || width <= 0 || !used)
            continue;
        *next = text + (blank ? blank + 1 : used);
        return blank ? blank : used;
    }
    const size_t used = (size_t)(at - (const unsigned char *)text);
    *next = text + used + (*at == '\n');
    return used;
}

int ls_sheet_lines(const char *text, double width) {
    int count = 0;
    for (; *text; count++)
        first_line(text, width, &text);
    return count;
}

void ls_sheet_print(struct ls_sheet *sheet, double x, double y, double width, const char *text) {
    fprintf(sheet->out, "<text class=\"caption\" x=\"%.1f\" y=\"%.1f\">", x, y + 13);
    for (int n = 0; *text; n++) {
        const char *next;
        const size_t length = first_line(text, width, &next);
        char *line = ls_calloc(length + 2, 1);
        memcpy(line, text, length);
        if (*next && next[-1] == ' ') /* it is read and copied as one text */
            line[length] = ' ';
        if (n)
            fprintf(sheet->out, "<tspan x=\"%.1f\" dy=\"%d\">", x, LS_SHEET_LINE);
        ls_markup_print(sheet->out, line);
        if (n)
            fputs("</tspan>", sheet->out);
        free(line);
        text = next;
    }
    fputs("</text>\n", sheet->out);
}

void ls_sheet_title(struct ls_sheet *sheet, int64_t n, double x, double width) {
    char *name = ls_sheet_name(sheet, n), *text;
    const bool silent = sheet->explains && ls_shown_silent(sheet->shown, n);
    LS_ASSERT(asprintf(&text, "%s%s%s", name, silent ? ": " : "", silent ? ls_silent_words : "") >=
                  0,
              "no memory for the pictures of %s", name);
    ls_sheet_print(sheet, x, sheet->y, width, text);
    sheet->y += ls_sheet_lines(text, width) * LS_SHEET_LINE + 4;
    free(name);
    free(text);
}

double ls_tile_scale(const struct ls_tile *tile) {
    return tile->side / (double)(tile->height > tile->width ? tile->height : tile->width);
}

double ls_tile_height(const struct ls_tile *tile) {
    return (double)tile->height * ls_tile_scale(tile);
}

enum ls_status ls_sheet_tile(struct ls_sheet *sheet, const struct ls_tile *tile,
                             struct ls_error *error) {
    const struct ls_png_grid grid = {
        .count = 1, .height = tile->height, .width = tile->width, .channels = 3, .high = 1};
    void *bytes = NULL;
    size_t count = 0;
    const enum ls_status status =
        ls_png_encode_grid("a picture", tile->rgb, &grid, &bytes, &count, error);
    if (status != LS_OK)
        return status;
    fprintf(sheet->out,
            "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "style=\"image-rendering:pixelated\" href=\"data:image/png;base64,",
            tile->x, sheet->y, (double)tile->width * ls_tile_scale(tile), ls_tile_height(tile));
    ls_markup_base64(sheet->out, bytes, count);
    fputs("\"/>\n", sheet->out);
    free(bytes);
    return LS_OK;
}
