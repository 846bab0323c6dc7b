#include "io/writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/array.h"
#include "io/cache.h"
#include "io/file.h"
#include "io/hdf5_support.h"

struct array {
    hid_t dataset; /* owned */
    hid_t type;    /* owned; in the file and in memory */
    struct ls_shape row;
};

struct ls_writer {
    char *path, *temporary; /* owned */
    hid_t file;
    bool sealed;
    int count;
    struct array *arrays; /* owned */
};

static enum ls_status failed(const struct ls_writer *writer, struct ls_error *error) {
    return ls_hdf5_fail(error, LS_SYSTEM, "cannot write %s", writer->path);
}

enum ls_status ls_writer_create(struct ls_writer **result, const char *path,
                                struct ls_error *error) {
    ls_hdf5_quiet();
    char *temporary;
    const enum ls_status status = ls_file_temporary(path, &temporary, error);
    if (status != LS_OK)
        return status;
    struct ls_writer *writer = ls_calloc(1, sizeof *writer);
    writer->path = ls_strdup(path);
    writer->temporary = temporary;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, false, true);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18,
                         H5F_LIBVER_V110); /* attributes of more than 64 KB */
    writer->file = H5Fcreate(temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (writer->file < 0) {
        failed(writer, error);
        ls_writer_abandon(writer);
        return error->status;
    }
    *result = writer;
    return LS_OK;
}

/* Sizes of the array with `rows` rows, for HDF5; returns the rank. */
static int dimensions(uint64_t rows, struct ls_shape row, hsize_t dims[1 + LS_RANK_MAX]) {
    dims[0] = rows;
    for (int i = 0; i < row.rank; i++)
        dims[1 + i] = (hsize_t)row.dims[i];
    return 1 + row.rank;
}

/* Groups on the way to a dataset are made, too. */
static hid_t with_groups(void) {
    const hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    return link;
}

enum ls_status ls_writer_strings(struct ls_writer *writer, const char *name, uint64_t rows,
                                 char *const *texts, struct ls_error *error) {
    size_t longest = 1;
    for (uint64_t i = 0; i < rows; i++)
        longest = texts[i] && strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    char *padded = ls_calloc(rows, longest);
    for (uint64_t i = 0; i < rows; i++)
        if (texts[i])
            memcpy(padded + i * longest, texts[i], strlen(texts[i]));
    const hsize_t size = rows;
    const hid_t space = H5Screate_simple(1, &size, NULL), type = H5Tcopy(H5T_C_S1),
                link = with_groups();
    H5Tset_size(type, longest);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t dataset =
        H5Dcreate2(writer->file, name, type, space, link, H5P_DEFAULT, H5P_DEFAULT);
    enum ls_status status = LS_OK;
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, padded) < 0)
        status = failed(writer, error);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Pclose(link);
    H5Tclose(type);
    H5Sclose(space);
    free(padded);
    return status;
}

/* As h5py has booleans: an enumeration. To be closed. */
static hid_t type_of(enum ls_kind kind) {
    if (kind != LS_KIND_BOOL)
        return H5Tcopy(ls_kind_type(kind));
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    H5Tenum_insert(type, "FALSE", &(int8_t){0});
    H5Tenum_insert(type, "TRUE", &(int8_t){1});
    return type;
}

enum ls_status ls_writer_add(struct ls_writer *writer, const char *name, enum ls_kind kind,
                             uint64_t rows, struct ls_shape row, int *array,
                             struct ls_error *error) {
    hsize_t dims[1 + LS_RANK_MAX];
    const hid_t space = H5Screate_simple(dimensions(rows, row, dims), dims, NULL);
    const hid_t type = type_of(kind), link = with_groups();
    const hid_t dataset =
        H5Dcreate2(writer->file, name, type, space, link, H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(link);
    H5Sclose(space);
    if (dataset < 0) {
        H5Tclose(type);
        return failed(writer, error);
    }
    *array = writer->count++;
    writer->arrays = ls_realloc(writer->arrays, (size_t)writer->count, sizeof *writer->arrays);
    writer->arrays[*array] = (struct array){dataset, type, row};
    return LS_OK;
}

enum ls_status ls_writer_put(struct ls_writer *writer, int array, uint64_t first, uint64_t count,
                             const void *values, struct ls_error *error) {
    hsize_t start[1 + LS_RANK_MAX] = {first}, size[1 + LS_RANK_MAX];
    const int rank = dimensions(count, writer->arrays[array].row, size);
    const hid_t memory = H5Screate_simple(rank, size, NULL);
    const hid_t space = H5Dget_space(writer->arrays[array].dataset);
    enum ls_status status = LS_OK;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
        H5Dwrite(writer->arrays[array].dataset, writer->arrays[array].type, memory, space,
                 H5P_DEFAULT, values) < 0)
        status = failed(writer, error);
    H5Sclose(memory);
    H5Sclose(space);
    return status;
}

enum ls_status ls_writer_texts(struct ls_writer *writer, int array, const char *name,
                               const char *const *texts, int count, struct ls_error *error) {
    const hid_t object = array < 0 ? writer->file : writer->arrays[array].dataset;
    const hsize_t size = (hsize_t)count;
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &size, NULL);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    enum ls_status status = LS_OK;
    if (attribute < 0 || H5Awrite(attribute, type, texts) < 0)
        status = failed(writer, error);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

void ls_writer_seal(struct ls_writer *writer) {
    writer->sealed = true;
}

/* Every return counts: on a full disk some of these succeed and some do not. */
static bool close_all(struct ls_writer *writer) {
    bool closed = writer->file >= 0;
    for (int i = 0; i < writer->count; i++)
        closed = H5Dclose(writer->arrays[i].dataset) >= 0 &&
                 H5Tclose(writer->arrays[i].type) >= 0 && closed;
    if (writer->file >= 0)
        closed = H5Fclose(writer->file) >= 0 && closed;
    return closed;
}

static void destroy(struct ls_writer *writer) {
    free(writer->path);
    free(writer->temporary);
    free(writer->arrays);
    free(writer);
}

enum ls_status ls_writer_finish(struct ls_writer *writer, struct ls_error *error) {
    enum ls_status status = LS_OK;
    if (H5Fflush(writer->file, H5F_SCOPE_GLOBAL) < 0) /* closing then fails for other reasons */
        status = failed(writer, error);
    if (!close_all(writer) && status == LS_OK)
        status = failed(writer, error);
    if (status == LS_OK && writer->sealed)
        status = ls_cache_seal(writer->temporary, error);
    if (status == LS_OK)
        status = ls_file_replace(writer->temporary, writer->path, error);
    if (status != LS_OK)
        unlink(writer->temporary);
    destroy(writer);
    return status;
}

void ls_writer_abandon(struct ls_writer *writer) {
    if (!writer)
        return;
    close_all(writer);
    unlink(writer->temporary);
    destroy(writer);
}
