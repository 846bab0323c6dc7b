/* What each column is for, as the options of an import say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/csv_table.h"

static enum ls_status no_column(const struct ls_csv_table *table, const char *option,
                                const char *text, struct ls_error *error) {
    const struct ls_schema *schema = &table->schema;
    const char **names = ls_calloc((size_t)schema->count, sizeof *names);
    for (int i = 0; i < schema->count; i++)
        names[i] = schema->columns[i].name;
    const char *nearest = schema->header ? ls_nearest(text, names, schema->count) : NULL;
    char expected[512];
    snprintf(expected, sizeof expected,
             "%s: there is no column '%.200s'%s; expected %s1 to %d%s%.80s%s", option, text,
             table->learned ? " in the training data" : "", schema->header ? "a name or " : "",
             schema->count, nearest ? "; did you mean '" : "", nearest ? nearest : "",
             nearest ? "'?" : "");
    free(names);
    if (table->learned) /* no file was looked at yet */
        return ls_fail(error, LS_INVALID, "%s", expected);
    return ls_csv_fail(error, table->files[0].path, table->place, "%s", expected);
}

enum ls_status ls_csv_each_listed(const struct ls_csv_table *table, const char *option,
                                  const char *columns, const struct ls_csv_visit *visit,
                                  struct ls_error *error) {
    struct ls_schema_column *all = table->schema.columns;
    char list[LS_TEXT_MAX], *rest = NULL;
    snprintf(list, sizeof list, "%s", columns);
    const int only =
        list[0] ? ls_csv_find_column(&table->schema, list) : -1; /* its name may hold a comma */
    if (only >= 0)
        return visit->function(visit->context, &all[only], error);
    enum ls_status status = LS_OK;
    for (char *name = strtok_r(list, ",", &rest); name && status == LS_OK;
         name = strtok_r(NULL, ",", &rest)) {
        const int column = ls_csv_find_column(&table->schema, name);
        status = column < 0 ? no_column(table, option, name, error)
                            : visit->function(visit->context, &all[column], error);
    }
    return status;
}

typedef void mark(struct ls_schema_column *column);
struct marking {
    mark *with;
};

static enum ls_status mark_one(void *context, struct ls_schema_column *column,
                               struct ls_error *error) {
    const struct marking *marking = context;
    (void)error;
    marking->with(column);
    return LS_OK;
}

static enum ls_status mark_columns(const struct ls_csv_table *table, const char *option,
                                   const char *columns, mark *with, struct ls_error *error) {
    struct marking marking = {with};
    return ls_csv_each_listed(table, option, columns, &(struct ls_csv_visit){mark_one, &marking},
                              error);
}

static void mark_dropped(struct ls_schema_column *column) {
    column->role = LS_ROLE_DROPPED;
}
static void mark_input(struct ls_schema_column *column) {
    column->role = LS_ROLE_INPUT;
}
static void mark_target(struct ls_schema_column *column) {
    column->role = LS_ROLE_TARGET;
}
static void mark_id(struct ls_schema_column *column) {
    column->role = LS_ROLE_ID;
}
static void mark_text(struct ls_schema_column *column) {
    column->role = LS_ROLE_TEXT;
}
static void mark_category(struct ls_schema_column *column) {
    column->kind = LS_CELL_CATEGORY;
}
static void mark_date(struct ls_schema_column *column) {
    column->kind = LS_CELL_DATE;
}

/* The columns to predict: the last that is an input, unless others are named. dropped: by --drop.
 */
static enum ls_status settle_targets(const struct ls_csv_table *table, const bool *dropped,
                                     struct ls_error *error) {
    const struct ls_import *import = table->import;
    const struct ls_schema *schema = &table->schema;
    if (import->series || import->target_file[0] || !strcmp(import->target, "none"))
        return LS_OK;
    int last = schema->count - 1;
    while (last > 0 && schema->columns[last].role != LS_ROLE_INPUT)
        last--;
    enum ls_status status = LS_OK;
    if (import->target[0])
        status = mark_columns(table, "--target", import->target, mark_target, error);
    else
        mark_target(&schema->columns[last]);
    for (int i = 0; i < schema->count && status == LS_OK; i++)
        if (schema->columns[i].role == LS_ROLE_TARGET && dropped[i])
            status =
                ls_csv_fail(error, table->files[0].path, table->place,
                            import->target[0] ? "--drop leaves out '%s', which --target names"
                                              : "--drop leaves no column, not even '%s' to predict",
                            schema->columns[i].name);
    if (status == LS_OK && schema->count == 1)
        status =
            ls_csv_fail(error, table->files[0].path, table->place,
                        "expected inputs and a target, found one column (--target none: no target; "
                        "--separator: what stands between fields)");
    return status;
}

