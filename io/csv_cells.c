/* Cells to numbers. */
#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "io/csv_table.h"

bool ls_csv_missing(const char *text) {
    return !text[0] || !strcmp(text, "?") || !strcasecmp(text, "NA") || !strcasecmp(text, "NaN");
}

bool ls_csv_placeholder(const char *text) {
    static const char *const texts[] = {"N/A",  "null", "none", "#N/A", "#N/A N/A", "#NA",
                                        "<NA>", "nil",  ".",    "-",    "--"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcasecmp(text, texts[i]))
            return true;
    return false;
}

bool ls_csv_decimal_comma(const char *text, char decimal) {
    double value;
    return decimal != ',' && strchr(text, ',') && ls_csv_number(text, ',', &value);
}

static enum ls_status no_value(const struct ls_csv_spot *spot, struct ls_error *error) {
    const struct ls_schema_column *column = &spot->table->schema.columns[spot->column];
    const char *path = spot->path;
    if (column->role == LS_ROLE_TARGET)
        return ls_csv_fail(error, path, spot->field->place,
                           "no value in column '%s': a target cannot be filled in; say --missing "
                           "drop",
                           column->name);
    if (spot->table->learned && column->kind == LS_CELL_CATEGORY)
        return ls_csv_fail(error, path, spot->field->place,
                           "no value in column '%s', which has one in each row of the training "
                           "data; say --missing drop",
                           column->name);
    return ls_csv_fail(
        error, path, spot->field->place,
        spot->table->learned
            ? "no value in column '%s', and the training data was read so that this is an error; "
              "say --missing drop"
            : "no value in column '%s'; say --missing drop, mean, median, zero or a number",
        column->name);
}

int ls_csv_missing_rule(const struct ls_csv_table *table) {
    return table->import->missing[0] ? table->import->missing_rule : table->schema.missing;
}

static enum ls_status parse_missing(const struct ls_csv_spot *spot, double *value,
                                    struct ls_error *error) {
    const struct ls_csv_table *table = spot->table;
    const struct ls_schema_column *column = &table->schema.columns[spot->column];
    *value = (double)NAN;
    if (ls_csv_missing_rule(table) == LS_MISSING_ERROR || column->role == LS_ROLE_TARGET)
        return no_value(spot, error);
    if (!table->learned || column->kind != LS_CELL_CATEGORY)
        return LS_OK;
    if (!column->has_missing && !column->has_unknown)
        return no_value(spot, error);
    *value = column->word_count - 1 - (column->has_missing && column->has_unknown);
    return LS_OK;
}

static enum ls_status parse_word(const struct ls_csv_spot *spot, double *value,
                                 struct ls_error *error) {
    struct ls_csv_table *table = spot->table;
    const struct ls_schema_column *column = &table->schema.columns[spot->column];
    if (!table->learned) {
        *value = ls_csv_words_add(&table->words[spot->column], spot->field->text);
        return LS_OK;
    }
    const int word = ls_schema_word(column, spot->field->text);
    *value = word >= 0 ? word : column->word_count - 1;
    if (word >= 0 || column->has_unknown)
        return LS_OK;
    return ls_csv_fail(error, spot->path, spot->field->place,
                       "column '%s': the training data has no word '%.64s'%s", column->name,
                       spot->field->text,
                       column->role == LS_ROLE_INPUT
                           ? "; trained with --unknown category, such words are one of their own"
                           : "");
}

static enum ls_status parse_number(const struct ls_csv_spot *spot, double *value,
                                   struct ls_error *error) {
    const struct ls_csv_table *table = spot->table;
    const struct ls_schema_column *column = &table->schema.columns[spot->column];
    const char decimal = table->import->decimal[0];
    const int shown = (int)strcspn(spot->field->text, "\r\n"), length = shown < 64 ? shown : 64;
    if (ls_csv_number(spot->field->text, decimal, value) && fabs(*value) <= (double)FLT_MAX)
        return LS_OK;
    if (ls_csv_decimal_comma(spot->field->text, decimal))
        return ls_csv_fail(error, spot->path, spot->field->place,
                           "column '%s': '%.*s' looks like a number with a decimal comma; say "
                           "--decimal ,",
                           column->name, length, spot->field->text);
    return ls_csv_fail(error, spot->path, spot->field->place,
                       "column '%s': expected a finite 32-bit number, found '%.*s'%s%s%s",
                       column->name, length, spot->field->text,
                       table->learned ? "" : " (words: --categorical ",
                       table->learned ? "" : column->name, table->learned ? "" : ")");
}

static enum ls_status parse_date(const struct ls_csv_spot *spot, double *value,
                                 struct ls_error *error) {
    const struct ls_schema *schema = &spot->table->schema;
    if (ls_csv_date(spot->field->text, (enum ls_date_rule)schema->date_rule, value))
        return LS_OK;
    return ls_csv_fail(error, spot->path, spot->field->place,
                       "column '%s': expected a date like 2024-02-29 or 2024-02-29T12:30:00Z, "
                       "found '%.64s'",
                       schema->columns[spot->column].name, spot->field->text);
}

bool ls_csv_is_missing(const struct ls_csv_table *table, int column, const char *text) {
    return ls_csv_missing(text) ||
           (table->schema.columns[column].kind != LS_CELL_CATEGORY && ls_csv_placeholder(text));
}

bool ls_csv_is_read(const struct ls_csv_table *table, int column) {
    if (column < 0)
        return false;
    const int role = table->schema.columns[column].role;
    return role == LS_ROLE_INPUT || (role == LS_ROLE_TARGET && !table->import->no_targets);
}

enum ls_status ls_csv_parse(const struct ls_csv_spot *spot, double *value, struct ls_error *error) {
    static enum ls_status (*const parsers[])(const struct ls_csv_spot *, double *,
                                             struct ls_error *) = {[LS_CELL_NUMBER] = parse_number,
                                                                   [LS_CELL_CATEGORY] = parse_word,
                                                                   [LS_CELL_DATE] = parse_date};
    const struct ls_csv_table *table = spot->table;
    if (ls_csv_is_missing(table, spot->column, spot->field->text))
        return parse_missing(spot, value, error);
    return parsers[table->schema.columns[spot->column].kind](spot, value, error);
}
