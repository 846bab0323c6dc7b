#include "launcher/chart/curves.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/data.h"

static double x_of(const struct ls_history_line *line, enum ls_chart_x x) {
    return x == LS_X_STEP ? (double)line->step : x == LS_X_EPOCH ? line->epoch : line->seconds;
}

static bool has(const struct ls_history *run, int role, int metric) {
    for (int64_t i = 0; metric >= 0 && i < run->count; i++)
        if ((role < 0 ? run->lines[i].role != LS_SOURCE_TEST : run->lines[i].role == role) &&
            !isinf(ls_history_value(&run->lines[i], metric)))
            return true;
    return false;
}

static void add_values(struct ls_series *series, const struct ls_history *run, int role, int metric,
                       enum ls_chart_x x) {
    for (int64_t i = 0; i < run->count; i++) {
        const double value = ls_history_value(&run->lines[i], metric);
        if (run->lines[i].role == role && !isinf(value))
            ls_series_add(series, x_of(&run->lines[i], x), value);
    }
}

static const char *unit_of(const char *metric) {
    const enum ls_metric_kind kind = ls_metric_kind_of(metric);
    return kind == LS_METRIC_SPEED     ? "samples/s"
           : kind == LS_METRIC_SECONDS ? "s"
           : kind == LS_METRIC_TIME    ? "share of the time"
                                       : "";
}

void ls_curves_metric(struct ls_chart *chart, const struct ls_curves *curves, const char *metric) {
    ls_chart_create(chart, metric, curves->x, curves->scale);
    chart->unit = unit_of(metric);
    for (int r = 0; r < curves->count; r++) {
        const struct ls_history *run = &curves->runs[r];
        const int place = ls_history_find(run, metric);
        for (int role = 0; role < LS_PARTS; role++) {
            char name[LS_TEXT_MAX];
            if (!has(run, role, place))
                continue;
            snprintf(name, sizeof name, curves->count > 1 ? "%s, %s" : "%s%s",
                     curves->count > 1 ? run->name : "", ls_part_name(role));
            add_values(ls_chart_add(chart, name, curves->count > 1 ? r : role, role), run, role,
                       place, curves->x);
        }
    }
}

static bool is_of_kind(const struct ls_history *run, int metric, enum ls_metric_kind kind) {
    return ls_metric_kind_of(run->metrics[metric]) == kind && has(run, LS_SOURCE_TRAIN, metric);
}

/* "RUN, METRIC" of several runs; the run alone where the metric is the chart's. */
static void name_curve(const struct ls_curves *curves, const struct ls_history *run,
                       const char *metric, const char *title, char name[LS_TEXT_MAX]) {
    if (curves->count == 1)
        snprintf(name, LS_TEXT_MAX, "%s", metric);
    else if (!strcmp(metric, title))
        snprintf(name, LS_TEXT_MAX, "%s", run->name);
    else
        snprintf(name, LS_TEXT_MAX, "%s, %s", run->name, metric);
}

void ls_curves_kind(struct ls_chart *chart, const struct ls_curves *curves, const char *title,
                    enum ls_metric_kind kind, const char *prefix) {
    ls_chart_create(chart, title, curves->x, curves->scale);
    for (int r = 0; r < curves->count; r++) {
        const struct ls_history *run = &curves->runs[r];
        const int most = LS_CURVES_MAX / curves->count > 1 ? LS_CURVES_MAX / curves->count : 1;
        int count = 0;
        for (int m = 0; m < run->metric_count; m++)
            count += is_of_kind(run, m, kind);
        for (int m = 0, seen = 0, shown = 0; m < run->metric_count; m++) {
            const char *metric = run->metrics[m];
            char name[LS_TEXT_MAX];
            if (!is_of_kind(run, m, kind) || (seen++ * most + count - 1) / count < shown ||
                shown == most)
                continue;
            chart->unit = unit_of(metric);
            const bool cut = !strncmp(metric, prefix, strlen(prefix)) && metric[strlen(prefix)];
            name_curve(curves, run, metric + (cut ? strlen(prefix) : 0), title, name);
            add_values(ls_chart_add(chart, name, curves->count > 1 ? r : shown, shown), run,
                       LS_SOURCE_TRAIN, m, curves->x);
            shown++;
        }
        if (count > most) {
            free(chart->title);
            LS_ASSERT(asprintf(&chart->title, "%s (%d of %d curves)", title, most, count) >= 0,
                      "out of memory");
        }
    }
}

bool ls_curves_have(const struct ls_curves *curves, const char *metric) {
    for (int r = 0; r < curves->count; r++)
        if (has(&curves->runs[r], -1, ls_history_find(&curves->runs[r], metric)))
            return true;
    return false;
}

int ls_curves_names(const struct ls_curves *curves, const char ***names) {
    int count = 0;
    *names = NULL;
    for (int r = 0; r < curves->count; r++)
        for (int m = 0; m < curves->runs[r].metric_count; m++) {
            const char *metric = curves->runs[r].metrics[m];
            int known = 0;
            while (known < count && strcmp((*names)[known], metric) != 0)
                known++;
            if (known < count)
                continue;
            *names = ls_realloc(*names, (size_t)count + 1, sizeof **names);
            (*names)[count++] = metric;
        }
    return count;
}
