/* Reading samples: the wanted ones are sorted, adjacent and overlapping ones read in one go, each
 * put where it was wanted. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/ragged.h"

enum { RUN_BYTES = 1 << 20, PASS_VALUES = 1 << 16 };

/* Heap sort: in place, without qsort's hidden allocation. */
static void sift_down(struct ls_wanted_sample *heap, int64_t at, int64_t count) {
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1].sample > heap[child].sample)
            child++;
        if (heap[at].sample >= heap[child].sample)
            return;
        const struct ls_wanted_sample held = heap[at];
        heap[at] = heap[child];
        heap[child] = held;
    }
}

static void sort_samples(struct ls_wanted_sample *rows, int64_t count) {
    for (int64_t at = count / 2; at-- > 0;)
        sift_down(rows, at, count);
    for (int64_t last = count - 1; last > 0; last--) {
        const struct ls_wanted_sample largest = rows[0];
        rows[0] = rows[last];
        rows[last] = largest;
        sift_down(rows, 0, last);
    }
}

/* Sorted unless they come in order, as whole passes do. */
static void want_samples(struct ls_dataset *dataset, const uint64_t *samples, int64_t count) {
    if (count > dataset->wanted_room) {
        dataset->wanted = ls_realloc(dataset->wanted, (size_t)count, sizeof *dataset->wanted);
        dataset->wanted_room = count;
    }
    bool sorted = true;
    for (int64_t i = 0; i < count; i++) {
        LS_ASSERT(samples[i] < dataset->info.samples, "sample %llu of %llu",
                  (unsigned long long)samples[i], (unsigned long long)dataset->info.samples);
        dataset->wanted[i] = (struct ls_wanted_sample){samples[i], i};
        sorted = sorted && (i == 0 || samples[i - 1] <= samples[i]);
    }
    if (!sorted)
        sort_samples(dataset->wanted, count);
}

/* How a feed's samples lie in the rows of a file: sample i takes `window` rows from i * stride +
 * offset on. */
struct layout {
    uint64_t stride, offset, window;
};

static struct layout layout_of(const struct ls_dataset *dataset,
                               const struct ls_feed_options *feed) {
    if (!feed->window)
        return (struct layout){.stride = 1, .window = 1};
    return (struct layout){.stride = (uint64_t)dataset->stride,
                           .offset = (uint64_t)feed->offset,
                           .window = (uint64_t)feed->window};
}

void ls_dataset_room(struct ls_dataset *dataset, size_t bytes) {
    if (bytes <= dataset->raw_room)
        return;
    dataset->raw_room = bytes < RUN_BYTES ? RUN_BYTES : bytes;
    dataset->raw = ls_realloc(dataset->raw, dataset->raw_room, 1);
}

/* How many of the wanted samples from `at` on lie in one run: in one file, no gaps, not too large.
 */
static int64_t run_length(const struct ls_dataset *dataset, const struct ls_dataset_file *file,
                          const struct layout *layout, size_t row_bytes, int64_t at,
                          int64_t count) {
    const struct ls_wanted_sample *wanted = dataset->wanted;
    const uint64_t start = wanted[at].sample, end_of_file = file->first + file->samples;
    int64_t end = at + 1;
    while (end < count && wanted[end].sample < end_of_file &&
           (wanted[end].sample - wanted[end - 1].sample) * layout->stride <= layout->window &&
           ((wanted[end].sample - start) * layout->stride + layout->window) * row_bytes <=
               RUN_BYTES)
        end++;
    return end - at;
}

