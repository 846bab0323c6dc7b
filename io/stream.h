/* A file read from front to back, plain or gzipped, or a member of a ZIP archive. Internal to io.
 */
#ifndef LS_IO_STREAM_H
#define LS_IO_STREAM_H

#include <stdint.h>

#include "core/base/status.h"

struct ls_stream {
    const char *path;             /* borrowed */
    void *file;                   /* zlib's; owned */
    struct ls_zip_member *member; /* owned; instead of file */
    uint64_t bytes;               /* delivered so far, unpacked */
    bool cut;                     /* its gzip data ended early */
};

LS_MUST_USE enum ls_status ls_stream_open(struct ls_stream *stream, const char *path,
                                          struct ls_error *error);
void ls_stream_close(struct ls_stream *stream); /* also of a zeroed one */

/* Up to count bytes; *got is less only at the end (also where gzip data was cut off: `cut`).
 * Damaged gzip data is an error. */
LS_MUST_USE enum ls_status ls_stream_read(struct ls_stream *stream, void *bytes, uint64_t count,
                                          uint64_t *got, struct ls_error *error);

/* The whole file, unpacked; at most max bytes. *bytes is owned by the caller and ends with an extra
 * NUL. */
LS_MUST_USE enum ls_status ls_stream_read_all(const char *path, uint64_t max, char **bytes,
                                              uint64_t *count, struct ls_error *error);

#endif
