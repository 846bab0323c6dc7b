/* A table to /inputs (float32 [N,F]) and /targets (int32 when all are integers, else float32); a
 * series to /series [L, C]. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/csv_table.h"

enum { BLOCK_ROWS = 4096 };

static double *cell(const struct ls_csv_table *table, uint64_t row, int column) {
    return &table->values[row * (uint64_t)table->count + (uint64_t)column];
}

/* Missing cells get their column's mean (over the others, in order), or zero. */
static enum ls_status fill_missing(struct ls_csv_table *table, const struct ls_import *import,
                                   int column, struct ls_error *error) {
    double sum = 0, filling = 0;
    uint64_t present = 0;
    for (uint64_t row = 0; row < table->rows; row++) {
        const double value = *cell(table, row, column);
        sum += isnan(value) ? 0 : value;
        present += isnan(value) ? 0 : 1;
    }
    if (present == table->rows)
        return LS_OK;
    if (import->missing == LS_MISSING_MEAN) {
        if (!present)
            return ls_fail(error, LS_INVALID,
                           "%s: column '%s' has no values, so no mean to fill in", import->files[0],
                           table->columns[column].name);
        filling = sum / (double)present;
    }
    for (uint64_t row = 0; row < table->rows; row++)
        if (isnan(*cell(table, row, column)))
            *cell(table, row, column) = filling;
    return LS_OK;
}

static bool is_input(const struct ls_csv_table *table, int column) {
    return column != table->target && !table->columns[column].dropped;
}

/* The columns of inputs, as the dataset `name`. */
static enum ls_status write_inputs(const struct ls_csv_table *table, const char *name,
                                   struct ls_writer *writer, int *to, struct ls_error *error) {
    int columns = 0;
    for (int column = 0; column < table->count; column++)
        columns += is_input(table, column);
    if (!columns)
        return ls_fail(error, LS_INVALID, "csv: --drop leaves no columns for %s", name);
    enum ls_status status =
        ls_writer_add(writer, name, LS_KIND_F32, table->rows, LS_SHAPE(columns), to, error);
    float *block = ls_calloc(BLOCK_ROWS * (size_t)columns, sizeof *block);
    for (uint64_t row = 0; row < table->rows && status == LS_OK; row += BLOCK_ROWS) {
        const uint64_t count = table->rows - row < BLOCK_ROWS ? table->rows - row : BLOCK_ROWS;
        float *next = block;
        for (uint64_t i = 0; i < count; i++)
            for (int column = 0; column < table->count; column++)
                if (is_input(table, column))
                    *next++ = (float)*cell(table, row + i, column);
        status = ls_writer_put(writer, *to, row, count, block, error);
    }
    free(block);
    return status;
}

static bool all_integers(const struct ls_csv_table *table, int column) {
    for (uint64_t row = 0; row < table->rows; row++) {
        const double value = *cell(table, row, column);
        if (value != floor(value) || value < INT32_MIN || value > INT32_MAX)
            return false;
    }
    return true;
}

static enum ls_status write_targets(const struct ls_csv_table *table, struct ls_writer *writer,
                                    int *to, struct ls_error *error) {
    const bool integers = all_integers(table, table->target);
    enum ls_status status = ls_writer_add(writer, "/targets", integers ? LS_KIND_I32 : LS_KIND_F32,
                                          table->rows, (struct ls_shape){0}, to, error);
    int32_t *whole = ls_calloc(table->rows, sizeof *whole);
    float *real = ls_calloc(table->rows, sizeof *real);
    for (uint64_t row = 0; row < table->rows; row++) {
        const double value = *cell(table, row, table->target);
        real[row] = (float)value;
        whole[row] = integers ? (int32_t)value : 0;
    }
    if (status == LS_OK)
        status = ls_writer_put(writer, *to, 0, table->rows, integers ? (const void *)whole : real,
                               error);
    free(whole);
    free(real);
    return status;
}

/* Column names, and the words behind the numbers of categorical columns: "categories:COLUMN". */
static enum ls_status write_names(const struct ls_csv_table *table, struct ls_writer *writer,
                                  const int arrays[2], bool series, struct ls_error *error) {
    const int inputs = arrays[0], targets = arrays[1];
    const char **names = ls_calloc((size_t)table->count, sizeof *names);
    int count = 0;
    enum ls_status status = LS_OK;
    for (int i = 0; i < table->count && status == LS_OK; i++) {
        const struct ls_csv_column *column = &table->columns[i];
        if (is_input(table, i))
            names[count++] = column->name;
        char attribute[LS_TEXT_MAX];
        snprintf(attribute, sizeof attribute, "categories:%s", column->name);
        if (column->categorical && !column->dropped)
            status = ls_writer_texts(writer, i == table->target ? targets : inputs, attribute,
                                     (const char *const *)column->words.sorted, column->words.count,
                                     error);
    }
    if (status == LS_OK)
        status =
            ls_writer_texts(writer, inputs, series ? "channels" : "columns", names, count, error);
    if (status == LS_OK && table->target >= 0) {
        const char *name = table->columns[table->target].name;
        status = ls_writer_texts(writer, targets, "columns", &name, 1, error);
    }
    free(names);
    return status;
}

enum ls_status ls_import_csv(const struct ls_import *import, struct ls_writer *writer,
                             struct ls_error *error) {
    struct ls_csv_table table;
    if (import->file_count != 1)
        return ls_fail(error, LS_INVALID, "csv: expected one file, found %d", import->file_count);
    enum ls_status status = ls_csv_table_read(&table, import, error);
    if (status != LS_OK)
        return status;
    int arrays[2] = {-1, -1}; /* inputs, targets */
    for (int i = 0; i < table.count && status == LS_OK; i++)
        status = fill_missing(&table, import, i, error);
    if (status == LS_OK)
        status =
            write_inputs(&table, import->series ? "/series" : "/inputs", writer, &arrays[0], error);
    if (status == LS_OK && table.target >= 0)
        status = write_targets(&table, writer, &arrays[1], error);
    if (status == LS_OK)
        status = write_names(&table, writer, arrays, import->series, error);
    ls_csv_table_clear(&table);
    return status;
}
