/* Line charts: as SVG, for files and pages, and for a terminal. One struct says what is shown; the
 * two ways of drawing share its axes.
 *
 * Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart; dashes
 * and markers tell series apart without colour, too. */
#ifndef LS_LAUNCHER_CHART_H
#define LS_LAUNCHER_CHART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum ls_chart_x {
    LS_X_STEP,
    LS_X_EPOCH,
    LS_X_SECONDS,
    LS_X_POSITION, /* in a series or a text */
    LS_X_FEATURES  /* in per cent of all */
};
/* AUTO: logarithmic where all values are positive and the largest is far above the median. */
enum ls_chart_scale { LS_SCALE_AUTO, LS_SCALE_LINEAR, LS_SCALE_LOG };

struct ls_series {
    char *name; /* owned */
    int colour; /* and marker: 0, 1, ... */
    int dash;   /* 0: a solid line */
    int64_t count, room;
    double *x, *y; /* [count] owned; x rises; y that is not finite is a gap */
};

struct ls_chart {
    char *title;      /* owned */
    const char *unit; /* static text: of y; "": a plain number */
    enum ls_chart_x x;
    enum ls_chart_scale scale;
    int count;
    struct ls_series *series; /* [count] owned */
};

void ls_chart_create(struct ls_chart *chart, const char *title, enum ls_chart_x x,
                     enum ls_chart_scale scale);
void ls_chart_clear(struct ls_chart *chart);
/* Good until the next series is added. */
struct ls_series *ls_chart_add(struct ls_chart *chart, const char *name, int colour, int dash);
void ls_series_add(struct ls_series *series, double x, double y);

struct ls_svg {
    int width;      /* in units of the picture; texts are 11 to 13 high */
    int height;     /* without title and legend, of as many lines as it takes */
    int y;          /* where it stands in an outer picture; 0 otherwise */
    const char *id; /* unique in the page that it is part of; an XML name */
};
/* An svg element with title and desc as its text alternative, and tooltips on markers. */
void ls_chart_svg(FILE *out, const struct ls_chart *chart, const struct ls_svg *svg);
int ls_chart_svg_height(const struct ls_chart *chart, const struct ls_svg *svg); /* of all of it */

struct ls_text_chart {
    int columns, rows; /* of the whole chart, at least 40 and 8 */
    bool colours;      /* ANSI escapes */
};
/* What goes with standard output, a terminal or not: $COLUMNS without one, else 80; colours unless
 * $NO_COLOR. rows: wanted, but no more than the terminal has. */
struct ls_text_chart ls_chart_terminal(int rows);
void ls_chart_text(FILE *out, const struct ls_chart *chart, const struct ls_text_chart *text);

/* ---- what the ways of drawing share ---- */

enum { LS_TICKS_MAX = 16 };
struct ls_axis {
    double low, high; /* in `unit`s, low < high */
    bool log;
    double unit;       /* what values are divided by */
    const char *label; /* static text; "": none */
    int count;
    double ticks[LS_TICKS_MAX];
    double step; /* between ticks; 0: logarithmic */
};
/* Axes over all that can be shown; about so many ticks. False: there is nothing to show. */
bool ls_chart_axes(const struct ls_chart *chart, int x_ticks, int y_ticks, struct ls_axis *x,
                   struct ls_axis *y);
/* 0 at the low end, 1 at the high end; NAN: it cannot be shown. */
double ls_axis_place(const struct ls_axis *axis, double value);
const char *ls_axis_print(const struct ls_axis *axis, int tick, char text[32]);

/* "12 points, 2.3 at step 100 to 0.31 at step 1200; lowest 0.3 at step 1100": owned by the caller.
 */
char *ls_series_describe(const struct ls_chart *chart, const struct ls_series *series);
/* "step 100", "epoch 2.5", "12.5 s" */
const char *ls_chart_print_x(const struct ls_chart *chart, double x, char text[40]);

#endif
