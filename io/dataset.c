/* Opening a data set: which files, and whether they fit together. */
#include "io/dataset.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset_internal.h"
#include "io/file.h"
#include "io/fill.h"
#include "io/hdf5_support.h"
#include "io/ragged.h"
#include "io/trial.h"

static const struct ls_feed_options default_feeds[] = {
    {.name = "inputs", .column = "/inputs"},
    {.name = "targets", .column = "/targets", .whole_bytes = true, .optional = true},
};

const char *ls_data_type_name(enum ls_data_type type) {
    static const char *const names[] = {[LS_DATA_BOOLEAN] = "boolean",
                                        [LS_DATA_UINT8] = "uint8",
                                        [LS_DATA_INTEGER] = "integer",
                                        [LS_DATA_REAL] = "real"};
    return names[type];
}

enum ls_data_type ls_array_data_type(const struct ls_array *array) {
    if (array->kind == LS_KIND_BOOL)
        return LS_DATA_BOOLEAN;
    if (array->kind == LS_KIND_U8)
        return LS_DATA_UINT8;
    return array->kind >= LS_KIND_F32 ? LS_DATA_REAL : LS_DATA_INTEGER;
}

/* How many texts the attribute `vocabulary` has. */
static int64_t count_vocabulary(const struct ls_array *array) {
    if (H5Aexists(array->dataset, "vocabulary") <= 0)
        return 0;
    const hid_t attribute = H5Aopen(array->dataset, "vocabulary", H5P_DEFAULT);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    const hssize_t count = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    if (space >= 0)
        H5Sclose(space);
    if (attribute >= 0)
        H5Aclose(attribute);
    return count < 0 ? 0 : (int64_t)count;
}

void ls_array_describe(const struct ls_array *array, struct ls_column *column) {
    column->type = ls_array_data_type(array);
    column->kind = ls_kind_name(array->kind);
    column->divisor = ls_array_divisor(array);
    column->shape = array->shape;
    column->vocabulary = count_vocabulary(array);
}

int ls_dataset_find_column(const struct ls_dataset *dataset, const char *name) {
    for (int i = 0; i < dataset->info.column_count; i++)
        if (!strcmp(dataset->columns[i].name + (dataset->columns[i].name[0] == '/'),
                    name + (name[0] == '/')))
            return i;
    return -1;
}

const struct ls_column *ls_dataset_column(const struct ls_dataset *dataset, const char *name) {
    const int column = ls_dataset_find_column(dataset, name);
    return column < 0 ? NULL : &dataset->columns[column];
}

/* [N] and [N, 1] are both scalars. */
static bool alike(struct ls_shape a, struct ls_shape b) {
    if (ls_shape_count(a) == 1 && ls_shape_count(b) == 1 && a.rank < 2 && b.rank < 2)
        return true;
    return ls_shape_equal(a, b);
}

/* File `at` must have rows like those of file 0, which decides. */
static enum ls_status check_alike(const struct ls_dataset *dataset, int at, int column,
                                  struct ls_error *error) {
    const struct ls_dataset_file *files = dataset->files;
    const struct ls_array *first = &files[0].arrays[column], *other = &files[at].arrays[column];
    if (alike(first->shape, other->shape) && ls_array_data_type(first) == ls_array_data_type(other))
        return LS_OK;
    char expected[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX];
    return ls_fail(
        error, LS_INVALID,
        "files of one data set must have the same kind of samples, but %s is\n  %s %s in %s and\n"
        "  %s %s in %s",
        first->name, ls_shape_print(first->shape, expected),
        ls_data_type_name(ls_array_data_type(first)), files[0].path,
        ls_shape_print(other->shape, found), ls_data_type_name(ls_array_data_type(other)),
        files[at].path);
}

/* What has an element for each row of a column. */
static const struct ls_array *rows_of(const struct ls_dataset *dataset,
                                      const struct ls_dataset_file *file, int column) {
    return dataset->ends[column] ? &file->ends[column] : &file->arrays[column];
}

