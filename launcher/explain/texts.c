/* Texts whose tokens have the colours of their attributions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"
#include "launcher/chart/markup.h"
#include "launcher/explain/sheet.h"

enum { LINE = 24 };
static const double letter = 8.4; /* of a monospaced letter of 14 */

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
static const char *text_of(const struct ls_vocabulary *words, int32_t token, char number[32]) {
    if (token < 0 || token >= words->count) {
        snprintf(number, 32, "%d", token);
        return number;
    }
    const char *text = words->texts[token];
    return !strcmp(text, "\n")              ? "\xE2\x86\xB5"
           : !strcmp(text, "\t")            ? "\xE2\x86\xA6"
           : !strcmp(text, " ") || !text[0] ? "\xC2\xA0"
                                            : text;
}

/* Black on white to black on red or blue that still lets it be read. */
static void print_token(const struct ls_sheet *sheet, double x, const char *text, double value,
                        double share) {
    const int faded = (int)(255 - 140 * fabs(share) + 0.5);
    const double width = (double)letters_of(text) * letter;
    fputs("<g>", sheet->out);
    if (share != 0)
        fprintf(sheet->out, "<title>%.4g</title>", value);
    fprintf(sheet->out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
            "fill=\"#%02x%02x%02x\"/><text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\" "
            "lengthAdjust=\"spacingAndGlyphs\">",
            x, sheet->y, width + 1, LINE - 3, share < 0 ? faded : 255, faded,
            share > 0 ? faded : 255, x + 0.5, sheet->y + 15, width);
    ls_markup_print(sheet->out, text);
    fputs("</text></g>\n", sheet->out);
}

/* Tokens without the padding behind them. */
static int64_t tokens_of(const struct ls_vocabulary *words, const int32_t *tokens, int64_t count) {
    while (words->special && count > 1 && tokens[count - 1] == LS_TOKEN_PADDING)
        count--;
    return count;
}

void ls_sheet_text(struct ls_sheet *sheet, const int32_t *tokens, const float *values) {
    const struct ls_subject *subject = sheet->shown->subject;
    const struct ls_vocabulary *words = &sheet->shown->names->words;
    const int64_t length = ls_shape_count(subject->trained.data.feeds[subject->feed].shape);
    const int64_t count = tokens_of(words, tokens, length);
    const bool apart = words->unit == LS_UNIT_WORD || words->unit == LS_UNIT_PIECE || !words->count;
    double most = 0, x = LS_SHEET_MARGIN;
    for (int64_t i = 0; i < count && values; i++)
        most = fmax(most, fabs((double)values[i]));
    for (int64_t i = 0; i < count; i++) {
        char number[32];
        const char *text = text_of(words, tokens[i], number);
        const double width = (double)letters_of(text) * letter + 1 + (apart ? 5 : 0);
        const double value = values ? (double)values[i] : 0;
        const bool ends =
            tokens[i] >= 0 && tokens[i] < words->count && !strcmp(words->texts[tokens[i]], "\n");
        if (x + width > LS_SHEET_WIDTH - LS_SHEET_MARGIN && x > LS_SHEET_MARGIN) {
            x = LS_SHEET_MARGIN;
            sheet->y += LINE;
        }
        print_token(sheet, x, text, value, most > 0 ? value / most : 0);
        x = ends ? LS_SHEET_WIDTH : x + width; /* a line of the text is one of the picture */
    }
    sheet->y += LINE + LS_SHEET_GAP;
}

static int64_t fits(const struct ls_subject *subject) {
    return subject->explainer.tokens && !strcmp(subject->results.items[0].name, "attributions")
               ? LS_SHEET_ROWS
               : 0;
}

static enum ls_status draw(struct ls_sheet *sheet, struct ls_error *error) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_subject *subject = shown->subject;
    const int64_t length = ls_shape_count(ls_explainer_shape(&subject->explainer));
    (void)error;
    ls_sheet_open(sheet, shown, true,
                  "Red speaks for the explained value, blue against it; the strongest token of a "
                  "sample is full.");
    for (int64_t n = 0; n < shown->count; n++) {
        ls_sheet_title(sheet, n, LS_SHEET_MARGIN, LS_SHEET_WIDTH - 2 * LS_SHEET_MARGIN);
        ls_sheet_text(sheet, (const int32_t *)shown->block.feeds[subject->input] + n * length,
                      (const float *)(const void *)shown->arrays[0] + n * length);
    }
    return LS_OK;
}

const struct ls_picture ls_picture_texts = {.fits = fits, .draw = draw};
