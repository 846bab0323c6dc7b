#include "io/explained.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/array.h"
#include "io/hdf5_support.h"
#include "io/trial.h"

enum { WIDTH_MAX = 4096, BLOCK_ROWS = 1024, VALUES_MAX = 1 << 26 };

static const char *const names[LS_EXPLAINED_NOTES] = {"method",  "options", "step",   "digest",
                                                      "weights", "part",    "target", "layer"};

static enum ls_status load_notes(struct ls_explained *explained, const struct ls_hdf5_file *file,
                                 struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int i = 0; i < LS_EXPLAINED_NOTES && status == LS_OK; i++) {
        char **texts = NULL;
        int count = 0;
        if (H5Aexists(file->id, names[i]) > 0)
            status = ls_hdf5_texts(file->id, names[i], &texts, &count, error);
        explained->notes[i] = ls_strdup(count == 1 ? texts[0] : "");
        ls_hdf5_free_texts(texts, count);
    }
    if (status == LS_OK && !explained->notes[LS_EXPLAINED_METHOD][0])
        status = ls_fail(error, LS_INVALID,
                         "it is no file of lockstep explain: it has no attribute 'method'");
    return status;
}

/* Sizes of rows, added up; of an array that has one number for each value, those numbers. */
static enum ls_status add_up(struct ls_explained *explained, const struct ls_array *array,
                             struct ls_error *error) {
    const bool single = array->shape.rank == 0;
    const int64_t width = single ? (int64_t)array->rows : array->row_values;
    if (array->shape.rank > 1 || width < 1 || width > WIDTH_MAX || !array->rows)
        return LS_OK;
    char *raw = ls_calloc(BLOCK_ROWS, array->row_bytes);
    enum ls_status status = LS_OK;
    explained->width = width;
    explained->strengths = ls_calloc((size_t)width, sizeof *explained->strengths);
    for (uint64_t first = 0; first < array->rows && status == LS_OK; first += BLOCK_ROWS) {
        const uint64_t left = array->rows - first, count = left < BLOCK_ROWS ? left : BLOCK_ROWS;
        status = ls_array_read(array, first, count, raw, error);
        for (int64_t i = 0; status == LS_OK && i < (int64_t)count * array->row_values; i++) {
            const double value = ls_kind_value(array->kind, raw, i);
            const int64_t place = single ? (int64_t)first + i : i % width;
            explained->strengths[place] += single ? value : fabs(value) / (double)array->rows;
        }
    }
    explained->samples = single ? 0 : array->rows;
    free(raw);
    return status;
}

/* All values of an array, as doubles, owned by the caller; NULL: there is none, or a huge one. */
static enum ls_status read_all(const struct ls_hdf5_file *file, const char *name, uint64_t *rows,
                               int64_t *width, double **values, struct ls_error *error) {
    struct ls_array array = {0};
    *values = NULL;
    if (!ls_hdf5_has(file->id, name))
        return LS_OK;
    enum ls_status status = ls_array_open(&array, file, name, error);
    if (status == LS_OK && array.rows && array.rows <= VALUES_MAX / (uint64_t)array.row_values) {
        char *raw = ls_calloc((size_t)array.rows, array.row_bytes);
        status = ls_array_read(&array, 0, array.rows, raw, error);
        *rows = array.rows;
        *width = array.row_values;
        *values = ls_calloc((size_t)array.rows, (size_t)array.row_values * sizeof **values);
        for (int64_t i = 0; i < (int64_t)array.rows * array.row_values && status == LS_OK; i++)
            (*values)[i] = ls_kind_value(array.kind, raw, i);
        free(raw);
    }
    ls_array_close(&array);
    return status;
}

static void count_changes(struct ls_explained_change *change, uint64_t rows, const double *before,
                          const double *after, const double *labels) {
    change->samples = rows;
    change->judged = labels != NULL;
    for (uint64_t n = 0; n < rows; n++) {
        change->changed += before[n] != after[n];
        change->right_before += labels && before[n] == labels[n];
        change->right_after += labels && after[n] == labels[n];
    }
}

static enum ls_status load_change(struct ls_explained *explained, const struct ls_hdf5_file *file,
                                  struct ls_error *error) {
    enum { BEFORE, AFTER, LABELS, CORRECTED, ARRAYS };
    static const char *const arrays[ARRAYS] = {"classes_before", "classes_after", "labels",
                                               "corrected"};
    struct ls_explained_change *change = &explained->change;
    uint64_t rows[ARRAYS] = {0};
    int64_t width[ARRAYS] = {0};
    double *values[ARRAYS] = {NULL};
    enum ls_status status = LS_OK;
    for (int i = 0; i < ARRAYS && status == LS_OK; i++) {
        status = read_all(file, arrays[i], &rows[i], &width[i], &values[i], error);
        if (values[i] && (rows[i] != rows[BEFORE] || (i != CORRECTED && width[i] != 1))) {
            free(values[i]);
            values[i] = NULL;
        }
    }
    if (status == LS_OK && values[BEFORE] && values[AFTER])
        count_changes(change, rows[BEFORE], values[BEFORE], values[AFTER], values[LABELS]);
    if (status == LS_OK && change->samples && values[CORRECTED]) {
        change->sizes = width[CORRECTED];
        change->corrected = ls_calloc((size_t)change->sizes, sizeof *change->corrected);
        for (uint64_t i = 0; i < rows[CORRECTED] * (uint64_t)change->sizes; i++)
            change->corrected[i % (uint64_t)change->sizes] +=
                values[CORRECTED][i] / (double)rows[CORRECTED];
    }
    for (int i = 0; i < ARRAYS; i++)
        free(values[i]);
    return status;
}

static enum ls_status load(struct ls_explained *explained, const char *path,
                           struct ls_error *error) {
    struct ls_hdf5_file file = {.path = path};
    struct ls_array array = {0};
    enum ls_status status = ls_hdf5_open_file(path, &file.id, error);
    if (status != LS_OK)
        return status;
    status = load_notes(explained, &file, error);
    explained->attributions = status == LS_OK && ls_hdf5_has(file.id, "attributions");
    if (explained->attributions) {
        status = ls_array_open(&array, &file, "/attributions", error);
        if (status == LS_OK)
            status = add_up(explained, &array, error);
        ls_array_close(&array);
    }
    if (status == LS_OK)
        status = load_change(explained, &file, error);
    H5Fclose(file.id);
    return status == LS_OK ? LS_OK : ls_fail_context(error, "%s: ", path);
}

static enum ls_status try_load(void *context, int part, struct ls_error *error) {
    struct ls_explained explained = {0};
    (void)part;
    return load(&explained, context, error);
}

enum ls_status ls_explained_load(struct ls_explained *explained, const char *path,
                                 struct ls_error *error) {
    const struct ls_trial trial = {
        .work = try_load, .context = (void *)(uintptr_t)path, .path = path};
    *explained = (struct ls_explained){0};
    ls_hdf5_quiet();
    const enum ls_status status = ls_trial_run(&trial, error);
    return status == LS_OK ? load(explained, path, error) : status;
}

void ls_explained_clear(struct ls_explained *explained) {
    for (int i = 0; i < LS_EXPLAINED_NOTES; i++)
        free(explained->notes[i]);
    free(explained->strengths);
    free(explained->change.corrected);
    *explained = (struct ls_explained){0};
}
