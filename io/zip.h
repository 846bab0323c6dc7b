/* Members of a ZIP archive (.npz), read from front to back. Internal to io.
 * PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 to 4.5. */
#ifndef LS_IO_ZIP_H
#define LS_IO_ZIP_H

#include <stdint.h>

#include "core/base/status.h"
#include "io/stream.h"

struct ls_zip_entry {
    char *name;      /* owned */
    uint64_t offset; /* of its local header */
    uint64_t packed, size;
    uint32_t checksum;
    int method; /* 0: stored, 8: deflate */
    bool encrypted;
};

struct ls_zip {
    const char *path; /* borrowed */
    int count;
    struct ls_zip_entry *entries; /* [count] owned */
};

LS_MUST_USE enum ls_status ls_zip_open(struct ls_zip *zip, const char *path,
                                       struct ls_error *error);
void ls_zip_close(struct ls_zip *zip);

/* A stream of an entry, unpacked; read and closed like any other. */
LS_MUST_USE enum ls_status ls_zip_stream(const struct ls_zip *zip, int entry,
                                         struct ls_stream *stream, struct ls_error *error);

/* For streams: as ls_stream_read and ls_stream_close. */
struct ls_zip_member;
LS_MUST_USE enum ls_status ls_zip_member_read(struct ls_zip_member *member, const char *path,
                                              void *bytes, uint64_t count, uint64_t *got,
                                              struct ls_error *error);
void ls_zip_member_close(struct ls_zip_member *member);

#endif
