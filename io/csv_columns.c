/* Which field of a file is which column of the table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/csv_table.h"

int ls_csv_find_column(const struct ls_schema *schema, const char *text) {
    const int named = ls_schema_find(schema, text);
    char *end;
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (named >= 0 || end == text || *end || errno || number == 0 || number > schema->count ||
        number < -schema->count)
        return named;
    return (int)(number > 0 ? number - 1 : schema->count + number);
}

/* --rename OLD=NEW,...: names of this file's fields, OLD by name or number. */
static enum ls_status rename_fields(const struct ls_csv_table *table, struct ls_schema *fields,
                                    struct ls_error *error) {
    char list[LS_TEXT_MAX], *rest = NULL;
    snprintf(list, sizeof list, "%s", table->import->rename);
    for (char *pair = strtok_r(list, ",", &rest); pair; pair = strtok_r(NULL, ",", &rest)) {
        char *sign = strchr(pair, '=');
        if (!sign || sign == pair || !sign[1])
            return ls_fail(error, LS_INVALID, "--rename: expected OLD=NEW, found '%s'", pair);
        *sign = '\0';
        const int column = ls_csv_find_column(fields, pair);
        if (column < 0)
            return ls_csv_fail(error, table->files[0].path, table->place,
                               "--rename: there is no column '%s'", pair);
        free(fields->columns[column].name);
        fields->columns[column].name = ls_strdup(sign + 1);
    }
    return LS_OK;
}

static enum ls_status check_names(const struct ls_csv_file *file, const struct ls_schema *fields,
                                  const struct ls_csv_record *record, struct ls_error *error) {
    for (int i = 0; i < fields->count; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(fields->columns[i].name, fields->columns[k].name))
                return ls_csv_fail(error, file->path, record->fields[i].place,
                                   "two columns are called '%s', fields %d and %d; "
                                   "--rename %d=NAME calls one of them otherwise",
                                   fields->columns[i].name, k + 1, i + 1, i + 1);
    return LS_OK;
}

/* Names that are numbers are most likely the first row of a table without names. */
static enum ls_status check_header(const struct ls_csv_table *table, const struct ls_csv_file *file,
                                   const struct ls_csv_record *record, struct ls_error *error) {
    double value;
    for (int i = 0; i < record->count && !table->import->header_given; i++)
        if (ls_csv_number(record->fields[i].text, table->import->decimal[0], &value))
            return ls_csv_fail(error, file->path, record->fields[i].place,
                               "the first line should hold the names of columns, but '%.40s' is a "
                               "number; say --no-header if it is a row of data, "
                               "--skip-lines 1 if it is neither, or --no-header=false if numbers "
                               "are names",
                               record->fields[i].text);
    return LS_OK;
}

/* The fields of a record as columns of a schema of their own: their names. */
static enum ls_status name_fields(const struct ls_csv_table *table, const struct ls_csv_file *file,
                                  const struct ls_csv_record *record, struct ls_schema *fields,
                                  struct ls_error *error) {
    ls_schema_create(fields, record->count);
    fields->header = !table->import->no_header;
    for (int i = 0; i < record->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%d", file->targets ? "target" : "column", i + 1);
        const char *own = fields->header ? record->fields[i].text : "";
        fields->columns[i].name = ls_strdup(own[0] ? own : name);
    }
    enum ls_status status = LS_OK;
    if (fields->header && !(table->learned && table->schema.header))
        status = check_header(table, file, record, error);
    if (status == LS_OK)
        status = rename_fields(table, fields, error);
    if (status == LS_OK)
        status = check_names(file, fields, record, error);
    if (status != LS_OK)
        ls_schema_clear(fields);
    return status;
}

/* Takes the fields over as columns of the table. */
static enum ls_status add_columns(struct ls_csv_table *table, struct ls_csv_file *file,
                                  struct ls_schema *fields, const struct ls_csv_record *record,
                                  struct ls_error *error) {
    struct ls_schema *schema = &table->schema;
    const int before = schema->count, count = before + fields->count;
    for (int i = 0; i < fields->count; i++)
        if (ls_schema_find(schema, fields->columns[i].name) >= 0)
            return ls_csv_fail(error, file->path, record->fields[i].place,
                               "%s has a column called '%s', too", table->files[0].path,
                               fields->columns[i].name);
    schema->columns = ls_realloc(schema->columns, (size_t)count, sizeof *schema->columns);
    table->words = ls_realloc(table->words, (size_t)count, sizeof *table->words);
    table->tallies = ls_realloc(table->tallies, (size_t)count, sizeof *table->tallies);
    table->nameless = ls_realloc(table->nameless, (size_t)count, sizeof *table->nameless);
    for (int i = 0; i < fields->count; i++) {
        schema->columns[before + i] = fields->columns[i];
        schema->columns[before + i].role = file->targets ? LS_ROLE_TARGET : LS_ROLE_INPUT;
        table->words[before + i] = (struct ls_csv_words){0};
        table->tallies[before + i] = (struct ls_csv_tally){0};
        table->nameless[before + i] = fields->header && !record->fields[i].text[0];
        fields->columns[i] = (struct ls_schema_column){0};
        file->columns[i] = before + i;
    }
    schema->header = fields->header;
    schema->count = count;
    return LS_OK;
}

