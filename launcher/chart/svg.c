/* A chart as SVG: what is drawn is styled by attributes, so that it looks the same in a page, in a
 * file of its own and in print. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/chart/chart.h"
#include "launcher/chart/markup.h"

/* Okabe & Ito 2008, without the yellow, which is too pale for lines on white. */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#56B4E9", "#E69F00", "#000000"};
static const char *const dashes[] = {"none", "6 3", "2 3", "8 3 2 3", "1 4"};
enum { COLOURS = 7, DASHES = 5, MARKERS = 5, MARKED_MAX = 24, LEGEND_NAME_MAX = 44 };
enum { LEFT = 52, RIGHT = 14, BOTTOM = 38, LEGEND = 30, LEGEND_LINE = 17, LETTER = 6 };

struct drawing {
    FILE *out;
    const struct ls_chart *chart;
    const struct ls_svg *svg;
    struct ls_axis x, y;
    double left, top, width, height; /* of the field */
};

static double x_of(const struct drawing *drawing, double x) {
    return drawing->left + ls_axis_place(&drawing->x, x) * drawing->width;
}

static double y_of(const struct drawing *drawing, double y) {
    return drawing->top + (1 - ls_axis_place(&drawing->y, y)) * drawing->height;
}

static const char *colour_of(const struct ls_series *series) {
    return colours[series->colour % COLOURS];
}

static const char *dash_of(const struct ls_series *series) {
    return dashes[series->dash % DASHES];
}

