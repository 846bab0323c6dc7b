/* What every user of HDF5 in this folder needs: no printing by the library, its reasons in our
 * texts, and the checks that foreign files must pass. Includes hdf5.h, so no public header may
 * include this one. */
#ifndef LS_IO_HDF5_SUPPORT_H
#define LS_IO_HDF5_SUPPORT_H

#include <hdf5.h>

#include "core/base/status.h"

/* Switches off HDF5's error printing in the calling thread and plugins in the process; cheap, call
 * it first in every function that may run in a new thread. */
void ls_hdf5_quiet(void);

/* As ls_fail, with HDF5's innermost reason for the call that just failed behind the text. */
enum ls_status ls_hdf5_fail(struct ls_error *error, enum ls_status status, const char *format, ...)
    LS_PRINTF(3, 4);

/* Opens for reading, without file locks (some network file systems have none); a file that another
 * program holds for writing is refused. */
LS_MUST_USE enum ls_status ls_hdf5_open_file(const char *path, hid_t *file, struct ls_error *error);

/* An open file, as a data set knows it. */
struct ls_hdf5_file {
    hid_t id;
    const char *path; /* borrowed */
    bool links;       /* soft and external links and virtual datasets are followed, if all that they
                         lead to lies below the file's folder */
};

struct ls_hdf5_dataset {
    hid_t id;        /* to be closed by the caller */
    uint64_t linked; /* digest of names, sizes and times of the other files that it uses; 0: none */
};

/* Opens the dataset called name after checking that nothing in it leads to foreign code, or, as
 * file->links says, outside the file: only hard links on the way, storage inside the file, no
 * virtual layout, only the filters deflate, shuffle and fletcher32, chunks of at most 2^31 bytes.
 */
LS_MUST_USE enum ls_status ls_hdf5_open_dataset(const struct ls_hdf5_file *file, const char *name,
                                                struct ls_hdf5_dataset *dataset,
                                                struct ls_error *error);

/* Whether all values that the dataset claims were written: what was not would be read as fill
 * values, rows and rows of them. path and name are for messages. */
LS_MUST_USE enum ls_status ls_hdf5_check_allocated(hid_t dataset, const char *path,
                                                   const char *name, struct ls_error *error);

/* The texts of an attribute of an object, as ls_writer_texts writes them; owned by the caller. */
LS_MUST_USE enum ls_status ls_hdf5_texts(hid_t object, const char *name, char ***texts, int *count,
                                         struct ls_error *error);
void ls_hdf5_free_texts(char **texts, int count);

/* Whether the file has something of that name, however it is linked. */
bool ls_hdf5_has(hid_t file, const char *name);

#endif
