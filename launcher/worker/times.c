#include "launcher/worker/times.h"

#include <stdio.h>

#include "launcher/worker/progress.h"

const char *const ls_time_names[LS_TIMES] = {"data",    "forward", "backward",
                                             "average", "update",  "checkpoint"};

void ls_times_add(struct ls_times *times, enum ls_time which) {
    const double now = ls_seconds();
    times->seconds[which] += now - times->last;
    times->last = now;
}

void ls_times_shares(const struct ls_times *before, const struct ls_times *now,
                     double shares[LS_TIMES]) {
    const double passed = now->last - before->last;
    for (int i = 0; i < LS_TIMES; i++) {
        const double share = passed > 0 ? (now->seconds[i] - before->seconds[i]) / passed : 0;
        shares[i] = share < 1 ? share : 1;
    }
}

char *ls_times_print(const double shares[LS_TIMES], char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < LS_TIMES && used < size; i++)
        if (i != LS_TIME_CHECKPOINT || shares[i] >= 0.005)
            used += (size_t)snprintf(text + used, size - used, "%s%s %.0f%%", i ? "  " : "",
                                     ls_time_names[i], 100 * shares[i]);
    return text;
}
