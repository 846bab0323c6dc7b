/* One array of one HDF5 file, read in runs of rows and turned into floats or integers. Internal to io. */
#ifndef LS_IO_ARRAY_H
#define LS_IO_ARRAY_H

#include <hdf5.h>

#include "core/base/status.h"
#include "core/tensor/shape.h"

/* How values lie in memory after a read, whatever the file's byte order. */
enum ls_array_kind {
    LS_KIND_U8,
    LS_KIND_U16,
    LS_KIND_U32,
    LS_KIND_U64,
    LS_KIND_I8,
    LS_KIND_I16,
    LS_KIND_I32,
    LS_KIND_I64,
    LS_KIND_F32,
    LS_KIND_F64
};

hid_t ls_kind_type(enum ls_array_kind kind); /* HDF5's native type; not to be closed */
size_t ls_kind_bytes(enum ls_array_kind kind);

/* Converts count values; a uint8 is divided by 255 when `unit` is set. Returns the index of the first value
 * that is not finite (as a float), or -1. */
int64_t ls_kind_to_real(enum ls_array_kind kind, const void *from, int64_t count, bool unit, float *to);

/* Index of the first value that is not an integer of 32 bits, or -1. */
int64_t ls_kind_to_integer(enum ls_array_kind kind, const void *from, int64_t count, int32_t *to);

/* Value at `index`, for messages. */
double ls_kind_value(enum ls_array_kind kind, const void *from, int64_t index);

struct ls_array {
    const char *path;       /* borrowed: the file */
    const char *name;       /* borrowed: the dataset in it */
    hid_t dataset, space;   /* owned */
    enum ls_array_kind kind;
    uint64_t rows;
    struct ls_shape shape;  /* of one row; rank 0: a scalar */
    int64_t row_values;
    size_t row_bytes;       /* in memory */
    int direct;             /* file descriptor for plain reads, borrowed from HDF5; -1: H5Dread */
    uint64_t direct_offset;
};

LS_MUST_USE enum ls_status ls_array_open(struct ls_array *array, hid_t file, const char *path,
                                         const char *name, struct ls_error *error);
void ls_array_close(struct ls_array *array); /* also of a zeroed one */

/* Rows first .. first+count-1 into raw (count * row_bytes). */
LS_MUST_USE enum ls_status ls_array_read(const struct ls_array *array, uint64_t first, uint64_t count,
                                         void *raw, struct ls_error *error);

#endif
