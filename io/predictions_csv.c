/* Predictions as CSV: a header, then for each row its number or id, and the sets' values. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/csv.h"
#include "io/predictions_internal.h"

static const char *refuse(const struct ls_predictions_options *options) {
    for (int i = 0; i < options->count; i++)
        if (options->sets[i].row_shape.rank > 1)
            return "a table has one row of values for each sample, but these have more dimensions";
    return NULL;
}

static void print_header(FILE *out, const struct ls_predictions_options *options) {
    const bool ids = options->row_names && options->row_names->ids;
    ls_csv_print(out, ids ? options->id_name : "row");
    for (int i = 0; i < options->count; i++) {
        const struct ls_prediction_set *set = &options->sets[i];
        const int64_t width = ls_shape_count(set->row_shape);
        for (int64_t k = 0; k < width; k++) {
            fputc(',', out);
            if (set->integer)
                fputs("class", out);
            else if (set->names && k < set->name_count)
                ls_csv_print(out, set->names[k]);
            else
                fprintf(out, width > 1 ? "%s%" PRId64 : "%s", set->name, k + 1);
        }
    }
    fputc('\n', out);
}

static bool begin(void **writer, const struct ls_predictions_options *options,
                  const char *temporary) {
    FILE *out = *writer = fopen(temporary, "w");
    if (out)
        print_header(out, options);
    return out && !ferror(out);
}

static void print_name(FILE *out, const struct ls_row_names *names, uint64_t row) {
    if (names && names->ids)
        ls_csv_print(out, names->ids[row] ? names->ids[row] : "");
    else if (names && names->numbers)
        fprintf(out, "%" PRId64, names->numbers[row]);
    else
        fprintf(out, "%" PRIu64, row);
}

static void print_values(FILE *out, const struct ls_prediction_set *set, const void *data,
                         int64_t row) {
    const int64_t width = ls_shape_count(set->row_shape);
    const int32_t *classes = data;
    const float *values = data;
    const double *doubles = data;
    for (int64_t k = row * width; k < (row + 1) * width; k++) {
        fputc(',', out);
        if (set->wide)
            fprintf(out, "%.15g", doubles[k]);
        else if (!set->integer)
            fprintf(out, "%.9g", (double)values[k]);
        else if (set->names && classes[k] < set->name_count)
            ls_csv_print(out, set->names[classes[k]]);
        else
            fprintf(out, "%" PRId32, classes[k]);
    }
}

static bool append(void *writer, const struct ls_predictions_options *options, uint64_t first,
                   const void *const *data, int64_t rows) {
    FILE *out = writer;
    for (int64_t row = 0; row < rows; row++) {
        print_name(out, options->row_names, first + (uint64_t)row);
        for (int i = 0; i < options->count; i++)
            print_values(out, &options->sets[i], data[i], row);
        fputc('\n', out);
    }
    return !ferror(out);
}

static bool finish(void *writer) {
    FILE *out = writer;
    if (!out)
        return false;
    const bool good = !ferror(out);
    return !fclose(out) && good;
}

const struct ls_predictions_writer ls_predictions_csv = {
    .ending = ".csv", .refuse = refuse, .begin = begin, .append = append, .finish = finish};
