#include "io/predictions_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"

static const struct ls_predictions_writer *const writers[] = {
    &ls_predictions_hdf5, &ls_predictions_csv, &ls_predictions_npy};

struct ls_predictions {
    struct ls_predictions_options options; /* path owned */
    char *temporary;                       /* owned */
    const struct ls_predictions_writer *kind;
    void *writer; /* owned */
    uint64_t written;
};

static const struct ls_predictions_writer *find_writer(const char *path) {
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (ls_path_ends(path, writers[i]->ending))
            return writers[i];
    return NULL;
}

enum ls_status ls_predictions_check(const char *path, struct ls_error *error) {
    if (find_writer(path))
        return LS_OK;
    return ls_fail(error, LS_INVALID, "--out: expected FILE.h5, FILE.csv or FILE.npy, found '%s'",
                   path);
}

static enum ls_status check(const struct ls_predictions_options *options, struct ls_error *error) {
    const enum ls_status status = ls_predictions_check(options->path, error);
    if (status != LS_OK)
        return status;
    const char *reason = find_writer(options->path)->refuse(options);
    return reason ? ls_fail(error, LS_INVALID, "%s: %s; write a FILE.h5", options->path, reason)
                  : LS_OK;
}

static enum ls_status failed(const char *path, struct ls_error *error) {
    return ls_fail(error, LS_SYSTEM, "%s: cannot be written (is the disk full?)", path);
}

enum ls_status ls_predictions_create(struct ls_predictions **made,
                                     const struct ls_predictions_options *options,
                                     struct ls_error *error) {
    char *temporary;
    enum ls_status status = check(options, error);
    if (status == LS_OK)
        status = ls_file_temporary(options->path, &temporary, error);
    if (status != LS_OK)
        return status;
    struct ls_predictions *predictions = ls_calloc(1, sizeof *predictions);
    predictions->options = *options;
    predictions->options.path = ls_strdup(options->path);
    predictions->temporary = temporary;
    predictions->kind = find_writer(options->path);
    *made = predictions;
    if (predictions->kind->begin(&predictions->writer, &predictions->options, temporary))
        return LS_OK;
    struct ls_error ignored;
    (void)!ls_predictions_close(predictions, false, &ignored);
    return failed(options->path, error);
}

enum ls_status ls_predictions_append(struct ls_predictions *predictions, const void *const *data,
                                     int64_t rows, struct ls_error *error) {
    if (!predictions->kind->append(predictions->writer, &predictions->options, predictions->written,
                                   data, rows))
        return ls_fail(error, LS_SYSTEM, "%s: row %llu cannot be written (is the disk full?)",
                       predictions->options.path, (unsigned long long)predictions->written);
    predictions->written += (uint64_t)rows;
    return LS_OK;
}

enum ls_status ls_predictions_close(struct ls_predictions *predictions, bool keep,
                                    struct ls_error *error) {
    const bool good = predictions->kind->finish(predictions->writer);
    enum ls_status status = LS_OK;
    if (keep && !good)
        status = failed(predictions->options.path, error);
    for (int i = 0; i < predictions->options.shown_in_count && keep && good; i++)
        unlink(predictions->options.shown_in[i]);
    if (keep && good)
        status = ls_file_replace(predictions->temporary, predictions->options.path, error);
    if (!keep || status != LS_OK)
        unlink(predictions->temporary);
    free((char *)(uintptr_t)predictions->options.path);
    free(predictions->temporary);
    free(predictions);
    return status;
}
