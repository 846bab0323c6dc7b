/* Axes: their range, and ticks at numbers that people like (Heckbert 1990, "Nice numbers for graph
 * labels"). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/chart/chart.h"

static const double VALUE_MAX = 1e300; /* beyond it ranges would not be finite */

static bool usable(double value, bool log) {
    return isfinite(value) && fabs(value) < VALUE_MAX && (!log || value > 0);
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whether one glance at a linear axis would show little but the largest values. */
static bool wants_log(const struct ls_chart *chart) {
    enum { FEW = 6, FAR = 8 };
    int64_t total = 0, count = 0;
    for (int s = 0; s < chart->count; s++)
        total += chart->series[s].count;
    double *values = ls_calloc((size_t)total + 1, sizeof *values);
    bool positive = true;
    for (int s = 0; s < chart->count; s++)
        for (int64_t i = 0; i < chart->series[s].count; i++)
            if (usable(chart->series[s].y[i], false)) {
                values[count++] = chart->series[s].y[i];
                positive = positive && values[count - 1] > 0;
            }
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    const bool wanted = positive && count >= FEW && values[count - 1] >= FAR * values[count / 2];
    free(values);
    return wanted;
}

static double nice_step(double range, int ticks) {
    const double rough = range / ticks, power = pow(10, floor(log10(rough))), times = rough / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static void linear_ticks(struct ls_axis *axis, int ticks) {
    axis->step = nice_step(axis->high - axis->low, ticks);
    const double first = ceil(axis->low / axis->step - 1e-9);
    for (int i = 0; axis->count < LS_TICKS_MAX; i++) {
        const double tick = (first + i) * axis->step;
        if (tick > axis->high + 1e-9 * axis->step)
            break;
        axis->ticks[axis->count++] = tick;
    }
}

/* Powers of ten, with 2 and 5 between where there are few. */
static void log_ticks(struct ls_axis *axis, int ticks) {
    static const double parts[][3] = {{1}, {1, 3}, {1, 2, 5}};
    const double decades = log10(axis->high / axis->low);
    const int kind = decades * 3 <= ticks ? 2 : decades * 2 <= ticks ? 1 : 0;
    const int every = kind ? 1 : (int)ceil(decades / ticks);
    const int first = (int)floor(log10(axis->low)), last = (int)ceil(log10(axis->high));
    if (decades < 1) {
        linear_ticks(axis, ticks);
        return;
    }
    for (int d = first; d <= last; d++)
        for (int i = 0; i <= kind && axis->count < LS_TICKS_MAX; i++) {
            const double tick = parts[kind][i] * pow(10, d);
            if ((d - first) % every == 0 && tick >= axis->low * (1 - 1e-9) &&
                tick <= axis->high * (1 + 1e-9))
                axis->ticks[axis->count++] = tick;
        }
}

static void pad(struct ls_axis *axis, double share) {
    if (axis->log) {
        const double factor = axis->high > axis->low ? pow(axis->high / axis->low, share) : 2;
        axis->low /= factor;
        axis->high *= factor;
        return;
    }
    const double room = axis->high > axis->low ? share * (axis->high - axis->low)
                        : axis->high != 0.0    ? 0.1 * fabs(axis->high)
                                               : 1;
    axis->low -= room;
    axis->high += room;
}

/* Training time in the unit that its length asks for. */
static void settle_x(const struct ls_chart *chart, struct ls_axis *axis, int ticks) {
    static const char *const labels[] = {"step", "epoch", "time (s)", "position",
                                         "% of the features"};
    if (axis->low > 0 && axis->low < 0.2 * axis->high)
        axis->low = 0;
    if (!(axis->low < axis->high))
        pad(axis, 0);
    axis->label = labels[chart->x];
    if (chart->x == LS_X_SECONDS && axis->high > 180) {
        axis->unit = axis->high > 3 * 3600 ? 3600 : 60;
        axis->label = axis->high > 3 * 3600 ? "time (h)" : "time (min)";
    }
    axis->low /= axis->unit;
    axis->high /= axis->unit;
    linear_ticks(axis, ticks);
}

bool ls_chart_axes(const struct ls_chart *chart, int x_ticks, int y_ticks, struct ls_axis *x,
                   struct ls_axis *y) {
    *x = (struct ls_axis){.unit = 1, .low = INFINITY, .high = -INFINITY};
    *y = (struct ls_axis){.unit = 1, .low = INFINITY, .high = -INFINITY, .label = chart->unit};
    y->log = chart->scale == LS_SCALE_LOG || (chart->scale == LS_SCALE_AUTO && wants_log(chart));
    for (int s = 0; s < chart->count; s++)
        for (int64_t i = 0; i < chart->series[s].count; i++) {
            const double place = chart->series[s].x[i], value = chart->series[s].y[i];
            if (!usable(value, y->log) || !usable(place, false))
                continue;
            x->low = fmin(x->low, place);
            x->high = fmax(x->high, place);
            y->low = fmin(y->low, value);
            y->high = fmax(y->high, value);
        }
    if (x->low > x->high)
        return false;
    settle_x(chart, x, x_ticks);
    const bool from_zero = !y->log && y->low >= 0 && y->low < 0.3 * y->high;
    pad(y, 0.04);
    if (from_zero)
        y->low = 0;
    if (y->log)
        log_ticks(y, y_ticks);
    else
        linear_ticks(y, y_ticks);
    return true;
}

double ls_axis_place(const struct ls_axis *axis, double value) {
    if (!usable(value, axis->log))
        return NAN;
    value /= axis->unit;
    return axis->log ? log(value / axis->low) / log(axis->high / axis->low)
                     : (value - axis->low) / (axis->high - axis->low);
}

/* Decimals that tell neighbours apart; thousands and millions as k and M. */
const char *ls_axis_print(const struct ls_axis *axis, int tick, char text[32]) {
    static const struct {
        double size;
        const char *letter;
    } units[] = {{1e9, "G"}, {1e6, "M"}, {1e4, "k"}};
    double value = axis->ticks[tick], step = axis->step;
    const double most = fmax(fabs(axis->ticks[0]), fabs(axis->ticks[axis->count - 1]));
    const char *letter = "";
    if (!(step > 0) || most < 1e-3 || most >= 1e13) {
        snprintf(text, 32, "%.3g", value);
        return text;
    }
    for (int i = 0; i < 3 && !letter[0]; i++)
        if (most >= units[i].size && value != 0.0) {
            const double size = i < 2 ? units[i].size : 1e3;
            letter = units[i].letter;
            value /= size;
            step /= size;
        }
    const double decimals = ceil(-log10(step) - 1e-9);
    snprintf(text, 32, "%.*f%s", decimals > 0 && value != 0.0 ? (int)fmin(decimals, 12) : 0, value,
             letter);
    return text;
}
