/* Samples of different lengths, cut or padded to one. */
#include "io/ragged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/hdf5_support.h"

static const char ending[] = ".ends";

char *ls_ragged_ends(hid_t file, const char *column) {
    char *name;
    LS_ASSERT(asprintf(&name, "%s%s", column, ending) >= 0, "out of memory: %s", column);
    if (ls_hdf5_has(file, name))
        return name;
    free(name);
    return NULL;
}

bool ls_ragged_is_ends(hid_t file, const char *name) {
    const size_t length = strlen(name), tail = strlen(ending);
    if (length <= tail || strcmp(name + length - tail, ending) != 0)
        return false;
    char *column = ls_strdup(name);
    column[length - tail] = '\0';
    const bool found = ls_hdf5_has(file, column);
    free(column);
    return found;
}

static enum ls_status check_ends(const struct ls_array *ends, const struct ls_array *values,
                                 struct ls_error *error) {
    if (ends->kind >= LS_KIND_F32 || ends->shape.rank != 0)
        return ls_fail(error, LS_INVALID,
                       "%s: %s: expected a whole number for each row, the end of its values in %s",
                       ends->path, ends->name, values->name);
    if (values->shape.rank != 0)
        return ls_fail(error, LS_INVALID,
                       "%s: %s has %d dimensions; rows of different lengths (%s) are of single "
                       "values: expected 1",
                       values->path, values->name, 1 + values->shape.rank, ends->name);
    uint64_t first, count;
    const enum ls_status status =
        ls_ragged_row(values, ends, ends->rows - 1, &first, &count, error);
    if (status == LS_OK && first + count != values->rows)
        return ls_fail(error, LS_INVALID,
                       "%s: %s: the last row ends at %llu, but %s has %llu values", ends->path,
                       ends->name, (unsigned long long)(first + count), values->name,
                       (unsigned long long)values->rows);
    return status;
}

enum ls_status ls_ragged_open(struct ls_array *ends, const struct ls_array *values,
                              const struct ls_hdf5_file *file, const char *name,
                              struct ls_error *error) {
    const enum ls_status status = ls_array_open(ends, file, name, error);
    return status == LS_OK ? check_ends(ends, values, error) : status;
}

enum ls_status ls_ragged_row(const struct ls_array *values, const struct ls_array *ends,
                             uint64_t row, uint64_t *first, uint64_t *count,
                             struct ls_error *error) {
    double raw[2]; /* of any kind: at most 8 bytes each */
    const uint64_t from = row ? row - 1 : 0;
    const enum ls_status status = ls_array_read(ends, from, row - from + 1, raw, error);
    if (status != LS_OK)
        return status;
    const double begin = row ? ls_kind_value(ends->kind, raw, 0) : 0;
    const double end = ls_kind_value(ends->kind, raw, row ? 1 : 0);
    if (begin < 0 || end < begin || end > (double)values->rows)
        return ls_fail(
            error, LS_INVALID,
            "%s: %s: row %llu (from 0) goes from %.0f to %.0f; expected ends that ascend "
            "to %llu, the values of %s",
            ends->path, ends->name, (unsigned long long)row, begin, end,
            (unsigned long long)values->rows, values->name);
    *first = (uint64_t)begin;
    *count = (uint64_t)end - *first;
    return LS_OK;
}

enum ls_status ls_ragged_check(const struct ls_feed_use *use, struct ls_error *error) {
    const struct ls_feed_options *feed = use->feed;
    const int64_t largest = feed->begin > feed->end ? feed->begin : feed->end;
    if (feed->lengths || !use->limit || largest < use->limit)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "feed '%s': its token %lld (begin, end) is beyond those that the model takes, 0 "
                   "to %lld",
                   feed->name, (long long)largest, (long long)use->limit - 1);
}

/* Element `at` of a sample, as the use has it. */
static void put(const struct ls_feed_use *use, void *sample, int64_t at, int64_t value) {
    if (use->type == LS_TYPE_INT32)
        ((int32_t *)sample)[at] = (int32_t)value;
    else
        ((float *)sample)[at] = (float)value;
}

