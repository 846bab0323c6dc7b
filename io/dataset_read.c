/* Reading rows: the wanted ones are sorted, adjacent ones read in one go, each put where it was
 * wanted. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/dataset_internal.h"

enum { RUN_BYTES = 1 << 20 };

/* Heap sort: in place, without qsort's hidden allocation. */
static void sift_down(struct ls_wanted_row *heap, int64_t at, int64_t count) {
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1].row > heap[child].row)
            child++;
        if (heap[at].row >= heap[child].row)
            return;
        const struct ls_wanted_row held = heap[at];
        heap[at] = heap[child];
        heap[child] = held;
    }
}

static void sort_rows(struct ls_wanted_row *rows, int64_t count) {
    for (int64_t at = count / 2; at-- > 0;)
        sift_down(rows, at, count);
    for (int64_t last = count - 1; last > 0; last--) {
        const struct ls_wanted_row largest = rows[0];
        rows[0] = rows[last];
        rows[last] = largest;
        sift_down(rows, 0, last);
    }
}

/* Sorted unless they come in order, as whole passes do. */
static void want_rows(struct ls_dataset *dataset, const uint64_t *rows, int64_t count) {
    if (count > dataset->wanted_room) {
        dataset->wanted = ls_realloc(dataset->wanted, (size_t)count, sizeof *dataset->wanted);
        dataset->wanted_room = count;
    }
    bool sorted = true;
    for (int64_t i = 0; i < count; i++) {
        LS_ASSERT(rows[i] < dataset->info.rows, "row %llu of %llu", (unsigned long long)rows[i],
                  (unsigned long long)dataset->info.rows);
        dataset->wanted[i] = (struct ls_wanted_row){rows[i], i};
        sorted = sorted && (i == 0 || rows[i - 1] <= rows[i]);
    }
    if (!sorted)
        sort_rows(dataset->wanted, count);
}

static enum ls_status bad_value(const struct ls_array *array, uint64_t row, const void *raw,
                                int64_t index, const char *expected, struct ls_error *error) {
    char place[32] = "";
    if (array->row_values > 1)
        snprintf(place, sizeof place, "value %lld ", (long long)index);
    return ls_fail(error, LS_INVALID, "%s: %s: row %llu (from 0): %sis %.9g; expected %s",
                   array->path, array->name, (unsigned long long)row, place,
                   ls_kind_value(array->kind, raw, index), expected);
}

/* One row of a file to its position. */
static enum ls_status convert_row(const struct ls_reading *reading, const struct ls_array *array,
                                  uint64_t row, const void *raw, int64_t position,
                                  struct ls_error *error) {
    const int64_t values = array->row_values;
    if (reading->as == LS_READ_REAL) {
        float *to = (float *)reading->to + position * values;
        const int64_t bad = ls_kind_to_real(array->kind, raw, values, !reading->targets, to);
        return bad < 0 ? LS_OK : bad_value(array, row, raw, bad, "a finite 32-bit number", error);
    }
    int32_t *to = (int32_t *)reading->to + position * values;
    const int64_t bad = ls_kind_to_integer(array->kind, raw, values, to);
    if (bad >= 0)
        return bad_value(array, row, raw, bad,
                         reading->as == LS_READ_LABEL ? "a class label" : "a 32-bit integer",
                         error);
    for (int64_t i = 0; reading->as == LS_READ_LABEL && i < values; i++) {
        if (to[i] < 0 || to[i] >= reading->classes) {
            char expected[64];
            snprintf(expected, sizeof expected, "a label from 0 to %lld",
                     (long long)reading->classes - 1);
            return bad_value(array, row, raw, i, expected, error);
        }
    }
    return LS_OK;
}

/* How many of the wanted rows from `at` on lie in one run: in one file, no gaps, not too large. */
static int64_t run_length(const struct ls_dataset *dataset, const struct ls_array *array,
                          uint64_t first, int64_t at, int64_t count) {
    const struct ls_wanted_row *wanted = dataset->wanted;
    const uint64_t rows_max = array->row_bytes < RUN_BYTES ? RUN_BYTES / array->row_bytes : 1;
    const uint64_t start = wanted[at].row;
    int64_t end = at + 1;
    while (end < count && wanted[end].row - wanted[end - 1].row <= 1 &&
           wanted[end].row - start < rows_max && wanted[end].row - first < array->rows)
        end++;
    return end - at;
}

static enum ls_status read_sorted(struct ls_dataset *dataset, const struct ls_reading *reading,
                                  int64_t count, struct ls_error *error) {
    const struct ls_wanted_row *wanted = dataset->wanted;
    int at_file = 0;
    for (int64_t at = 0; at < count;) {
        while (at_file + 1 < dataset->count && wanted[at].row >= dataset->files[at_file + 1].first)
            at_file++;
        const struct ls_dataset_file *file = &dataset->files[at_file];
        const struct ls_array *array = reading->targets ? &file->targets : &file->inputs;
        const int64_t length = run_length(dataset, array, file->first, at, count);
        const uint64_t start = wanted[at].row, rows = wanted[at + length - 1].row - start + 1;
        if (rows * array->row_bytes > dataset->raw_room) {
            dataset->raw_room = array->row_bytes < RUN_BYTES ? RUN_BYTES : array->row_bytes;
            dataset->raw = ls_realloc(dataset->raw, dataset->raw_room, 1);
        }
        enum ls_status status =
            ls_array_read(array, start - file->first, rows, dataset->raw, error);
        for (const int64_t end = at + length; at < end && status == LS_OK; at++)
            status = convert_row(reading, array, wanted[at].row - file->first,
                                 dataset->raw + (wanted[at].row - start) * array->row_bytes,
                                 wanted[at].position, error);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

enum ls_status ls_dataset_read(struct ls_dataset *dataset, const struct ls_reading *reading,
                               const uint64_t *rows, int64_t count, struct ls_error *error) {
    LS_ASSERT(!reading->targets || dataset->info.has_targets, "targets of %s",
              dataset->files[0].path);
    pthread_mutex_lock(&dataset->mutex);
    want_rows(dataset, rows, count);
    const enum ls_status status = read_sorted(dataset, reading, count, error);
    pthread_mutex_unlock(&dataset->mutex);
    return status;
}

enum ls_status ls_dataset_read_inputs(struct ls_dataset *dataset, const uint64_t *rows,
                                      int64_t count, float *inputs, struct ls_error *error) {
    const struct ls_reading reading = {.as = LS_READ_REAL, .to = inputs};
    return ls_dataset_read(dataset, &reading, rows, count, error);
}

enum ls_status ls_dataset_read_input_indices(struct ls_dataset *dataset, const uint64_t *rows,
                                             int64_t count, int32_t *inputs,
                                             struct ls_error *error) {
    const struct ls_reading reading = {.as = LS_READ_INTEGER, .to = inputs};
    return ls_dataset_read(dataset, &reading, rows, count, error);
}

enum ls_status ls_dataset_read_targets(struct ls_dataset *dataset, const uint64_t *rows,
                                       int64_t count, float *targets, struct ls_error *error) {
    const struct ls_reading reading = {.targets = true, .as = LS_READ_REAL, .to = targets};
    return ls_dataset_read(dataset, &reading, rows, count, error);
}

enum ls_status ls_dataset_read_labels(struct ls_dataset *dataset, const uint64_t *rows,
                                      int64_t count, int64_t classes, int32_t *labels,
                                      struct ls_error *error) {
    const struct ls_reading reading = {
        .targets = true, .as = LS_READ_LABEL, .classes = classes, .to = labels};
    return ls_dataset_read(dataset, &reading, rows, count, error);
}
