#include "io/predictions.h"

#include <hdf5.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"

struct ls_predictions {
    char *path, *temporary; /* owned */
    hid_t file;
    int count;
    struct set {
        hid_t id, type;        /* id -1 until it is made; type: in memory */
        struct ls_shape shape; /* [rows, ...] */
    } sets[LS_PREDICTIONS_MAX];
    uint64_t written;
};

static bool create_set(struct ls_predictions *predictions, const struct ls_prediction_set *options,
                       uint64_t rows) {
    struct set *set = &predictions->sets[predictions->count++];
    const struct ls_shape row = options->row_shape;
    hsize_t dims[LS_RANK_MAX] = {rows};
    set->type = options->integer ? H5T_NATIVE_INT32 : H5T_NATIVE_FLOAT;
    set->shape = (struct ls_shape){.rank = row.rank + 1, .dims = {(int64_t)rows}};
    for (int i = 0; i < row.rank; i++)
        dims[i + 1] = (hsize_t)(set->shape.dims[i + 1] = row.dims[i]);
    const hid_t space = H5Screate_simple(set->shape.rank, dims, NULL);
    set->id = H5Dcreate2(predictions->file, options->name,
                         options->integer ? H5T_STD_I32LE : H5T_IEEE_F32LE, space, H5P_DEFAULT,
                         H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    return set->id >= 0;
}

enum ls_status ls_predictions_create(struct ls_predictions **made,
                                     const struct ls_predictions_options *options,
                                     struct ls_error *error) {
    char *temporary;
    const enum ls_status begun = ls_file_temporary(options->path, &temporary, error);
    if (begun != LS_OK)
        return begun;
    struct ls_predictions *predictions = ls_calloc(1, sizeof *predictions);
    predictions->path = ls_strdup(options->path);
    predictions->temporary = temporary;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    predictions->file = H5Fcreate(predictions->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    bool good = predictions->file >= 0;
    for (int i = 0; i < options->count && good; i++)
        good = create_set(predictions, &options->sets[i], options->rows);
    if (!good) {
        struct ls_error ignored;
        (void)!ls_predictions_close(predictions, false, &ignored);
        return ls_fail(error, LS_SYSTEM, "cannot write %s (is the disk full?)", options->path);
    }
    *made = predictions;
    return LS_OK;
}

static bool append_rows(const struct set *set, uint64_t first, int64_t rows, const void *data) {
    hsize_t start[LS_RANK_MAX] = {first}, count[LS_RANK_MAX] = {(hsize_t)rows};
    for (int i = 1; i < set->shape.rank; i++)
        count[i] = (hsize_t)set->shape.dims[i];
    const hid_t memory = H5Screate_simple(set->shape.rank, count, NULL);
    const hid_t space = H5Dget_space(set->id);
    const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                      H5Dwrite(set->id, set->type, memory, space, H5P_DEFAULT, data) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

enum ls_status ls_predictions_append(struct ls_predictions *predictions, const void *const *data,
                                     int64_t rows, struct ls_error *error) {
    for (int i = 0; i < predictions->count; i++)
        if (!append_rows(&predictions->sets[i], predictions->written, rows, data[i]))
            return ls_fail(error, LS_SYSTEM, "%s: row %llu cannot be written (is the disk full?)",
                           predictions->path, (unsigned long long)predictions->written);
    predictions->written += (uint64_t)rows;
    return LS_OK;
}

enum ls_status ls_predictions_close(struct ls_predictions *predictions, bool keep,
                                    struct ls_error *error) {
    bool good = true;
    for (int i = 0; i < predictions->count; i++)
        if (predictions->sets[i].id >= 0)
            good &= H5Dclose(predictions->sets[i].id) >= 0;
    if (predictions->file >= 0)
        good &= H5Fclose(predictions->file) >= 0;
    enum ls_status status = LS_OK;
    if (keep && !good)
        status = ls_fail(error, LS_SYSTEM, "%s: cannot be written (is the disk full?)",
                         predictions->path);
    else if (keep)
        status = ls_file_replace(predictions->temporary, predictions->path, error);
    if (!keep || status != LS_OK)
        unlink(predictions->temporary);
    free(predictions->path);
    free(predictions->temporary);
    free(predictions);
    return status;
}
