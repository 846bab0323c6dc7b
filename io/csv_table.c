/* CSV files as a table: a first look at the columns, then the cells. */
#include "io/csv_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/row_names.h"

struct reading {
    struct ls_csv_table *table;
    struct ls_csv_file *file;
    int64_t records; /* of this walk, the header included */
};

double *ls_csv_cell(const struct ls_csv_table *table, uint64_t row, int column) {
    return &table->values[row * (uint64_t)table->schema.count + (uint64_t)column];
}

static enum ls_status wrong_count(const struct reading *reading, const struct ls_csv_record *record,
                                  struct ls_error *error) {
    const int expected = reading->file->field_count;
    return ls_csv_fail(error, reading->file->path,
                       record->count > expected ? record->fields[expected].place : record->end,
                       "expected %d fields, found %d", expected, record->count);
}

static void tally_cell(struct ls_csv_tally *tally, const struct reading *reading,
                       const struct ls_csv_field *field) {
    const char decimal = reading->table->import->decimal[0];
    double value;
    if (ls_csv_missing(field->text))
        return;
    if (ls_csv_number(field->text, decimal, &value)) {
        tally->numbers++;
    } else if (ls_csv_placeholder(field->text)) {
        tally->placeholders++;
    } else {
        if (!tally->words++) {
            tally->odd = field->place;
            tally->odd_path = reading->file->path;
            snprintf(tally->odd_text, sizeof tally->odd_text, "%s", field->text);
        }
        tally->commas += ls_csv_decimal_comma(field->text, decimal);
    }
}

static enum ls_status look(void *context, const struct ls_csv_record *record,
                           struct ls_error *error) {
    struct reading *reading = context;
    struct ls_csv_table *table = reading->table;
    if (!reading->records++) {
        const enum ls_status status = ls_csv_columns_add(table, reading->file, record, error);
        if (status != LS_OK || !table->import->no_header)
            return status;
    }
    if (record->count != reading->file->field_count)
        return LS_OK; /* said when the rows are read, in their order */
    for (int i = 0; i < record->count && !table->learned; i++)
        if (reading->file->columns[i] >= 0)
            tally_cell(&table->tallies[reading->file->columns[i]], reading, &record->fields[i]);
    return LS_OK;
}

static void grow(struct ls_csv_table *table) {
    table->room = table->room ? 2 * table->room : 256;
    size_t values;
    LS_ASSERT(!__builtin_mul_overflow(table->room, (size_t)table->schema.count, &values),
              "%llu x %d cells", (unsigned long long)table->room, table->schema.count);
    table->values = ls_realloc(table->values, values, sizeof *table->values);
    table->numbers = ls_realloc(table->numbers, table->room, sizeof *table->numbers);
    table->ids = ls_realloc(table->ids, table->room, sizeof *table->ids);
    table->texts = ls_realloc(table->texts, table->room, sizeof *table->texts);
}

/* The row that a record of the file is: a new one, or the next that another file has begun. */
static enum ls_status find_row(const struct reading *reading, const struct ls_csv_record *record,
                               uint64_t *row, struct ls_error *error) {
    struct ls_csv_table *table = reading->table;
    if (reading->file->targets) {
        *row = reading->file->row++;
        return *row < table->rows ? LS_OK
                                  : ls_csv_fail(error, reading->file->path, record->fields[0].place,
                                                "more rows than %s has: %llu", table->files[0].path,
                                                (unsigned long long)table->rows);
    }
    if (table->rows == table->room)
        grow(table);
    *row = table->rows++;
    table->numbers[*row] = table->records;
    table->ids[*row] = table->texts[*row] = NULL;
    for (int c = 0; c < table->schema.count; c++)
        *ls_csv_cell(table, *row, c) = 0;
    return LS_OK;
}

static bool is_empty(const struct ls_csv_record *record) {
    for (int i = 0; i < record->count; i++)
        if (record->fields[i].text[0])
            return false;
    return record->count > 1;
}

static bool is_dropped(const struct reading *reading, const struct ls_csv_record *record) {
    const struct ls_csv_table *table = reading->table;
    for (int i = 0; i < record->count && ls_csv_missing_rule(table) == LS_MISSING_DROP; i++) {
        const int c = reading->file->columns[i];
        if (ls_csv_is_read(table, c) && ls_csv_is_missing(table, c, record->fields[i].text))
            return true;
    }
    return false;
}

