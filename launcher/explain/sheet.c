#include "launcher/explain/sheet.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"
#include "io/file.h"
#include "io/png.h"
#include "io/vocabulary.h"
#include "launcher/chart/markup.h"

/* In units of the picture. */
enum { WIDTH = 960, MARGIN = 12, SIDE = 104, GAP = 8, CELL_MIN = 228, LINE = 24, CAPTION = 18 };
static const double letter = 8.4; /* of a monospaced letter of 14 */

struct page {
    const struct ls_sheet *sheet;
    FILE *out;
    struct ls_vocabulary words, classes; /* of the inputs and of the targets; empty: none */
    double y;
};

/* The run's words of a column; none: an empty vocabulary. */
static void load_words(const struct ls_subject *subject, const char *column,
                       struct ls_vocabulary *words) {
    char path[LS_TEXT_MAX];
    struct ls_error ignored;
    bool found = false;
    *words = (struct ls_vocabulary){0};
    if (!ls_file_exists(ls_vocabulary_path(subject->run, path)))
        return;
    if (ls_vocabularies_load(words, path, column, &found, &ignored) == LS_OK && !found)
        (void)!ls_vocabularies_load(words, path, NULL, &found, &ignored);
}

/* A class as the data has it, a token's text, or its number. */
static const char *name_class(const struct page *page, int32_t k, char number[32]) {
    const struct ls_subject *subject = page->sheet->subject;
    const struct ls_schema_column *known = ls_schema_classes(&subject->trained.data.schema);
    const int64_t count = ls_target_count(&subject->explainer, &subject->target);
    if (known && k >= 0 && k < known->word_count)
        return known->words[k];
    if (page->classes.count == count && k >= 0 && k < count)
        return !strcmp(page->classes.texts[k], "\n")  ? "end of line"
               : !strcmp(page->classes.texts[k], " ") ? "blank"
                                                      : page->classes.texts[k];
    snprintf(number, 32, "%d", k);
    return number;
}

/* What sample or unit n is, in one line. */
static void print_caption(const struct page *page, int64_t n) {
    const struct ls_sheet *sheet = page->sheet;
    char number[32];
    if (!sheet->outputs) {
        fprintf(page->out, "%" PRId64, n);
        return;
    }
    fprintf(page->out, "row %" PRIu64, sheet->block.ids[n]);
    if (!sheet->subject->target.classifies) {
        fprintf(page->out, ", output %.5g", (double)sheet->outputs[n]);
        return;
    }
    if (sheet->block.labels) {
        fputs(", label ", page->out);
        ls_markup_print(page->out, name_class(page, sheet->block.labels[n], number));
    }
    fputs(", predicted ", page->out);
    ls_markup_print(page->out, name_class(page, sheet->predicted[n], number));
}

static enum ls_status print_tiles(const struct page *page, int64_t n, double x, double scale,
                                  struct ls_error *error) {
    const struct ls_sheet *sheet = page->sheet;
    const int64_t numbers = sheet->height * sheet->width * 3;
    for (int64_t k = 0; k < sheet->each; k++) {
        const struct ls_png_grid grid = {
            .count = 1, .height = sheet->height, .width = sheet->width, .channels = 3, .high = 1};
        void *bytes = NULL;
        size_t count = 0;
        const enum ls_status status =
            ls_png_encode_grid("a picture", sheet->tiles + (n * sheet->each + k) * numbers, &grid,
                               &bytes, &count, error);
        if (status != LS_OK)
            return status;
        fprintf(page->out,
                "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                "style=\"image-rendering:pixelated\" href=\"data:image/png;base64,",
                x + (double)k * ((double)sheet->width * scale + GAP), page->y,
                (double)sheet->width * scale, (double)sheet->height * scale);
        ls_markup_base64(page->out, bytes, count);
        fputs("\"/>\n", page->out);
        free(bytes);
    }
    return LS_OK;
}

/* Cells side by side: tiles above their caption. */
static enum ls_status print_images(struct page *page, struct ls_error *error) {
    const struct ls_sheet *sheet = page->sheet;
    const int64_t side = sheet->height > sheet->width ? sheet->height : sheet->width;
    const double scale = (double)SIDE / (double)side;
    const double tiles = (double)sheet->each * ((double)sheet->width * scale + GAP);
    const double cell = tiles + GAP > CELL_MIN ? tiles + GAP : CELL_MIN;
    const int64_t columns = (int64_t)((WIDTH - MARGIN) / cell);
    for (int64_t n = 0; n < sheet->count; n++) {
        const double x = MARGIN + (double)(n % columns) * cell;
        if (n % columns == 0 && n > 0)
            page->y += (double)sheet->height * scale + CAPTION + GAP;
        const enum ls_status status = print_tiles(page, n, x, scale, error);
        if (status != LS_OK)
            return status;
        fprintf(page->out, "<text class=\"caption\" x=\"%.1f\" y=\"%.1f\">", x,
                page->y + (double)sheet->height * scale + 13);
        print_caption(page, n);
        fputs("</text>\n", page->out);
    }
    page->y += (double)sheet->height * scale + CAPTION + GAP;
    return LS_OK;
}

static int64_t letters_of(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    int64_t count = 0;
    for (size_t left = strlen(text), length; left; at += length, left -= length, count++) {
        length = ls_utf8_length(at, left);
        length = length ? length : 1;
    }
    return count;
}