/* All columns of a file have as many rows; windows lie inside the file. */
static enum ls_status count_samples(const struct ls_dataset *dataset, struct ls_dataset_file *file,
                                    struct ls_error *error) {
    const struct ls_array *first = rows_of(dataset, file, 0);
    for (int i = 1; i < dataset->info.column_count; i++) {
        const struct ls_array *other = rows_of(dataset, file, i);
        if (other->rows != first->rows)
            return ls_fail(error, LS_INVALID, "%s: %s has %llu rows, %s has %llu; expected as many",
                           file->path, first->name, (unsigned long long)first->rows, other->name,
                           (unsigned long long)other->rows);
    }
    file->samples = first->rows;
    if (!dataset->reach)
        return LS_OK;
    if (first->rows < (uint64_t)dataset->reach)
        return ls_fail(error, LS_INVALID,
                       "%s: %s has %llu rows, but a window with what it predicts takes %lld",
                       file->path, first->name, (unsigned long long)first->rows,
                       (long long)dataset->reach);
    file->samples = (first->rows - (uint64_t)dataset->reach) / (uint64_t)dataset->stride + 1;
    return LS_OK;
}

static enum ls_status open_file(struct ls_dataset_file *file, bool links, struct ls_error *error) {
    file->file = (struct ls_hdf5_file){.path = file->path, .links = links};
    const enum ls_status status = ls_hdf5_open_file(file->path, &file->file.id, error);
    if (status != LS_OK)
        file->file.id = 0;
    return status;
}

static enum ls_status open_one(struct ls_dataset *dataset, int at, struct ls_error *error) {
    struct ls_dataset_file *file = &dataset->files[at];
    const struct ls_fill *filled = NULL;
    enum ls_status status = LS_OK;
    if (!file->file.id)
        status = open_file(file, dataset->files[0].file.links, error);
    file->arrays = ls_calloc(LS_FEEDS_MAX, sizeof *file->arrays);
    file->ends = ls_calloc(LS_FEEDS_MAX, sizeof *file->ends);
    for (int i = 0; i < dataset->info.column_count && status == LS_OK; i++) {
        status = ls_array_open(&file->arrays[i], &file->file, dataset->columns[i].name, error);
        if (status == LS_OK && dataset->ends[i])
            status = ls_ragged_open(&file->ends[i], &file->arrays[i], &file->file, dataset->ends[i],
                                    error);
        if (status == LS_OK && at > 0)
            status = check_alike(dataset, at, i, error);
        if (status == LS_OK && !file->fill.count)
            status = ls_fill_open(&file->fill, &file->file, &file->arrays[i], error);
        if (status == LS_OK && file->fill.count && !filled)
            file->arrays[i].fill = filled = &file->fill;
    }
    return status == LS_OK ? count_samples(dataset, file, error) : status;
}

/* A file of exactly that name comes first, so that a name may contain a star. */
enum ls_status ls_dataset_find_files(struct ls_dataset *dataset, const char *path,
                                     struct ls_error *error) {
    glob_t found;
    const bool is_pattern = strpbrk(path, "*?[") && !ls_file_exists(path);
    if (is_pattern && glob(path, GLOB_ERR, NULL, &found) != 0)
        return ls_fail(error, LS_INVALID, "no file matches %s", path);
    dataset->count = is_pattern ? (int)found.gl_pathc : 1;
    dataset->files = ls_calloc((size_t)dataset->count, sizeof *dataset->files);
    for (int i = 0; i < dataset->count; i++)
        dataset->files[i].path = ls_strdup(is_pattern ? found.gl_pathv[i] : path);
    if (is_pattern)
        globfree(&found);
    return LS_OK;
}