/* Whether a column of the table is to be found in the file. */
static bool is_of(const struct ls_csv_table *table, const struct ls_csv_file *file, int column) {
    const bool apart = table->import->target_file[0] != '\0';
    return !apart || (table->schema.columns[column].role == LS_ROLE_TARGET) == file->targets;
}

/* A column that the file may do without. */
static bool may_miss(const struct ls_csv_table *table, int column) {
    const int role = table->schema.columns[column].role;
    return table->learned && (role == LS_ROLE_DROPPED || role == LS_ROLE_ID ||
                              (role == LS_ROLE_TARGET && table->import->no_targets));
}

bool ls_csv_lists(const char *columns, const char *name) {
    char list[LS_TEXT_MAX], *rest = NULL;
    snprintf(list, sizeof list, "%s", columns);
    for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
        if (!strcmp(one, name))
            return true;
    return !strcmp(columns, name);
}

static enum ls_status extra_column(const struct ls_csv_table *table, const char *path,
                                   struct ls_csv_place place, const char *name,
                                   struct ls_error *error) {
    const struct ls_schema *schema = &table->schema;
    const char **names = ls_calloc((size_t)schema->count, sizeof *names);
    for (int c = 0; c < schema->count; c++)
        names[c] = schema->columns[c].name;
    const char *nearest = ls_nearest(name, names, schema->count);
    free(names);
    const char *of = table->learned ? "the training data" : table->files[0].path;
    return nearest ? ls_csv_fail(error, path, place,
                                 "there is no column '%s' in %s; --rename %s=%s, if that is meant, "
                                 "or --drop %s leaves it out",
                                 name, of, name, nearest, name)
                   : ls_csv_fail(error, path, place,
                                 "there is no column '%s' in %s; --drop %s leaves it out", name, of,
                                 name);
}

static enum ls_status match_names(const struct ls_csv_table *table, struct ls_csv_file *file,
                                  const struct ls_schema *fields,
                                  const struct ls_csv_record *record, struct ls_error *error) {
    const char *of = table->learned ? "the training data" : table->files[0].path;
    for (int i = 0; i < fields->count; i++) {
        const char *name = fields->columns[i].name;
        const int column = ls_schema_find(&table->schema, name);
        file->columns[i] = column >= 0 && is_of(table, file, column) ? column : -1;
        if (fields->count == 1 && table->schema.count > 1 && column < 0)
            return ls_csv_fail(
                error, file->path, record->fields[0].place,
                "one column, called '%.200s', where %s has %d; --separator says what "
                "stands between fields",
                name, of, table->schema.count);
        if (file->columns[i] < 0 && !ls_csv_lists(table->import->drop, name))
            return extra_column(table, file->path, record->fields[i].place, name, error);
    }
    for (int c = 0; c < table->schema.count; c++) {
        bool found = !is_of(table, file, c) || may_miss(table, c);
        for (int i = 0; i < fields->count && !found; i++)
            found = file->columns[i] == c;
        if (!found)
            return ls_csv_fail(error, file->path, record->fields[0].place,
                               "the column '%s' of %s is missing", table->schema.columns[c].name,
                               of);
    }
    return LS_OK;
}

/* Without names on either side the fields are all columns in order, or all but the targets. */
static enum ls_status match_places(const struct ls_csv_table *table, struct ls_csv_file *file,
                                   const struct ls_csv_record *record, struct ls_error *error) {
    int all = 0, inputs = 0, next = 0;
    for (int c = 0; c < table->schema.count; c++) {
        all += is_of(table, file, c);
        inputs += is_of(table, file, c) && table->schema.columns[c].role != LS_ROLE_TARGET;
    }
    const bool fewer = table->import->no_targets && record->count == inputs;
    if (record->count != all && !fewer)
        return ls_csv_fail(
            error, file->path, record->fields[0].place, "expected %d columns, as %s has, found %d",
            all, table->learned ? "the training data" : table->files[0].path, record->count);
    for (int c = 0; c < table->schema.count; c++)
        if (is_of(table, file, c) && !(fewer && table->schema.columns[c].role == LS_ROLE_TARGET))
            file->columns[next++] = c;
    return LS_OK;
}

enum ls_status ls_csv_columns_add(struct ls_csv_table *table, struct ls_csv_file *file,
                                  const struct ls_csv_record *record, struct ls_error *error) {
    struct ls_schema fields;
    if (file == &table->files[0])
        table->place = record->fields[0].place;
    file->field_count = record->count;
    file->columns = ls_calloc((size_t)record->count, sizeof *file->columns);
    enum ls_status status = name_fields(table, file, record, &fields, error);
    if (status != LS_OK)
        return status;
    const bool first = file == &table->files[0] || file->targets;
    if (!table->learned && first)
        status = add_columns(table, file, &fields, record, error);
    else if (fields.header && table->schema.header)
        status = match_names(table, file, &fields, record, error);
    else
        status = match_places(table, file, record, error);
    ls_schema_clear(&fields);
    return status;
}