static enum ls_status read_sorted(struct ls_dataset *dataset, const struct ls_feed_use *use,
                                  int64_t count, void *to, struct ls_error *error) {
    const struct ls_wanted_sample *wanted = dataset->wanted;
    const struct layout layout = layout_of(dataset, use->feed);
    const int column = ls_dataset_find_column(dataset, use->feed->column);
    const size_t bytes = ls_use_bytes(use);
    int at_file = 0;
    for (int64_t at = 0; at < count;) {
        while (at_file + 1 < dataset->count &&
               wanted[at].sample >= dataset->files[at_file + 1].first)
            at_file++;
        const struct ls_dataset_file *file = &dataset->files[at_file];
        const struct ls_array *array = &file->arrays[column];
        const struct ls_cut_of_rows cut = ls_dataset_cut(array, use);
        const int64_t length = run_length(dataset, file, &layout, array->row_bytes, at, count);
        const uint64_t start = (wanted[at].sample - file->first) * layout.stride + layout.offset;
        const uint64_t rows =
            (wanted[at + length - 1].sample - wanted[at].sample) * layout.stride + layout.window;
        ls_dataset_room(dataset, rows * array->row_bytes);
        enum ls_status status = ls_array_read(array, start, rows, dataset->raw, error);
        const uint64_t first_sample = wanted[at].sample;
        for (const int64_t end = at + length; at < end && status == LS_OK; at++) {
            const uint64_t behind = (wanted[at].sample - first_sample) * layout.stride;
            const struct ls_block_of_rows block = {array, start + behind, (int64_t)layout.window,
                                                   dataset->raw + behind * array->row_bytes};
            status = ls_dataset_convert(
                &cut, &block,
                (char *)to + (size_t)(wanted[at].position * block.count * cut.values) * bytes,
                error);
        }
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

enum ls_status ls_dataset_read(struct ls_dataset *dataset, const struct ls_feed_use *use,
                               const uint64_t *samples, int64_t count, void *to,
                               struct ls_error *error) {
    LS_ASSERT(ls_dataset_column(dataset, use->feed->column), "no column %s of %s",
              use->feed->column, ls_dataset_path(dataset));
    pthread_mutex_lock(&dataset->mutex);
    want_samples(dataset, samples, count);
    const enum ls_status status =
        (use->feed->length ? ls_ragged_read : read_sorted)(dataset, use, count, to, error);
    pthread_mutex_unlock(&dataset->mutex);
    return status;
}

void ls_dataset_advise(struct ls_dataset *dataset, const struct ls_feed_use *use, uint64_t first,
                       uint64_t count) {
    const struct layout layout = layout_of(dataset, use->feed);
    const int column = ls_dataset_find_column(dataset, use->feed->column);
    for (int f = 0; f < dataset->count && !use->feed->length; f++) {
        const struct ls_dataset_file *file = &dataset->files[f];
        const uint64_t end = first + count, last = file->first + file->samples;
        const uint64_t from = first > file->first ? first : file->first;
        const uint64_t to = end < last ? end : last;
        if (from < to)
            ls_array_advise(&file->arrays[column],
                            (from - file->first) * layout.stride + layout.offset,
                            (to - from - 1) * layout.stride + layout.window);
    }
}

/* Rows of file f that the feed's windows of the part cover, from its first to its last; all without
 * a part. */
static void rows_of_file(const struct ls_dataset *dataset, int f, const struct ls_feed_use *use,
                         const struct ls_part *part, uint64_t *first, uint64_t *end) {
    const struct ls_dataset_file *file = &dataset->files[f];
    *first = 0;
    *end = file->arrays[ls_dataset_find_column(dataset, use->feed->column)].rows;
    if (!part)
        return;
    const uint64_t behind = part->first + part->count, last = file->first + file->samples;
    const uint64_t from = part->first > file->first ? part->first : file->first;
    const uint64_t to = behind < last ? behind : last;
    const struct layout layout = layout_of(dataset, use->feed);
    *first = *end = 0;
    if (from >= to)
        return;
    *first = (from - file->first) * layout.stride + layout.offset;
    *end = (to - 1 - file->first) * layout.stride + layout.offset + layout.window;
}

enum ls_status ls_dataset_pass(struct ls_dataset *dataset, const struct ls_feed_use *use,
                               const struct ls_part *part, ls_dataset_look *look, void *context,
                               struct ls_error *error) {
    const int column = ls_dataset_find_column(dataset, use->feed->column);
    enum ls_status status = LS_OK;
    for (int f = 0; f < dataset->count && status == LS_OK; f++) {
        const struct ls_array *array = &dataset->files[f].arrays[column];
        const struct ls_cut_of_rows cut = ls_dataset_cut(array, use);
        const int64_t rows = array->row_values < PASS_VALUES ? PASS_VALUES / array->row_values : 1;
        char *raw = ls_calloc((size_t)rows, array->row_bytes);
        void *values = ls_calloc((size_t)(rows * cut.values), ls_use_bytes(use));
        uint64_t first, end;
        rows_of_file(dataset, f, use, part, &first, &end);
        for (uint64_t at = first; at < end && status == LS_OK; at += (uint64_t)rows) {
            const uint64_t left = end - at;
            const struct ls_block_of_rows block = {
                array, at, left < (uint64_t)rows ? (int64_t)left : rows, raw};
            pthread_mutex_lock(&dataset->mutex);
            status = ls_array_read(array, at, (uint64_t)block.count, raw, error);
            pthread_mutex_unlock(&dataset->mutex);
            if (status == LS_OK)
                status = ls_dataset_convert(&cut, &block, values, error);
            if (status == LS_OK && look)
                look(context, values, block.count * cut.values);
        }
        free(raw);
        free(values);
    }
    return status;
}

enum ls_status ls_dataset_check(struct ls_dataset *dataset, const struct ls_feed_use *use,
                                struct ls_error *error) {
    const enum ls_status status = ls_ragged_check(use, error);
    if (status != LS_OK || use->feed->lengths)
        return status;
    return ls_dataset_pass(dataset, use, NULL, NULL, NULL, error);
}

static void raise_limit(void *context, const void *values, int64_t count) {
    int64_t *limit = context;
    const int32_t *integers = values;
    for (int64_t i = 0; i < count; i++)
        if (integers[i] >= *limit)
            *limit = (int64_t)integers[i] + 1;
}

enum ls_status ls_dataset_limit(struct ls_dataset *dataset, const struct ls_feed_options *feed,
                                int64_t *limit, struct ls_error *error) {
    const struct ls_feed_use use = {.feed = feed, .type = LS_TYPE_INT32, .limit = INT32_MAX};
    *limit = 1 + (feed->begin > feed->end ? feed->begin : feed->end);
    if (!feed->length)
        *limit = 0;
    return ls_dataset_pass(dataset, &use, NULL, raise_limit, limit, error);
}

static void count_values(void *context, const void *values, int64_t count) {
    uint64_t *counts = context;
    const int32_t *integers = values;
    for (int64_t i = 0; i < count; i++)
        counts[integers[i]]++;
}

enum ls_status ls_dataset_count(struct ls_dataset *dataset, const struct ls_feed_options *feed,
                                int64_t count, uint64_t *counts, struct ls_error *error) {
    const struct ls_feed_use use = {.feed = feed, .type = LS_TYPE_INT32, .limit = count};
    return ls_dataset_pass(dataset, &use, NULL, count_values, counts, error);
}

enum ls_status ls_dataset_is_one_hot(struct ls_dataset *dataset, const struct ls_feed_options *feed,
                                     bool *one_hot, struct ls_error *error) {
    enum { BLOCK_BYTES = 1 << 20 };
    const int column = ls_dataset_find_column(dataset, feed->column);
    enum ls_status status = LS_OK;
    *one_hot = true;
    pthread_mutex_lock(&dataset->mutex);
    for (int f = 0; f < dataset->count; f++) {
        const struct ls_array *array = &dataset->files[f].arrays[column];
        const uint64_t rows = BLOCK_BYTES / (array->row_bytes + 1), block_rows = rows ? rows : 1;
        ls_dataset_room(dataset, block_rows * array->row_bytes);
        for (uint64_t at = 0; at < array->rows && *one_hot && status == LS_OK;) {
            const uint64_t left = array->rows - at, room = at ? block_rows : 1;
            const struct ls_block_of_rows block = {array, at, (int64_t)(left < room ? left : room),
                                                   dataset->raw};
            status = ls_array_read(array, at, (uint64_t)block.count, dataset->raw, error);
            for (int64_t row = 0; row < block.count && *one_hot && status == LS_OK; row++)
                *one_hot = ls_row_hot(&block, row) >= 0;
            at += (uint64_t)block.count;
        }
    }
    pthread_mutex_unlock(&dataset->mutex);
    return status;
}
