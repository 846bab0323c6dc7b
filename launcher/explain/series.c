/* Series as curves, with their attributions as bars below; and series that a method makes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/chart/markup.h"
#include "launcher/explain/sheet.h"

enum { COLUMNS = 2, FEW = 4, LEFT = 56, CURVE = 56, BARS = 36 };
static const char *const colours[] = {"#d00000", "#0040d0"}; /* for, against */

struct ls_shape ls_series_shape(const struct ls_subject *subject) {
    const struct ls_result *result = &subject->results.items[0];
    const struct ls_shape shape = subject->trained.data.feeds[subject->feed].shape;
    const bool shown =
        result->picture || (!strcmp(result->name, "attributions") && !subject->method->units);
    return shown && ls_input_kind_of(subject) == LS_INPUT_SERIES && result->row_shape.rank == 2 &&
                   result->row_shape.dims[1] == shape.dims[1]
               ? result->row_shape
               : (struct ls_shape){0};
}

/* The channel of a series: its place, and where it stands. */
struct panel {
    const struct ls_curves *curves;
    int64_t steps, step; /* numbers of a channel, and from one to the next */
    int64_t bins;        /* a series longer than the panel is wide has several steps in each */
    double left, width;
};

static int64_t first_of(const struct panel *panel, int64_t bin) {
    return bin * panel->steps / panel->bins;
}

static double x_of(const struct panel *panel, int64_t bin) {
    return panel->left + ((double)bin + 0.5) / (double)panel->bins * panel->width;
}

static void print_number(FILE *out, double x, double y, const char *sign, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    fprintf(out, "<text class=\"small\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s%s</text>\n", x,
            y, sign, text);
}

/* Least and greatest of each bin, joined; what is not finite is a gap. */
static void print_curve(FILE *out, const struct panel *panel, const float *values, double y) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t t = 0; t < panel->steps; t++) {
        const double value = (double)values[t * panel->step];
        low = isfinite(value) ? fmin(low, value) : low;
        high = isfinite(value) ? fmax(high, value) : high;
    }
    if (low > high)
        return;
    const double range = high > low ? high - low : 1;
    bool on = false;
    fputs("<path fill=\"none\" stroke=\"#000\" stroke-width=\"1.2\" d=\"", out);
    for (int64_t b = 0; b < panel->bins; b++) {
        double ends[2] = {HUGE_VAL, -HUGE_VAL};
        for (int64_t t = first_of(panel, b); t < first_of(panel, b + 1); t++) {
            const double value = (double)values[t * panel->step];
            ends[0] = isfinite(value) ? fmin(ends[0], value) : ends[0];
            ends[1] = isfinite(value) ? fmax(ends[1], value) : ends[1];
        }
        const bool there = ends[0] <= ends[1];
        for (int i = 0; i < 2 && there && (i == 0 || ends[1] > ends[0]); i++, on = true)
            fprintf(out, "%c%.1f %.1f", on ? 'L' : 'M', x_of(panel, b),
                    y + CURVE * (1 - (ends[i] - low) / range));
        on = on && there;
    }
    fprintf(out, "\"/>\n<path stroke=\"#ccc\" d=\"M%.1f %.1fh%.1f\"/>\n", panel->left,
            y + CURVE + 2, panel->width);
    print_number(out, panel->left - 5, y + 9, "", high);
    print_number(out, panel->left - 5, y + CURVE, "", low);
}

/* Up for the explained value and down against it; of a bin the strongest. */
static void print_bars(FILE *out, const struct panel *panel, const float *values, double most,
                       double y) {
    const double middle = y + BARS / 2.0, thick = 0.8 * panel->width / (double)panel->bins;
    for (int against = 0; against < 2 && most > 0; against++) {
        fprintf(out, "<path stroke=\"%s\" stroke-width=\"%.2f\" d=\"", colours[against],
                fmin(fmax(thick, 0.8), 12));
        for (int64_t b = 0; b < panel->bins; b++) {
            double strongest = 0;
            for (int64_t t = first_of(panel, b); t < first_of(panel, b + 1); t++) {
                const double value = (double)values[t * panel->step];
                strongest = fabs(value) > fabs(strongest) ? value : strongest;
            }
            if (against ? strongest < 0 : strongest > 0)
                fprintf(out, "M%.1f %.1fv%.1f", x_of(panel, b), middle,
                        -strongest / most * BARS / 2);
        }
        fputs("\"/>\n", out);
    }
    fprintf(out, "<path stroke=\"#ccc\" d=\"M%.1f %.1fh%.1f\"/>\n", panel->left, middle,
            panel->width);
    print_number(out, panel->left - 5, middle + 4, "\xC2\xB1", most);
}

