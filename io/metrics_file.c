#include "io/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "io/json.h"

enum { WAITING_MAX = 64 << 20, ASIDE_SIZE = 4096 + 64 };
static const uint64_t FILE_BYTES_MAX = (uint64_t)1 << 40;

struct ls_metrics_file {
    int file;
    char *path; /* owned */
    uint64_t bytes;
    char *waiting; /* owned; lines that could not be written yet */
    size_t waiting_bytes;
};

/* ---- what is there when a run goes on ---- */

/* Whether a line is one of ours, of a step that the checkpoint has. */
static bool fits(const char *line, size_t length, uint64_t step) {
    json_t *object = json_loadb(line, length, 0, NULL);
    const json_t *value = json_object_get(object, "step");
    const bool good = json_is_integer(value) && json_integer_value(value) >= 0 &&
                      (uint64_t)json_integer_value(value) <= step;
    json_decref(object);
    return good;
}

/* Bytes of the leading whole lines that fit, at most `max`. */
static uint64_t count_good(const char *text, uint64_t count, uint64_t max, uint64_t step) {
    uint64_t good = 0;
    while (good < count && good < max) {
        const char *end = memchr(text + good, '\n', count - good);
        const size_t length = end ? (size_t)(end - (text + good)) : 0;
        if (!end || good + length + 1 > max || !fits(text + good, length, step))
            break;
        good += length + 1;
    }
    return good;
}

/* Renames what is there, if anything is. */
static enum ls_status set_aside(const char *path, char aside[ASIDE_SIZE], struct ls_error *error) {
    struct stat info;
    snprintf(aside, ASIDE_SIZE, "%s.damaged", path);
    if (lstat(path, &info))
        return LS_OK;
    ls_path_free(aside, ASIDE_SIZE);
    return rename(path, aside) ? ls_file_fail(error, "rename", path, errno) : LS_OK;
}

/* Makes the file hold what the checkpoint saw, or of that what can still be had. */
static enum ls_status settle(const char *path, uint64_t *bytes, uint64_t step,
                             struct ls_error *error) {
    struct stat info;
    const bool there = stat(path, &info) == 0;
    char *text = NULL, aside[ASIDE_SIZE];
    uint64_t count = 0;
    if (there && S_ISREG(info.st_mode) && *bytes > 0 &&
        ls_file_read(path, FILE_BYTES_MAX, &text, &count, error) != LS_OK)
        count = 0;
    const uint64_t good = count_good(text, count, *bytes, step);
    const bool whole = good == *bytes && (!there || S_ISREG(info.st_mode));
    enum ls_status status = LS_OK;
    if (!whole) {
        status = set_aside(path, aside, error);
        if (status == LS_OK)
            status = ls_file_write(path, text ? text : "", good, error);
        if (status == LS_OK)
            ls_log(LS_LOG_WARNING,
                   "%s is not what the checkpoint of step %" PRIu64 " saw: of its %" PRIu64
                   " bytes, %" PRIu64 " are there and intact%s%s",
                   path, step, *bytes, good,
                   there ? "; what was there is kept as " : "; the lines before are lost",
                   there ? strrchr(aside, '/') ? strrchr(aside, '/') + 1 : aside : "");
        *bytes = good;
    }
    free(text);
    return status;
}

enum ls_status ls_metrics_open(struct ls_metrics_file **file, const char *path, uint64_t bytes,
                               uint64_t step, struct ls_error *error) {
    *file = NULL;
    const enum ls_status status = settle(path, &bytes, step, error);
    if (status != LS_OK)
        return status;
    const int opened = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (opened < 0)
        return ls_file_fail(error, "write", path, errno);
    if (ftruncate(opened, (off_t)bytes)) {
        const int number = errno;
        close(opened);
        return ls_file_fail(error, "cut back", path, number);
    }
    *file = ls_calloc(1, sizeof **file);
    **file = (struct ls_metrics_file){.file = opened, .path = ls_strdup(path), .bytes = bytes};
    return LS_OK;
}

/* ---- while it goes on ---- */

/* Lines do not wait in any amount of memory: the older half of too many is lost, and that is said.
 */
static void forget_some(struct ls_metrics_file *file) {
    if (file->waiting_bytes <= WAITING_MAX)
        return;
    uint64_t lines = 0;
    size_t lost = 0;
    while (lost < file->waiting_bytes / 2) {
        const char *end = memchr(file->waiting + lost, '\n', file->waiting_bytes - lost);
        lost = (size_t)(end + 1 - file->waiting);
        lines++;
    }
    file->waiting_bytes -= lost;
    memmove(file->waiting, file->waiting + lost, file->waiting_bytes);
    ls_log(LS_LOG_WARNING,
           "%s: %" PRIu64 " lines could not be written for so long that they are lost; the newest "
           "%zu MB still wait",
           file->path, lines, file->waiting_bytes >> 20);
}

