/* A chart for a terminal: lines of Braille dots, two by four in a cell, which every font with
 * Unicode has. Letters on the lines tell them apart, with or without colours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "launcher/chart/chart.h"

enum { DOTS_X = 2, DOTS_Y = 4, LABEL = 9, LETTERS = 26, LETTER_EVERY = 24 };

struct cell {
    unsigned char dots;   /* of a Braille character: U+2800 + dots */
    char letter;          /* in their place; 0: none */
    unsigned char series; /* plus 1; whose colour it has */
};

struct plot {
    const struct ls_chart *chart;
    struct ls_axis x, y;
    int columns, rows;
    struct cell *cells; /* [rows][columns] owned */
};

static void put_dot(struct plot *plot, int series, int x, int y) {
    static const unsigned char bits[DOTS_Y][DOTS_X] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    if (x < 0 || y < 0 || x >= plot->columns * DOTS_X || y >= plot->rows * DOTS_Y)
        return;
    struct cell *cell = &plot->cells[y / DOTS_Y * plot->columns + x / DOTS_X];
    cell->dots |= bits[y % DOTS_Y][x % DOTS_X];
    cell->series = (unsigned char)(series + 1);
}

/* False: the point cannot be shown. */
static bool dot_of(const struct plot *plot, const struct ls_series *series, int64_t i, int *x,
                   int *y) {
    const double across = ls_axis_place(&plot->x, series->x[i]);
    const double up = ls_axis_place(&plot->y, series->y[i]);
    if (isnan(across) || isnan(up))
        return false;
    *x = (int)lround(across * (plot->columns * DOTS_X - 1));
    *y = (int)lround((1 - up) * (plot->rows * DOTS_Y - 1));
    return true;
}

static void put_line(struct plot *plot, int series, const int from[2], const int to[2]) {
    const int wide = abs(to[0] - from[0]), high = abs(to[1] - from[1]);
    const int count = wide > high ? wide : high;
    for (int i = 0; i <= count; i++) {
        const double share = count ? (double)i / count : 0;
        put_dot(plot, series, from[0] + (int)lround(share * (to[0] - from[0])),
                from[1] + (int)lround(share * (to[1] - from[1])));
    }
}

static void put_letter(struct plot *plot, int s, const int dot[2]) {
    struct cell *cell = &plot->cells[dot[1] / DOTS_Y * plot->columns + dot[0] / DOTS_X];
    cell->letter = (char)('a' + s % LETTERS);
    cell->series = (unsigned char)(s + 1);
}

static void put_series(struct plot *plot, int s) {
    const struct ls_series *series = &plot->chart->series[s];
    int before[2], here[2], shown = 0;
    for (int64_t i = 0; i < series->count; i++) {
        if (!dot_of(plot, series, i, &here[0], &here[1])) {
            shown = 0;
            continue;
        }
        put_line(plot, s, shown ? before : here, here);
        memcpy(before, here, sizeof before);
        shown = 1;
    }
}

/* Each series has its letter here and there, at other places than its neighbours; a single point is
 * its letter. */
static void put_letters(struct plot *plot, int s) {
    const struct ls_series *series = &plot->chart->series[s];
    int next = (s * 5 + 4) % LETTER_EVERY, here[2];
    for (int64_t i = 0; i < series->count; i++) {
        if (!dot_of(plot, series, i, &here[0], &here[1]))
            continue;
        if (series->count == 1 || i + 1 == series->count || here[0] / DOTS_X >= next) {
            put_letter(plot, s, here);
            next = here[0] / DOTS_X + LETTER_EVERY;
        }
    }
}

static void print_colour(FILE *out, bool colours, int series) {
    static const char *const codes[] = {"34", "31", "32", "35", "36", "33", "1"};
    if (colours)
        fprintf(out, series < 0 ? "\033[0m" : "\033[%sm", series < 0 ? "" : codes[series % 7]);
}

static void print_cell(FILE *out, const struct cell *cell) {
    if (cell->letter)
        fputc(cell->letter, out);
    else if (cell->dots)
        fprintf(out, "\xE2%c%c", 0xA0 | cell->dots >> 6, 0x80 | (cell->dots & 0x3F));
    else
        fputc(' ', out);
}

/* The tick that stands in this row; -1: none. */
static int tick_of_row(const struct plot *plot, int row) {
    for (int i = 0; i < plot->y.count; i++) {
        const double up = ls_axis_place(&plot->y, plot->y.ticks[i]);
        if ((int)lround((1 - up) * (plot->rows * DOTS_Y - 1)) / DOTS_Y == row)
            return i;
    }
    return -1;
}