void ls_sheet_curves(struct ls_sheet *sheet, const struct ls_curves *curves) {
    FILE *out = sheet->out;
    const struct ls_names *names = sheet->shown->names;
    struct panel panel = {.curves = curves,
                          .steps = curves->shape.dims[0],
                          .step = curves->shape.dims[1],
                          .left = curves->x + LEFT,
                          .width = curves->width - LEFT};
    double y = sheet->y, most = 0;
    panel.bins = panel.steps < (int64_t)panel.width ? panel.steps : (int64_t)panel.width;
    for (int64_t i = 0; i < panel.steps * panel.step && curves->strengths; i++)
        most = fmax(most, fabs((double)curves->strengths[i]));
    for (int64_t c = 0; c < curves->few; c++) {
        const int64_t channel = curves->channels ? curves->channels[c] : c;
        char text[LS_TEXT_MAX];
        if (names->column_count == panel.step)
            snprintf(text, sizeof text, "%.200s", names->columns[channel]);
        else
            snprintf(text, sizeof text, "channel %lld", (long long)channel);
        if (names->column_count == panel.step || panel.step > 1) {
            ls_sheet_print(sheet, panel.left, y, 0, text);
            y += LS_SHEET_LINE + 4;
        }
        print_curve(out, &panel, curves->values + channel, y);
        y += CURVE + 6;
        if (curves->strengths) {
            print_bars(out, &panel, curves->strengths + channel, most, y);
            y += BARS + 2;
        }
    }
    fprintf(out, "<text class=\"small\" x=\"%.1f\" y=\"%.1f\">step 0</text>\n", panel.left, y + 9);
    print_number(out, panel.left + panel.width, y + 9, "", (double)(panel.steps - 1));
    sheet->y = y + LS_SHEET_LINE;
}

int64_t ls_series_few(int64_t channels) {
    return channels < FEW ? channels : FEW;
}

/* Those with the strongest attributions in all samples that are shown; of units the first. */
static void choose(const struct ls_shown *shown, struct ls_shape shape, int64_t chosen[FEW]) {
    const int64_t channels = shape.dims[1], few = ls_series_few(channels);
    const float *values = (const void *)shown->arrays[0];
    double *sums = ls_calloc((size_t)channels, sizeof *sums);
    int64_t found = 0;
    for (int64_t i = 0; i < shown->count * ls_shape_count(shape); i++)
        sums[i % channels] += shown->subject->method->units ? 0 : fabs((double)values[i]);
    for (int64_t c = 0; c < channels && found < few; c++) { /* as many are stronger as may be */
        int64_t stronger = 0;
        for (int64_t k = 0; k < channels; k++)
            stronger += sums[k] > sums[c] || (sums[k] == sums[c] && k < c);
        if (stronger < few)
            chosen[found++] = c;
    }
    free(sums);
}

static int64_t fits(const struct ls_subject *subject) {
    const struct ls_shape shape = ls_series_shape(subject);
    return shape.rank ? LS_SHEET_ROWS / ls_series_few(shape.dims[1]) : 0;
}

static const char *legend_of(const struct ls_subject *subject, struct ls_shape shape,
                             char text[LS_TEXT_MAX]) {
    const int64_t few = ls_series_few(shape.dims[1]);
    snprintf(text, LS_TEXT_MAX, "%s",
             subject->results.items[0].picture
                 ? "Numbers on the left: the least and the greatest value."
                 : "Below each curve, how much each step speaks for the explained value (red, up) "
                   "or against it (blue, down). Numbers on the left: the least and the greatest "
                   "value, and the strongest attribution of the sample.");
    if (few < shape.dims[1])
        snprintf(text + strlen(text), LS_TEXT_MAX - strlen(text), " %lld of %lld channels%s.",
                 (long long)few, (long long)shape.dims[1],
                 subject->method->units ? "" : ", those with the strongest attributions");
    return text;
}

static enum ls_status draw(struct ls_sheet *sheet, struct ls_error *error) {
    const struct ls_shown *shown = sheet->shown;
    const struct ls_shape shape = ls_series_shape(shown->subject);
    const bool made = shown->subject->results.items[0].picture;
    const float *kept = (const void *)shown->arrays[0];
    const double cell = (LS_SHEET_WIDTH - LS_SHEET_MARGIN) / COLUMNS;
    int64_t chosen[FEW];
    char text[LS_TEXT_MAX];
    (void)error;
    choose(shown, shape, chosen);
    ls_sheet_open(sheet, shown, !made, legend_of(shown->subject, shape, text));
    for (int64_t n = 0; n < shown->count; n += COLUMNS) {
        const double top = sheet->y;
        double bottom = top;
        for (int64_t c = 0; c < COLUMNS && n + c < shown->count; c++) {
            const int64_t at = (n + c) * ls_shape_count(shape);
            const struct ls_curves curves = {.shape = shape,
                                             .values = (made ? kept : shown->block.inputs) + at,
                                             .strengths = made ? NULL : kept + at,
                                             .channels = chosen,
                                             .few = ls_series_few(shape.dims[1]),
                                             .x = LS_SHEET_MARGIN + (double)c * cell,
                                             .width = cell - LS_SHEET_MARGIN};
            sheet->y = top;
            ls_sheet_title(sheet, n + c, curves.x, curves.width);
            ls_sheet_curves(sheet, &curves);
            bottom = fmax(bottom, sheet->y);
        }
        sheet->y = bottom + LS_SHEET_GAP;
    }
    return LS_OK;
}

const struct ls_picture ls_picture_series = {.fits = fits, .draw = draw};