/* One write(2), so that a reader never sees half a line; lines that did not fit on the disk are
 * taken back, and wait. */
static enum ls_status write_waiting(struct ls_metrics_file *file, struct ls_error *error) {
    ssize_t put = 0;
    if (!file->waiting_bytes)
        return LS_OK;
    do
        put = write(file->file, file->waiting, file->waiting_bytes);
    while (put < 0 && errno == EINTR);
    if (put == (ssize_t)file->waiting_bytes) {
        file->bytes += file->waiting_bytes;
        file->waiting_bytes = 0;
        return LS_OK;
    }
    const int number = put < 0 ? errno : ENOSPC;
    if (put > 0 && ftruncate(file->file, (off_t)file->bytes))
        ls_log(LS_LOG_WARNING, "%s ends in a torn line", file->path);
    forget_some(file);
    return ls_file_fail(error, "write", file->path, number);
}

enum ls_status ls_metrics_append(struct ls_metrics_file *file, uint64_t step, double epoch,
                                 const char *split, const struct ls_metrics *metrics,
                                 const struct ls_metric *extra, int extra_count,
                                 struct ls_error *error) {
    json_t *object = json_object();
    json_object_set_new(object, "step", json_integer((json_int_t)step));
    json_object_set_new(object, "epoch", ls_json_number(epoch));
    json_object_set_new(object, "split", json_string(split));
    for (int i = 0; i < metrics->count; i++)
        json_object_set_new(object, metrics->items[i].name,
                            ls_json_number(metrics->items[i].value));
    for (int i = 0; i < extra_count; i++)
        json_object_set_new(object, extra[i].name, ls_json_number(extra[i].value));
    char *line = json_dumps(object, 0); /* reals with 17 digits: they read back to the same bits */
    LS_ASSERT(line, "out of memory, or a metric's name is not UTF-8 (step %llu, %s)",
              (unsigned long long)step, split);
    const size_t length = strlen(line);
    line[length] = '\n'; /* in place of the NUL: the length is known */
    file->waiting = ls_realloc(file->waiting, file->waiting_bytes + length + 1, 1);
    memcpy(file->waiting + file->waiting_bytes, line, length + 1);
    file->waiting_bytes += length + 1;
    free(line);
    json_decref(object);
    return write_waiting(file, error);
}

/* What was removed, or replaced, by somebody else is written again, out of the file that is still
 * open; what was cut cannot be had back. */
static enum ls_status keep_whole(struct ls_metrics_file *file, struct ls_error *error) {
    struct stat ours, there;
    if (fstat(file->file, &ours))
        return ls_file_fail(error, "read", file->path, errno);
    if ((uint64_t)ours.st_size != file->bytes) {
        ls_log(LS_LOG_WARNING, "%s was changed by somebody else: %" PRIu64 " bytes became %lld",
               file->path, file->bytes, (long long)ours.st_size);
        file->bytes = (uint64_t)ours.st_size;
    }
    if (stat(file->path, &there) == 0 && there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
        return LS_OK;
    char *text = ls_calloc(file->bytes + 1, 1), aside[ASIDE_SIZE];
    const bool read = ls_file_read_at(file->file, text, file->bytes, 0) == (int64_t)file->bytes;
    enum ls_status status =
        read ? set_aside(file->path, aside, error) : ls_file_fail(error, "read", file->path, EIO);
    if (status == LS_OK)
        status = ls_file_write(file->path, text, file->bytes, error);
    free(text);
    const int opened = status == LS_OK ? open(file->path, O_RDWR | O_APPEND | O_CLOEXEC) : -1;
    if (status == LS_OK && opened < 0)
        status = ls_file_fail(error, "write", file->path, errno);
    if (status != LS_OK)
        return status;
    ls_log(LS_LOG_WARNING, "%s was removed or replaced by somebody else; it is written again",
           file->path);
    close(file->file);
    file->file = opened;
    return LS_OK;
}

enum ls_status ls_metrics_sync(struct ls_metrics_file *file, struct ls_error *error) {
    enum ls_status status = keep_whole(file, error);
    if (status == LS_OK)
        status = write_waiting(file, error);
    if (status == LS_OK && fsync(file->file))
        status = ls_file_fail(error, "sync", file->path, errno);
    return status;
}

uint64_t ls_metrics_size(const struct ls_metrics_file *file) {
    return file->bytes;
}

void ls_metrics_close(struct ls_metrics_file *file) {
    if (!file)
        return;
    close(file->file);
    free(file->path);
    free(file->waiting);
    free(file);
}
