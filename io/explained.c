#include "io/explained.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/array.h"
#include "io/hdf5_support.h"
#include "io/trial.h"

enum { WIDTH_MAX = 1 << 20, BLOCK_VALUES = 1 << 22, VALUES_MAX = 1 << 26 };

static const char *const names[LS_FINDING_NOTES] = {
    "method", "options", "step", "digest", "weights", "part", "target", "layer", "metric"};

/* An attribute whose text is a number; NAN: there is none. */
static double load_number(const struct ls_hdf5_file *file, const char *name) {
    double number = (double)NAN;
    char **texts = NULL, *end;
    int count = 0;
    struct ls_error ignored;
    if (ls_hdf5_texts(file->id, name, &texts, &count, &ignored) == LS_OK && count == 1) {
        const double said = strtod(texts[0], &end);
        number = end > texts[0] && !*end ? said : number;
    }
    ls_hdf5_free_texts(texts, count);
    return number;
}

/* The score of the model as it is, where the file has it as a dataset of one number; else NAN. */
static double load_score(const struct ls_hdf5_file *file) {
    struct ls_hdf5_dataset dataset;
    struct ls_error ignored;
    double score = (double)NAN, said = 0;
    if (!ls_hdf5_has(file->id, "score") ||
        ls_hdf5_open_dataset(file, "score", &dataset, &ignored) != LS_OK)
        return score;
    const hid_t space = H5Dget_space(dataset.id);
    if (H5Sget_simple_extent_npoints(space) == 1 &&
        H5Dread(dataset.id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &said) >= 0)
        score = said;
    H5Sclose(space);
    H5Dclose(dataset.id);
    return score;
}

static enum ls_status load_notes(struct ls_finding *finding, const struct ls_hdf5_file *file,
                                 struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int i = 0; i < LS_FINDING_NOTES && status == LS_OK; i++) {
        char **texts = NULL;
        int count = 0;
        if (H5Aexists(file->id, names[i]) > 0)
            status = ls_hdf5_texts(file->id, names[i], &texts, &count, error);
        finding->notes[i] = ls_strdup(count == 1 ? texts[0] : "");
        ls_hdf5_free_texts(texts, count);
    }
    if (status == LS_OK && !finding->notes[LS_FINDING_METHOD][0])
        status = ls_fail(error, LS_INVALID,
                         "it is no file of lockstep explain: it has no attribute 'method'");
    return status;
}

struct listing {
    const struct ls_hdf5_file *file;
    FILE *out;
    bool any;
};

/* "distances [16, 5]" */
static herr_t list_one(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)group;
    (void)info;
    struct listing *listing = context;
    struct ls_array array;
    struct ls_error ignored;
    if (ls_array_open(&array, listing->file, name, &ignored) == LS_OK) {
        fprintf(listing->out, "%s%s [%" PRIu64, listing->any ? ", " : "", name, array.rows);
        for (int d = 0; d < array.shape.rank; d++)
            fprintf(listing->out, ", %" PRId64, array.shape.dims[d]);
        fputs("]", listing->out);
        listing->any = true;
    }
    ls_array_close(&array);
    return 0;
}

static void load_datasets(struct ls_finding *finding, const struct ls_hdf5_file *file) {
    size_t size = 0;
    struct listing listing = {.file = file, .out = open_memstream(&finding->datasets, &size)};
    LS_ASSERT(listing.out, "no memory for what %s holds", file->path);
    H5Literate(file->id, H5_INDEX_NAME, H5_ITER_INC, NULL, list_one, &listing);
    LS_ASSERT(!fclose(listing.out), "no memory for what %s holds", file->path);
}