/* --categorical auto: columns of words are categories; numbers with an odd cell among them are not.
 */
static enum ls_status settle_kind(const struct ls_csv_table *table, int i, struct ls_error *error) {
    struct ls_schema_column *column = &table->schema.columns[i];
    const struct ls_csv_tally *tally = &table->tallies[i];
    if (column->role > LS_ROLE_TARGET || column->kind)
        return LS_OK;
    if (tally->words && tally->commas == tally->words)
        return ls_csv_fail(error, tally->odd_path, tally->odd,
                           "column '%s': '%s' looks like a number with a decimal comma; say "
                           "--decimal ,",
                           column->name, tally->odd_text);
    if (tally->words && tally->numbers > tally->words)
        return ls_csv_fail(error, tally->odd_path, tally->odd,
                           "column '%s' holds %llu numbers, but here '%s'; mend the cell, or say "
                           "--categorical %s if all of them are words",
                           column->name, (unsigned long long)tally->numbers, tally->odd_text,
                           column->name);
    if (tally->words || (tally->placeholders && !tally->numbers))
        column->kind = LS_CELL_CATEGORY;
    return LS_OK;
}

/* Columns without a name and without a value, as some programs write behind the last one. */
static void drop_empty(struct ls_csv_table *table) {
    for (int i = 0; i < table->schema.count; i++) {
        const struct ls_csv_tally *tally = &table->tallies[i];
        if (!table->nameless[i] || tally->numbers || tally->words || tally->placeholders)
            continue;
        ls_log(LS_LOG_INFO, "%s: field %d has neither name nor values: left out",
               table->files[0].path, i + 1);
        table->schema.columns[i].role = LS_ROLE_DROPPED;
    }
}

/* Which columns are used, and as what. */
static enum ls_status settle_roles(struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    struct ls_schema *schema = &table->schema;
    bool *dropped = ls_calloc((size_t)schema->count, sizeof *dropped);
    enum ls_status status = LS_OK;
    drop_empty(table);
    for (int i = 0; i < schema->count && import->columns[0]; i++)
        if (schema->columns[i].role == LS_ROLE_INPUT)
            mark_dropped(&schema->columns[i]);
    if (import->columns[0])
        status = mark_columns(table, "--columns", import->columns, mark_input, error);
    for (int i = 0; i < schema->count; i++)
        dropped[i] = schema->columns[i].role != LS_ROLE_DROPPED;
    if (status == LS_OK)
        status = mark_columns(table, "--drop", import->drop, mark_dropped, error);
    for (int i = 0; i < schema->count; i++)
        dropped[i] = dropped[i] && schema->columns[i].role == LS_ROLE_DROPPED;
    if (status == LS_OK)
        status = mark_columns(table, "--id", import->id, mark_id, error);
    if (status == LS_OK)
        status = mark_columns(table, "--text", import->text, mark_text, error);
    if (status == LS_OK)
        status = settle_targets(table, dropped, error);
    for (int i = 0; i < schema->count && status == LS_OK; i++) {
        const int role = schema->columns[i].role;
        if (dropped[i] && (role == LS_ROLE_TEXT || role == LS_ROLE_ID))
            status = ls_csv_fail(error, table->files[0].path, table->place,
                                 "--drop leaves out '%s', which --%s names",
                                 schema->columns[i].name, role == LS_ROLE_ID ? "id" : "text");
    }
    free(dropped);
    if (status == LS_OK && import->id[0] && !ls_schema_role(schema, LS_ROLE_ID))
        status = ls_csv_fail(error, table->files[0].path, table->place,
                             "--id: expected one column that is no target, found '%s'", import->id);
    if (status == LS_OK && import->text[0] && !ls_schema_role(schema, LS_ROLE_TEXT))
        status =
            ls_csv_fail(error, table->files[0].path, table->place,
                        "--text: expected one column that is no target, found '%s'", import->text);
    return status;
}

enum ls_status ls_csv_columns_settle(struct ls_csv_table *table, struct ls_error *error) {
    const struct ls_import *import = table->import;
    struct ls_schema *schema = &table->schema;
    schema->missing = import->missing_rule;
    schema->missing_value = import->missing_value;
    schema->encoding = import->encoding;
    schema->date_rule = import->date_rule;
    enum ls_status status = settle_roles(table, error);
    if (status == LS_OK)
        status = mark_columns(table, "--dates", import->dates, mark_date, error);
    const bool automatic = !strcmp(import->categorical, "auto");
    if (status == LS_OK && !automatic)
        status = mark_columns(table, "--categorical", import->categorical, mark_category, error);
    for (int i = 0; i < schema->count && status == LS_OK && automatic; i++)
        status = settle_kind(table, i, error);
    return status;
}
