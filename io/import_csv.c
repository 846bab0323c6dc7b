/* A table to /inputs ([N, F]) and /targets (int32 when all are integers; [N] or [N, columns]),
 * categories also to index feeds /NAME; a series to /series [L, C]: float32, or float64 where a
 * column needs its digits. What was learned goes into the attribute `schema`; /table has what is
 * known of rows and cells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/csv_table.h"
#include "io/file.h"

enum { BLOCK_VALUES = 1 << 20, INPUTS_MAX = 1 << 20 };

/* The values of a row that are inputs; returns behind the last. */
static double *spread_row(const struct ls_csv_table *table, uint64_t row, double *next) {
    const struct ls_schema *schema = &table->schema;
    for (int c = 0; c < schema->count; c++) {
        const int width = ls_schema_width(schema, c);
        const double value = *ls_csv_cell(table, row, c);
        const bool one_hot =
            schema->columns[c].kind == LS_CELL_CATEGORY && schema->encoding == LS_ENCODING_ONE_HOT;
        for (int w = 0; w < width; w++)
            *next++ = one_hot ? w == (int)value : value;
    }
    return next;
}

/* Rows of doubles into an array of floats or doubles. */
static enum ls_status put_rows(struct ls_writer *writer, int to, enum ls_kind kind, uint64_t first,
                               uint64_t rows, const double *values, size_t count,
                               struct ls_error *error) {
    if (kind == LS_KIND_F64)
        return ls_writer_put(writer, to, first, rows, values, error);
    float *narrow = ls_calloc(count, sizeof *narrow);
    for (size_t i = 0; i < count; i++)
        narrow[i] = (float)values[i];
    const enum ls_status status = ls_writer_put(writer, to, first, rows, narrow, error);
    free(narrow);
    return status;
}

/* What reals of a role are stored as. */
static enum ls_kind real_kind(const struct ls_csv_table *table, int role) {
    return ls_csv_is_exact(table, role) ? LS_KIND_F64 : LS_KIND_F32;
}

/* The columns of inputs, as the dataset `name`; *to stays -1 where there is none. */
static enum ls_status write_inputs(const struct ls_csv_table *table, const char *name,
                                   struct ls_writer *writer, int *to, struct ls_error *error) {
    int64_t columns = 0;
    bool feeds = false;
    for (int c = 0; c < table->schema.count; c++) {
        columns += ls_schema_width(&table->schema, c);
        feeds = feeds || table->schema.columns[c].role == LS_ROLE_INPUT ||
                table->schema.columns[c].role == LS_ROLE_TEXT;
    }
    if (!feeds)
        return ls_fail(error, LS_INVALID, "csv: --drop leaves no columns for %s", name);
    if (columns > INPUTS_MAX)
        return ls_fail(error, LS_INVALID,
                       "csv: %lld columns of %s, at most %d; categories of many words: --encoding "
                       "ordinal or feed",
                       (long long)columns, name, (int)INPUTS_MAX);
    if (!columns)
        return LS_OK;
    const enum ls_kind kind = real_kind(table, LS_ROLE_INPUT);
    const uint64_t rows = (uint64_t)(1 + (BLOCK_VALUES - 1) / columns); /* of a block */
    enum ls_status status =
        ls_writer_add(writer, name, kind, table->rows, LS_SHAPE(columns), to, error);
    double *block = ls_calloc(rows * (size_t)columns, sizeof *block);
    for (uint64_t row = 0; row < table->rows && status == LS_OK; row += rows) {
        const uint64_t count = table->rows - row < rows ? table->rows - row : rows;
        double *next = block;
        for (uint64_t i = 0; i < count; i++)
            next = spread_row(table, row + i, next);
        status = put_rows(writer, *to, kind, row, count, block, count * (size_t)columns, error);
    }
    free(block);
    return status;
}

/* Of the columns of a role, in order: their number; integers: whether all are. */
static int count_targets(const struct ls_csv_table *table, bool *integers) {
    int count = 0;
    *integers = true;
    for (int c = 0; c < table->schema.count; c++)
        if (table->schema.columns[c].role == LS_ROLE_TARGET) {
            *integers = *integers && ls_csv_all_integers(table, c);
            count++;
        }
    return count;
}

