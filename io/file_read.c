/* Files, or pieces of them, into memory; and digests of what they hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/file.h"

enum { BLOCK_BYTES = 1 << 20 };

int64_t ls_file_read_at(int file, void *bytes, uint64_t count, uint64_t offset) {
    uint64_t done = 0;
    while (done < count) { /* the system reads 2 GB at a time */
        const ssize_t got = pread(file, (char *)bytes + done, count - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (uint64_t)got;
    }
    return (int64_t)done;
}

/* A regular file or a stream; a folder is refused by name, not by read's EISDIR later. */
static enum ls_status open_for_reading(const char *path, int *file, struct ls_error *error) {
    *file = open(path, O_RDONLY | O_CLOEXEC);
    if (*file < 0)
        return ls_file_fail(error, "read", path, errno);
    struct stat info;
    if (fstat(*file, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(*file);
        return ls_file_fail(error, "read", path, EISDIR);
    }
    return LS_OK;
}

/* Up to room bytes; less only at the end of the file. -1: errno says why. */
static ssize_t read_fully(int file, char *bytes, size_t room) {
    size_t filled = 0;
    while (filled < room) {
        const ssize_t got = read(file, bytes + filled, room - filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        filled += (size_t)got;
    }
    return (ssize_t)filled;
}

enum ls_status ls_file_read(const char *path, uint64_t max, char **bytes, uint64_t *count,
                            struct ls_error *error) {
    *bytes = NULL;
    *count = 0;
    int file;
    enum ls_status status = open_for_reading(path, &file, error);
    if (status != LS_OK)
        return status;
    for (size_t room = BLOCK_BYTES / 16;; room = *count) { /* doubles what is there */
        *bytes = ls_realloc(*bytes, *count + room + 1, 1);
        const ssize_t got = read_fully(file, *bytes + *count, room);
        if (got < 0) {
            status = ls_file_fail(error, "read", path, errno);
            break;
        }
        *count += (uint64_t)got;
        if (*count > max) {
            status = ls_fail(error, LS_INVALID, "cannot read %s: it is larger than %llu bytes",
                             path, (unsigned long long)max);
            break;
        }
        if ((size_t)got < room)
            break;
    }
    close(file);
    if (status == LS_OK) {
        (*bytes)[*count] = '\0';
    } else {
        free(*bytes);
        *bytes = NULL;
        *count = 0;
    }
    return status;
}

enum ls_status ls_file_digest(const char *path, uint64_t *bytes, uint64_t *digest,
                              struct ls_error *error) {
    int file;
    enum ls_status status = open_for_reading(path, &file, error);
    if (status != LS_OK)
        return status;
    char *block = ls_calloc(BLOCK_BYTES, 1);
    struct ls_hash *hash = ls_hash_create();
    *bytes = 0;
    ssize_t got;
    while ((got = read_fully(file, block, BLOCK_BYTES)) > 0) {
        ls_hash_add(hash, block, (size_t)got);
        *bytes += (uint64_t)got;
    }
    if (got < 0)
        status = ls_file_fail(error, "read", path, errno);
    *digest = ls_hash_value(hash);
    ls_hash_destroy(hash);
    free(block);
    close(file);
    return status;
}
