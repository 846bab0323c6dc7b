#include "io/csv_table.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/memory.h"
#include "io/csv.h"

struct reading {
    struct ls_csv_table *table;
    const struct ls_import *import;
    const char *path;
    bool detect;          /* a first walk that only looks for columns with words */
    bool header_expected; /* the next record is the header */
};

static bool is_missing(const char *text) {
    return !text[0] || strcmp(text, "?") == 0 || strcasecmp(text, "NA") == 0 ||
           strcasecmp(text, "NaN") == 0;
}

/* A column by name or by number (1-based, negative from the end); -1: there is none. */
static int find_column(const struct ls_csv_table *table, const char *text) {
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->columns[i].name, text) == 0)
            return i;
    char *end;
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (end == text || *end || errno || number == 0 || number > table->count ||
        number < -table->count)
        return -1;
    return (int)(number > 0 ? number - 1 : table->count + number);
}

static enum ls_status no_column(const struct reading *reading, const char *option, const char *text,
                                struct ls_csv_place place, struct ls_error *error) {
    const struct ls_csv_table *table = reading->table;
    const char **names = ls_calloc((size_t)table->count, sizeof *names);
    for (int i = 0; i < table->count; i++)
        names[i] = table->columns[i].name;
    const char *nearest =
        !reading->import->no_header ? ls_nearest(text, names, table->count) : NULL;
    const enum ls_status status = ls_csv_fail(
        error, reading->path, place, "%s: there is no column '%s'; expected %s1 to %d%s%s%s",
        option, text, !reading->import->no_header ? "a name or " : "", table->count,
        nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    free(names);
    return status;
}

/* Sets a flag of the columns that an option lists, separated by commas. */
static enum ls_status mark_columns(const struct reading *reading, const char *option,
                                   const char *columns, size_t flag, struct ls_csv_place place,
                                   struct ls_error *error) {
    char list[LS_TEXT_MAX], *rest = NULL;
    snprintf(list, sizeof list, "%s", columns);
    for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        const int column = find_column(reading->table, name);
        if (column < 0)
            return no_column(reading, option, name, place, error);
        *(bool *)((char *)&reading->table->columns[column] + flag) = true;
    }
    return LS_OK;
}

/* The column to predict: the last that is not dropped, unless another is named. */
static int default_target(const struct ls_csv_table *table) {
    int target = table->count - 1;
    while (target > 0 && table->columns[target].dropped)
        target--;
    return target;
}

/* The first record says how many columns there are, and what they are called. */
static enum ls_status set_up_columns(const struct reading *reading,
                                     const struct ls_csv_record *record, struct ls_error *error) {
    struct ls_csv_table *table = reading->table;
    const struct ls_import *import = reading->import;
    table->count = record->count;
    table->columns = ls_calloc((size_t)record->count, sizeof *table->columns);
    for (int i = 0; i < table->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "column%d", i + 1);
        table->columns[i].name = ls_strdup(!import->no_header ? record->fields[i].text : name);
    }
    const struct ls_csv_place place = record->fields[0].place;
    enum ls_status status = mark_columns(reading, "--drop", import->drop,
                                         offsetof(struct ls_csv_column, dropped), place, error);
    if (status != LS_OK)
        return status;
    const bool none = import->series || strcmp(import->target, "none") == 0;
    table->target = none ? -1 : default_target(table);
    if (!none && import->target[0])
        table->target = find_column(table, import->target);
    if (table->target < 0 && !none)
        return no_column(reading, "--target", import->target, place, error);
    if (table->target >= 0 && table->columns[table->target].dropped)
        return ls_csv_fail(error, reading->path, place,
                           import->target[0] ? "--drop leaves out '%s', which --target names"
                                             : "--drop leaves no column, not even '%s' to predict",
                           table->columns[table->target].name);
    if (table->target >= 0 && table->count == 1)
        return ls_csv_fail(
            error, reading->path, place,
            "expected inputs and a target, found one column (--target none: no target; "
            "--separator: what stands between fields)");
    if (strcmp(import->categorical, "auto") == 0)
        return LS_OK;
    return mark_columns(reading, "--categorical", import->categorical,
                        offsetof(struct ls_csv_column, categorical), place, error);
}

static enum ls_status missing_cell(const struct reading *reading,
                                   const struct ls_csv_record *record, int i,
                                   struct ls_error *error) {
    const struct ls_csv_column *column = &reading->table->columns[i];
    if (reading->import->missing == LS_MISSING_ERROR)
        return ls_csv_fail(error, reading->path, record->fields[i].place,
                           "no value in column '%s'; say --missing drop, mean or zero",
                           column->name);
    if (i == reading->table->target || column->categorical)
        return ls_csv_fail(error, reading->path, record->fields[i].place,
                           "no value in column '%s': a %s cannot be filled in; say --missing drop",
                           column->name, i == reading->table->target ? "target" : "category");
    return LS_OK;
}

