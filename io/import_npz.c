/* NumPy's archives (.npz): every array of numbers becomes a dataset of its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "io/import_internal.h"
#include "io/zip.h"

/* "/x_train" of the member "x_train.npy"; owned by the caller; NULL: it can be none. */
static char *dataset_name(const char *member) {
    char *name;
    const size_t length = strlen(member);
    if (!ls_path_ends(member, ".npy") || length == 4 || strchr(member, '/'))
        return NULL;
    LS_ASSERT(asprintf(&name, "/%.*s", (int)length - 4, member) >= 0, "out of memory: %s", member);
    return name;
}

/* An array that is no numbers, or has no rows, is left out with a note: the others may do. */
static enum ls_status copy_member(const struct ls_zip *zip, int at, struct ls_writer *writer,
                                  int *copied, struct ls_error *error) {
    struct ls_stream stream;
    struct ls_raw_array array;
    char *name = dataset_name(zip->entries[at].name);
    enum ls_status status = ls_zip_stream(zip, at, &stream, error);
    if (status != LS_OK || !name) {
        ls_stream_close(&stream);
        free(name);
        return status;
    }
    struct ls_error why;
    if (ls_npy_read(&array, stream, &why) != LS_OK) {
        if (array.refused)
            ls_log(LS_LOG_WARNING, "%s is left out: %.*s", name, (int)strcspn(why.text, "\n"),
                   why.text);
        else
            *error = why;
        free(name);
        return array.refused ? LS_OK : why.status;
    }
    int to;
    status = ls_writer_add(writer, name, array.kind, array.rows, array.row, &to, error);
    if (status == LS_OK)
        status = ls_raw_array_copy(&array, writer, to, 0, error);
    if (status != LS_OK)
        ls_fail_context(error, "%s: ", name);
    ls_stream_close(&array.stream);
    free(name);
    *copied += status == LS_OK;
    return status;
}

enum ls_status ls_import_npz(const struct ls_import *import, struct ls_writer *writer,
                             struct ls_error *error) {
    if (import->file_count != 1)
        return ls_fail(error, LS_INVALID, "npz: expected one file, found %d", import->file_count);
    struct ls_zip zip;
    int copied = 0;
    enum ls_status status = ls_zip_open(&zip, import->files[0], error);
    for (int i = 0; i < zip.count && status == LS_OK; i++)
        status = copy_member(&zip, i, writer, &copied, error);
    if (status == LS_OK && !copied)
        status = ls_fail(error, LS_INVALID, "%s: has no array of numbers", import->files[0]);
    ls_zip_close(&zip);
    return status;
}
