/* Options of a table that is read like other data: none may say something else than that taught. */
#include <stdio.h>
#include <string.h>

#include "io/csv_table.h"

/* What the training data must say of columns that an option lists. */
struct claim {
    const char *option;
    bool (*is)(const struct ls_schema_column *column);
    const char *called;
};

static enum ls_status check_claim(void *context, struct ls_schema_column *column,
                                  struct ls_error *error) {
    const struct claim *claim = context;
    const bool used = column->role == LS_ROLE_INPUT || column->role == LS_ROLE_TARGET;
    if (claim->is(column))
        return LS_OK;
    return ls_fail(error, LS_INVALID, "%s: column '%s' is no %s in the training data (%s%s%s)",
                   claim->option, column->name, claim->called, ls_role_names[column->role],
                   used ? ", a " : "", used ? ls_cell_names[column->kind] : "");
}

static bool is_target(const struct ls_schema_column *column) {
    return column->role == LS_ROLE_TARGET;
}

static bool is_id(const struct ls_schema_column *column) {
    return column->role == LS_ROLE_ID;
}

static bool is_text(const struct ls_schema_column *column) {
    return column->role == LS_ROLE_TEXT;
}

static bool is_used(const struct ls_schema_column *column) {
    return column->role != LS_ROLE_DROPPED;
}

static bool is_category(const struct ls_schema_column *column) {
    return column->kind == LS_CELL_CATEGORY;
}

static bool is_date(const struct ls_schema_column *column) {
    return column->kind == LS_CELL_DATE;
}

static enum ls_status check_claims(const struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    const bool targets = strcmp(import->target, "none") != 0;
    const bool listed = strcmp(import->categorical, "auto") != 0;
    const struct {
        struct claim claim;
        const char *columns;
    } claims[] = {{{"--target", is_target, "target"}, targets ? import->target : ""},
                  {{"--categorical", is_category, "category"}, listed ? import->categorical : ""},
                  {{"--dates", is_date, "date"}, import->dates},
                  {{"--id", is_id, "id"}, import->id},
                  {{"--text", is_text, "text"}, import->text},
                  {{"--columns", is_used, "used column"}, import->columns}};
    enum ls_status status = LS_OK;
    for (size_t i = 0; i < sizeof claims / sizeof *claims && status == LS_OK; i++) {
        struct claim claim = claims[i].claim;
        status = ls_csv_each_listed(table, claim.option, claims[i].columns,
                                    &(struct ls_csv_visit){check_claim, &claim}, error);
    }
    return status;
}

/* Whether an option's columns, by name or number, have that one among them. */
static bool lists(const struct ls_schema *schema, const char *columns, int column) {
    char list[LS_TEXT_MAX], *rest = NULL;
    snprintf(list, sizeof list, "%s", columns);
    bool found = columns[0] && ls_csv_find_column(schema, columns) == column;
    for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
        found = found || ls_csv_find_column(schema, one) == column;
    return found;
}

/* An option may leave out nothing that is read. */
static enum ls_status check_inputs(const struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    const struct ls_schema *schema = &table->schema;
    for (int c = 0; c < schema->count; c++) {
        const char *name = schema->columns[c].name;
        const int role = schema->columns[c].role;
        const bool used = ls_csv_is_read(table, c) || role == LS_ROLE_TEXT;
        if (used && lists(schema, import->drop, c))
            return ls_fail(error, LS_INVALID,
                           "--drop %.200s: column '%s' is %s of the training data", import->drop,
                           name, role == LS_ROLE_TARGET ? "a target" : "an input");
        if (role == LS_ROLE_INPUT && import->columns[0] && !lists(schema, import->columns, c))
            return ls_fail(error, LS_INVALID,
                           "--columns %.200s: column '%s' is an input of the training data, too",
                           import->columns, name);
    }
    return LS_OK;
}

static enum ls_status check_missing(const struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    const struct ls_schema *schema = &table->schema;
    const bool other_value = import->missing_rule == LS_MISSING_VALUE &&
                             (import->missing_value < schema->missing_value ||
                              import->missing_value > schema->missing_value);
    if (!import->missing[0] || import->missing_rule <= LS_MISSING_DROP ||
        (import->missing_rule == schema->missing && !other_value))
        return LS_OK;
    return ls_fail(
        error, LS_INVALID,
        "--missing %s: the training data says what missing cells become, and it was read "
        "with another rule (%s); leave it out, or say error or drop",
        import->missing, ls_missing_names[schema->missing]);
}

static enum ls_status check_rules(const struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    const struct ls_schema *schema = &table->schema;
    static const char learned[] = "the training data says what its columns mean";
    if (import->given_encoding && import->encoding != schema->encoding)
        return ls_fail(error, LS_INVALID, "--encoding %s: %s: %s",
                       ls_encoding_names[import->encoding], learned,
                       ls_encoding_names[schema->encoding]);
    if (import->given_date_rule && import->date_rule != schema->date_rule)
        return ls_fail(error, LS_INVALID, "--date-rule %s: %s: %s",
                       ls_date_rules[import->date_rule], learned, ls_date_rules[schema->date_rule]);
    bool unknown = import->unknown != LS_UNKNOWN_CATEGORY;
    for (int i = 0; i < schema->count && !unknown; i++)
        unknown = schema->columns[i].has_unknown;
    if (unknown)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "--unknown category: the training data has no such category; read it with "
                   "--unknown category and train again");
}

enum ls_status ls_csv_columns_check(const struct ls_csv_table *table, struct ls_error *error) {
    enum ls_status status = check_rules(table, error);
    if (status == LS_OK)
        status = check_missing(table, error);
    /* Numbers of a file that lacks its targets are not those of the training data. */
    if (status == LS_OK && (table->schema.header || !table->import->no_targets)) {
        status = check_claims(table, error);
        if (status == LS_OK)
            status = check_inputs(table, error);
    }
    return status;
}
