#include "io/array.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/field.h"
#include "io/file.h"
#include "io/hdf5_support.h"

static const uint64_t ROW_BYTES_MAX = (uint64_t)1 << 31;
/* HDF5 clears its conversion buffer in every read; at its default of 1 MiB that was two thirds of
 * the time of reading single rows. */
enum { CONVERT_BYTES = 32 << 10, CHUNK_SLOTS = 100003 };

hid_t ls_kind_type(enum ls_kind kind) {
    switch (kind) {
    case LS_KIND_BOOL:
    case LS_KIND_U8:
        return H5T_NATIVE_UINT8;
    case LS_KIND_U16:
        return H5T_NATIVE_UINT16;
    case LS_KIND_U32:
        return H5T_NATIVE_UINT32;
    case LS_KIND_U64:
        return H5T_NATIVE_UINT64;
    case LS_KIND_I8:
        return H5T_NATIVE_INT8;
    case LS_KIND_I16:
        return H5T_NATIVE_INT16;
    case LS_KIND_I32:
        return H5T_NATIVE_INT32;
    case LS_KIND_I64:
        return H5T_NATIVE_INT64;
    case LS_KIND_F32:
        return H5T_NATIVE_FLOAT;
    case LS_KIND_F64:
        return H5T_NATIVE_DOUBLE;
    }
    LS_ASSERT(false, "kind %d", (int)kind);
    return -1;
}

/* h5py's booleans: an enumeration of FALSE 0 and TRUE 1. */
static bool is_boolean(hid_t type) {
    if (H5Tget_nmembers(type) != 2 || H5Tget_size(type) != 1)
        return false;
    char value[2] = {1, 0};
    bool named = true;
    for (unsigned i = 0; i < 2; i++) {
        char *name = H5Tget_member_name(type, i);
        named = named && name && H5Tget_member_value(type, i, &value[i]) >= 0 &&
                !strcasecmp(name, i ? "TRUE" : "FALSE");
        H5free_memory(name);
    }
    return named && value[0] == 0 && value[1] == 1;
}

enum ls_status ls_array_refuse(const struct ls_array *array, const char *found,
                               struct ls_error *error) {
    return ls_fail(error, LS_INVALID,
                   "%s: %s: expected integers or floats of at most 64 bits, found %s", array->path,
                   array->name, found);
}

/* An enumeration is read as the integers that it is made of. */
static enum ls_status find_kind(struct ls_array *array, hid_t type, struct ls_error *error) {
    const H5T_class_t class = H5Tget_class(type);
    if (class == H5T_ENUM) {
        const bool boolean = is_boolean(type);
        const hid_t base = H5Tget_super(type);
        const enum ls_status status = find_kind(array, base, error);
        H5Tclose(base);
        if (status == LS_OK && boolean)
            array->kind = LS_KIND_BOOL;
        return status;
    }
    const size_t bytes = H5Tget_size(type);
    if (class == H5T_STRING && H5Sget_simple_extent_ndims(array->space) == 1) {
        array->text = true;
        array->kind = LS_KIND_I32;
        return LS_OK;
    }
    if ((class != H5T_INTEGER && class != H5T_FLOAT) || bytes < 1 || bytes > 8)
        return ls_array_refuse(array,
                               class == H5T_STRING     ? "text"
                               : class == H5T_COMPOUND ? "records (a compound type)"
                                                       : "another type",
                               error);
    if (class == H5T_FLOAT) {
        array->kind = bytes <= 4 ? LS_KIND_F32 : LS_KIND_F64;
        return LS_OK;
    }
    const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    const int size = bytes == 1 ? 0 : bytes == 2 ? 1 : bytes <= 4 ? 2 : 3;
    array->kind = (enum ls_kind)((is_signed ? LS_KIND_I8 : LS_KIND_U8) + size);
    return LS_OK;
}

/* The first dimension counts rows, the others are the shape of one. All sizes are bounded here,
 * before anyone allocates by them. */
