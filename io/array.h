/* One array of one HDF5 file, read in runs of rows and turned into floats or integers. Internal to
 * io. */
#ifndef LS_IO_ARRAY_H
#define LS_IO_ARRAY_H

#include <hdf5.h>

#include "core/base/status.h"
#include "core/tensor/shape.h"
#include "io/kind.h"

hid_t ls_kind_type(enum ls_kind kind); /* HDF5's native type; not to be closed */

struct ls_array {
    const char *path;     /* borrowed: the file */
    const char *name;     /* borrowed: the dataset in it */
    hid_t dataset, space; /* owned */
    hid_t transfer;       /* owned: how H5Dread goes about it */
    enum ls_kind kind;
    uint64_t rows;
    struct ls_shape shape; /* of one row; rank 0: a scalar */
    int64_t row_values;
    size_t row_bytes; /* in memory */
    int direct;       /* file descriptor for plain reads, borrowed from HDF5; -1: H5Dread */
    uint64_t direct_offset;
    const struct ls_fill *fill; /* borrowed; missing cells that are filled in; NULL: none */
};

LS_MUST_USE enum ls_status ls_array_open(struct ls_array *array, hid_t file, const char *path,
                                         const char *name, struct ls_error *error);
void ls_array_close(struct ls_array *array); /* also of a zeroed one */

/* Rows first .. first+count-1 into raw (count * row_bytes). */
LS_MUST_USE enum ls_status ls_array_read(const struct ls_array *array, uint64_t first,
                                         uint64_t count, void *raw, struct ls_error *error);

#endif
