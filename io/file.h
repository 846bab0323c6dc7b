/* Files and folders, with errors that name them. */
#ifndef LS_IO_FILE_H
#define LS_IO_FILE_H

#include <stdint.h>

#include "core/base/status.h"

/* Whole file; *bytes is owned by the caller and ends with an extra NUL. More than max bytes is an error. */
LS_MUST_USE enum ls_status ls_file_read(const char *path, uint64_t max, char **bytes, uint64_t *count,
                                        struct ls_error *error);
/* Writes a temporary beside path, fsyncs, renames, fsyncs the folder. */
LS_MUST_USE enum ls_status ls_file_write(const char *path, const void *bytes, uint64_t count,
                                         struct ls_error *error);
LS_MUST_USE enum ls_status ls_file_digest(const char *path, uint64_t *bytes, uint64_t *digest,
                                          struct ls_error *error);
/* mkdir -p; a regular file in the way is an error that names it. */
LS_MUST_USE enum ls_status ls_folder_create(const char *path, struct ls_error *error);
LS_MUST_USE enum ls_status ls_folder_sync(const char *path, struct ls_error *error);
LS_MUST_USE enum ls_status ls_folder_remove(const char *path, struct ls_error *error); /* with contents */
bool ls_file_exists(const char *path);

#endif
