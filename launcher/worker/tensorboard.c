#include "launcher/worker/tensorboard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "io/png.h"
#include "launcher/worker/history.h"
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

enum ls_status ls_tensorboard_show(struct ls_events *events, uint64_t step, const float *samples,
                                   int64_t count, struct ls_shape shape, struct ls_error *error) {
    enum { IMAGES_MAX = 36, COLUMNS = 6, SIDE_MAX = 256 };
    if (shape.rank != 3 || (shape.dims[2] != 1 && shape.dims[2] != 3) || shape.dims[0] > SIDE_MAX ||
        shape.dims[1] > SIDE_MAX || count < 1)
        return LS_OK;
    const int64_t rows = (count < IMAGES_MAX ? count + COLUMNS - 1 : IMAGES_MAX) / COLUMNS;
    struct ls_png_grid grid = {.count = count < IMAGES_MAX ? count : IMAGES_MAX,
                               .height = shape.dims[0],
                               .width = shape.dims[1],
                               .channels = shape.dims[2],
                               .high = 1,
                               .columns = COLUMNS};
    for (int64_t i = 0; i < grid.count * ls_shape_count(shape); i++) {
        grid.low = fminf(grid.low, samples[i]);
        grid.high = fmaxf(grid.high, samples[i]);
    }
    const int64_t columns = grid.count < COLUMNS ? grid.count : COLUMNS;
    struct ls_events_image image = {
        .height = rows * grid.height, .width = columns * grid.width, .channels = grid.channels};
    void *png;
    enum ls_status status =
        ls_png_encode_grid("train/inputs", samples, &grid, &png, &image.png_bytes, error);
    if (status != LS_OK)
        return status;
    image.png = png;
    ls_events_add_image(events, step, "train/inputs", &image);
    free(png);
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