/* As it is shown: what cannot be seen has a sign. */
static const char *text_of(const struct page *page, int32_t token, char number[32]) {
    if (token < 0 || token >= page->words.count) {
        snprintf(number, 32, "%d", token);
        return number;
    }
    const char *text = page->words.texts[token];
    return !strcmp(text, "\n")              ? "\xE2\x86\xB5"
           : !strcmp(text, "\t")            ? "\xE2\x86\xA6"
           : !strcmp(text, " ") || !text[0] ? "\xC2\xA0"
                                            : text;
}

/* Black on white to black on red or blue that still lets it be read. */
static void print_token(const struct page *page, double x, const char *text, double value,
                        double share) {
    const int faded = (int)(255 - 140 * fabs(share) + 0.5);
    const double width = (double)letters_of(text) * letter;
    fprintf(page->out,
            "<g><title>%.4g</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
            "fill=\"#%02x%02x%02x\"/><text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\" "
            "lengthAdjust=\"spacingAndGlyphs\">",
            value, x, page->y, width + 1, LINE - 3, share < 0 ? faded : 255, faded,
            share > 0 ? faded : 255, x + 0.5, page->y + 15, width);
    ls_markup_print(page->out, text);
    fputs("</text></g>\n", page->out);
}

/* Tokens without the padding behind them. */
static int64_t tokens_of(const struct page *page, const int32_t *tokens, int64_t count) {
    while (page->words.special && count > 1 && tokens[count - 1] == LS_TOKEN_PADDING)
        count--;
    return count;
}

static void print_text(struct page *page, int64_t n) {
    const struct ls_sheet *sheet = page->sheet;
    const struct ls_subject *subject = sheet->subject;
    const int64_t length = ls_shape_count(ls_explainer_shape(&subject->explainer));
    const int32_t *tokens = (const int32_t *)sheet->block.feeds[subject->input] + n * length;
    const float *values = sheet->values + n * length;
    const int64_t count = tokens_of(page, tokens, length);
    const bool apart =
        page->words.unit == LS_UNIT_WORD || page->words.unit == LS_UNIT_PIECE || !page->words.count;
    double most = 0, x = MARGIN;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)values[i]));
    fprintf(page->out, "<text class=\"caption\" x=\"%d\" y=\"%.1f\">", MARGIN, page->y + 13);
    print_caption(page, n);
    fputs("</text>\n", page->out);
    page->y += CAPTION;
    for (int64_t i = 0; i < count; i++) {
        char number[32];
        const char *text = text_of(page, tokens[i], number);
        const double width = (double)letters_of(text) * letter + 1 + (apart ? 5 : 0);
        const bool ends = tokens[i] >= 0 && tokens[i] < page->words.count &&
                          !strcmp(page->words.texts[tokens[i]], "\n");
        if (x + width > WIDTH - MARGIN && x > MARGIN) {
            x = MARGIN;
            page->y += LINE;
        }
        print_token(page, x, text, (double)values[i], most > 0 ? (double)values[i] / most : 0);
        x = ends ? WIDTH : x + width; /* a line of the text is one of the picture */
    }
    page->y += LINE + GAP;
}

static void print_head(const struct page *page, double height) {
    const struct ls_subject *subject = page->sheet->subject;
    fprintf(page->out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" height=\"%.0f\" "
            "viewBox=\"0 0 %d %.0f\">\n<title>",
            WIDTH, height, WIDTH, height);
    ls_markup_print(page->out, subject->method->name);
    fputs(" of ", page->out);
    ls_markup_print(page->out, subject->run);
    fputs("</title>\n<desc>Red speaks for the explained value, blue against it; the strongest of a "
          "sample is full.</desc>\n<style>text{font:14px monospace;fill:#000;white-space:pre}"
          ".caption{font:12px sans-serif}</style>\n<rect width=\"100%\" height=\"100%\" "
          "fill=\"#fff\"/>\n",
          page->out);
}

enum ls_status ls_sheet_print(const struct ls_sheet *sheet, FILE *out, struct ls_error *error) {
    const struct ls_subject *subject = sheet->subject;
    const struct ls_data *data = &subject->trained.data;
    const struct ls_feed *targets = ls_data_feed(data, "targets");
    const struct ls_feed_options *options = data->options[subject->role];
    struct page page = {.sheet = sheet, .y = MARGIN};
    char *body = NULL;
    size_t size = 0;
    load_words(subject, options[subject->feed].column, &page.words);
    if (targets)
        load_words(subject, options[targets - data->feeds].column, &page.classes);
    page.out = open_memstream(&body, &size);
    LS_ASSERT(page.out, "no memory for the pictures of %s", subject->method->name);
    enum ls_status status = LS_OK;
    if (sheet->tiles)
        status = print_images(&page, error);
    for (int64_t n = 0; n < sheet->count && !sheet->tiles; n++)
        print_text(&page, n);
    LS_ASSERT(!fclose(page.out), "no memory for the pictures of %s", subject->method->name);
    page.out = out;
    print_head(&page, page.y + MARGIN);
    fwrite(body, 1, size, out);
    fputs("</svg>\n", out);
    free(body);
    ls_vocabulary_clear(&page.words);
    ls_vocabulary_clear(&page.classes);
    return status;
}
