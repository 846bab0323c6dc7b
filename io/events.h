/* Event files as TensorBoard reads them: records of TFRecord (length, CRC-32C of it, data, CRC-32C
 * of that) whose data are messages tensorflow.Event of scalars and images. */
#ifndef LS_IO_EVENTS_H
#define LS_IO_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

struct ls_events;

/* Makes FOLDER hold one event file, an empty one, in place of those that are there. */
LS_MUST_USE enum ls_status ls_events_open(struct ls_events **events, const char *folder,
                                          struct ls_error *error);
/* A value under a tag ("train/loss"), at a step and a time (seconds since 1970). It is written by
 * ls_events_flush. */
void ls_events_add(struct ls_events *events, double time, uint64_t step, const char *tag,
                   double value);
struct ls_events_image {
    int64_t height, width, channels; /* 1: grey, 3: RGB */
    const void *png;                 /* a PNG file */
    size_t png_bytes;
};
void ls_events_add_image(struct ls_events *events, uint64_t step, const char *tag,
                         const struct ls_events_image *image);
/* In whole records, so that a reader never sees half of one; after an error they are tried again.
 */
LS_MUST_USE enum ls_status ls_events_flush(struct ls_events *events, struct ls_error *error);
void ls_events_close(struct ls_events *events); /* NULL is allowed */

#endif