static enum ls_status find_shape(struct ls_array *array, struct ls_error *error) {
    hsize_t dims[H5S_MAX_RANK];
    const int rank = H5Sget_simple_extent_ndims(array->space);
    if (rank < 1 || rank > LS_RANK_MAX)
        return ls_fail(error, LS_INVALID,
                       "%s: %s has %d dimensions; expected 1 to %d, the first one the sample",
                       array->path, array->name, rank < 0 ? 0 : rank, (int)LS_RANK_MAX);
    H5Sget_simple_extent_dims(array->space, dims, NULL);
    uint64_t bytes = ls_kind_bytes(array->kind), all;
    array->rows = dims[0];
    array->shape.rank = rank - 1;
    for (int i = 1; i < rank; i++) {
        if (dims[i] < 1 || __builtin_mul_overflow(bytes, dims[i], &bytes) || bytes > ROW_BYTES_MAX)
            return ls_fail(error, LS_INVALID,
                           "%s: %s: dimension %d is %llu; a row must have 1 value or more, and at "
                           "most 2^31 bytes",
                           array->path, array->name, i + 1, (unsigned long long)dims[i]);
        array->shape.dims[i - 1] = (int64_t)dims[i];
    }
    if (dims[0] < 1 || __builtin_mul_overflow(bytes, dims[0], &all) || all > INT64_MAX)
        return ls_fail(error, LS_INVALID,
                       "%s: %s has %llu rows; expected at least 1, and less than 2^63 bytes",
                       array->path, array->name, (unsigned long long)dims[0]);
    array->row_bytes = bytes;
    array->row_values = ls_shape_count(array->shape);
    return LS_OK;
}

/* Contiguous values of a native type can be read with pread: the same bytes, without H5Dread's 10
 * us a call. HDF5 knows the place only when something was written. */
static void find_direct(struct ls_array *array, hid_t stored, hid_t type) {
    const hid_t file = H5Iget_file_id(array->dataset); /* not always the data set's: links */
    const hid_t created = H5Fget_create_plist(file);
    hsize_t user_block = 1;
    int *descriptor;
    const haddr_t offset = H5Dget_offset(array->dataset);
    if (H5Pget_layout(stored) == H5D_CONTIGUOUS && H5Tequal(type, ls_kind_type(array->kind)) > 0 &&
        H5Pget_userblock(created, &user_block) >= 0 && user_block == 0 && offset != HADDR_UNDEF &&
        H5Dget_storage_size(array->dataset) == array->rows * array->row_bytes &&
        H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&descriptor) >= 0) {
        array->direct = *descriptor;
        array->direct_offset = offset;
    }
    H5Pclose(created);
    H5Fclose(file);
}

/* The type of an enumeration's numbers; of others, the type itself. To be closed. */
static hid_t base_type(hid_t dataset) {
    const hid_t type = H5Dget_type(dataset);
    if (H5Tget_class(type) != H5T_ENUM)
        return type;
    const hid_t base = H5Tget_super(type);
    H5Tclose(type);
    return base;
}

static enum ls_status describe(struct ls_array *array, struct ls_error *error) {
    const hid_t type = H5Dget_type(array->dataset), base = base_type(array->dataset);
    const hid_t stored = H5Dget_create_plist(array->dataset);
    enum ls_status status = find_kind(array, type, error);
    if (status == LS_OK)
        status = find_shape(array, error);
    if (status == LS_OK)
        status = ls_hdf5_check_allocated(array->dataset, array->path, array->name, error);
    hsize_t chunk[H5S_MAX_RANK];
    if (H5Pget_layout(stored) == H5D_CHUNKED && H5Pget_chunk(stored, H5S_MAX_RANK, chunk) > 0)
        array->chunk_rows = chunk[0];
    if (status == LS_OK && !array->text)
        find_direct(array, stored, base);
    H5Pclose(stored);
    H5Tclose(base);
    H5Tclose(type);
    return status;
}

enum ls_status ls_array_open(struct ls_array *array, const struct ls_hdf5_file *file,
                             const char *name, struct ls_error *error) {
    struct ls_hdf5_dataset found;
    *array = (struct ls_array){
        .path = file->path, .name = name, .links = file->links, .direct = -1, .decoded = -1};
    enum ls_status status = ls_hdf5_open_dataset(file, name, &found, error);
    if (status != LS_OK)
        return status;
    array->dataset = found.id;
    array->linked = found.linked;
    array->space = H5Dget_space(array->dataset);
    array->transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_buffer(array->transfer, CONVERT_BYTES, NULL, NULL);
    status = describe(array, error);
    if (status != LS_OK)
        ls_array_close(array);
    return status;
}

