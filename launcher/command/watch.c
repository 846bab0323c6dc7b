/* lockstep watch: how far a run is, from another terminal: it reads the run's files and leaves the
 * run alone. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launcher/chart/curves.h"
#include "launcher/command/command.h"
#include "launcher/exit_codes.h"
#include "launcher/report/record.h"
#include "launcher/worker/data.h"
#include "launcher/worker/restarts.h"

enum { CHARTS = 2, CHART_ROWS = 13, METRICS_SHOWN = 6, RANKS_SHOWN = 16 };

struct watch_options {
    double interval_seconds;
    bool once;
};

static const struct ls_option options[] = {
    {.field = {.name = "interval",
               .kind = LS_FIELD_REAL,
               .offset = offsetof(struct watch_options, interval_seconds),
               .initial = "2",
               .min = 0.1,
               .max = 86400,
               .unit = "s",
               .help = "between two looks"}},
    {.field = {.name = "once",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct watch_options, once),
               .initial = "false",
               .help = "one look, as where standard output is no terminal"}},
};

/* The newest line of a part. */
static void print_line(const struct ls_history *history, int role) {
    const struct ls_history_line *line = NULL;
    for (int64_t i = 0; i < history->count; i++)
        line = history->lines[i].role == role ? &history->lines[i] : line;
    if (!line)
        return;
    printf("  %-11s step %" PRIu64, ls_part_name(role), line->step);
    for (int m = 0, shown = 0; m < line->count && shown < METRICS_SHOWN; m++) {
        const enum ls_metric_kind kind = ls_metric_kind_of(history->metrics[m]);
        if ((kind == LS_METRIC_MEASURE || kind == LS_METRIC_SPEED) &&
            ls_history_value(line, m) < LS_ABSENT) {
            printf("  %s %.5g", history->metrics[m], ls_history_value(line, m));
            shown++;
        }
    }
    printf("\n");
}

static void print_progress(const struct ls_record *record) {
    const struct ls_history *history = &record->history;
    const char *epochs = ls_settings_find(&record->settings, "train.epochs");
    printf("%s", history->run);
    if (history->count) {
        const struct ls_history_line *last = &history->lines[history->count - 1];
        printf(": epoch %.2f/%s, step %" PRIu64 ", %.0f s of training", last->epoch,
               epochs ? epochs : "?", last->step, last->seconds);
    } else
        printf(": no line in metrics.jsonl yet");
    printf("\n");
    for (int role = 0; role < LS_PARTS; role++)
        print_line(history, role);
}

/* Which start this is, where there was one before it. */
static void print_starts(const struct ls_record *record) {
    const size_t count = json_array_size(record->starts);
    if (count < 2)
        return;
    const json_t *start = json_array_get(record->starts, count - 1);
    char ending[LS_ENDING_MAX];
    printf("  start %zu, from step %" JSON_INTEGER_FORMAT "; the one before: %s\n", count,
           json_integer_value(json_object_get(start, "from_step")),
           ls_starts_ending(json_array_get(record->starts, count - 2), false, ending));
}

/* Whether the rank still runs; of another host, what it said last counts. */
static bool is_running(const json_t *rank) {
    char host[256] = "";
    const char *said = json_string_value(json_object_get(rank, "host"));
    const pid_t pid = (pid_t)json_integer_value(json_object_get(rank, "pid"));
    if (json_integer_value(json_object_get(rank, "exit_code")) >= 0)
        return false;
    const bool here = gethostname(host, sizeof host - 1) == 0 && said && !strcmp(host, said);
    return !here || pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH;
}

/* Returns how many still run. */
static int print_ranks(const struct ls_record *record) {
    size_t i;
    const json_t *rank;
    int running = 0;
    json_array_foreach(record->ranks, i, rank) {
        const bool runs = is_running(rank);
        const json_int_t code = json_integer_value(json_object_get(rank, "exit_code"));
        const char *phase = json_string_value(json_object_get(rank, "phase"));
        const char *host = json_string_value(json_object_get(rank, "host"));
        running += runs;
        if (i == RANKS_SHOWN)
            printf("  and %zu more ranks\n", json_array_size(record->ranks) - i);
        if (i >= RANKS_SHOWN)
            continue;
        printf("  rank %-6zu step %" JSON_INTEGER_FORMAT ", %s on %s", i,
               json_integer_value(json_object_get(rank, "step")), phase ? phase : "?",
               host ? host : "?");
        if (!runs && code >= 0)
            printf(", ended with exit code %" JSON_INTEGER_FORMAT, code);
        else if (!runs)
            printf(", gone");
        printf("\n");
    }
    return running;
}

/* The first metrics that are measured; usually the loss and what goes with the task. */
static void print_charts(const struct ls_history *history) {
    const struct ls_text_chart text = ls_chart_terminal(CHART_ROWS);
    const struct ls_curves curves = {.runs = history, .count = 1};
    for (int m = 0, shown = 0; m < history->metric_count && shown < CHARTS; m++) {
        struct ls_chart chart;
        if (ls_metric_kind_of(history->metrics[m]) != LS_METRIC_MEASURE ||
            !ls_curves_have(&curves, history->metrics[m]))
            continue;
        ls_curves_metric(&chart, &curves, history->metrics[m]);
        printf("\n");
        ls_chart_text(stdout, &chart, &text);
        ls_chart_clear(&chart);
        shown++;
    }
}

static void wait_for(double seconds) {
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

static int run_watch(int argument_count, char **arguments, const void *given_options) {
    const struct watch_options *given = given_options;
    const bool once = given->once || !isatty(STDOUT_FILENO);
    for (;;) {
        struct ls_error error;
        struct ls_record *records = NULL;
        const enum ls_status status = ls_records_read(&records, arguments, argument_count, &error);
        int running = 0;
        if (status == LS_OK) {
            if (!once)
                printf("\033[H\033[2J");
            print_progress(&records[0]);
            print_starts(&records[0]);
            running = print_ranks(&records[0]);
            if (records[0].history.count)
                print_charts(&records[0].history);
            if (!running)
                printf("%s no rank is running\n", once ? "" : "\nended:");
            fflush(stdout);
        }
        ls_records_free(records, argument_count);
        if (status != LS_OK)
            return ls_command_fail(&error);
        if (once || !running || ferror(stdout))
            return LS_EXIT_DONE;
        wait_for(given->interval_seconds);
    }
}

const struct ls_command ls_command_watch = {
    .name = "watch",
    .usage = "RUN [--interval SECONDS] [--once]",
    .help = "how far a run is: progress, ranks and curves, from another terminal",
    .details = "It ends when no rank is running any more, or with Ctrl-C; the run does not notice.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_watch,
    .options_size = sizeof(struct watch_options),
};
