/* Writes an HDF5 file of plain arrays: a temporary beside path, renamed into place by finish. */
#ifndef LS_IO_WRITER_H
#define LS_IO_WRITER_H

#include "core/base/status.h"
#include "core/tensor/shape.h"
#include "io/kind.h"

struct ls_writer;

LS_MUST_USE enum ls_status ls_writer_create(struct ls_writer **writer, const char *path,
                                            struct ls_error *error);
/* Adds a contiguous array [rows, row...]; *array is its number. */
LS_MUST_USE enum ls_status ls_writer_add(struct ls_writer *writer, const char *name,
                                         enum ls_kind kind, uint64_t rows, struct ls_shape row,
                                         int *array, struct ls_error *error);
/* Rows first .. first+count-1, in the array's kind. */
LS_MUST_USE enum ls_status ls_writer_put(struct ls_writer *writer, int array, uint64_t first,
                                         uint64_t count, const void *values,
                                         struct ls_error *error);
/* A dataset [rows] of texts of one length (UTF-8, padded with NUL bytes; NULL is an empty one). */
LS_MUST_USE enum ls_status ls_writer_strings(struct ls_writer *writer, const char *name,
                                             uint64_t rows, char *const *texts,
                                             struct ls_error *error);
/* An attribute with count texts (UTF-8) on an array, or on the file (array -1). */
LS_MUST_USE enum ls_status ls_writer_texts(struct ls_writer *writer, int array, const char *name,
                                           const char *const *texts, int count,
                                           struct ls_error *error);
/* The finished file ends in a digest of itself (cache.h). */
void ls_writer_seal(struct ls_writer *writer);
/* Makes the file appear under its name (or, on failure, not at all). Frees the writer either way.
 */
LS_MUST_USE enum ls_status ls_writer_finish(struct ls_writer *writer, struct ls_error *error);
/* Removes what was written. Frees the writer; NULL is allowed. */
void ls_writer_abandon(struct ls_writer *writer);

#endif