/* Sizes of rows, added up; of an array that has one number for each value, those numbers. */
static enum ls_status add_up(struct ls_finding *finding, const struct ls_array *array,
                             struct ls_error *error) {
    const bool single = array->shape.rank == 0;
    const int64_t width = single ? (int64_t)array->rows : array->row_values;
    if (array->shape.rank > 2 || width < 1 || width > WIDTH_MAX || !array->rows)
        return LS_OK;
    const uint64_t block = (uint64_t)(BLOCK_VALUES / array->row_values);
    char *raw = ls_calloc((size_t)block, array->row_bytes);
    enum ls_status status = LS_OK;
    finding->width = width;
    finding->shape = single ? LS_SHAPE(width) : array->shape;
    finding->strengths = ls_calloc((size_t)width, sizeof *finding->strengths);
    for (uint64_t first = 0; first < array->rows && status == LS_OK; first += block) {
        const uint64_t left = array->rows - first, count = left < block ? left : block;
        status = ls_array_read(array, first, count, raw, error);
        for (int64_t i = 0; status == LS_OK && i < (int64_t)count * array->row_values; i++) {
            const double value = ls_kind_value(array->kind, raw, i);
            const int64_t place = single ? (int64_t)first + i : i % width;
            finding->strengths[place] += single ? value : fabs(value) / (double)array->rows;
        }
    }
    finding->samples = single ? 0 : array->rows;
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

/* *means[*width], owned by the caller, over the rows of an array that are numbers; NULL: there is
 * no such array. */
static enum ls_status load_means(const struct ls_hdf5_file *file, const char *name, int64_t *width,
                                 double **means, struct ls_error *error) {
    uint64_t rows = 0;
    double *values = NULL;
    *means = NULL;
    const enum ls_status status = read_all(file, name, &rows, width, &values, error);
    if (status == LS_OK && values)
        *means = ls_calloc((size_t)*width, sizeof **means);
    for (int64_t i = 0; *means && i < *width; i++) {
        double sum = 0, count = 0;
        for (uint64_t n = 0; n < rows; n++) {
            const double value = values[(int64_t)n * *width + i];
            sum += isfinite(value) ? value : 0;
            count += isfinite(value);
        }
        (*means)[i] = count > 0 ? sum / count : (double)NAN;
    }
    free(values);
    return status;
}

static enum ls_status load_mean(const struct ls_hdf5_file *file, const char *name, double *mean,
                                struct ls_error *error) {
    int64_t width = 0;
    double *means;
    const enum ls_status status = load_means(file, name, &width, &means, error);
    *mean = means && width == 1 ? means[0] : (double)NAN;
    free(means);
    return status;
}

static enum ls_status load_checks(struct ls_finding_checks *checks, const struct ls_hdf5_file *file,
                                  struct ls_error *error) {
    int64_t deletions = 0, insertions = 0;
    enum ls_status status = load_means(file, "deletion", &deletions, &checks->deletion, error);
    if (status == LS_OK)
        status = load_means(file, "insertion", &insertions, &checks->insertion, error);
    if (status == LS_OK && checks->deletion && checks->insertion && deletions == insertions)
        checks->points = deletions;
    if (status == LS_OK)
        status = load_mean(file, "noise_sensitivity", &checks->noise_sensitivity, error);
    if (status == LS_OK)
        status = load_mean(file, "random_weights_correlation", &checks->random_weights_correlation,
                           error);
    return status;
}

static void count_changes(struct ls_finding_change *change, uint64_t rows, const double *before,
                          const double *after, const double *labels) {
    change->samples = rows;
    change->judged = labels != NULL;
    for (uint64_t n = 0; n < rows; n++) {
        change->changed += before[n] != after[n];
        change->right_before += labels && before[n] == labels[n];
        change->right_after += labels && after[n] == labels[n];
    }
}

static enum ls_status load_change(struct ls_finding *finding, const struct ls_hdf5_file *file,
                                  struct ls_error *error) {
    enum { BEFORE, AFTER, LABELS, CORRECTED, ARRAYS };
    static const char *const arrays[ARRAYS] = {"classes_before", "classes_after", "labels",
                                               "corrected"};
    struct ls_finding_change *change = &finding->change;
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

static enum ls_status load(struct ls_finding *finding, const char *path, struct ls_error *error) {
    struct ls_hdf5_file file = {.path = path};
    struct ls_array array = {0};
    enum ls_status status = ls_hdf5_open_file(path, &file.id, error);
    if (status != LS_OK)
        return status;
    status = load_notes(finding, &file, error);
    finding->metric_value = load_score(&file);
    finding->metric_samples = load_number(&file, "samples");
    load_datasets(finding, &file);
    finding->attributions = status == LS_OK && ls_hdf5_has(file.id, "attributions");
    if (finding->attributions) {
        status = ls_array_open(&array, &file, "/attributions", error);
        if (status == LS_OK)
            status = add_up(finding, &array, error);
        ls_array_close(&array);
    }
    if (status == LS_OK)
        status = load_checks(&finding->checks, &file, error);
    if (status == LS_OK)
        status = load_change(finding, &file, error);
    H5Fclose(file.id);
    return status == LS_OK ? LS_OK : ls_fail_context(error, "%s: ", path);
}

static enum ls_status try_load(void *context, int part, struct ls_error *error) {
    struct ls_finding finding = {0};
    (void)part;
    return load(&finding, context, error);
}

enum ls_status ls_finding_load(struct ls_finding *finding, const char *path,
                               struct ls_error *error) {
    const struct ls_trial trial = {
        .work = try_load, .context = (void *)(uintptr_t)path, .path = path};
    *finding = (struct ls_finding){0};
    ls_hdf5_quiet();
    const enum ls_status status = ls_trial_run(&trial, error);
    return status == LS_OK ? load(finding, path, error) : status;
}

void ls_finding_clear(struct ls_finding *finding) {
    for (int i = 0; i < LS_FINDING_NOTES; i++)
        free(finding->notes[i]);
    free(finding->datasets);
    free(finding->strengths);
    free(finding->checks.deletion);
    free(finding->checks.insertion);
    free(finding->change.corrected);
    *finding = (struct ls_finding){0};
}