/* A window's number says nothing about the rows of a column without windows. */
static enum ls_status check_windows(const struct ls_dataset *dataset,
                                    const struct ls_dataset_options *options,
                                    struct ls_error *error) {
    const struct ls_feed_options *with = NULL, *without = NULL;
    for (int i = 0; i < options->feed_count; i++) {
        const struct ls_feed_options *feed = &options->feeds[i];
        const int column = ls_dataset_find_column(dataset, feed->column);
        if (column < 0)
            continue;
        *(feed->window ? &with : &without) = feed;
        if (feed->window && dataset->ends[column])
            return ls_fail(error, LS_INVALID,
                           "feed '%s': the rows of %s have different lengths: expected a length "
                           "that they are cut or padded to, found a window",
                           feed->name, feed->column);
    }
    if (!with || !without)
        return LS_OK;
    return ls_fail(
        error, LS_INVALID,
        "the feed '%s' takes windows of %s, but '%s' takes whole rows of %s: a sample is "
        "either; give '%s' a window, too",
        with->name, with->column, without->name, without->column, without->name);
}

static void add_column(struct ls_dataset *dataset, const char *name) {
    const int column = dataset->info.column_count++;
    dataset->columns[column].name = ls_strdup(name);
    dataset->ends[column] = ls_ragged_ends(dataset->files[0].file.id, name);
}

/* What the tokens of the columns were made of, as far as there is room. */
static void add_texts(struct ls_dataset *dataset) {
    const int count = dataset->info.column_count;
    for (int i = 0; i < count && dataset->info.column_count < LS_FEEDS_MAX; i++) {
        char name[LS_TEXT_MAX + sizeof LS_COLUMN_TEXT];
        snprintf(name, sizeof name, "%s%s", dataset->columns[i].name, LS_COLUMN_TEXT);
        if (dataset->ends[i] && ls_hdf5_has(dataset->files[0].file.id, name) &&
            ls_dataset_find_column(dataset, name) < 0)
            add_column(dataset, name);
    }
}

/* Which columns the feeds need, each once; the first file decides about optional ones. */
static enum ls_status choose_columns(struct ls_dataset *dataset,
                                     const struct ls_dataset_options *options,
                                     struct ls_error *error) {
    struct ls_dataset_file *first = &dataset->files[0];
    const enum ls_status status = open_file(first, options->links, error);
    if (status != LS_OK)
        return status;
    dataset->stride = options->stride ? options->stride : 1;
    for (int i = 0; i < options->feed_count; i++) {
        const struct ls_feed_options *feed = &options->feeds[i];
        if (feed->optional && !ls_hdf5_has(first->file.id, feed->column))
            continue;
        if (feed->window && feed->offset + feed->window > dataset->reach)
            dataset->reach = feed->offset + feed->window;
        if (ls_dataset_find_column(dataset, feed->column) < 0)
            add_column(dataset, feed->column);
    }
    const char *group = options->group && options->group[0] ? options->group : NULL;
    if (group && !ls_hdf5_has(first->file.id, group))
        return ls_fail(error, LS_INVALID, "%s: there is no dataset '%s' in it to group by",
                       first->path, group);
    if (group && dataset->info.column_count == LS_FEEDS_MAX)
        return ls_fail(error, LS_INVALID, "more than %d columns", LS_FEEDS_MAX);
    if (group && ls_dataset_find_column(dataset, group) < 0)
        add_column(dataset, group);
    if (options->texts)
        add_texts(dataset);
    if (dataset->info.column_count)
        return check_windows(dataset, options, error);
    return ls_fail(error, LS_INVALID, "%s: has none of the datasets that the feeds read",
                   first->path);
}

static void describe_columns(struct ls_dataset *dataset) {
    dataset->info.files = dataset->count;
    dataset->info.columns = dataset->columns;
    for (int i = 0; i < dataset->info.column_count; i++) {
        struct ls_column *column = &dataset->columns[i];
        ls_array_describe(&dataset->files[0].arrays[i], column);
        column->ragged = dataset->ends[i] != NULL;
        for (int f = 0; f < dataset->count; f++)
            column->rows += rows_of(dataset, &dataset->files[f], i)->rows;
    }
}

