/* The curves of a run, each along steps, epochs and time: which of the three is shown, a reader
 * chooses; and where the time of training went. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/chart/curves.h"
#include "launcher/report/page.h"
#include "launcher/worker/data.h"

enum { WIDTH = 440, HEIGHT = 210, MEASURES_MAX = 24, ALONG = LS_X_SECONDS + 1 };

static const char *const along[ALONG] = {"step", "epoch", "seconds"};
static const char *const along_names[ALONG] = {"steps", "epochs", "time"};

void ls_page_chart(struct ls_page *page, const struct ls_chart *chart) {
    char id[32];
    snprintf(id, sizeof id, "chart%d", ++page->charts);
    const struct ls_svg svg = {.width = WIDTH, .height = HEIGHT, .id = id};
    if ((int)chart->x < ALONG)
        fprintf(page->out, "<figure class=\"by-%s\">", along[chart->x]);
    else
        fputs("<figure>", page->out);
    ls_chart_svg(page->out, chart, &svg);
    fputs("</figure>\n", page->out);
}

static void print_measures(struct ls_page *page, const struct ls_curves *curves) {
    const char **names;
    const int count = ls_curves_names(curves, &names);
    int shown = 0, left = 0;
    fputs("<h3>What was measured</h3><div class=\"grid\">\n", page->out);
    for (int i = 0; i < count; i++) {
        struct ls_chart chart;
        if (ls_metric_kind_of(names[i]) != LS_METRIC_MEASURE || !ls_curves_have(curves, names[i]))
            continue;
        if (shown++ >= MEASURES_MAX) {
            left++;
            continue;
        }
        ls_curves_metric(&chart, curves, names[i]);
        ls_page_chart(page, &chart);
        ls_chart_clear(&chart);
    }
    fputs("</div>\n", page->out);
    if (left)
        fprintf(page->out,
                "<p class=\"note\">%d more metrics are not shown; <code>lockstep plot RUN --metric "
                "NAME</code> shows each.</p>\n",
                left);
    free(names);
}

/* Nothing where the runs have none of that kind. */
static void print_kind(struct ls_page *page, const struct ls_curves *curves, const char *title,
                       enum ls_metric_kind kind, const char *prefix) {
    struct ls_chart chart;
    ls_curves_kind(&chart, curves, title, kind, prefix);
    if (chart.count)
        ls_page_chart(page, &chart);
    ls_chart_clear(&chart);
}

static struct ls_history *borrow_histories(const struct ls_page *page) {
    struct ls_history *histories = ls_calloc((size_t)page->count, sizeof *histories);
    for (int r = 0; r < page->count; r++)
        histories[r] = page->records[r].history;
    return histories;
}

void ls_page_curves(struct ls_page *page) {
    struct ls_history *histories = borrow_histories(page);
    struct ls_curves curves = {.runs = histories, .count = page->count};
    int64_t lines = 0;
    for (int r = 0; r < page->count; r++)
        lines += histories[r].count;
    if (lines) {
        ls_page_section(page, "curves", "Curves");
        for (int x = 0; x < ALONG; x++)
            fprintf(page->out,
                    "<input type=\"radio\" class=\"pick\" name=\"x\" id=\"x-%s\"%s/><label "
                    "for=\"x-%s\">along %s"
                    "</label>\n",
                    along[x], x ? "" : " checked=\"checked\"", along[x], along_names[x]);
        fputs("<div>\n", page->out);
        for (int x = 0; x < ALONG; x++) {
            curves.x = (enum ls_chart_x)x;
            fprintf(page->out, "<div class=\"by-%s\">\n", along[x]);
            print_measures(page, &curves);
            fputs("<h3>How training went</h3><div class=\"grid\">\n", page->out);
            print_kind(page, &curves, "learning_rate", LS_METRIC_RATE, "");
            print_kind(page, &curves, "gradient_norm", LS_METRIC_NORM, "gradient_norm.");
            print_kind(page, &curves, "samples_per_s", LS_METRIC_SPEED, "");
            if (page->count == 1)
                print_kind(page, &curves, "where the time goes", LS_METRIC_TIME, "time_");
            fputs("</div></div>\n", page->out);
        }
        fputs("</div></section>\n", page->out);
    }
    free(histories);
}

/* The share of the training time that went into a metric of time, over all lines that say it. */
static double share_of(const struct ls_history *history, int metric) {
    double weighted = 0, seconds = 0, before = 0;
    for (int64_t i = 0; i < history->count; i++) {
        const struct ls_history_line *line = &history->lines[i];
        const double share = ls_history_value(line, metric);
        if (line->role != LS_SOURCE_TRAIN || !isfinite(share))
            continue;
        weighted += share * (line->seconds - before);
        seconds += line->seconds - before;
        before = line->seconds;
    }
    return seconds > 0 ? weighted / seconds : (double)NAN;
}

static void print_share(const struct ls_page *page, const char *name, double share, int number,
                        bool key) {
    static const char *const colours[] = {"#56B4E9", "#0072B2", "#009E73", "#E69F00",
                                          "#CC79A7", "#D55E00", "#DDDDDD"};
    const char *colour = colours[number % 7];
    if (!key)
        fprintf(page->out, "<span style=\"width:%.2f%%;background:%s\" title=\"%s %.1f%%\"></span>",
                100 * share, colour, name, 100 * share);
    else
        fprintf(page->out,
                "<tr><td><span class=\"key\" style=\"background:%s\"></span>%s</td>"
                "<td class=\"n\">%.1f%%</td></tr>\n",
                colour, name, 100 * share);
}

static void print_shares(const struct ls_page *page, const struct ls_history *history, bool key) {
    double rest = 1;
    int number = 0;
    for (int m = 0; m < history->metric_count; m++) {
        const double share = ls_metric_kind_of(history->metrics[m]) == LS_METRIC_TIME
                                 ? share_of(history, m)
                                 : (double)NAN;
        if (isnan(share))
            continue;
        char name[64] = "";
        for (size_t i = 5, k = 0; history->metrics[m][i] && k < sizeof name - 1; i++)
            name[k++] =
                (char)(strchr("<>&\"'", history->metrics[m][i]) ? '_' : history->metrics[m][i]);
        print_share(page, name, share, number++, key);
        rest -= share;
    }
    if (rest > 0.0005)
        print_share(page, "elsewhere (measuring, writing lines)", rest, 6, key);
}

void ls_page_times(const struct ls_page *page) {
    const struct ls_history *history = &page->records[0].history;
    bool any = false;
    for (int m = 0; m < history->metric_count; m++)
        any = any || (ls_metric_kind_of(history->metrics[m]) == LS_METRIC_TIME &&
                      !isnan(share_of(history, m)));
    if (!any)
        return;
    ls_page_section(page, "time", "Where the time went");
    fputs("<p>Shares of the training time, as the first rank saw them; waiting for other ranks "
          "counts as averaging.</p>\n<div class=\"bar\">",
          page->out);
    print_shares(page, history, false);
    fputs("</div>\n<table><tbody>\n", page->out);
    print_shares(page, history, true);
    fputs("</tbody></table></section>\n", page->out);
}
