#include "io/predictions.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"

struct ls_predictions {
    char *path, *temporary;       /* owned */
    hid_t file, outputs, classes; /* classes: -1 if there are none */
    struct ls_shape shape;        /* [rows, ...] */
    uint64_t written;
};

static hid_t create_dataset(const struct ls_predictions *predictions, const char *name, hid_t type,
                            int rank) {
    hsize_t dims[LS_RANK_MAX];
    for (int i = 0; i < rank; i++)
        dims[i] = (hsize_t)predictions->shape.dims[i];
    const hid_t space = H5Screate_simple(rank, dims, NULL);
    const hid_t set =
        H5Dcreate2(predictions->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    return set;
}

enum ls_status ls_predictions_create(struct ls_predictions **made,
                                     const struct ls_predictions_options *options,
                                     struct ls_error *error) {
    const char *path = options->path;
    const struct ls_shape row_shape = options->row_shape;
    const bool classes = options->classes;
    char *temporary;
    const enum ls_status begun = ls_file_temporary(path, &temporary, error);
    if (begun != LS_OK)
        return begun;
    struct ls_predictions *predictions = ls_calloc(1, sizeof *predictions);
    predictions->path = ls_strdup(path);
    predictions->temporary = temporary;
    predictions->shape =
        (struct ls_shape){.rank = row_shape.rank + 1, .dims = {(int64_t)options->rows}};
    memcpy(predictions->shape.dims + 1, row_shape.dims, (size_t)row_shape.rank * sizeof(int64_t));
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    predictions->outputs = predictions->classes = -1;
    predictions->file = H5Fcreate(predictions->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (predictions->file >= 0) {
        predictions->outputs =
            create_dataset(predictions, options->name ? options->name : "outputs", H5T_IEEE_F32LE,
                           predictions->shape.rank);
        if (classes)
            predictions->classes = create_dataset(predictions, "classes", H5T_STD_I32LE, 1);
    }
    if (predictions->outputs < 0 || (classes && predictions->classes < 0)) {
        struct ls_error ignored;
        (void)!ls_predictions_close(predictions, false, &ignored);
        return ls_fail(error, LS_SYSTEM, "cannot write %s (is the disk full?)", path);
    }
    *made = predictions;
    return LS_OK;
}

static bool append_rows(hid_t set, hid_t type, const struct ls_shape *shape, int rank,
                        uint64_t first, int64_t rows, const void *data) {
    hsize_t start[LS_RANK_MAX] = {first}, count[LS_RANK_MAX] = {(hsize_t)rows};
    for (int i = 1; i < rank; i++)
        count[i] = (hsize_t)shape->dims[i];
    const hid_t memory = H5Screate_simple(rank, count, NULL), space = H5Dget_space(set);
    const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                      H5Dwrite(set, type, memory, space, H5P_DEFAULT, data) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

enum ls_status ls_predictions_append(struct ls_predictions *predictions, const float *outputs,
                                     const int32_t *labels, int64_t rows, struct ls_error *error) {
    if (!append_rows(predictions->outputs, H5T_NATIVE_FLOAT, &predictions->shape,
                     predictions->shape.rank, predictions->written, rows, outputs) ||
        (labels && !append_rows(predictions->classes, H5T_NATIVE_INT32, &predictions->shape, 1,
                                predictions->written, rows, labels)))
        return ls_fail(error, LS_SYSTEM, "%s: row %llu cannot be written (is the disk full?)",
                       predictions->path, (unsigned long long)predictions->written);
    predictions->written += (uint64_t)rows;
    return LS_OK;
}

enum ls_status ls_predictions_close(struct ls_predictions *predictions, bool keep,
                                    struct ls_error *error) {
    bool good = true;
    if (predictions->outputs >= 0)
        good &= H5Dclose(predictions->outputs) >= 0;
    if (predictions->classes >= 0)
        good &= H5Dclose(predictions->classes) >= 0;
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