uint64_t ls_dataset_overlap(const struct ls_dataset *dataset) {
    return dataset->reach ? (uint64_t)((dataset->reach - 1) / dataset->stride) : 0;
}

static enum ls_status open_files(struct ls_dataset **result,
                                 const struct ls_dataset_options *options, struct ls_error *error) {
    struct ls_dataset *dataset = ls_calloc(1, sizeof *dataset);
    pthread_mutex_init(&dataset->mutex, NULL);
    enum ls_status status = ls_dataset_find_files(dataset, options->path, error);
    if (status == LS_OK)
        status = choose_columns(dataset, options, error);
    for (int i = 0; i < dataset->count && status == LS_OK; i++) {
        status = open_one(dataset, i, error);
        if (status != LS_OK)
            break;
        dataset->files[i].first = dataset->info.samples;
        if (__builtin_add_overflow(dataset->info.samples, dataset->files[i].samples,
                                   &dataset->info.samples))
            status = ls_fail(error, LS_INVALID, "%s: more than 2^64 rows", options->path);
    }
    if (status == LS_OK)
        status = ls_dataset_number_labels(dataset, options, error);
    if (status != LS_OK) {
        ls_dataset_close(dataset);
        return status;
    }
    describe_columns(dataset);
    *result = dataset;
    return LS_OK;
}

static enum ls_status try_open(void *context, int part, struct ls_error *error) {
    struct ls_dataset *dataset;
    (void)part;
    return open_files(&dataset, context, error);
}

enum ls_status ls_dataset_open(struct ls_dataset **result, const struct ls_dataset_options *options,
                               struct ls_error *error) {
    struct ls_dataset_options given = *options;
    if (!given.feeds) {
        given.feeds = default_feeds;
        given.feed_count = (int)(sizeof default_feeds / sizeof *default_feeds);
    }
    const struct ls_trial trial = {.work = try_open, .context = &given, .path = given.path};
    enum ls_status status = ls_trial_run(&trial, error);
    if (status == LS_OK)
        status = open_files(result, &given, error);
    if (status == LS_OK && given.decode != LS_DECODE_NOT) {
        status = ls_dataset_decode(*result, &given, error);
        if (status != LS_OK) {
            ls_dataset_close(*result);
            *result = NULL;
        }
    }
    return status;
}

void ls_dataset_close(struct ls_dataset *dataset) {
    if (!dataset)
        return;
    ls_hdf5_quiet();
    for (int i = 0; i < dataset->count; i++) {
        struct ls_dataset_file *file = &dataset->files[i];
        for (int c = 0; file->arrays && c < dataset->info.column_count; c++) {
            ls_array_close(&file->arrays[c]);
            ls_array_close(&file->ends[c]);
        }
        if (file->file.id > 0)
            H5Fclose(file->file.id);
        ls_fill_close(&file->fill);
        free(file->arrays);
        free(file->ends);
        free(file->path);
    }
    for (int i = 0; i < dataset->info.column_count; i++) {
        free((char *)(uintptr_t)dataset->columns[i].name);
        free(dataset->ends[i]);
    }
    ls_csv_words_clear(&dataset->labels);
    pthread_mutex_destroy(&dataset->mutex);
    free(dataset->files);
    free(dataset->wanted);
    free(dataset->raw);
    free(dataset->fill_values);
    free(dataset);
}

struct ls_dataset_info ls_dataset_info(const struct ls_dataset *dataset) {
    return dataset->info;
}

const char *ls_dataset_path(const struct ls_dataset *dataset) {
    return dataset->files[0].path;
}

const char *ls_dataset_file(const struct ls_dataset *dataset, int file) {
    LS_ASSERT(file >= 0 && file < dataset->count, "file %d of %d", file, dataset->count);
    return dataset->files[file].path;
}
