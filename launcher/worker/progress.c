#include "launcher/worker/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double ls_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The first ones say most; all are in metrics.jsonl. */
char *ls_metrics_print(const struct ls_metrics *metrics, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < metrics->count; i++) {
        char one[LS_METRIC_NAME_MAX + 32];
        const int length = snprintf(one, sizeof one, "%s%s %.4f", i ? "  " : "",
                                    metrics->items[i].name, metrics->items[i].value);
        if (used + (size_t)length >= size || (i && used + (size_t)length > LS_LINE_METRICS))
            break;
        memcpy(text + used, one, (size_t)length + 1);
        used += (size_t)length;
    }
    return text;
}

void ls_progress_begin(struct ls_progress *progress, double interval, uint64_t epochs,
                       uint64_t steps_total, uint64_t step) {
    const char *terminal = getenv("LOCKSTEP_TERMINAL"); /* mpirun hides the launcher's from us */
    *progress = (struct ls_progress){
        .terminal = terminal ? terminal[0] == '1' : isatty(STDERR_FILENO) == 1,
        .interval = interval,
        .epochs = epochs,
        .steps_total = steps_total,
        .last = ls_seconds(),
        .last_step = step,
    };
    if (progress->terminal && progress->interval > 0.5)
        progress->interval = 0.5;
}

static void print_left(double seconds, char *text, size_t size) {
    const int64_t whole = (int64_t)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "%" PRId64 "h%02" PRId64 "m", whole / 3600, whole % 3600 / 60);
    else
        snprintf(text, size, "%" PRId64 "m%02" PRId64 "s", whole / 60, whole % 60);
}

bool ls_progress_due(const struct ls_progress *progress, uint64_t step) {
    return ls_seconds() - progress->last >= progress->interval && step > progress->last_step;
}

/* A line that is redrawn must not be longer than a screen is wide: of the times, the one that asks
 * for something to be done. */
void ls_progress_step(struct ls_progress *progress, const struct ls_position *position,
                      const struct ls_metrics *metrics) {
    const double now = ls_seconds();
    const uint64_t step = position->step;
    const double rate = (double)(step - progress->last_step) / (now - progress->last);
    const uint64_t left = progress->steps_total > step ? progress->steps_total - step : 0;
    char time_left[32], values[256], times[160];
    print_left((double)left / rate, time_left, sizeof time_left);
    ls_metrics_print(metrics, values, sizeof values);
    if (progress->terminal)
        snprintf(times, sizeof times, "data %.0f%%", 100 * position->shares[LS_TIME_DATA]);
    else
        ls_times_print(position->shares, times, sizeof times);
    fprintf(stderr,
            "%sepoch %.2f/%" PRIu64 "  step %" PRIu64 "/%" PRIu64
            "  %s  %.0f samples/s  %s left  %s%s",
            progress->terminal ? "\r\033[K" : "", position->epoch, progress->epochs, step,
            progress->steps_total, values, position->samples_per_s, time_left, times,
            progress->terminal ? "" : "\n");
    fflush(stderr);
    progress->drawn = progress->terminal;
    progress->last = now;
    progress->last_step = step;
}

void ls_progress_clear(struct ls_progress *progress) {
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
    fflush(stderr);
}

void ls_progress_line(struct ls_progress *progress, const char *format, ...) {
    ls_progress_clear(progress);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    fflush(stderr);
}