/* All ids of a file take as much room as its longest. */
static enum ls_status keep_id(const struct reading *reading, const struct ls_csv_field *field,
                              int column, uint64_t row, struct ls_error *error) {
    const size_t bytes = strlen(field->text);
    if (bytes > LS_ROW_NAME_BYTES_MAX)
        return ls_csv_fail(error, reading->file->path, field->place,
                           "column '%s' (--id): an id of %zu bytes, expected at most %d",
                           reading->table->schema.columns[column].name, bytes,
                           (int)LS_ROW_NAME_BYTES_MAX);
    reading->table->ids[row] = ls_strdup(field->text);
    return LS_OK;
}

static enum ls_status keep_text(const struct reading *reading, const struct ls_csv_field *field,
                                int column, uint64_t row, struct ls_error *error) {
    if (!field->text[0])
        return ls_csv_fail(error, reading->file->path, field->place,
                           "column '%s' (--text): expected a text, found none",
                           reading->table->schema.columns[column].name);
    reading->table->texts[row] = ls_strdup(field->text);
    return LS_OK;
}

static enum ls_status add_row(const struct reading *reading, const struct ls_csv_record *record,
                              struct ls_error *error) {
    struct ls_csv_table *table = reading->table;
    uint64_t row = 0;
    if (is_dropped(reading, record)) {
        table->records++;
        return LS_OK;
    }
    enum ls_status status = find_row(reading, record, &row, error);
    for (int i = 0; i < record->count && status == LS_OK; i++) {
        const int c = reading->file->columns[i];
        if (ls_csv_is_read(table, c))
            status = ls_csv_parse(
                &(struct ls_csv_spot){table, reading->file->path, &record->fields[i], c},
                ls_csv_cell(table, row, c), error);
        else if (c >= 0 && table->schema.columns[c].role == LS_ROLE_ID)
            status = keep_id(reading, &record->fields[i], c, row, error);
        else if (c >= 0 && table->schema.columns[c].role == LS_ROLE_TEXT)
            status = keep_text(reading, &record->fields[i], c, row, error);
    }
    table->records += !reading->file->targets;
    return status;
}

static enum ls_status read_record(void *context, const struct ls_csv_record *record,
                                  struct ls_error *error) {
    struct reading *reading = context;
    if (!reading->records++ && !reading->table->import->no_header)
        return LS_OK;
    if (record->count != reading->file->field_count)
        return wrong_count(reading, record, error);
    if (is_empty(record)) {
        reading->table->empty_records++;
        return LS_OK;
    }
    return add_row(reading, record, error);
}

static enum ls_status walk(struct ls_csv_table *table, struct ls_csv_file *file, bool first,
                           struct ls_error *error) {
    struct reading reading = {.table = table, .file = file};
    const struct ls_csv csv = {
        .path = file->path,
        .text = file->text,
        .bytes = file->bytes,
        .separator = table->import->separator[0],
        .skip_lines = table->import->skip_lines,
        .records_max = first && table->learned,
        .checked = !first,
        .record = first ? look : read_record,
        .context = &reading,
    };
    return ls_csv_walk(&csv, error);
}

/* Numbers of words as they were seen become their places among the sorted; behind those stand a
 * missing and an unknown one. */
static void settle_words(struct ls_csv_table *table, int c) {
    struct ls_schema_column *column = &table->schema.columns[c];
    struct ls_csv_words *words = &table->words[c];
    int *places = ls_csv_words_sort(words);
    column->words = words->sorted;
    column->word_count = words->count;
    *words = (struct ls_csv_words){0};
    const int missing = column->word_count;
    for (uint64_t row = 0; row < table->rows; row++) {
        double *value = ls_csv_cell(table, row, c);
        column->has_missing = column->has_missing || isnan(*value);
        *value = isnan(*value) ? missing : places[(int)*value];
    }
    free(places);
    column->has_unknown =
        column->role == LS_ROLE_INPUT && table->import->unknown == LS_UNKNOWN_CATEGORY;
    column->words = ls_realloc(column->words, (size_t)column->word_count + 2, sizeof(char *));
    if (column->has_missing)
        column->words[column->word_count++] = ls_strdup("missing");
    if (column->has_unknown)
        column->words[column->word_count++] = ls_strdup("unknown");
    if (table->rows >= 20 && 2 * (uint64_t)missing > table->rows)
        ls_log(LS_LOG_INFO,
               "%s: column '%s' has %d different words in %llu rows: --drop or --id, if they are "
               "names of rows",
               table->files[0].path, column->name, missing, (unsigned long long)table->rows);
}

