/* HDF5 files built in memory, and bytes that reach the disk in one visible place. */
#include "io/checkpoint_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/file.h"

void ls_path_print(char path[LS_PATH_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(path, LS_PATH_MAX, format, arguments);
    va_end(arguments);
    LS_ASSERT(length >= 0 && length < LS_PATH_MAX, "a path of %d characters, at most %d: %s",
              length, LS_PATH_MAX - 1, path);
}

void ls_hdf5_close(hid_t id) {
    if (id < 0)
        return;
    const hid_t reasons =
        H5Eget_current_stack(); /* the call clears it, and a failure is still to be told */
    H5Idec_ref(id);
    H5Eset_current_stack(reasons);
}

enum ls_status ls_image_create(const char *path, size_t bytes, hid_t *image,
                               struct ls_error *error) {
    ls_hdf5_quiet();
    const size_t growth = ls_round_up(bytes, 1 << 16); /* one allocation is enough */
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    *image = H5I_INVALID_HID;
    if (access >= 0 && H5Pset_fapl_core(access, growth, false) >= 0)
        *image = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    ls_hdf5_close(access);
    return *image < 0 ? ls_hdf5_fail(error, LS_SYSTEM, "cannot make %s", path) : LS_OK;
}

enum ls_status ls_image_write(hid_t image, const char *path, struct ls_checkpoint_file *file,
                              struct ls_error *error) {
    void **bytes = NULL; /* the core driver's handle is the address of its buffer */
    ssize_t count = -1;
    if (H5Fflush(image, H5F_SCOPE_GLOBAL) >= 0 &&
        H5Fget_vfd_handle(image, H5P_DEFAULT, (void **)&bytes) >= 0)
        count = H5Fget_file_image(image, NULL, 0);
    if (count < 0)
        return ls_hdf5_fail(error, LS_SYSTEM, "cannot make %s", path);
    const char *slash = strrchr(path, '/');
    snprintf(file->name, sizeof file->name, "%s", slash ? slash + 1 : path);
    file->bytes = (uint64_t)count;
    file->digest = ls_hash_bytes(*bytes, (size_t)count);
    return ls_new_file_write(path, *bytes, (size_t)count, error);
}

/* 0 or errno. */
static int write_fully(int file, const char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        const ssize_t put = write(file, bytes + done, count - done);
        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

enum ls_status ls_new_file_write(const char *path, const void *bytes, size_t count,
                                 struct ls_error *error) {
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        ls_file_fail(error, "create", path, errno);
        return error->status = LS_SYSTEM;
    }
    int number = write_fully(file, bytes, count);
    if (!number && fsync(file))
        number = errno;
    if (close(file) && !number) /* NFS and quotas may fail as late as here */
        number = errno;
    return number ? ls_file_fail(error, "write", path, number) : LS_OK;
}
