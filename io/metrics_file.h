/* RUN/metrics.jsonl: one JSON object per line, each with step, epoch and split; written by rank 0,
 * cut back to what the checkpoint had seen (its size then) so that it ends equal to an
 * uninterrupted run's (times aside).
 *
 * A checkpoint is worth more than this file: whatever has happened to it, the run goes on. A line
 * that a full disk did not take waits for the next one; a file that was removed under us is written
 * again. */
#ifndef LS_IO_METRICS_FILE_H
#define LS_IO_METRICS_FILE_H

#include "core/base/status.h"
#include "core/tasks/task.h"

struct ls_metrics_file;

/* Opens for appending after cutting the file back to its first `bytes` bytes (0: anew). If those
 * are not the lines up to `step` that a checkpoint saw, the file is set aside as PATH.damaged, its
 * first intact lines are taken over, and a warning says so. */
LS_MUST_USE enum ls_status ls_metrics_open(struct ls_metrics_file **file, const char *path,
                                           uint64_t bytes, uint64_t step, struct ls_error *error);
/* extra: NULL or further values (learning_rate, gradient_norm); "seconds" and "samples_per_s" are
 * times. After an error the line is kept, and written with the next. */
LS_MUST_USE enum ls_status ls_metrics_append(struct ls_metrics_file *file, uint64_t step,
                                             double epoch, const char *split,
                                             const struct ls_metrics *metrics,
                                             const struct ls_metric *extra, int extra_count,
                                             struct ls_error *error);
/* Before a checkpoint is committed: what it covers is on disk. */
LS_MUST_USE enum ls_status ls_metrics_sync(struct ls_metrics_file *file, struct ls_error *error);
/* Bytes so far; goes into the checkpoint. */
uint64_t ls_metrics_size(const struct ls_metrics_file *file);
/* NULL is allowed. */
void ls_metrics_close(struct ls_metrics_file *file);

#endif