static enum ls_status open_files(struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    enum ls_status status = LS_OK;
    for (int f = 0; f < import->file_count; f++)
        table->files[table->file_count++].path = import->files[f];
    if (import->target_file[0] && !import->no_targets)
        table->files[table->file_count++] =
            (struct ls_csv_file){.path = import->target_file, .targets = true};
    for (int f = 0; f < table->file_count && status == LS_OK; f++)
        status = ls_stream_read_all(table->files[f].path, LS_IMPORT_BYTES_MAX,
                                    &table->files[f].text, &table->files[f].bytes, error);
    return status;
}

static enum ls_status learn_or_load(struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    bool found = false;
    enum ls_status status = LS_OK;
    if (import->schema) {
        status = ls_schema_parse(&table->schema, import->schema, "the training data", error);
        found = true;
    } else if (import->like[0]) {
        status = ls_schema_load(&table->schema, import->like, &found, error);
        if (status == LS_OK && !found)
            status = ls_fail(error, LS_INVALID, "--like: %s is no table that was imported",
                             import->like);
    }
    table->learned = found;
    return status == LS_OK && found ? ls_csv_columns_check(table, error) : status;
}

static enum ls_status read_rows(struct ls_csv_table *table, struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int f = 0; f < table->file_count && status == LS_OK; f++) {
        struct ls_csv_file *file = &table->files[f];
        status = walk(table, file, false, error);
        if (status == LS_OK && file->targets && file->row != table->rows)
            status = ls_fail(error, LS_INVALID, "%s: %llu rows, but %s has %llu", file->path,
                             (unsigned long long)file->row, table->files[0].path,
                             (unsigned long long)table->rows);
    }
    if (table->empty_records)
        ls_log(LS_LOG_INFO, "%s: %llu lines with nothing but separators were left out",
               table->files[0].path, (unsigned long long)table->empty_records);
    if (status == LS_OK && table->rows && table->records > table->rows)
        ls_log(LS_LOG_INFO, "%s: %llu of %llu rows have missing values and were left out",
               table->files[0].path, (unsigned long long)(table->records - table->rows),
               (unsigned long long)table->records);
    if (status == LS_OK && !table->rows)
        status = ls_fail(error, LS_INVALID, "%s: no rows of data in it%s", table->files[0].path,
                         table->records ? " (rows with missing values were dropped)" : "");
    return status;
}

enum ls_status ls_csv_table_read(struct ls_csv_table *table, const struct ls_import *import,
                                 struct ls_error *error) {
    *table = (struct ls_csv_table){.import = import};
    enum ls_status status = open_files(table, error);
    if (status == LS_OK)
        status = learn_or_load(table, error);
    for (int f = 0; f < table->file_count && status == LS_OK; f++) {
        status = walk(table, &table->files[f], true, error);
        if (status == LS_OK && !table->files[f].field_count)
            status = ls_fail(error, LS_INVALID, "%s: no rows of data in it", table->files[f].path);
    }
    if (status == LS_OK && !table->learned)
        status = ls_csv_columns_settle(table, error);
    if (status == LS_OK)
        status = read_rows(table, error);
    for (int c = 0; c < table->schema.count && status == LS_OK && !table->learned; c++)
        if (table->schema.columns[c].kind == LS_CELL_CATEGORY && ls_csv_is_read(table, c))
            settle_words(table, c);
    if (status != LS_OK)
        ls_csv_table_clear(table);
    return status;
}

void ls_csv_table_clear(struct ls_csv_table *table) {
    for (int c = 0; c < table->schema.count && table->words; c++)
        ls_csv_words_clear(&table->words[c]);
    for (int f = 0; f < table->file_count; f++) {
        free(table->files[f].text);
        free(table->files[f].columns);
    }
    for (uint64_t row = 0; row < table->rows && table->ids; row++) {
        free(table->ids[row]);
        free(table->texts[row]);
    }
    ls_schema_clear(&table->schema);
    free(table->words);
    free(table->tallies);
    free(table->nameless);
    free(table->values);
    free(table->ids);
    free(table->texts);
    free(table->numbers);
    *table = (struct ls_csv_table){0};
}
