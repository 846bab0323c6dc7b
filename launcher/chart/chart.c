#include "launcher/chart/chart.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "launcher/chart/markup.h"

void ls_chart_create(struct ls_chart *chart, const char *title, enum ls_chart_x x,
                     enum ls_chart_scale scale) {
    *chart = (struct ls_chart){.title = ls_strdup(title), .unit = "", .x = x, .scale = scale};
}

void ls_chart_clear(struct ls_chart *chart) {
    for (int s = 0; s < chart->count; s++) {
        free(chart->series[s].name);
        free(chart->series[s].x);
        free(chart->series[s].y);
    }
    free(chart->series);
    free(chart->title);
    *chart = (struct ls_chart){0};
}

struct ls_series *ls_chart_add(struct ls_chart *chart, const char *name, int colour, int dash) {
    chart->series = ls_realloc(chart->series, (size_t)chart->count + 1, sizeof *chart->series);
    struct ls_series *series = &chart->series[chart->count++];
    *series = (struct ls_series){.name = ls_strdup(name), .colour = colour, .dash = dash};
    return series;
}

void ls_series_add(struct ls_series *series, double x, double y) {
    if (series->count == series->room) {
        series->room = 2 * series->room + 16;
        series->x = ls_realloc(series->x, (size_t)series->room, sizeof *series->x);
        series->y = ls_realloc(series->y, (size_t)series->room, sizeof *series->y);
    }
    series->x[series->count] = x;
    series->y[series->count++] = y;
}

const char *ls_chart_print_x(const struct ls_chart *chart, double x, char text[40]) {
    static const char *const before[] = {"step ", "epoch ", "", "position ", ""};
    static const char *const after[] = {"", "", " s", "", "% of the features"};
    const bool whole = chart->x == LS_X_STEP || chart->x == LS_X_POSITION;
    snprintf(text, 40, "%s%.*g%s", before[chart->x], whole ? 17 : 4, x, after[chart->x]);
    return text;
}

/* What people ask of a curve who do not see it. */
char *ls_series_describe(const struct ls_chart *chart, const struct ls_series *series) {
    int64_t first = -1, last = -1, least = -1, most = -1, gaps = 0;
    for (int64_t i = 0; i < series->count; i++) {
        if (!isfinite(series->y[i])) {
            gaps++;
            continue;
        }
        first = first < 0 ? i : first;
        last = i;
        least = least < 0 || series->y[i] < series->y[least] ? i : least;
        most = most < 0 || series->y[i] > series->y[most] ? i : most;
    }
    char *text = NULL, numbers[4][32], places[4][40];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory to describe %s", series->name);
    const int64_t shown[] = {first, last, least, most};
    for (int i = 0; first >= 0 && i < 4; i++) {
        ls_markup_number(series->y[shown[i]], numbers[i]);
        ls_chart_print_x(chart, series->x[shown[i]], places[i]);
    }
    if (first < 0)
        fputs("no numbers", out);
    else if (first == last)
        fprintf(out, "%s at %s", numbers[0], places[0]);
    else
        fprintf(out, "%lld points, from %s at %s to %s at %s; lowest %s at %s, highest %s at %s",
                (long long)(series->count - gaps), numbers[0], places[0], numbers[1], places[1],
                numbers[2], places[2], numbers[3], places[3]);
    if (gaps)
        fprintf(out, "; %lld values are not numbers", (long long)gaps);
    LS_ASSERT(!fclose(out), "no memory to describe %s", series->name);
    return text;
}
