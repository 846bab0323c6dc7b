/* IDX and NPY: files of inputs and of targets in turn (or one file of inputs alone), joined in
 * their order. */
#include <stdlib.h>
#include <string.h>

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

static uint64_t stored_row_bytes(const struct ls_raw_array *array) {
    const uint64_t bytes = ls_kind_bytes(array->kind);
    return array->stored_bytes ? array->row_bytes / bytes * (uint64_t)array->stored_bytes
                               : array->row_bytes;
}

static enum ls_status truncated(const struct ls_raw_array *array, uint64_t expected,
                                struct ls_error *error) {
    return ls_fail(error, LS_INVALID, "%s: truncated: expected %llu bytes, found %llu%s",
                   array->stream.path, (unsigned long long)expected,
                   (unsigned long long)array->stream.bytes,
                   array->stream.cut ? " (its gzip data ends early)" : "");
}

/* Row by row from a file that has them one behind the other. */
static enum ls_status copy_in_order(struct ls_raw_array *array, struct ls_writer *writer, int to,
                                    uint64_t first, struct ls_error *error) {
    const uint64_t stored = stored_row_bytes(array);
    const uint64_t block = stored < BLOCK_BYTES ? BLOCK_BYTES / stored : 1;
    const uint64_t expected = array->stream.bytes + array->rows * stored;
    const uint64_t values = array->row_bytes / ls_kind_bytes(array->kind);
    char *bytes = ls_calloc(block, stored), *numbers = bytes;
    if (array->stored_bytes)
        numbers = ls_calloc(block, array->row_bytes);
    enum ls_status status = LS_OK;
    uint64_t got = 0;
    for (uint64_t row = 0; row < array->rows && status == LS_OK; row += block) {
        const uint64_t count = array->rows - row < block ? array->rows - row : block;
        status = ls_stream_read(&array->stream, bytes, count * stored, &got, error);
        if (status == LS_OK && got < count * stored)
            status = truncated(array, expected, error);
        if (status == LS_OK && array->stored_bytes)
            ls_npy_convert(array, bytes, count * values, numbers);
        if (status == LS_OK)
            status = ls_writer_put(writer, to, first + row, count, numbers, error);
    }
    if (numbers != bytes)
        free(numbers);
    free(bytes);
    return status;
}

/* Values of row `row`, `stored` bytes each, from an array in Fortran's order: the first index
 * counts fastest. */
static void gather_row(const struct ls_raw_array *array, const char *all, uint64_t row,
                       size_t stored, char *to) {
    const struct ls_shape shape = array->row;
    const int64_t values = ls_shape_count(shape);
    for (int64_t i = 0; i < values; i++) {
        int64_t left = i;
        uint64_t from = 0;
        for (int d = shape.rank - 1; d >= 0; d--) {
            uint64_t stride = array->rows; /* of this dimension in the file */
            for (int e = 0; e < d; e++)
                stride *= (uint64_t)shape.dims[e];
            from += (uint64_t)(left % shape.dims[d]) * stride;
            left /= shape.dims[d];
        }
        memcpy(to + (size_t)i * stored, all + (from + row) * stored, stored);
    }
}

/* A row's values lie all over the file: it is read whole. */
static enum ls_status copy_columns_first(struct ls_raw_array *array, struct ls_writer *writer,
                                         int to, uint64_t first, struct ls_error *error) {
    const uint64_t stored = stored_row_bytes(array), values = (uint64_t)ls_shape_count(array->row);
    const uint64_t expected = array->stream.bytes + array->rows * stored;
    uint64_t got = 0, room = 0, filled = 0;
    char *all = NULL;
    enum ls_status status = LS_OK;
    do { /* grows with what is there: the header alone may claim anything */
        room = room ? 2 * room : (uint64_t)BLOCK_BYTES;
        room = room < array->rows * stored ? room : array->rows * stored;
        all = ls_realloc(all, room, 1);
        status = ls_stream_read(&array->stream, all + filled, room - filled, &got, error);
        filled += got;
    } while (status == LS_OK && filled == room && room < array->rows * stored);
    if (status == LS_OK && filled < array->rows * stored)
        status = truncated(array, expected, error);
    char *row = ls_calloc(1, stored), *numbers = ls_calloc(1, array->row_bytes);
    for (uint64_t r = 0; r < array->rows && status == LS_OK; r++) {
        gather_row(array, all, r, (size_t)(stored / values), row);
        if (array->stored_bytes)
            ls_npy_convert(array, row, values, numbers);
        status =
            ls_writer_put(writer, to, first + r, 1, array->stored_bytes ? numbers : row, error);
    }
    free(row);
    free(numbers);
    free(all);
    return status;
}

enum ls_status ls_raw_array_copy(struct ls_raw_array *array, struct ls_writer *writer, int to,
                                 uint64_t first, struct ls_error *error) {
    const uint64_t expected = array->stream.bytes + array->rows * stored_row_bytes(array);
    enum ls_status status = array->columns_first
                                ? copy_columns_first(array, writer, to, first, error)
                                : copy_in_order(array, writer, to, first, error);
    char more;
    uint64_t got = 0;
    if (status == LS_OK)
        status = ls_stream_read(&array->stream, &more, 1, &got, error);
    if (status == LS_OK && got)
        status = ls_fail(error, LS_INVALID, "%s: expected %llu bytes, found more",
                         array->stream.path, (unsigned long long)expected);
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
                "  %s %s in %s and\n  %s %s in %s",
                ls_shape_print(summary->row, expected), ls_kind_name(summary->kind),
                import->files[first], ls_shape_print(array.row, found), ls_kind_name(array.kind),
                import->files[file]);
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
                        : ls_raw_array_copy(&array, writer, to, row, error);
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
