/* One array of one HDF5 file, read in runs of rows and turned into floats or integers. Internal to
 * io. */
#ifndef LS_IO_ARRAY_H
#define LS_IO_ARRAY_H

#include <hdf5.h>

#include "core/base/status.h"
#include "core/tensor/shape.h"
#include "io/hdf5_support.h"
#include "io/kind.h"

hid_t ls_kind_type(enum ls_kind kind); /* HDF5's native type; not to be closed */

struct ls_array {
    const char *path;     /* borrowed: the file */
    const char *name;     /* borrowed: the dataset in it */
    bool links;           /* as the file was opened */
    uint64_t linked;      /* of struct ls_hdf5_dataset */
    hid_t dataset, space; /* owned */
    hid_t transfer;       /* owned: how H5Dread goes about it */
    enum ls_kind kind;
    uint64_t rows;
    struct ls_shape shape; /* of one row; rank 0: a scalar */
    int64_t row_values;
    size_t row_bytes;    /* in memory */
    uint64_t chunk_rows; /* of a chunk; 0: not chunked */
    int direct;          /* file descriptor for plain reads, borrowed from HDF5; -1: H5Dread */
    uint64_t direct_offset;
    const struct ls_fill *fill; /* borrowed; missing cells that are filled in; NULL: none */
    bool text;                  /* of texts: labels, whose numbers are in codes (labels.c) */
    int32_t *codes;             /* [rows] owned; NULL: not numbered yet, or no text */
    int decoded;                /* owned: a decoded copy, which `direct` is then; -1: none */
};

LS_MUST_USE enum ls_status ls_array_open(struct ls_array *array, const struct ls_hdf5_file *file,
                                         const char *name, struct ls_error *error);
/* The error for a column of another kind than it may be: "found text". */
enum ls_status ls_array_refuse(const struct ls_array *array, const char *found,
                               struct ls_error *error);
void ls_array_close(struct ls_array *array); /* also of a zeroed one */

/* What reals of it are divided by, unless a feed wants them whole: 255 for uint8; and for samples
 * of three dimensions, which are images, 65535 for uint16, 128 for int8 and 32768 for int16, so
 * that they end up from 0 to 1 or from -1 to 1. 1 for all others. */
float ls_array_divisor(const struct ls_array *array);

/* Bytes that all rows take in memory. */
uint64_t ls_array_bytes(const struct ls_array *array);

/* What the chunks take, unpacked, that `rows` rows in a row touch. */
uint64_t ls_array_held_bytes(const struct ls_array *array, uint64_t rows);

/* For an array that is read as it is stored: opens it again with room for the chunks that `rows`
 * rows in a row touch. */
LS_MUST_USE enum ls_status ls_array_hold_chunks(struct ls_array *array, uint64_t rows,
                                                struct ls_error *error);

/* Tells the system that these rows are wanted soon. */
void ls_array_advise(const struct ls_array *array, uint64_t first, uint64_t count);

/* Rows first .. first+count-1 into raw (count * row_bytes). */
LS_MUST_USE enum ls_status ls_array_read(const struct ls_array *array, uint64_t first,
                                         uint64_t count, void *raw, struct ls_error *error);

#endif
