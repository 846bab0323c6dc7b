/* Files and folders, with errors that name them. */
#ifndef LS_IO_FILE_H
#define LS_IO_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"

/* Whole file; *bytes is owned by the caller and ends with an extra NUL. More than max bytes is an
 * error. */
LS_MUST_USE enum ls_status ls_file_read(const char *path, uint64_t max, char **bytes,
                                        uint64_t *count, struct ls_error *error);
/* Writes a temporary beside path, fsyncs, renames, fsyncs the folder. Mode as the umask says. */
LS_MUST_USE enum ls_status ls_file_write(const char *path, const void *bytes, uint64_t count,
                                         struct ls_error *error);
/* The same for what `write` writes, which returns false if it cannot. */
typedef bool ls_file_maker(FILE *out, const void *context);
LS_MUST_USE enum ls_status ls_file_make(const char *path, ls_file_maker *write, const void *context,
                                        struct ls_error *error);
LS_MUST_USE enum ls_status ls_file_digest(const char *path, uint64_t *bytes, uint64_t *digest,
                                          struct ls_error *error);
/* mkdir -p; a regular file in the way is an error that names it. */
LS_MUST_USE enum ls_status ls_folder_create(const char *path, struct ls_error *error);
/* mkdir of the last part only: a folder above that has gone away meanwhile stays away. */
LS_MUST_USE enum ls_status ls_folder_add(const char *path, struct ls_error *error);
LS_MUST_USE enum ls_status ls_folder_sync(const char *path, struct ls_error *error);
/* With contents; links are removed, not followed. None there: nothing to do. */
LS_MUST_USE enum ls_status ls_folder_remove(const char *path, struct ls_error *error);
/* A new folder of our own below $TMPDIR, or /tmp without one; its path to path[size], "" after an
 * error. */
LS_MUST_USE enum ls_status ls_folder_temporary(char *path, size_t size, struct ls_error *error);
bool ls_file_exists(const char *path);
/* Puts "-2", "-3", ... behind a path of size bytes of which something is there, a broken link, too,
 * until nothing is. */
void ls_path_free(char *path, size_t size);
/* Reads from that place on, however much it is: how many bytes there were; -1: errno says why. */
int64_t ls_file_read_at(int file, void *bytes, uint64_t count, uint64_t offset);

/* For files that a library writes: creates an empty temporary beside path and puts its name into
 * *temporary (owned by the caller; NULL after an error: a path that is there and not a regular file
 * is one); then either replace (fsync, rename onto path, fsync of the
 * folder) or unlink it. Temporaries of path that killed processes of this host left are removed. */
LS_MUST_USE enum ls_status ls_file_temporary(const char *path, char **temporary,
                                             struct ls_error *error);
LS_MUST_USE enum ls_status ls_file_replace(const char *temporary, const char *path,
                                           struct ls_error *error);

/* Whether a path ends in that (".png"). */
bool ls_path_ends(const char *path, const char *ending);

/* "cannot <action> <path>: <reason>" for the errno `number`. A missing file or folder, or a regular
 * file where a folder is needed, is LS_INVALID and the text names that part of the path; anything
 * else is LS_SYSTEM. */
enum ls_status ls_file_fail(struct ls_error *error, const char *action, const char *path,
                            int number);

#endif
