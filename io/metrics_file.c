#include "io/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"

struct ls_metrics_file {
    int file;
    char *path; /* owned */
    uint64_t bytes;
};

/* What the checkpoint had seen was synced before it was committed, so it must still be there. */
static enum ls_status check_size(int file, const char *path, uint64_t bytes,
                                 struct ls_error *error) {
    struct stat info;
    if (fstat(file, &info))
        return ls_file_fail(error, "read", path, errno);
    if ((uint64_t)info.st_size < bytes)
        return ls_fail(error, LS_DAMAGED,
                       "%s: the checkpoint was taken at %" PRIu64 " bytes, found %lld", path, bytes,
                       (long long)info.st_size);
    char last = '\n';
    if (bytes > 0 && pread(file, &last, 1, (off_t)bytes - 1) != 1)
        return ls_file_fail(error, "read", path, errno);
    if (last != '\n')
        return ls_fail(error, LS_DAMAGED,
                       "%s: byte %" PRIu64 ", where the checkpoint was taken, does not end a line",
                       path, bytes);
    return LS_OK;
}

enum ls_status ls_metrics_open(struct ls_metrics_file **file, const char *path, uint64_t bytes,
                               struct ls_error *error) {
    *file = NULL;
    const int opened = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (opened < 0)
        return ls_file_fail(error, "write", path, errno);
    enum ls_status status = check_size(opened, path, bytes, error);
    if (status == LS_OK && ftruncate(opened, (off_t)bytes))
        status = ls_file_fail(error, "cut back", path, errno);
    if (status != LS_OK) {
        close(opened);
        return status;
    }
    *file = ls_calloc(1, sizeof **file);
    **file = (struct ls_metrics_file){.file = opened, .path = ls_strdup(path), .bytes = bytes};
    return LS_OK;
}

/* JSON has no word for what is not finite. */
static void set_number(json_t *object, const char *name, double value) {
    json_object_set_new(object, name, isfinite(value) ? json_real(value) : json_null());
}

/* One write(2), so that a reader never sees half a line; a line that did not fit on the disk is
 * taken back. */
static enum ls_status write_line(struct ls_metrics_file *file, const char *line, size_t length,
                                 struct ls_error *error) {
    ssize_t put;
    do
        put = write(file->file, line, length);
    while (put < 0 && errno == EINTR);
    if (put == (ssize_t)length) {
        file->bytes += length;
        return LS_OK;
    }
    const int number = put < 0 ? errno : ENOSPC;
    if (put > 0 && ftruncate(file->file, (off_t)file->bytes))
        ls_log(LS_LOG_WARNING, "%s ends in a torn line", file->path);
    return ls_file_fail(error, "write", file->path, number);
}

enum ls_status ls_metrics_append(struct ls_metrics_file *file, uint64_t step, double epoch,
                                 const char *split, const struct ls_metrics *metrics,
                                 const struct ls_metric *extra, int extra_count,
                                 struct ls_error *error) {
    json_t *object = json_object();
    json_object_set_new(object, "step", json_integer((json_int_t)step));
    set_number(object, "epoch", epoch);
    json_object_set_new(object, "split", json_string(split));
    for (int i = 0; i < metrics->count; i++)
        set_number(object, metrics->items[i].name, metrics->items[i].value);
    for (int i = 0; i < extra_count; i++)
        set_number(object, extra[i].name, extra[i].value);
    char *line = json_dumps(object, 0); /* reals with 17 digits: they read back to the same bits */
    LS_ASSERT(line, "out of memory, or a metric's name is not UTF-8 (step %llu, %s)",
              (unsigned long long)step, split);
    const size_t length = strlen(line);
    line[length] = '\n'; /* in place of the NUL: the length is known */
    const enum ls_status status = write_line(file, line, length + 1, error);
    free(line);
    json_decref(object);
    return status;
}

enum ls_status ls_metrics_sync(struct ls_metrics_file *file, struct ls_error *error) {
    return fsync(file->file) ? ls_file_fail(error, "sync", file->path, errno) : LS_OK;
}

uint64_t ls_metrics_size(const struct ls_metrics_file *file) {
    return file->bytes;
}

void ls_metrics_close(struct ls_metrics_file *file) {
    if (!file)
        return;
    close(file->file);
    free(file->path);
    free(file);
}
