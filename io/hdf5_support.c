#include "io/hdf5_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"

enum { CHUNK_CACHE_BYTES = 32 << 20, CHUNK_CACHE_SLOTS = 12421 };
static const hsize_t CHUNK_BYTES_MAX = (hsize_t)1 << 31;

void ls_hdf5_quiet(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

static herr_t keep_reason(unsigned depth, const H5E_error2_t *entry, void *text) {
    if (depth == 0 && entry->desc)
        snprintf(text, 256, ": %s", entry->desc);
    return 0;
}

enum ls_status ls_hdf5_fail(struct ls_error *error, enum ls_status status, const char *format,
                            ...) {
    char reason[256] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_reason, reason);
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof error->text)
        snprintf(error->text + length, sizeof error->text - (size_t)length, "%s", reason);
    return error->status = status;
}

enum ls_status ls_hdf5_open_file(const char *path, hid_t *file, struct ls_error *error) {
    ls_hdf5_quiet();
    const int probe = open(path, O_RDONLY | O_CLOEXEC); /* for the system's own reason */
    if (probe < 0)
        return ls_file_fail(error, "read", path, errno);
    close(probe);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(access);
    H5Pset_file_locking(access, false, true);
    H5Pset_cache(access, 0, CHUNK_CACHE_SLOTS, CHUNK_CACHE_BYTES, 0.75);
    *file = H5Fopen(path, H5F_ACC_RDONLY, access);
    enum ls_status status = LS_OK;
    if (*file < 0)
        status = ls_hdf5_fail(error, LS_INVALID, "cannot read %s as an HDF5 file", path);
    H5Pclose(access);
    return status;
}

/* Every link on the way to name must be a hard one: others lead to other places or files. */
static enum ls_status check_links(hid_t file, const char *path, const char *name,
                                  struct ls_error *error) {
    char *part = ls_strdup(name);
    enum ls_status status = LS_OK;
    for (size_t i = 1; status == LS_OK && part[0] && part[i - 1]; i++) {
        if ((part[i] != '/' && part[i] != '\0') || part[i - 1] == '/')
            continue;
        const char saved = part[i];
        part[i] = '\0';
        H5L_info_t link;
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0)
            status = ls_fail(error, LS_INVALID, "%s: there is no dataset '%s' in it", path, name);
        else if (H5Lget_info(file, part, &link, H5P_DEFAULT) < 0)
            status = ls_hdf5_fail(error, LS_INVALID, "%s: cannot follow '%s'", path, part);
        else if (link.type != H5L_TYPE_HARD)
            status =
                ls_fail(error, LS_INVALID,
                        "%s: '%s' is %s link; data sets may only use what lies in the file itself",
                        path, part, link.type == H5L_TYPE_SOFT ? "a soft" : "an external");
        part[i] = saved;
    }
    free(part);
    return status;
}

static enum ls_status check_filters(hid_t properties, const char *path, const char *name,
                                    struct ls_error *error) {
    const int count = H5Pget_nfilters(properties);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        char title[64] = "";
        const H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL,
                                                   sizeof title, title, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            return ls_fail(
                error, LS_INVALID,
                "%s: %s uses the filter %d (%s); expected deflate, shuffle or fletcher32 only",
                path, name, (int)filter, title);
    }
    if (count < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read the filters of %s", path, name);
    return LS_OK;
}

static enum ls_status check_chunks(hid_t dataset, hid_t properties, const char *path,
                                   const char *name, struct ls_error *error) {
    hsize_t dims[H5S_MAX_RANK];
    const int rank = H5Pget_chunk(properties, H5S_MAX_RANK, dims);
    const hid_t type = H5Dget_type(dataset);
    hsize_t bytes = H5Tget_size(type);
    H5Tclose(type);
    bool fits = rank >= 0 && bytes > 0;
    for (int i = 0; i < rank && fits; i++)
        fits = !__builtin_mul_overflow(bytes, dims[i], &bytes) && bytes <= CHUNK_BYTES_MAX;
    if (!fits)
        return ls_fail(error, LS_INVALID, "%s: %s has chunks of more than 2^31 bytes", path, name);
    return LS_OK;
}

static enum ls_status check_storage(hid_t dataset, const char *path, const char *name,
                                    struct ls_error *error) {
    const hid_t properties = H5Dget_create_plist(dataset);
    if (properties < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read how %s is stored", path, name);
    const H5D_layout_t layout = H5Pget_layout(properties);
    enum ls_status status = LS_OK;
    if (layout == H5D_VIRTUAL)
        status =
            ls_fail(error, LS_INVALID,
                    "%s: %s is a virtual dataset; name the files behind it instead", path, name);
    else if (H5Pget_external_count(properties) != 0)
        status =
            ls_fail(error, LS_INVALID,
                    "%s: %s keeps its values in other files, which is not allowed", path, name);
    else
        status = check_filters(properties, path, name, error);
    if (status == LS_OK && layout == H5D_CHUNKED)
        status = check_chunks(dataset, properties, path, name, error);
    H5Pclose(properties);
    return status;
}

enum ls_status ls_hdf5_texts(hid_t object, const char *name, char ***texts, int *count,
                             struct ls_error *error) {
    *texts = NULL;
    *count = 0;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return ls_hdf5_fail(error, LS_INVALID, "cannot read the attribute '%s'", name);
    const hid_t stored = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5Tget_cset(stored));
    char **read = NULL;
    enum ls_status status = LS_OK;
    if (H5Tis_variable_str(stored) <= 0 || points < 1 || points > 1 << 25)
        status = ls_fail(error, LS_INVALID, "the attribute '%s' is no list of texts", name);
    else
        read = ls_calloc((size_t)points, sizeof *read);
    if (read && H5Aread(attribute, type, read) < 0)
        status = ls_hdf5_fail(error, LS_INVALID, "cannot read the attribute '%s'", name);
    if (status == LS_OK) {
        *texts = ls_calloc((size_t)points, sizeof **texts);
        for (*count = 0; *count < (int)points; ++*count)
            (*texts)[*count] = ls_strdup(read[*count] ? read[*count] : "");
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, read);
    }
    free(read);
    H5Tclose(type);
    H5Tclose(stored);
    H5Sclose(space);
    H5Aclose(attribute);
    return status;
}

void ls_hdf5_free_texts(char **texts, int count) {
    for (int i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

bool ls_hdf5_has(hid_t file, const char *name) {
    char *part = ls_strdup(name);
    bool has = true;
    for (size_t i = 1; has && part[0] && part[i - 1]; i++) {
        if ((part[i] != '/' && part[i] != '\0') || part[i - 1] == '/')
            continue;
        const char saved = part[i];
        part[i] = '\0';
        has = H5Lexists(file, part, H5P_DEFAULT) > 0;
        part[i] = saved;
    }
    free(part);
    return has;
}

enum ls_status ls_hdf5_open_dataset(hid_t file, const char *path, const char *name, hid_t *dataset,
                                    struct ls_error *error) {
    enum ls_status status = check_links(file, path, name, error);
    if (status != LS_OK)
        return status;
    H5O_info_t object;
    if (H5Oget_info_by_name2(file, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read '%s'", path, name);
    if (object.type != H5O_TYPE_DATASET)
        return ls_fail(error, LS_INVALID, "%s: '%s' is not a dataset", path, name);
    *dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (*dataset < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot open %s", path, name);
    status = check_storage(*dataset, path, name, error);
    if (status != LS_OK)
        H5Dclose(*dataset);
    return status;
}