static int letters_of(const char *text) {
    int count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* Names that are too long for a legend keep their end, which tells runs apart. */
static void print_name(const struct drawing *drawing, const char *name) {
    const char *from = name;
    for (int left = letters_of(name) - LEGEND_NAME_MAX; left > 0; from++)
        left -= (from[1] & 0xC0) != 0x80;
    if (from > name)
        fputs("\xE2\x80\xA6", drawing->out);
    ls_markup_print(drawing->out, from);
}

static void draw_marker(const struct drawing *drawing, const struct ls_series *series, double x,
                        double y, double size) {
    static const char *const shapes[MARKERS] = {"",                     /* a circle */
                                                "m-1-1h2v2h-2z",        /* a square */
                                                "m0-1.3l1.2 2.2h-2.4z", /* a triangle */
                                                "m0-1.4l1.2 1.4l-1.2 1.4l-1.2-1.4z",
                                                "m-1-.4h.6v-.6h.8v.6h.6v.8h-.6v.6h-.8v-.6h-.6z"};
    const int shape = series->colour % MARKERS;
    if (!shape)
        fprintf(drawing->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>", x, y,
                size, colour_of(series));
    else
        fprintf(drawing->out,
                "<path transform=\"translate(%.1f %.1f) scale(%.1f)\" d=\"M0 0%s\" fill=\"%s\"/>",
                x, y, size, shapes[shape], colour_of(series));
}

/* Where the next name of the legend stands, and its width: in the same line if there is room. */
static double legend_place(const struct ls_svg *svg, const char *name, double *x, double *y) {
    const int letters = letters_of(name);
    const double width = 34 + LETTER * (letters < LEGEND_NAME_MAX ? letters : LEGEND_NAME_MAX);
    if (*x > LEFT && *x + width > svg->width - RIGHT) {
        *x = LEFT;
        *y += LEGEND_LINE;
    }
    return width + 8;
}

static double legend_bottom(const struct ls_chart *chart, const struct ls_svg *svg) {
    double x = LEFT, y = LEGEND;
    for (int s = 0; s < chart->count; s++)
        x += legend_place(svg, chart->series[s].name, &x, &y);
    return y + LEGEND_LINE;
}

static void draw_legend(const struct drawing *drawing) {
    double x = LEFT, y = LEGEND;
    for (int s = 0; s < drawing->chart->count; s++) {
        const struct ls_series *series = &drawing->chart->series[s];
        const double width = legend_place(drawing->svg, series->name, &x, &y);
        fprintf(drawing->out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
                "stroke-width=\"2\" stroke-dasharray=\"%s\"/>",
                x, y, x + 22, y, colour_of(series), dash_of(series));
        draw_marker(drawing, series, x + 11, y, 3);
        fprintf(drawing->out, "<text x=\"%.1f\" y=\"%.1f\">", x + 26, y + 4);
        print_name(drawing, series->name);
        fputs("</text>\n", drawing->out);
        x += width;
    }
}

static void draw_axes(const struct drawing *drawing) {
    FILE *out = drawing->out;
    char text[32];
    const double bottom = drawing->top + drawing->height, right = drawing->left + drawing->width;
    for (int i = 0; i < drawing->y.count; i++) {
        const double y = y_of(drawing, drawing->y.ticks[i] * drawing->y.unit);
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
                "<text class=\"y\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                drawing->left, y, right, y, drawing->left - 5, y + 4,
                ls_axis_print(&drawing->y, i, text));
    }
    for (int i = 0; i < drawing->x.count; i++) {
        const double x = x_of(drawing, drawing->x.ticks[i] * drawing->x.unit);
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#666\"/>"
                "<text class=\"x\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                x, bottom, x, bottom + 4, x, bottom + 16, ls_axis_print(&drawing->x, i, text));
    }
    fprintf(out,
            "<path d=\"M%.1f %.1fV%.1fH%.1f\" fill=\"none\" stroke=\"#666\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            drawing->left, drawing->top, bottom, right, right, bottom + 32, drawing->x.label);
}

/* Of the points in one column of pixels those that a line through all of them would show: first,
 * lowest, highest and last. */
static int64_t thin(const struct drawing *drawing, const struct ls_series *series, int64_t at,
                    int64_t kept[4]) {
    const double column = floor(x_of(drawing, series->x[at]));
    int64_t least = at, most = at, last = at;
    for (int64_t i = at; i < series->count && floor(x_of(drawing, series->x[i])) == column &&
                         !isnan(ls_axis_place(&drawing->y, series->y[i]));
         i++) {
        least = series->y[i] < series->y[least] ? i : least;
        most = series->y[i] > series->y[most] ? i : most;
        last = i;
    }
    kept[0] = at;
    kept[1] = least < most ? least : most;
    kept[2] = least < most ? most : least;
    kept[3] = last;
    return last + 1;
}

static void draw_line(const struct drawing *drawing, const struct ls_series *series) {
    bool on = false; /* the pen */
    fputs("<path d=\"", drawing->out);
    for (int64_t i = 0, kept[4]; i < series->count;) {
        if (isnan(ls_axis_place(&drawing->y, series->y[i]))) {
            on = false;
            i++;
            continue;
        }
        const int64_t next = thin(drawing, series, i, kept);
        for (int k = 0; k < 4; k++) {
            if (k && kept[k] == kept[k - 1])
                continue;
            fprintf(drawing->out, "%c%.1f %.1f", on ? 'L' : 'M', x_of(drawing, series->x[kept[k]]),
                    y_of(drawing, series->y[kept[k]]));
            on = true;
        }
        i = next;
    }
    fprintf(drawing->out,
            "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" stroke-linejoin=\"round\" "
            "stroke-dasharray=\"%s\"/>\n",
            colour_of(series), dash_of(series));
}

/* Some points, with what they are: a tooltip. */
static void draw_points(const struct drawing *drawing, const struct ls_series *series) {
    char x[40], y[32];
    const int64_t count = series->count < MARKED_MAX ? series->count : MARKED_MAX;
    for (int64_t k = 0; k < count; k++) {
        const int64_t i = count == 1 ? 0 : k * (series->count - 1) / (count - 1);
        if (isnan(ls_axis_place(&drawing->y, series->y[i])))
            continue;
        fputs("<g><title>", drawing->out);
        ls_markup_print(drawing->out, series->name);
        fprintf(drawing->out, ", %s: %s</title>", ls_chart_print_x(drawing->chart, series->x[i], x),
                ls_markup_number(series->y[i], y));
        draw_marker(drawing, series, x_of(drawing, series->x[i]), y_of(drawing, series->y[i]),
                    series->count == 1 ? 4 : 2.2);
        fputs("</g>\n", drawing->out);
    }
}

static void describe(const struct drawing *drawing, bool log) {
    const struct ls_chart *chart = drawing->chart;
    fprintf(drawing->out, "<title id=\"%s-t\">", drawing->svg->id);
    ls_markup_print(drawing->out, chart->title);
    fprintf(drawing->out, "</title><desc id=\"%s-d\">Line chart%s of ", drawing->svg->id,
            log ? ", logarithmic," : "");
    ls_markup_print(drawing->out, chart->title);
    fprintf(drawing->out, "%s%s. ", chart->unit[0] ? " in " : "", chart->unit);
    for (int s = 0; s < chart->count; s++) {
        char *text = ls_series_describe(chart, &chart->series[s]);
        ls_markup_print(drawing->out, chart->series[s].name);
        fputs(": ", drawing->out);
        ls_markup_print(drawing->out, text);
        fputs(". ", drawing->out);
        free(text);
    }
    fputs("</desc>\n", drawing->out);
}

int ls_chart_svg_height(const struct ls_chart *chart, const struct ls_svg *svg) {
    return svg->height + (int)legend_bottom(chart, svg);
}

static void draw_head(const struct drawing *drawing, int height) {
    FILE *out = drawing->out;
    const struct ls_svg *svg = drawing->svg;
    const char *unit = drawing->chart->unit;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\" "
            "font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"#222\">\n",
            svg->y, svg->width, height, svg->width, height, svg->id, svg->id);
    describe(drawing, drawing->y.log);
    fprintf(out,
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><text x=\"8\" y=\"16\" "
            "font-size=\"13\" font-weight=\"bold\">",
            svg->width, height);
    print_name(drawing, drawing->chart->title);
    fprintf(out, "</text><text x=\"%d\" y=\"16\" text-anchor=\"end\">%s%s%s</text>\n",
            svg->width - RIGHT, unit, unit[0] && drawing->y.log ? ", " : "",
            drawing->y.log ? "log scale" : "");
}

void ls_chart_svg(FILE *out, const struct ls_chart *chart, const struct ls_svg *svg) {
    struct drawing drawing = {.out = out,
                              .chart = chart,
                              .svg = svg,
                              .left = LEFT,
                              .top = legend_bottom(chart, svg),
                              .width = svg->width - LEFT - RIGHT,
                              .height = svg->height - BOTTOM};
    const bool something =
        ls_chart_axes(chart, (svg->width - LEFT) / 65, svg->height / 45, &drawing.x, &drawing.y);
    draw_head(&drawing, ls_chart_svg_height(chart, svg));
    draw_legend(&drawing);
    if (something) {
        draw_axes(&drawing);
        for (int s = 0; s < chart->count; s++)
            draw_line(&drawing, &chart->series[s]);
        for (int s = 0; s < chart->count; s++)
            draw_points(&drawing, &chart->series[s]);
    } else
        fprintf(out, "<text x=\"%d\" y=\"%.1f\">no numbers to show</text>\n", LEFT,
                drawing.top + 20);
    fputs("</svg>\n", out);
}
