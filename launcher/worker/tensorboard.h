/* RUN/tensorboard: the numbers of metrics.jsonl once more, as TensorBoard reads them
 * (log.tensorboard). */
#ifndef LS_LAUNCHER_TENSORBOARD_H
#define LS_LAUNCHER_TENSORBOARD_H

#include "core/tasks/task.h"
#include "core/tensor/shape.h"
#include "io/events.h"

/* A new event file with what RUN/metrics.jsonl holds; seconds: of training so far. */
LS_MUST_USE enum ls_status ls_tensorboard_open(struct ls_events **events, const char *run,
                                               double seconds, struct ls_error *error);

/* A line of metrics.jsonl: each of its numbers, under "split/metric". */
struct ls_tensorboard_line {
    uint64_t step;
    const char *split;
    const struct ls_metric *items[2]; /* [counts] borrowed */
    int counts[2];
};
/* The first images of samples [count][shape], under "train/inputs"; of another shape than images
 * have: nothing. */
LS_MUST_USE enum ls_status ls_tensorboard_show(struct ls_events *events, uint64_t step,
                                               const float *samples, int64_t count,
                                               struct ls_shape shape, struct ls_error *error);
LS_MUST_USE enum ls_status ls_tensorboard_add(struct ls_events *events,
                                              const struct ls_tensorboard_line *line,
                                              struct ls_error *error);

#endif