static enum ls_status parse_cell(const struct reading *reading, const struct ls_csv_record *record,
                                 int i, double *value, struct ls_error *error) {
    struct ls_csv_column *column = &reading->table->columns[i];
    const char *text = record->fields[i].text;
    *value = column->dropped ? 0 : NAN;
    if (column->dropped)
        return LS_OK;
    if (is_missing(text))
        return missing_cell(reading, record, i, error);
    if (column->categorical) {
        *value = ls_csv_words_add(&column->words, text);
        return LS_OK;
    }
    const size_t line = strcspn(text, "\r\n");
    if (!ls_csv_number(text, value) || fabs(*value) > (double)FLT_MAX)
        return ls_csv_fail(
            error, reading->path, record->fields[i].place,
            "column '%s': expected a finite 32-bit number, found '%.*s' (words: --categorical %s)",
            column->name, line < 64 ? (int)line : 64, text, column->name);
    return LS_OK;
}

/* --categorical auto: a column with a word in it is categorical. */
static void detect_words(const struct reading *reading, const struct ls_csv_record *record) {
    double value;
    for (int i = 0; i < record->count; i++)
        if (!reading->table->columns[i].dropped && !is_missing(record->fields[i].text) &&
            !ls_csv_number(record->fields[i].text, &value))
            reading->table->columns[i].categorical = true;
}

static enum ls_status add_row(const struct reading *reading, const struct ls_csv_record *record,
                              struct ls_error *error) {
    struct ls_csv_table *table = reading->table;
    for (int i = 0; i < record->count && reading->import->missing == LS_MISSING_DROP; i++)
        if (!table->columns[i].dropped && is_missing(record->fields[i].text))
            return LS_OK;
    if (table->rows == table->room) {
        table->room = table->room ? 2 * table->room : 256;
        size_t values;
        LS_ASSERT(!__builtin_mul_overflow(table->room, (size_t)table->count, &values),
                  "%llu x %d cells", (unsigned long long)table->room, table->count);
        table->values = ls_realloc(table->values, values, sizeof *table->values);
    }
    double *row = table->values + table->rows * (uint64_t)table->count;
    for (int i = 0; i < record->count; i++) {
        const enum ls_status status = parse_cell(reading, record, i, &row[i], error);
        if (status != LS_OK)
            return status;
    }
    table->rows++;
    return LS_OK;
}

static enum ls_status take_record(void *context, const struct ls_csv_record *record,
                                  struct ls_error *error) {
    struct reading *reading = context;
    struct ls_csv_table *table = reading->table;
    if (!table->count) {
        const enum ls_status status = set_up_columns(reading, record, error);
        if (status != LS_OK)
            return status;
    }
    if (reading->header_expected) {
        reading->header_expected = false;
        return LS_OK;
    }
    if (record->count != table->count)
        return ls_csv_fail(error, reading->path,
                           record->count > table->count ? record->fields[table->count].place
                                                        : record->end,
                           "expected %d fields, found %d", table->count, record->count);
    if (!reading->detect)
        return add_row(reading, record, error);
    detect_words(reading, record);
    return LS_OK;
}

static enum ls_status walk(struct reading *reading, const char *text, uint64_t bytes, bool detect,
                           struct ls_error *error) {
    const struct ls_csv csv = {
        .path = reading->path,
        .text = text,
        .bytes = bytes,
        .separator = reading->import->separator[0],
        .skip_lines = reading->import->skip_lines,
        .record = take_record,
        .context = reading,
    };
    reading->detect = detect;
    reading->header_expected = !reading->import->no_header;
    return ls_csv_walk(&csv, error);
}

/* Numbers of words as they were seen become their places among the sorted. */
static void sort_words(struct ls_csv_table *table, int column) {
    int *places = ls_csv_words_sort(&table->columns[column].words);
    for (uint64_t row = 0; row < table->rows; row++) {
        double *value = &table->values[row * (uint64_t)table->count + (uint64_t)column];
        *value = places[(int)*value];
    }
    free(places);
}

enum ls_status ls_csv_table_read(struct ls_csv_table *table, const struct ls_import *import,
                                 struct ls_error *error) {
    *table = (struct ls_csv_table){0};
    struct reading reading = {.table = table, .import = import, .path = import->files[0]};
    char *text;
    uint64_t bytes;
    enum ls_status status =
        ls_stream_read_all(reading.path, LS_IMPORT_BYTES_MAX, &text, &bytes, error);
    if (status != LS_OK)
        return status;
    if (strcmp(import->categorical, "auto") == 0)
        status = walk(&reading, text, bytes, true, error);
    if (status == LS_OK)
        status = walk(&reading, text, bytes, false, error);
    free(text);
    if (status == LS_OK && !table->rows)
        status = ls_fail(
            error, LS_INVALID, "%s: no rows of data in it%s", reading.path,
            import->missing == LS_MISSING_DROP ? " (rows with missing values were dropped)" : "");
    for (int i = 0; i < table->count && status == LS_OK; i++)
        if (table->columns[i].categorical)
            sort_words(table, i);
    if (status != LS_OK)
        ls_csv_table_clear(table);
    return status;
}

void ls_csv_table_clear(struct ls_csv_table *table) {
    for (int i = 0; i < table->count; i++) {
        free(table->columns[i].name);
        ls_csv_words_clear(&table->columns[i].words);
    }
    free(table->columns);
    free(table->values);
    *table = (struct ls_csv_table){0};
}
