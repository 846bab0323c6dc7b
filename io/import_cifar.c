/* CIFAR-10's binary records: a label byte, then 1024 red, 1024 green and 1024 blue bytes, row by
 * row. https://www.cs.toronto.edu/~kriz/cifar.html */
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/import_internal.h"

enum {
    PIXELS = 32 * 32,
    CHANNELS = 3,
    CLASSES = 10,
    RECORD_BYTES = 1 + PIXELS * CHANNELS,
    BLOCK = 256
};

/* A gzipped file says nothing of its size, so it is unpacked once to count. */
static enum ls_status count_records(const char *path, char *bytes, uint64_t *records,
                                    struct ls_error *error) {
    struct ls_stream stream;
    enum ls_status status = ls_stream_open(&stream, path, error);
    if (status != LS_OK)
        return status;
    for (uint64_t got = 1; got && status == LS_OK;)
        status = ls_stream_read(&stream, bytes, BLOCK * RECORD_BYTES, &got, error);
    *records = stream.bytes / RECORD_BYTES;
    if (status == LS_OK && (stream.bytes % RECORD_BYTES || !stream.bytes || stream.cut))
        status = ls_fail(error, LS_INVALID,
                         "%s: truncated, or not CIFAR's format: expected records of %d bytes, "
                         "found %llu bytes%s",
                         path, (int)RECORD_BYTES, (unsigned long long)stream.bytes,
                         stream.cut ? " (its gzip data ends early)" : "");
    ls_stream_close(&stream);
    return status;
}

/* Planes to channels-last. */
static void interleave(const unsigned char *record, int32_t *label, unsigned char *image) {
    *label = record[0];
    for (int pixel = 0; pixel < PIXELS; pixel++)
        for (int channel = 0; channel < CHANNELS; channel++)
            image[pixel * CHANNELS + channel] = record[1 + channel * PIXELS + pixel];
}

/* CIFAR-100's records have two label bytes; as many of them as fit look like CIFAR-10's. */
static enum ls_status check_labels(const char *path, const int32_t *labels, uint64_t first,
                                   uint64_t count, struct ls_error *error) {
    for (uint64_t i = 0; i < count; i++)
        if (labels[i] >= CLASSES)
            return ls_fail(error, LS_INVALID,
                           "%s: record %llu (from 0) has the label %d, expected 0 to %d: these are "
                           "not CIFAR-10's records of %d bytes (CIFAR-100's have %d: two labels "
                           "first)",
                           path, (unsigned long long)(first + i), (int)labels[i], CLASSES - 1,
                           (int)RECORD_BYTES, (int)RECORD_BYTES + 1);
    return LS_OK;
}

struct buffers {
    unsigned char *records, *images; /* [BLOCK] owned */
    int32_t *labels;                 /* [BLOCK] owned */
};

static enum ls_status copy_file(const char *path, const struct buffers *buffers,
                                struct ls_writer *writer, const int to[2], uint64_t row,
                                struct ls_error *error) {
    struct ls_stream stream;
    enum ls_status status = ls_stream_open(&stream, path, error);
    uint64_t got = BLOCK * RECORD_BYTES, done = 0;
    while (status == LS_OK && got == BLOCK * RECORD_BYTES) {
        status = ls_stream_read(&stream, buffers->records, BLOCK * RECORD_BYTES, &got, error);
        const uint64_t count = got / RECORD_BYTES;
        if (status != LS_OK || !count)
            break;
        for (uint64_t i = 0; i < count; i++)
            interleave(buffers->records + i * RECORD_BYTES, &buffers->labels[i],
                       buffers->images + i * PIXELS * CHANNELS);
        status = check_labels(path, buffers->labels, done, count, error);
        done += count;
        if (status == LS_OK)
            status = ls_writer_put(writer, to[0], row, count, buffers->images, error);
        if (status == LS_OK)
            status = ls_writer_put(writer, to[1], row, count, buffers->labels, error);
        row += count;
    }
    ls_stream_close(&stream);
    return status;
}

enum ls_status ls_import_cifar(const struct ls_import *import, struct ls_writer *writer,
                               struct ls_error *error) {
    const struct buffers buffers = {
        .records = ls_calloc(BLOCK, RECORD_BYTES),
        .images = ls_calloc(BLOCK, PIXELS * CHANNELS),
        .labels = ls_calloc(BLOCK, sizeof(int32_t)),
    };
    uint64_t counts[LS_IMPORT_FILES_MAX], rows = 0;
    enum ls_status status = LS_OK;
    int to[2];
    for (int i = 0; i < import->file_count && status == LS_OK; i++) {
        status = count_records(import->files[i], (char *)buffers.records, &counts[i], error);
        rows += counts[i];
    }
    if (status == LS_OK)
        status = ls_writer_add(writer, "/inputs", LS_KIND_U8, rows, LS_SHAPE(32, 32, CHANNELS),
                               &to[0], error);
    if (status == LS_OK)
        status = ls_writer_add(writer, "/targets", LS_KIND_I32, rows, (struct ls_shape){0}, &to[1],
                               error);
    rows = 0;
    for (int i = 0; i < import->file_count && status == LS_OK; i++) {
        status = copy_file(import->files[i], &buffers, writer, to, rows, error);
        rows += counts[i];
    }
    free(buffers.records);
    free(buffers.images);
    free(buffers.labels);
    return status;
}