/* begin, the values, end: as much of that as the length holds, and zeros behind it. */
static enum ls_status read_row(struct ls_dataset *dataset, const struct ls_feed_use *use,
                               const struct ls_array *values, const struct ls_array *ends,
                               uint64_t row, void *sample, struct ls_error *error) {
    const struct ls_feed_options *feed = use->feed;
    uint64_t first, count;
    enum ls_status status = ls_ragged_row(values, ends, row, &first, &count, error);
    if (status != LS_OK)
        return status;
    const int64_t in_front = feed->begin > 0, left = feed->length - in_front;
    const int64_t taken = count < (uint64_t)left ? (int64_t)count : left;
    const bool closed = feed->end > 0 && in_front + taken < feed->length;
    if (feed->lengths) {
        put(use, sample, 0, in_front + taken + closed);
        return LS_OK;
    }
    if (in_front)
        put(use, sample, 0, feed->begin);
    if (taken) {
        ls_dataset_room(dataset, (size_t)taken * values->row_bytes);
        status = ls_array_read(values, first, (uint64_t)taken, dataset->raw, error);
        const struct ls_cut_of_rows cut = ls_dataset_cut(values, use);
        const struct ls_block_of_rows block = {values, first, taken, dataset->raw};
        if (status == LS_OK)
            status = ls_dataset_convert(&cut, &block, (char *)sample + 4 * in_front, error);
    }
    int64_t at = in_front + taken;
    if (closed)
        put(use, sample, at++, feed->end);
    memset((char *)sample + 4 * at, 0, (size_t)(feed->length - at) * 4);
    return status;
}

enum ls_status ls_ragged_read(struct ls_dataset *dataset, const struct ls_feed_use *use,
                              int64_t count, void *to, struct ls_error *error) {
    const int column = ls_dataset_find_column(dataset, use->feed->column);
    const int64_t values = use->feed->lengths ? 1 : use->feed->length;
    LS_ASSERT(!use->exact, "doubles of %s, whose rows have different lengths", use->feed->name);
    enum ls_status status = ls_ragged_check(use, error);
    int at_file = 0;
    for (int64_t i = 0; i < count && status == LS_OK; i++) {
        const struct ls_wanted_sample *wanted = &dataset->wanted[i];
        while (at_file + 1 < dataset->count && wanted->sample >= dataset->files[at_file + 1].first)
            at_file++;
        const struct ls_dataset_file *file = &dataset->files[at_file];
        status = read_row(dataset, use, &file->arrays[column], &file->ends[column],
                          wanted->sample - file->first, (char *)to + wanted->position * values * 4,
                          error);
    }
    return status;
}

/* Rows of one file that are longer than `room`. */
static enum ls_status count_longer(const struct ls_array *ends, uint64_t room, uint64_t *count,
                                   struct ls_error *error) {
    enum { BLOCK = 4096 };
    double *raw = ls_calloc(BLOCK, sizeof *raw); /* of any kind: at most 8 bytes each */
    double before = 0;
    enum ls_status status = LS_OK;
    for (uint64_t first = 0; first < ends->rows && status == LS_OK; first += BLOCK) {
        const uint64_t left = ends->rows - first, some = left < BLOCK ? left : BLOCK;
        status = ls_array_read(ends, first, some, raw, error);
        for (uint64_t i = 0; i < some && status == LS_OK; i++) {
            const double end = ls_kind_value(ends->kind, raw, (int64_t)i);
            *count += end - before > (double)room;
            before = end;
        }
    }
    free(raw);
    return status;
}

enum ls_status ls_dataset_count_cut(struct ls_dataset *dataset, const struct ls_feed_options *feed,
                                    uint64_t *count, struct ls_error *error) {
    const int column = ls_dataset_find_column(dataset, feed->column);
    const int64_t room = feed->length - (feed->begin > 0) - (feed->end > 0);
    enum ls_status status = LS_OK;
    *count = 0;
    if (column < 0 || !dataset->ends[column] || !feed->length)
        return LS_OK;
    pthread_mutex_lock(&dataset->mutex);
    for (int f = 0; f < dataset->count && status == LS_OK; f++)
        status = count_longer(&dataset->files[f].ends[column], (uint64_t)(room > 0 ? room : 0),
                              count, error);
    pthread_mutex_unlock(&dataset->mutex);
    return status;
}
