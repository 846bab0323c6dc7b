#include "io/fill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/hdf5_support.h"

static const char list_name[] = "/table/missing";

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ls_fill_value(double *values, uint64_t count, bool median) {
    if (!count)
        return (double)NAN;
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += values[i];
    if (!median)
        return sum / (double)count;
    qsort(values, count, sizeof *values, by_value);
    const double low = values[(count - 1) / 2], high = values[count / 2];
    return low + (high - low) / 2;
}

static bool is_about(const struct ls_array *array) {
    const char *name = array->name + (array->name[0] == '/');
    return array->shape.rank == 1 && (!strcmp(name, "inputs") || !strcmp(name, "series"));
}

/* Cells lie in the array and come in order: they are looked up by halving. */
static bool good_cells(const struct ls_fill *fill, const struct ls_array *array) {
    for (uint64_t i = 0; i < fill->count; i++) {
        const int64_t row = fill->cells[2 * i], place = fill->cells[2 * i + 1];
        if (row < 0 || (uint64_t)row >= array->rows || place < 0 || place >= array->row_values ||
            (i && row < fill->cells[2 * i - 2]))
            return false;
    }
    return true;
}

enum ls_status ls_fill_open(struct ls_fill *fill, const struct ls_hdf5_file *file,
                            const struct ls_array *array, struct ls_error *error) {
    *fill = (struct ls_fill){0};
    if (!is_about(array) || !ls_hdf5_has(file->id, list_name))
        return LS_OK;
    struct ls_array list;
    enum ls_status status = ls_array_open(&list, file, list_name, error);
    if (status != LS_OK)
        return status;
    const bool pairs = list.kind == LS_KIND_I64 && list.row_values == 2;
    if (pairs) {
        fill->count = list.rows;
        fill->cells = ls_calloc(list.rows, 2 * sizeof *fill->cells);
        status = ls_array_read(&list, 0, list.rows, fill->cells, error);
    }
    ls_array_close(&list);
    if (status == LS_OK && !(pairs && good_cells(fill, array)))
        status = ls_fail(error, LS_INVALID, "%s: %s is no list of cells of %s", array->path,
                         list_name, array->name);
    if (status != LS_OK)
        ls_fill_close(fill);
    return status;
}

void ls_fill_close(struct ls_fill *fill) {
    free(fill->cells);
    *fill = (struct ls_fill){0};
}

/* The first cell from that row on. */
static uint64_t first_from(const struct ls_fill *fill, uint64_t row) {
    uint64_t low = 0, high = fill->count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if ((uint64_t)fill->cells[2 * middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void ls_fill_apply(const struct ls_fill *fill, const struct ls_cut_of_rows *cut,
                   const struct ls_block_of_rows *block, float *to) {
    const uint64_t end = block->first + (uint64_t)block->count;
    for (uint64_t i = first_from(fill, block->first);
         i < fill->count && (uint64_t)fill->cells[2 * i] < end; i++) {
        const int64_t row = fill->cells[2 * i] - (int64_t)block->first;
        const int64_t place = fill->cells[2 * i + 1];
        if (place >= cut->first && place < cut->first + cut->channels)
            to[row * cut->values + place - cut->first] = fill->values[place];
    }
}

bool ls_dataset_has_missing(const struct ls_dataset *dataset) {
    for (int f = 0; f < dataset->count; f++)
        if (dataset->files[f].fill.count)
            return true;
    return false;
}

void ls_dataset_fill(struct ls_dataset *dataset, const double *values, int64_t count) {
    free(dataset->fill_values);
    dataset->fill_values = ls_calloc((size_t)count, sizeof *dataset->fill_values);
    for (int64_t i = 0; i < count; i++)
        dataset->fill_values[i] = (float)values[i];
    for (int f = 0; f < dataset->count; f++) {
        struct ls_dataset_file *file = &dataset->files[f];
        bool fits = true;
        for (int c = 0; c < dataset->info.column_count; c++)
            fits = fits && (!file->arrays[c].fill || file->arrays[c].row_values == count);
        file->fill.values = fits ? dataset->fill_values : NULL;
    }
}

/* Values that are not missing, place by place. */
struct gathering {
    int64_t places;
    double **values; /* [places][room] owned */
    uint64_t *counts, room;
};

static void gather(void *context, const void *values, int64_t count) {
    struct gathering *all = context;
    const float *x = values;
    for (int64_t i = 0; i < count; i++) {
        const int64_t place = i % all->places;
        if (!isnan(x[i]))
            all->values[place][all->counts[place]++] = (double)x[i];
    }
}

static enum ls_status gather_part(const struct ls_part *part, const struct ls_feed_use *use,
                                  struct gathering *all, struct ls_error *error) {
    enum { BLOCK = 256 };
    if (use->feed->window)
        return ls_dataset_pass(part->dataset, use, part, gather, all, error);
    uint64_t rows[BLOCK];
    enum ls_status status = LS_OK;
    float *block = ls_calloc(BLOCK * (size_t)all->places, sizeof *block);
    for (uint64_t at = 0; at < part->count && status == LS_OK; at += BLOCK) {
        const uint64_t left = part->count - at;
        const int64_t count = left < BLOCK ? (int64_t)left : BLOCK;
        for (int64_t i = 0; i < count; i++)
            rows[i] = ls_part_sample(part, at + (uint64_t)i);
        status = ls_dataset_read(part->dataset, use, rows, count, block, error);
        if (status == LS_OK)
            gather(all, block, count * all->places);
    }
    free(block);
    return status;
}

enum ls_status ls_part_fill(const struct ls_part *part, const struct ls_feed_options *feed,
                            bool median, double *fill, struct ls_error *error) {
    struct ls_dataset *dataset = part->dataset;
    const struct ls_column *column = ls_dataset_column(dataset, feed->column);
    struct ls_feed_options whole = *feed; /* of all channels */
    whole.first_channel = whole.channels = 0;
    const struct ls_feed_use use = {.feed = &whole, .type = LS_TYPE_REAL};
    struct gathering all = {.places = ls_shape_count(column->shape), .room = column->rows};
    all.values = ls_calloc((size_t)all.places, sizeof *all.values);
    all.counts = ls_calloc((size_t)all.places, sizeof *all.counts);
    for (int64_t i = 0; i < all.places; i++) {
        all.values[i] = ls_calloc(all.room, sizeof **all.values);
        fill[i] = (double)NAN;
    }
    ls_dataset_fill(dataset, fill, all.places);
    const enum ls_status status = gather_part(part, &use, &all, error);
    for (int64_t i = 0; i < all.places; i++) {
        if (status == LS_OK)
            fill[i] = ls_fill_value(all.values[i], all.counts[i], median);
        free(all.values[i]);
    }
    free(all.values);
    free(all.counts);
    return status;
}