static enum ls_status write_targets(const struct ls_csv_table *table, struct ls_writer *writer,
                                    int *to, struct ls_error *error) {
    bool integers;
    const int count = count_targets(table, &integers);
    if (!count || table->import->no_targets)
        return LS_OK;
    const struct ls_shape row_shape = count > 1 ? LS_SHAPE(count) : (struct ls_shape){0};
    const enum ls_kind kind = integers ? LS_KIND_I32 : real_kind(table, LS_ROLE_TARGET);
    const size_t values = table->rows * (size_t)count;
    enum ls_status status =
        ls_writer_add(writer, "/targets", kind, table->rows, row_shape, to, error);
    int32_t *whole = ls_calloc(values, sizeof *whole);
    double *real = ls_calloc(values, sizeof *real);
    uint64_t next = 0;
    for (uint64_t row = 0; row < table->rows; row++)
        for (int c = 0; c < table->schema.count; c++) {
            if (table->schema.columns[c].role != LS_ROLE_TARGET)
                continue;
            real[next] = *ls_csv_cell(table, row, c);
            whole[next] = integers ? (int32_t)real[next] : 0;
            next++;
        }
    if (status == LS_OK)
        status = integers ? ls_writer_put(writer, *to, 0, table->rows, whole, error)
                          : put_rows(writer, *to, kind, 0, table->rows, real, values, error);
    free(whole);
    free(real);
    return status;
}

/* Whether a column can be a dataset of its own name beside the others. */
static bool is_dataset_name(const struct ls_schema_column *column) {
    static const char *const taken[] = {"inputs", "targets", "series", "table", ".", ".."};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (!strcmp(column->name, taken[i]))
            return false;
    return !strchr(column->name, '/') && !ls_path_ends(column->name, ".ends");
}

static bool is_feed(const struct ls_schema_column *column) {
    return column->role == LS_ROLE_INPUT && column->kind == LS_CELL_CATEGORY &&
           is_dataset_name(column);
}

/* A column of words as indices with their vocabulary, as an embedding takes them. */
static enum ls_status write_feed(const struct ls_csv_table *table, struct ls_writer *writer, int c,
                                 struct ls_error *error) {
    const struct ls_schema_column *column = &table->schema.columns[c];
    char name[LS_TEXT_MAX];
    int to;
    if (snprintf(name, sizeof name, "/%s", column->name) >= (int)sizeof name)
        return LS_OK;
    enum ls_status status =
        ls_writer_add(writer, name, LS_KIND_I32, table->rows, (struct ls_shape){0}, &to, error);
    int32_t *places = ls_calloc(table->rows, sizeof *places);
    for (uint64_t row = 0; row < table->rows; row++)
        places[row] = (int32_t)*ls_csv_cell(table, row, c);
    if (status == LS_OK)
        status = ls_writer_put(writer, to, 0, table->rows, places, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, to, "vocabulary", (const char *const *)column->words,
                                 column->word_count, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, to, "unit", &ls_text_units[LS_UNIT_WORD], 1, error);
    free(places);
    return status;
}

/* The words behind the numbers of categories: "categories:COLUMN". */
static enum ls_status write_words(const struct ls_csv_table *table, struct ls_writer *writer,
                                  const int arrays[2], struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int c = 0; c < table->schema.count && status == LS_OK; c++) {
        const struct ls_schema_column *column = &table->schema.columns[c];
        const int to = column->role == LS_ROLE_TARGET ? arrays[1] : arrays[0];
        char attribute[LS_TEXT_MAX];
        snprintf(attribute, sizeof attribute, "categories:%s", column->name);
        if (column->kind == LS_CELL_CATEGORY && column->role <= LS_ROLE_TARGET && to >= 0)
            status = ls_writer_texts(writer, to, attribute, (const char *const *)column->words,
                                     column->word_count, error);
        if (status == LS_OK && is_feed(column) && !table->import->series)
            status = write_feed(table, writer, c, error);
    }
    return status;
}

/* Names of columns, and all that was learned. */
static enum ls_status write_names(const struct ls_csv_table *table, struct ls_writer *writer,
                                  const int arrays[2], struct ls_error *error) {
    const struct ls_schema *schema = &table->schema;
    char **names;
    const int count = ls_schema_inputs(schema, &names, NULL);
    enum ls_status status = LS_OK;
    if (arrays[0] >= 0)
        status = ls_writer_texts(writer, arrays[0], table->import->series ? "channels" : "columns",
                                 (const char *const *)names, count, error);
    ls_schema_free_names(names, count);
    const char **targets = ls_calloc((size_t)schema->count, sizeof *targets);
    int target_count = 0;
    for (int c = 0; c < schema->count; c++)
        if (schema->columns[c].role == LS_ROLE_TARGET)
            targets[target_count++] = schema->columns[c].name;
    if (status == LS_OK && arrays[1] >= 0)
        status = ls_writer_texts(writer, arrays[1], "columns", targets, target_count, error);
    free(targets);
    char *text = ls_schema_print(schema);
    if (status == LS_OK)
        status = ls_writer_texts(writer, -1, "schema", (const char *const *)&text, 1, error);
    free(text);
    return status;
}

