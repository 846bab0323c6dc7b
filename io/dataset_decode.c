/* Columns whose rows cost more than a pread to get at. */
#include <string.h>

#include "io/dataset_internal.h"
#include "io/decode.h"

/* Calls visit for every array of the data set that is not plain rows in its file. */
typedef enum ls_status visit(struct ls_array *array, void *context, struct ls_error *error);

static enum ls_status each_stored(struct ls_dataset *dataset, visit *function, void *context,
                                  struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int f = 0; f < dataset->count; f++) {
        struct ls_dataset_file *file = &dataset->files[f];
        for (int c = 0; c < dataset->info.column_count; c++) {
            if (status == LS_OK && file->arrays[c].direct < 0 && !file->arrays[c].text)
                status = function(&file->arrays[c], context, error);
            if (status == LS_OK && dataset->ends[c] && file->ends[c].direct < 0)
                status = function(&file->ends[c], context, error);
        }
    }
    return status;
}

static enum ls_status add_bytes(struct ls_array *array, void *context, struct ls_error *error) {
    uint64_t *bytes = context;
    (void)error;
    if (ls_array_is_decoded(array)) /* what was decided by one rank holds for all */
        return LS_OK;
    if (__builtin_add_overflow(*bytes, ls_array_bytes(array), bytes))
        *bytes = UINT64_MAX;
    return LS_OK;
}

static enum ls_status decode(struct ls_array *array, void *context, struct ls_error *error) {
    const bool *checked = context;
    return ls_array_decode(array, *checked, error);
}

static enum ls_status hold_chunks(struct ls_array *array, void *context, struct ls_error *error) {
    const uint64_t *rows = context;
    return ls_array_hold_chunks(array, *rows, error);
}

static enum ls_status add_held(struct ls_array *array, void *context, struct ls_error *error) {
    uint64_t *held = context; /* rows, bytes */
    (void)error;
    held[1] += ls_array_held_bytes(array, held[0]);
    return LS_OK;
}

/* Rows that are read in any order, a window at a time, straight from their chunks. */
static enum ls_status read_in_place(struct ls_dataset *dataset, uint64_t rows,
                                    const struct ls_error *why, struct ls_error *error) {
    uint64_t held[2] = {rows, 0};
    enum ls_status status = each_stored(dataset, add_held, held, error);
    if (status == LS_OK && (double)held[1] > ls_decode_memory() / 4)
        return ls_fail(error, LS_INVALID,
                       "%s: %s; and the chunks of the %llu rows that are read at a time, %.4g MB "
                       "decoded, take too much as well\nwrite it with chunks of fewer rows "
                       "(h5repack -l CHUNK=...), or lower data.shuffle_block",
                       ls_dataset_path(dataset), why->text, (unsigned long long)rows,
                       (double)held[1] * 1e-6);
    return status == LS_OK ? each_stored(dataset, hold_chunks, &rows, error) : status;
}

enum ls_status ls_dataset_decode(struct ls_dataset *dataset,
                                 const struct ls_dataset_options *options, struct ls_error *error) {
    uint64_t bytes = 0;
    bool checked = options->checked;
    struct ls_error why;
    enum ls_status status = each_stored(dataset, add_bytes, &bytes, error);
    if (status != LS_OK)
        return status;
    if (ls_decode_fits(bytes, &why) == LS_OK)
        return each_stored(dataset, decode, &checked, error);
    if (options->decode == LS_DECODE_IF_IT_FITS)
        return read_in_place(dataset, options->window_rows ? options->window_rows : 1, &why, error);
    return ls_fail(
        error, LS_INVALID,
        "%s: %s\ndata.shuffle: blocks reads such files in pieces; full, a permutation of "
        "all rows, needs them decoded, or written contiguous (h5repack -l CONTI)",
        ls_dataset_path(dataset), why.text);
}
