/* The folder of imported and decoded data. Files appear under their names when they are whole, and
 * end in a digest of themselves: one that is damaged is made again. Internal to io but for
 * ls_cache_folder (source.h). */
#ifndef LS_IO_CACHE_H
#define LS_IO_CACHE_H

#include <stdint.h>

#include "core/base/field.h"
#include "core/base/hash.h"
#include "core/base/status.h"

/* Adds a file's absolute name, size and time to a key; LS_INVALID: it is not there. */
LS_MUST_USE enum ls_status ls_cache_add_file(struct ls_hash *key, const char *path,
                                             struct ls_error *error);

/* FOLDER/NAME-KEY.ENDING, NAME being that of the file `of` up to its first dot. */
struct ls_cache_entry {
    const char *folder; /* NULL: ls_cache_folder */
    const char *of, *ending;
    uint64_t key;
};
LS_MUST_USE enum ls_status ls_cache_path(const struct ls_cache_entry *entry, char path[LS_TEXT_MAX],
                                         struct ls_error *error);

/* Before something is written to a cache (folder NULL: ls_cache_folder): makes it, removes what
 * killed processes left in it half written, and keeps others from doing so until
 * ls_cache_leave(*lock). */
LS_MUST_USE enum ls_status ls_cache_enter(const char *folder, int *lock, struct ls_error *error);
void ls_cache_leave(int lock);

/* Puts the digest of all that is there behind a file's end. */
LS_MUST_USE enum ls_status ls_cache_seal(const char *path, struct ls_error *error);

enum { LS_SEAL_BYTES = 32 };

/* Whether the file is there and is what was sealed; one that is not is said: whoever asks writes
 * another and renames it onto that. Reads all of it. */
bool ls_cache_intact(const char *path);

#endif
