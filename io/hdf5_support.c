#include "io/hdf5_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"

enum { CHUNK_CACHE_BYTES = 32 << 20, CHUNK_CACHE_SLOTS = 12421 };

/* What we open we close. At exit the library would close again what a full disk kept it from
 * closing, and crash over it. */
void ls_hdf5_quiet(void) {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

static herr_t keep_reason(unsigned depth, const H5E_error2_t *entry, void *text) {
    static const char mark[] = "error message = '"; /* the system's words among HDF5's numbers */
    if (depth != 0 || !entry->desc)
        return 0;
    const char *system = strstr(entry->desc, mark), *said = system ? system + sizeof mark - 1 : "";
    if (system)
        snprintf(text, 256, ": %.*s", (int)strcspn(said, "'"), said);
    else
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

/* HDF5 keeps a lock while it writes, and the newest formats a mark; both are there while values are
 * missing or half there. */
static enum ls_status held_by_a_writer(const char *path, struct ls_error *error) {
    return ls_fail(error, LS_INVALID,
                   "%s: another program holds it for writing: what it has not flushed is missing\n"
                   "wait until that program has closed the file, or end it",
                   path);
}

static enum ls_status marked_open(const char *path, struct ls_error *error) {
    return ls_fail(
        error, LS_INVALID,
        "%s is marked as open for writing: a program may still be writing it, and clearing "
        "the mark would harm that\nwait until it has closed the file; only if none has it "
        "open (it was killed), clear the mark of a copy: h5clear -s COPY",
        path);
}

/* A regular file that nobody writes; for the system's own reason. */
static enum ls_status probe(const char *path, struct ls_error *error) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return ls_file_fail(error, "read", path, errno);
    struct stat info;
    enum ls_status status = LS_OK;
    if (fstat(file, &info) == 0 && S_ISDIR(info.st_mode))
        status = ls_file_fail(error, "read", path, EISDIR);
    else if (!S_ISREG(info.st_mode))
        status =
            ls_fail(error, LS_INVALID, "%s: expected a regular file, found a pipe or device", path);
    else if (flock(file, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK)
        status = held_by_a_writer(path, error);
    close(file);
    return status;
}

enum ls_status ls_hdf5_open_file(const char *path, hid_t *file, struct ls_error *error) {
    ls_hdf5_quiet();
    enum ls_status status = probe(path, error);
    if (status != LS_OK)
        return status;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(access);
    H5Pset_file_locking(access, false, true);
    H5Pset_cache(access, 0, CHUNK_CACHE_SLOTS, CHUNK_CACHE_BYTES, 0.75);
    *file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (*file < 0)
        status = ls_hdf5_fail(error, LS_INVALID, "cannot read %s as an HDF5 file", path);
    H5Pclose(access);
    if (status != LS_OK && strstr(error->text, "already open"))
        return marked_open(path, error);
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