/* The column of texts: tokens with a vocabulary, a row of them for each row of the table. */
static enum ls_status write_texts(const struct ls_csv_table *table, struct ls_writer *writer,
                                  struct ls_error *error) {
    const struct ls_schema_column *column = ls_schema_role(&table->schema, LS_ROLE_TEXT);
    char name[LS_TEXT_MAX];
    if (!column)
        return LS_OK;
    if (!is_dataset_name(column) || strlen(column->name) + 2 > sizeof name)
        return ls_fail(
            error, LS_INVALID,
            "--text: a dataset cannot be called '%.64s'; --rename gives the column another "
            "name",
            column->name);
    snprintf(name, sizeof name, "/%s", column->name);
    struct ls_import import = *table->import;
    bool taught = true;
    if (table->learned && !import.vocabulary[0] && ls_path_ends(import.like, ".h5"))
        memcpy(import.vocabulary, import.like, sizeof import.vocabulary);
    else if (table->learned) {
        const enum ls_status status = ls_import_is_taught(&import, name, &taught, error);
        if (status != LS_OK)
            return status;
    }
    if (!taught && import.like[0])
        return ls_fail(error, LS_INVALID,
                       "--like %s: it does not say how texts (column '%.64s') become tokens; say "
                       "--vocabulary, or --like FILE.h5",
                       import.like, column->name);
    if (!taught) /* the run does not read it */
        return LS_OK;
    struct ls_text text = {.name = table->files[0].path};
    struct ls_text_part *parts = ls_calloc(table->rows, sizeof *parts);
    for (uint64_t row = 0; row < table->rows; row++) {
        parts[row] = (struct ls_text_part){text.count, strlen(table->texts[row])};
        text.count += parts[row].count;
    }
    char *bytes = ls_calloc(text.count + 1, 1);
    for (uint64_t row = 0; row < table->rows; row++)
        memcpy(bytes + parts[row].at, table->texts[row], parts[row].count);
    text.bytes = bytes;
    text.parts = parts;
    text.part_count = table->rows;
    const enum ls_status status = ls_import_tokens(&import, writer, name, &text, error);
    free(bytes);
    free(parts);
    return status;
}

/* What predictions say of rows: their ids, and where they stood in the file if some were left out.
 */
static enum ls_status write_rows(const struct ls_csv_table *table, struct ls_writer *writer,
                                 struct ls_error *error) {
    enum ls_status status = LS_OK;
    bool ids = false;
    for (uint64_t row = 0; row < table->rows && !ids; row++)
        ids = table->ids[row] != NULL;
    if (ids)
        status = ls_writer_strings(writer, "/table/ids", table->rows, table->ids, error);
    if (status != LS_OK || table->records == table->rows)
        return status;
    int to;
    status = ls_writer_add(writer, "/table/rows", LS_KIND_I64, table->rows, (struct ls_shape){0},
                           &to, error);
    return status == LS_OK ? ls_writer_put(writer, to, 0, table->rows, table->numbers, error)
                           : status;
}

static enum ls_status write_missing(const int64_t *cells, uint64_t count, struct ls_writer *writer,
                                    struct ls_error *error) {
    int to;
    if (!count)
        return LS_OK;
    const enum ls_status status =
        ls_writer_add(writer, "/table/missing", LS_KIND_I64, count, LS_SHAPE(2), &to, error);
    return status == LS_OK ? ls_writer_put(writer, to, 0, count, cells, error) : status;
}

enum ls_status ls_import_csv(const struct ls_import *import, struct ls_writer *writer,
                             struct ls_error *error) {
    struct ls_csv_table table;
    int64_t *cells = NULL;
    uint64_t cell_count = 0;
    enum ls_status status = ls_csv_table_read(&table, import, error);
    if (status != LS_OK)
        return status;
    int arrays[2] = {-1, -1}; /* inputs, targets */
    status = ls_csv_fill(&table, &cells, &cell_count, error);
    if (status == LS_OK && !table.learned)
        ls_csv_learn_digits(&table);
    if (status == LS_OK)
        status =
            write_inputs(&table, import->series ? "/series" : "/inputs", writer, &arrays[0], error);
    if (status == LS_OK)
        status = write_targets(&table, writer, &arrays[1], error);
    if (status == LS_OK)
        status = write_words(&table, writer, arrays, error);
    if (status == LS_OK)
        status = write_texts(&table, writer, error);
    if (status == LS_OK)
        status = write_names(&table, writer, arrays, error);
    if (status == LS_OK && !import->series)
        status = write_rows(&table, writer, error);
    if (status == LS_OK)
        status = write_missing(cells, cell_count, writer, error);
    free(cells);
    ls_csv_table_clear(&table);
    return status;
}
