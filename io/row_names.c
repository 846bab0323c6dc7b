#include "io/row_names.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset_internal.h"
#include "io/hdf5_support.h"

static const char ids_name[] = "/table/ids", numbers_name[] = "/table/rows";

/* `count` texts of one length into to[0 .. count - 1], owned. */
static enum ls_status read_texts(const struct ls_dataset_file *file, char **to,
                                 struct ls_error *error) {
    struct ls_hdf5_dataset found;
    enum ls_status status = ls_hdf5_open_dataset(&file->file, ids_name, &found, error);
    if (status != LS_OK)
        return status;
    const hid_t dataset = found.id;
    const hid_t stored = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const size_t size = H5Tget_size(stored);
    const bool good = H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) == 0 &&
                      size > 0 && size <= LS_ROW_NAME_BYTES_MAX &&
                      H5Sget_simple_extent_ndims(space) == 1 &&
                      (uint64_t)H5Sget_simple_extent_npoints(space) == file->samples;
    char *texts = good ? ls_calloc(file->samples, size) : NULL;
    if (!good || H5Dread(dataset, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) < 0)
        status = ls_fail(error, LS_INVALID, "%s: %s is not a text of at most %d bytes for each row",
                         file->path, ids_name, (int)LS_ROW_NAME_BYTES_MAX);
    for (uint64_t i = 0; i < file->samples && status == LS_OK; i++) {
        to[i] = ls_calloc(size + 1, 1);
        memcpy(to[i], texts + i * size, size);
    }
    free(texts);
    H5Tclose(stored);
    H5Sclose(space);
    H5Dclose(dataset);
    return status;
}

static enum ls_status read_numbers(const struct ls_dataset_file *file, int64_t *to,
                                   struct ls_error *error) {
    struct ls_array array;
    enum ls_status status = ls_array_open(&array, &file->file, numbers_name, error);
    if (status != LS_OK)
        return status;
    if (array.kind != LS_KIND_I64 || array.rows != file->samples || array.row_values != 1)
        status = ls_fail(error, LS_INVALID, "%s: %s is not a number for each row", file->path,
                         numbers_name);
    else
        status = ls_array_read(&array, 0, array.rows, to, error);
    ls_array_close(&array);
    return status;
}

enum ls_status ls_row_names_load(struct ls_row_names *names, const struct ls_dataset *dataset,
                                 struct ls_error *error) {
    *names = (struct ls_row_names){.count = dataset->info.samples};
    bool ids = false, numbers = false;
    for (int f = 0; f < dataset->count && !dataset->reach; f++) {
        ids = ids || ls_hdf5_has(dataset->files[f].file.id, ids_name);
        numbers = numbers || ls_hdf5_has(dataset->files[f].file.id, numbers_name);
    }
    if (ids)
        names->ids = ls_calloc(names->count, sizeof *names->ids);
    if (numbers)
        names->numbers = ls_calloc(names->count, sizeof *names->numbers);
    enum ls_status status = LS_OK;
    for (int f = 0; f < dataset->count && status == LS_OK; f++) {
        const struct ls_dataset_file *file = &dataset->files[f];
        if (ids && ls_hdf5_has(file->file.id, ids_name))
            status = read_texts(file, names->ids + file->first, error);
        for (uint64_t i = 0; i < file->samples && numbers; i++)
            names->numbers[file->first + i] = (int64_t)i;
        if (status == LS_OK && numbers && ls_hdf5_has(file->file.id, numbers_name))
            status = read_numbers(file, names->numbers + file->first, error);
    }
    if (status != LS_OK)
        ls_row_names_clear(names);
    return status;
}

void ls_row_names_clear(struct ls_row_names *names) {
    for (uint64_t i = 0; i < names->count && names->ids; i++)
        free(names->ids[i]);
    free(names->ids);
    free(names->numbers);
    *names = (struct ls_row_names){0};
}
