#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/zip.h"

enum { BUFFER_BYTES = 256 << 10, READ_MAX = 1 << 30 };

enum ls_status ls_stream_open(struct ls_stream *stream, const char *path, struct ls_error *error) {
    *stream = (struct ls_stream){.path = path};
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ls_file_fail(error, "read", path, errno);
    struct stat info;
    if (fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(file);
        return ls_file_fail(error, "read", path, EISDIR);
    }
    gzFile unpacked = gzdopen(file, "rb");
    LS_ASSERT(unpacked, "out of memory: reading %s", path);
    gzbuffer(unpacked, BUFFER_BYTES);
    stream->file = unpacked;
    return LS_OK;
}

void ls_stream_close(struct ls_stream *stream) {
    if (stream->file)
        gzclose_r(stream->file);
    if (stream->member)
        ls_zip_member_close(stream->member);
    stream->file = NULL;
    stream->member = NULL;
}

enum ls_status ls_stream_read(struct ls_stream *stream, void *bytes, uint64_t count, uint64_t *got,
                              struct ls_error *error) {
    *got = 0;
    if (stream->member) {
        const enum ls_status status =
            ls_zip_member_read(stream->member, stream->path, bytes, count, got, error);
        stream->bytes += *got;
        return status;
    }
    while (*got < count) {
        const uint64_t left = count - *got;
        const int read =
            gzread(stream->file, (char *)bytes + *got, left < READ_MAX ? (unsigned)left : READ_MAX);
        int number;
        const char *reason = gzerror(stream->file, &number);
        if (read > 0) {
            *got += (uint64_t)read;
            stream->bytes += (uint64_t)read;
        }
        if (number == Z_ERRNO)
            return ls_file_fail(error, "read", stream->path, errno);
        if (number == Z_BUF_ERROR)
            stream->cut = true;
        else if (number != Z_OK && number != Z_STREAM_END)
            return ls_fail(error, LS_INVALID, "%s: damaged gzip data after %llu bytes: %s",
                           stream->path, (unsigned long long)stream->bytes, reason);
        if (read <= 0)
            break;
    }
    return LS_OK;
}

enum ls_status ls_stream_read_all(const char *path, uint64_t max, char **bytes, uint64_t *count,
                                  struct ls_error *error) {
    struct ls_stream stream;
    *bytes = NULL;
    *count = 0;
    enum ls_status status = ls_stream_open(&stream, path, error);
    uint64_t got = 0, room = BUFFER_BYTES;
    while (status == LS_OK) {
        *bytes = ls_realloc(*bytes, *count + room + 1, 1);
        status = ls_stream_read(&stream, *bytes + *count, room, &got, error);
        *count += got;
        if (status == LS_OK && *count > max)
            status = ls_fail(error, LS_INVALID, "%s: more than %llu bytes", path,
                             (unsigned long long)max);
        if (got < room)
            break;
        room = *count;
    }
    if (status == LS_OK && stream.cut)
        status =
            ls_fail(error, LS_INVALID, "%s: truncated: its gzip data ends early, after %llu bytes",
                    path, (unsigned long long)*count);
    ls_stream_close(&stream);
    if (status == LS_OK) {
        (*bytes)[*count] = '\0';
    } else {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}
