/* IDX and NPY: files of inputs and of targets in turn (or one file of inputs alone), joined in
 * their order. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/import_internal.h"

static const uint64_t ROW_BYTES_MAX = (uint64_t)1 << 31;
enum { BLOCK_BYTES = 1 << 20 };

enum ls_status ls_raw_array_shape(struct ls_raw_array *array, const uint64_t *dims, int rank,
                                  struct ls_error *error) {
    uint64_t bytes = ls_kind_bytes(array->kind), all;
    array->rows = dims[0];
    array->row.rank = rank - 1;
    for (int i = 1; i < rank; i++) {
        if (dims[i] < 1 || __builtin_mul_overflow(bytes, dims[i], &bytes) || bytes > ROW_BYTES_MAX)
            return ls_fail(
                error, LS_INVALID,
                "%s: dimension %d is %llu; a row must have 1 value or more, and at most 2^31 bytes",
                array->stream.path, i + 1, (unsigned long long)dims[i]);
        array->row.dims[i - 1] = (int64_t)dims[i];
    }
    if (dims[0] < 1 || __builtin_mul_overflow(bytes, dims[0], &all) || all > INT64_MAX)
        return ls_fail(error, LS_INVALID,
                       "%s: %llu rows; expected at least 1, and less than 2^63 bytes",
                       array->stream.path, (unsigned long long)dims[0]);
    array->row_bytes = bytes;
    return LS_OK;
}

static enum ls_status open_array(const struct ls_import *import, int file, bool targets,
                                 struct ls_raw_array *array, struct ls_error *error) {
    return import->format == LS_IMPORT_IDX
               ? ls_idx_open(array, import->files[file], targets, error)
               : ls_npy_open(array, import->files[file], targets, error);
}

/* The values of one file behind `first` rows of the written array; there must be exactly so many.
 */
static enum ls_status copy_rows(struct ls_raw_array *array, struct ls_writer *writer, int to,
                                uint64_t first, struct ls_error *error) {
    const uint64_t block = array->row_bytes < BLOCK_BYTES ? BLOCK_BYTES / array->row_bytes : 1;
    const uint64_t start = array->stream.bytes, expected = start + array->rows * array->row_bytes;
    char *bytes = ls_calloc(block, array->row_bytes);
    enum ls_status status = LS_OK;
    uint64_t got = 0;
    for (uint64_t row = 0; row < array->rows && status == LS_OK; row += block) {
        const uint64_t count = array->rows - row < block ? array->rows - row : block;
        status = ls_stream_read(&array->stream, bytes, count * array->row_bytes, &got, error);
        if (status == LS_OK && got < count * array->row_bytes)
            status = ls_fail(error, LS_INVALID, "%s: truncated: expected %llu bytes, found %llu%s",
                             array->stream.path, (unsigned long long)expected,
                             (unsigned long long)array->stream.bytes,
                             array->stream.cut ? " (its gzip data ends early)" : "");
        if (status == LS_OK)
            status = ls_writer_put(writer, to, first + row, count, bytes, error);
    }
    if (status == LS_OK)
        status = ls_stream_read(&array->stream, bytes, 1, &got, error);
    if (status == LS_OK && got)
        status = ls_fail(error, LS_INVALID, "%s: expected %llu bytes, found more",
                         array->stream.path, (unsigned long long)expected);
    free(bytes);
    return status;
}

/* Looks at all headers of one role (first file, step): their shapes must agree; sums their rows. */
static enum ls_status survey(const struct ls_import *import, int first, int step,
                             struct ls_raw_array *summary, struct ls_error *error) {
    *summary = (struct ls_raw_array){0};
    for (int file = first; file < import->file_count; file += step) {
        struct ls_raw_array array;
        const enum ls_status status = open_array(import, file, first > 0, &array, error);
        if (status != LS_OK)
            return status;
        ls_stream_close(&array.stream);
        if (file == first) {
            *summary = array;
            summary->rows = 0;
        }
        char expected[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX];
        if (!ls_shape_equal(summary->row, array.row) || summary->kind != array.kind)
            return ls_fail(
                error, LS_INVALID,
                "files of one data set must have the same kind of samples, but they are\n"
                "  %s (type %d) in %s and\n  %s (type %d) in %s",
                ls_shape_print(summary->row, expected), (int)summary->kind, import->files[first],
                ls_shape_print(array.row, found), (int)array.kind, import->files[file]);
        if (__builtin_add_overflow(summary->rows, array.rows, &summary->rows))
            return ls_fail(error, LS_INVALID, "%s: more than 2^64 rows", import->files[file]);
    }
    return LS_OK;
}

