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
                   const struct ls_block_of_rows *block, void *to) {
    const struct ls_feed_use *use = cut->use;
    const uint64_t end = block->first + (uint64_t)block->count;
    for (uint64_t i = first_from(fill, block->first);
         i < fill->count && (uint64_t)fill->cells[2 * i] < end; i++) {
        const int64_t row = fill->cells[2 * i] - (int64_t)block->first;
        const int64_t place = fill->cells[2 * i + 1], taken = place - cut->first;
        const double value = fill->values[place];
        if (taken < 0 || taken >= cut->channels)
            continue;
        if (use->exact)
            ((double *)to)[row * cut->values + taken] = value;
        else
            ((float *)to)[row * cut->values + taken] =
                (float)(value - ls_feed_centre(use->feed, taken));
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
    memcpy(dataset->fill_values, values, (size_t)count * sizeof *values);
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
    int64_t places;   /* those that are looked at */
    double *values;   /* [places][room] owned */
    uint64_t *counts; /* [places] owned */
    uint64_t room;
};

static void gather(void *context, const void *values, int64_t count) {
    struct gathering *all = context;
    const double *x = values;
    for (int64_t i = 0; i < count; i++) {
        const uint64_t place = (uint64_t)(i % all->places);
        if (!isnan(x[i]))
            all->values[place * all->room + all->counts[place]++] = x[i];
    }
}

/* Of the places that the feed takes. */
static enum ls_status learn_places(const struct ls_part *part, const struct ls_feed_options *feed,
                                   bool median, double *fill, struct ls_error *error) {
    const struct ls_feed_use use = {.feed = feed, .type = LS_TYPE_REAL, .exact = true};
    struct gathering all = {.places = feed->channels,
                            .room = ls_dataset_column(part->dataset, feed->column)->rows};
    all.values = ls_calloc((size_t)all.places * all.room, sizeof *all.values);
    all.counts = ls_calloc((size_t)all.places, sizeof *all.counts);
    const enum ls_status status = ls_part_pass(part, &use, gather, &all, error);
    for (int64_t i = 0; i < all.places && status == LS_OK; i++)
        fill[i] = ls_fill_value(all.values + (uint64_t)i * all.room, all.counts[i], median);
    free(all.values);
    free(all.counts);
    return status;
}

enum ls_status ls_part_fill(const struct ls_part *part, const struct ls_feed_options *feed,
                            bool median, double *fill, struct ls_error *error) {
    enum { HELD_VALUES = 1 << 25 }; /* at a time: 256 MB */
    const struct ls_column *column = ls_dataset_column(part->dataset, feed->column);
    const int64_t places = ls_shape_count(column->shape);
    const int64_t some = column->rows < HELD_VALUES ? HELD_VALUES / (int64_t)column->rows : 1;
    struct ls_feed_options own = *feed;
    enum ls_status status = LS_OK;
    for (int64_t i = 0; i < places; i++)
        fill[i] = (double)NAN;
    ls_dataset_fill(part->dataset, fill, places);
    for (int64_t first = 0; first < places && status == LS_OK; first += some) {
        own.first_channel = first;
        own.channels = places - first < some ? places - first : some;
        status = learn_places(part, &own, median, fill + first, error);
    }
    return status;
}