static void print_row(FILE *out, const struct plot *plot, int row, bool colours) {
    char text[32];
    const int tick = tick_of_row(plot, row);
    fprintf(out, "%*s %s", LABEL, tick < 0 ? "" : ls_axis_print(&plot->y, tick, text),
            tick < 0 ? "\u2502" : "\u2524");
    int end = plot->columns;
    while (end && !plot->cells[row * plot->columns + end - 1].series)
        end--;
    for (int c = 0, before = -1; c < end; c++) {
        const struct cell *cell = &plot->cells[row * plot->columns + c];
        if (cell->series && cell->series - 1 != before)
            print_colour(out, colours, before = plot->chart->series[cell->series - 1].colour);
        print_cell(out, cell);
    }
    print_colour(out, colours, -1);
    fputc('\n', out);
}

/* The axis, then its numbers, each under its tick. */
static void print_x(FILE *out, const struct plot *plot) {
    char *numbers = ls_calloc((size_t)plot->columns + LABEL + 48, 1), text[32];
    memset(numbers, ' ', (size_t)plot->columns + LABEL + 32);
    fprintf(out, "%*s \u2514", LABEL, "");
    int end = 0, tick = 0;
    for (int c = 0; c < plot->columns; c++) {
        const double place =
            tick < plot->x.count ? ls_axis_place(&plot->x, plot->x.ticks[tick] * plot->x.unit) : 2;
        const bool here = (int)lround(place * (plot->columns - 1)) == c;
        fputs(here ? "\u252C" : "\u2500", out);
        if (!here)
            continue;
        const int length = (int)strlen(ls_axis_print(&plot->x, tick++, text));
        const int from = LABEL + 2 + c - length / 2;
        if (from > end) {
            memcpy(numbers + from, text, (size_t)length);
            end = from + length;
        }
    }
    numbers[end] = '\0';
    fprintf(out, "\n%s  %s\n", numbers, plot->x.label);
    free(numbers);
}

static void print_legend(FILE *out, const struct ls_chart *chart, bool colours) {
    for (int s = 0; s < chart->count; s++) {
        char *text = ls_series_describe(chart, &chart->series[s]);
        print_colour(out, colours, chart->series[s].colour);
        fprintf(out, "%*s %c", LABEL, "", 'a' + s % LETTERS);
        print_colour(out, colours, -1);
        fprintf(out, " %s: %s\n", chart->series[s].name, text);
        free(text);
    }
}

void ls_chart_text(FILE *out, const struct ls_chart *chart, const struct ls_text_chart *text) {
    struct plot plot = {
        .chart = chart, .columns = text->columns - LABEL - 2, .rows = text->rows - 3};
    const bool something = ls_chart_axes(chart, plot.columns / 14, plot.rows / 3, &plot.x, &plot.y);
    fprintf(out, "%*s %s%s%s%s%s\n", LABEL, "", chart->title, chart->unit[0] ? " (" : "",
            chart->unit, chart->unit[0] ? ")" : "", plot.y.log ? ", log scale" : "");
    if (something) {
        plot.cells = ls_calloc((size_t)plot.columns * (size_t)plot.rows, sizeof *plot.cells);
        for (int s = 0; s < chart->count; s++)
            put_series(&plot, s);
        for (int s = 0; s < chart->count; s++)
            put_letters(&plot, s);
        for (int r = 0; r < plot.rows; r++)
            print_row(out, &plot, r, text->colours);
        print_x(out, &plot);
        free(plot.cells);
    }
    print_legend(out, chart, text->colours);
}

static int between(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

struct ls_text_chart ls_chart_terminal(int rows) {
    enum { COLUMNS = 80, COLUMNS_MIN = 40, COLUMNS_MAX = 300, ROWS_MIN = 8 };
    struct winsize size;
    const char *variable = getenv("COLUMNS");
    int columns = variable ? atoi(variable) : 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        columns = size.ws_col;
        rows = rows < size.ws_row - 2 ? rows : size.ws_row - 2;
    }
    return (struct ls_text_chart){
        .columns = between(columns > 0 ? columns : COLUMNS, COLUMNS_MIN, COLUMNS_MAX),
        .rows = between(rows, ROWS_MIN, 100),
        .colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
}