void ls_array_close(struct ls_array *array) {
    if (array->dataset > 0 && array->decoded >= 0)
        close(array->decoded);
    free(array->codes);
    if (array->transfer > 0)
        H5Pclose(array->transfer);
    if (array->space > 0)
        H5Sclose(array->space);
    if (array->dataset > 0)
        H5Dclose(array->dataset);
    *array = (struct ls_array){0};
}

float ls_array_divisor(const struct ls_array *array) {
    if (array->kind == LS_KIND_U8)
        return 255;
    if (array->shape.rank != 3)
        return 1;
    return array->kind == LS_KIND_U16   ? 65535
           : array->kind == LS_KIND_I8  ? 128
           : array->kind == LS_KIND_I16 ? 32768
                                        : 1;
}

uint64_t ls_array_bytes(const struct ls_array *array) {
    return array->rows * array->row_bytes;
}

static enum ls_status read_direct(const struct ls_array *array, uint64_t first, uint64_t count,
                                  char *raw, struct ls_error *error) {
    const uint64_t bytes = count * array->row_bytes;
    const uint64_t start = array->direct_offset + first * array->row_bytes;
    const int64_t got = ls_file_read_at(array->direct, raw, bytes, start);
    if (got < 0)
        return ls_file_fail(error, "read", array->path, errno);
    return (uint64_t)got == bytes ? LS_OK
                                  : ls_fail(error, LS_INVALID, "%s: the file ends inside %s",
                                            array->path, array->name);
}

enum ls_status ls_array_read(const struct ls_array *array, uint64_t first, uint64_t count,
                             void *raw, struct ls_error *error) {
    if (array->codes) {
        memcpy(raw, array->codes + first, count * sizeof *array->codes);
        return LS_OK;
    }
    if (array->direct >= 0)
        return read_direct(array, first, count, raw, error);
    ls_hdf5_quiet();
    hsize_t start[1 + LS_RANK_MAX] = {first}, size[1 + LS_RANK_MAX] = {count};
    for (int i = 0; i < array->shape.rank; i++)
        size[1 + i] = (hsize_t)array->shape.dims[i];
    const hid_t memory = H5Screate_simple(1 + array->shape.rank, size, NULL);
    enum ls_status status = LS_OK;
    const hid_t type = ls_kind_type(array->kind);
    if (H5Sselect_hyperslab(array->space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
        H5Dread(array->dataset, type, memory, array->space, array->transfer, raw) < 0)
        status = ls_hdf5_fail(error, LS_INVALID, "%s: cannot read rows %llu to %llu of %s",
                              array->path, (unsigned long long)first,
                              (unsigned long long)(first + count - 1), array->name);
    H5Sclose(memory);
    return status;
}

void ls_array_advise(const struct ls_array *array, uint64_t first, uint64_t count) {
    if (array->direct >= 0)
        posix_fadvise(array->direct, (off_t)(array->direct_offset + first * array->row_bytes),
                      (off_t)(count * array->row_bytes), POSIX_FADV_WILLNEED);
}

uint64_t ls_array_held_bytes(const struct ls_array *array, uint64_t rows) {
    if (!array->chunk_rows)
        return 0;
    const uint64_t chunks = rows / array->chunk_rows + 2;
    const uint64_t all = (array->rows - 1) / array->chunk_rows + 1;
    return (chunks < all ? chunks : all) * array->chunk_rows * array->row_bytes;
}

enum ls_status ls_array_hold_chunks(struct ls_array *array, uint64_t rows, struct ls_error *error) {
    if (array->direct >= 0 || !array->chunk_rows)
        return LS_OK;
    char name[LS_TEXT_MAX]; /* in its own file, to which links may have led */
    const hid_t file = H5Iget_file_id(array->dataset);
    const ssize_t length = H5Iget_name(array->dataset, name, sizeof name);
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, CHUNK_SLOTS, ls_array_held_bytes(array, rows), 1);
    H5Dclose(array->dataset); /* while it is open, its cache stays as it is */
    array->dataset = length > 0 ? H5Dopen2(file, name, access) : -1;
    H5Pclose(access);
    H5Fclose(file);
    if (array->dataset >= 0)
        return LS_OK;
    array->dataset = 0;
    return ls_hdf5_fail(error, LS_INVALID, "%s: cannot open %s", array->path, array->name);
}
