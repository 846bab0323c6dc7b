/* lockstep plot: the curves of runs, in the terminal, as SVG, or their numbers as CSV. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/chart/curves.h"
#include "launcher/chart/table.h"
#include "launcher/command/command.h"
#include "launcher/command/options.h"
#include "launcher/exit_codes.h"

enum { RUNS_MAX = 64, ROWS = 18 };
enum { SVG_WIDTH = 760, SVG_HEIGHT = 320 };

struct plot_options {
    struct ls_texts metrics;
    int x, scale;
    char out[LS_TEXT_MAX];
};

static const char *const x_names[] = {"step", "epoch", "seconds", NULL};
static const char *const scale_names[] = {"auto", "linear", "log", NULL};

static const struct ls_option options[] = {
    {.field = {.name = "metric",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct plot_options, metrics),
               .initial = "",
               .help = "a metric to show; may be repeated; default: all that are measured"},
     .repeated = true},
    {.field = {.name = "x",
               .kind = LS_FIELD_CHOICE,
               .offset = offsetof(struct plot_options, x),
               .choices = x_names,
               .initial = "step",
               .help = "what the curves go along"}},
    {.field = {.name = "scale",
               .kind = LS_FIELD_CHOICE,
               .offset = offsetof(struct plot_options, scale),
               .choices = scale_names,
               .initial = "auto",
               .help = "auto: log where values spread far"}},
    {.field =
         {.name = "out",
          .kind = LS_FIELD_TEXT,
          .offset = offsetof(struct plot_options, out),
          .initial = "",
          .help =
              "FILE.svg: the charts; FILE.csv: metrics.jsonl as a table; default: the terminal"}},
};

/* What is shown. */
struct wanted {
    struct ls_curves curves;
    const char **metrics; /* owned */
    int count;
};

static enum ls_status unknown_metric(const struct wanted *wanted, const char *metric,
                                     const char *const *names, int count, struct ls_error *error) {
    char hint[160];
    ls_fail(error, LS_INVALID, "--metric %.60s: %s such metric%s\nthere are:", metric,
            wanted->curves.count > 1 ? "none of the runs has" : "the run has no",
            ls_did_you_mean(metric, names, count, "", hint, sizeof hint));
    for (int i = 0; i < count; i++) {
        const size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, "%s %s", i ? "," : "", names[i]);
    }
    return LS_INVALID;
}

/* Those that were asked for; or all that have a curve (of a table: all). */
static enum ls_status choose(struct wanted *wanted, const struct plot_options *given, bool table,
                             struct ls_error *error) {
    const char **names;
    const int count = ls_curves_names(&wanted->curves, &names);
    enum ls_status status = LS_OK;
    wanted->metrics = ls_calloc((size_t)(count + given->metrics.count), sizeof *wanted->metrics);
    for (int i = 0; i < given->metrics.count && status == LS_OK; i++) {
        int found = 0;
        while (found < count && strcmp(names[found], given->metrics.items[i]) != 0)
            found++;
        if (found == count)
            status = unknown_metric(wanted, given->metrics.items[i], names, count, error);
        for (int r = 0; r < wanted->curves.count && status == LS_OK; r++)
            if (ls_history_find(&wanted->curves.runs[r], names[found]) < 0)
                ls_log(LS_LOG_WARNING, "%s has no metric %s", wanted->curves.runs[r].run,
                       names[found]);
        wanted->metrics[wanted->count++] = given->metrics.items[i];
    }
    for (int i = 0; i < count && !given->metrics.count; i++)
        if (table || (ls_metric_kind_of(names[i]) == LS_METRIC_MEASURE &&
                      ls_curves_have(&wanted->curves, names[i])))
            wanted->metrics[wanted->count++] = names[i];
    free(names);
    return status;
}

static void show(const struct wanted *wanted) {
    const struct ls_text_chart text = ls_chart_terminal(ROWS);
    for (int i = 0; i < wanted->count; i++) {
        struct ls_chart chart;
        ls_curves_metric(&chart, &wanted->curves, wanted->metrics[i]);
        if (i)
            printf("\n");
        ls_chart_text(stdout, &chart, &text);
        ls_chart_clear(&chart);
    }
}

/* One picture, a chart below the other. */
static void draw(FILE *out, const struct wanted *wanted) {
    struct ls_chart *charts = ls_calloc((size_t)wanted->count, sizeof *charts);
    struct ls_svg svg = {.width = SVG_WIDTH, .height = SVG_HEIGHT};
    int height = 0;
    for (int i = 0; i < wanted->count; i++) {
        ls_curves_metric(&charts[i], &wanted->curves, wanted->metrics[i]);
        height += ls_chart_svg_height(&charts[i], &svg);
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n",
            SVG_WIDTH, height, SVG_WIDTH, height);
    for (int i = 0; i < wanted->count; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        svg.id = id;
        ls_chart_svg(out, &charts[i], &svg);
        svg.y += ls_chart_svg_height(&charts[i], &svg);
        ls_chart_clear(&charts[i]);
    }
    fputs("</svg>\n", out);
    free(charts);
}

static enum ls_status write_file(const struct wanted *wanted, const char *path,
                                 struct ls_error *error) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory to write %s", path);
    if (ls_path_ends(path, ".csv"))
        ls_table_write(out, wanted->curves.runs, wanted->curves.count, wanted->metrics,
                       wanted->count);
    else
        draw(out, wanted);
    LS_ASSERT(!fclose(out), "no memory to write %s", path);
    const enum ls_status status = ls_file_write(path, text, size, error);
    free(text);
    return status;
}

static int run_plot(int argument_count, char **arguments, const void *given_options) {
    const struct plot_options *given = given_options;
    struct ls_error error;
    struct ls_history *runs = NULL;
    const bool table = ls_path_ends(given->out, ".csv");
    if (given->out[0] && !table && !ls_path_ends(given->out, ".svg")) {
        ls_fail(&error, LS_INVALID, "--out: expected FILE.svg or FILE.csv, found '%.200s'",
                given->out);
        return ls_command_fail(&error);
    }
    enum ls_status status = ls_histories_read(&runs, arguments, argument_count, &error);
    struct wanted wanted = {.curves = {.runs = runs,
                                       .count = argument_count,
                                       .x = (enum ls_chart_x)given->x,
                                       .scale = (enum ls_chart_scale)given->scale}};
    if (status == LS_OK)
        status = choose(&wanted, given, table, &error);
    if (status == LS_OK && !given->out[0])
        show(&wanted);
    else if (status == LS_OK)
        status = write_file(&wanted, given->out, &error);
    free(wanted.metrics);
    ls_histories_free(runs, argument_count);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_plot = {
    .name = "plot",
    .usage = "RUN... [--metric NAME]... [--x step|epoch|seconds] "
             "[--out FILE.svg|FILE.csv]",
    .help = "curves of runs, in the terminal or as SVG; their numbers as CSV",
    .details = "Several runs lie over each other, each under its name. Validation is measured at "
               "the end of epochs, and stands\n"
               "at the training time of that step.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = RUNS_MAX,
    .run = run_plot,
    .options_size = sizeof(struct plot_options),
};