/* Each pair of files must have as many targets as inputs. */
static enum ls_status check_pairs(const struct ls_import *import, struct ls_error *error) {
    for (int file = 0; file + 1 < import->file_count; file += 2) {
        struct ls_raw_array pair[2];
        for (int i = 0; i < 2; i++) {
            const enum ls_status status = open_array(import, file + i, i > 0, &pair[i], error);
            if (status != LS_OK)
                return status;
            ls_stream_close(&pair[i].stream);
        }
        if (pair[0].rows != pair[1].rows)
            return ls_fail(error, LS_INVALID,
                           "expected as many targets as inputs, found\n  %llu inputs in %s and\n  "
                           "%llu targets in %s",
                           (unsigned long long)pair[0].rows, import->files[file],
                           (unsigned long long)pair[1].rows, import->files[file + 1]);
    }
    return LS_OK;
}

/* Integer targets of a byte become int32, so that every format's labels look alike. */
static enum ls_status copy_labels(struct ls_raw_array *array, struct ls_writer *writer, int to,
                                  uint64_t first, struct ls_error *error) {
    enum { LABELS = 65536 };
    unsigned char *bytes = ls_calloc(LABELS, 1);
    int32_t *labels = ls_calloc(LABELS, sizeof *labels);
    const uint64_t expected = array->stream.bytes + array->rows;
    enum ls_status status = LS_OK;
    uint64_t got = LABELS;
    for (uint64_t row = 0; status == LS_OK && got == LABELS; row += got) {
        status = ls_stream_read(&array->stream, bytes, LABELS, &got, error);
        if (status != LS_OK)
            break;
        const bool too_many = array->stream.bytes > expected;
        if (too_many || (got < LABELS && array->stream.bytes < expected)) {
            status = ls_fail(error, LS_INVALID, "%s: %s: expected %llu bytes, found %llu%s",
                             array->stream.path, too_many ? "too long" : "truncated",
                             (unsigned long long)expected, (unsigned long long)array->stream.bytes,
                             too_many ? " or more" : "");
            break;
        }
        for (uint64_t i = 0; i < got; i++)
            labels[i] = bytes[i];
        if (got)
            status = ls_writer_put(writer, to, first + row, got, labels, error);
    }
    free(bytes);
    free(labels);
    return status;
}

static enum ls_status import_role(const struct ls_import *import, struct ls_writer *writer,
                                  int first, int step, struct ls_error *error) {
    const bool targets = first > 0, labels = targets && import->format == LS_IMPORT_IDX;
    struct ls_raw_array summary;
    int to;
    enum ls_status status = survey(import, first, step, &summary, error);
    if (status == LS_OK)
        status = ls_writer_add(writer, targets ? "/targets" : "/inputs",
                               labels ? LS_KIND_I32 : summary.kind, summary.rows, summary.row, &to,
                               error);
    uint64_t row = 0;
    for (int file = first; file < import->file_count && status == LS_OK; file += step) {
        struct ls_raw_array array;
        status = open_array(import, file, targets, &array, error);
        if (status != LS_OK)
            break;
        status = labels ? copy_labels(&array, writer, to, row, error)
                        : copy_rows(&array, writer, to, row, error);
        if (status == LS_OK && array.stream.cut)
            status = ls_fail(error, LS_INVALID, "%s: truncated: its gzip data ends early",
                             array.stream.path);
        row += array.rows;
        ls_stream_close(&array.stream);
    }
    return status;
}

enum ls_status ls_import_arrays(const struct ls_import *import, struct ls_writer *writer,
                                struct ls_error *error) {
    if (import->file_count > 1 && import->file_count % 2)
        return ls_fail(
            error, LS_INVALID,
            "expected a file of inputs, or pairs of files (inputs, targets, inputs, targets ...); "
            "found %d files",
            import->file_count);
    enum ls_status status = check_pairs(import, error);
    const int step = import->file_count > 1 ? 2 : 1;
    if (status == LS_OK)
        status = import_role(import, writer, 0, step, error);
    if (status == LS_OK && step == 2)
        status = import_role(import, writer, 1, step, error);
    return status;
}
