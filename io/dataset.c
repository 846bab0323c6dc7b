/* Opening a data set: which files, and whether they fit together. */
#include "io/dataset.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset_internal.h"
#include "io/file.h"
#include "io/hdf5_support.h"

static enum ls_data_type data_type(const struct ls_array *array) {
    if (array->kind == LS_KIND_U8)
        return LS_DATA_UINT8;
    return array->kind >= LS_KIND_F32 ? LS_DATA_REAL : LS_DATA_INTEGER;
}

static const char *type_name(enum ls_data_type type) {
    static const char *const names[] = {"uint8", "integer", "real"};
    return names[type];
}

/* Shapes of one sample: [N] and [N,1] targets are both scalars; [N] inputs are vectors of one
 * value. */
static struct ls_shape sample_shape(const struct ls_array *array, bool targets) {
    struct ls_shape shape = array->shape;
    if (targets && shape.rank == 1 && shape.dims[0] == 1)
        shape.rank = 0;
    if (!targets && shape.rank == 0)
        shape = LS_SHAPE(1);
    return shape;
}

/* File `at` must have samples like those of file 0, which decides. */
static enum ls_status check_alike(const struct ls_dataset *dataset, int at, bool targets,
                                  struct ls_error *error) {
    const struct ls_dataset_file *files = dataset->files;
    const struct ls_array *first = targets ? &files[0].targets : &files[0].inputs;
    const struct ls_array *other = targets ? &files[at].targets : &files[at].inputs;
    const struct ls_shape expected = sample_shape(first, targets),
                          found = sample_shape(other, targets);
    if (ls_shape_equal(expected, found) && data_type(first) == data_type(other))
        return LS_OK;
    char expected_text[LS_SHAPE_TEXT_MAX], found_text[LS_SHAPE_TEXT_MAX];
    return ls_fail(
        error, LS_INVALID,
        "files of one data set must have the same kind of samples, but %s is\n  %s %s in %s and\n"
        "  %s %s in %s",
        first->name, ls_shape_print(expected, expected_text), type_name(data_type(first)),
        files[0].path, ls_shape_print(found, found_text), type_name(data_type(other)),
        files[at].path);
}

static enum ls_status open_one(struct ls_dataset *dataset, int at, struct ls_error *error) {
    struct ls_dataset_file *file = &dataset->files[at];
    enum ls_status status = ls_hdf5_open_file(file->path, &file->file, error);
    if (status != LS_OK)
        return status;
    status = ls_array_open(&file->inputs, file->file, file->path, dataset->inputs, error);
    if (status == LS_OK && at > 0)
        status = check_alike(dataset, at, false, error);
    if (status != LS_OK || !dataset->targets[0])
        return status;
    status = ls_array_open(&file->targets, file->file, file->path, dataset->targets, error);
    if (status == LS_OK && file->targets.rows != file->inputs.rows)
        status = ls_fail(error, LS_INVALID,
                         "%s: %s has %llu rows, %s has %llu; expected as many targets as inputs",
                         file->path, dataset->inputs, (unsigned long long)file->inputs.rows,
                         dataset->targets, (unsigned long long)file->targets.rows);
    if (status == LS_OK && at > 0)
        status = check_alike(dataset, at, true, error);
    return status;
}

/* A file of exactly that name comes first, so that a name may contain a star. */
static enum ls_status find_files(struct ls_dataset *dataset, const char *path,
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

static void describe(struct ls_dataset *dataset) {
    const struct ls_dataset_file *first = &dataset->files[0];
    dataset->info.files = dataset->count;
    dataset->info.input_shape = sample_shape(&first->inputs, false);
    dataset->info.input_type = data_type(&first->inputs);
    dataset->info.has_targets = dataset->targets[0] != '\0';
    if (dataset->info.has_targets) {
        dataset->info.target_shape = sample_shape(&first->targets, true);
        dataset->info.target_type = data_type(&first->targets);
    }
}

enum ls_status ls_dataset_open(struct ls_dataset **result, const struct ls_dataset_options *options,
                               struct ls_error *error) {
    struct ls_dataset *dataset = ls_calloc(1, sizeof *dataset);
    pthread_mutex_init(&dataset->mutex, NULL);
    dataset->inputs = ls_strdup(options->inputs ? options->inputs : "/inputs");
    dataset->targets = ls_strdup(options->targets ? options->targets : "/targets");
    enum ls_status status = find_files(dataset, options->path, error);
    for (int i = 0; i < dataset->count && status == LS_OK; i++) {
        status = open_one(dataset, i, error);
        if (status != LS_OK)
            break;
        dataset->files[i].first = dataset->info.rows;
        if (__builtin_add_overflow(dataset->info.rows, dataset->files[i].inputs.rows,
                                   &dataset->info.rows))
            status = ls_fail(error, LS_INVALID, "%s: more than 2^64 rows", options->path);
    }
    if (status != LS_OK) {
        ls_dataset_close(dataset);
        return status;
    }
    describe(dataset);
    *result = dataset;
    return LS_OK;
}

void ls_dataset_close(struct ls_dataset *dataset) {
    if (!dataset)
        return;
    ls_hdf5_quiet();
    for (int i = 0; i < dataset->count; i++) {
        ls_array_close(&dataset->files[i].inputs);
        ls_array_close(&dataset->files[i].targets);
        if (dataset->files[i].file > 0)
            H5Fclose(dataset->files[i].file);
        free(dataset->files[i].path);
    }
    pthread_mutex_destroy(&dataset->mutex);
    free(dataset->files);
    free(dataset->inputs);
    free(dataset->targets);
    free(dataset->wanted);
    free(dataset->raw);
    free(dataset);
}

struct ls_dataset_info ls_dataset_info(const struct ls_dataset *dataset) {
    return dataset->info;
}
