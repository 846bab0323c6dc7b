#include "launcher/worker/tensorboard.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "launcher/chart/history.h"
#include "launcher/worker/data.h"

static void add(struct ls_events *events, double when, uint64_t step, const char *split,
                const char *metric, double value) {
    char tag[LS_METRIC_NAME_MAX + 32];
    snprintf(tag, sizeof tag, "%s/%s", split, metric);
    ls_events_add(events, when, step, tag, value);
}

enum ls_status ls_tensorboard_add(struct ls_events *events, const struct ls_tensorboard_line *line,
                                  struct ls_error *error) {
    for (int part = 0; part < 2; part++)
        for (int i = 0; i < line->counts[part]; i++)
            add(events, (double)time(NULL), line->step, line->split, line->items[part][i].name,
                line->items[part][i].value);
    return ls_events_flush(events, error);
}

enum ls_status ls_tensorboard_open(struct ls_events **events, const char *run, double seconds,
                                   struct ls_error *error) {
    char folder[LS_TEXT_MAX];
    struct ls_history history;
    snprintf(folder, sizeof folder, "%s/tensorboard", run);
    enum ls_status status = ls_events_open(events, folder, error);
    if (status != LS_OK)
        return status;
    if (ls_history_read(&history, run, error) == LS_OK)
        for (int64_t i = 0; i < history.count; i++) {
            const struct ls_history_line *line = &history.lines[i];
            const double when = (double)time(NULL) - fmax(seconds - line->seconds, 0);
            for (int m = 0; m < line->count; m++)
                if (!isinf(line->values[m]))
                    add(*events, when, line->step, ls_part_name(line->role), history.metrics[m],
                        line->values[m]);
        }
    ls_history_clear(&history);
    return ls_events_flush(*events, error);
}
