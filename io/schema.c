#include "io/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/csv_words.h"

const char *const ls_role_names[] = {"input", "target", "id", "dropped", "text", NULL};
const char *const ls_cell_names[] = {"number", "category", "date", NULL};
const char *const ls_encoding_names[] = {"ordinal", "one-hot", "feed", NULL};
const char *const ls_unknown_names[] = {"error", "category", NULL};
const char *const ls_missing_names[] = {"error", "drop", "mean", "median", "value", NULL};
const char *const ls_date_rules[] = {"days", "hour", "weekday", "day-of-year", "year", NULL};

void ls_schema_create(struct ls_schema *schema, int count) {
    *schema = (struct ls_schema){.count = count,
                                 .columns = ls_calloc((size_t)count, sizeof *schema->columns)};
    for (int i = 0; i < count; i++)
        schema->columns[i].fill = (double)NAN;
}

void ls_schema_free_names(char **names, int count) {
    for (int i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void ls_schema_clear(struct ls_schema *schema) {
    for (int i = 0; i < schema->count; i++) {
        free(schema->columns[i].name);
        ls_schema_free_names(schema->columns[i].words, schema->columns[i].word_count);
    }
    free(schema->columns);
    *schema = (struct ls_schema){0};
}

int ls_schema_find(const struct ls_schema *schema, const char *name) {
    for (int i = 0; i < schema->count; i++)
        if (!strcmp(schema->columns[i].name, name))
            return i;
    return -1;
}

int ls_schema_word(const struct ls_schema_column *column, const char *word) {
    return ls_csv_words_find((const char *const *)column->words,
                             column->word_count - column->has_missing - column->has_unknown, word);
}

static char *join(const char *name, const char *word) {
    char *text;
    LS_ASSERT(asprintf(&text, "%s=%s", name, word) >= 0, "out of memory: %s", name);
    return text;
}

int ls_schema_width(const struct ls_schema *schema, int i) {
    const struct ls_schema_column *column = &schema->columns[i];
    if (column->role != LS_ROLE_INPUT)
        return 0;
    if (column->kind != LS_CELL_CATEGORY || schema->encoding == LS_ENCODING_ORDINAL)
        return 1;
    return schema->encoding == LS_ENCODING_ONE_HOT ? column->word_count : 0;
}

int ls_schema_inputs(const struct ls_schema *schema, char ***names, double **fills) {
    int room = 0, count = 0;
    for (int i = 0; i < schema->count; i++)
        room += 1 + schema->columns[i].word_count;
    *names = ls_calloc((size_t)room, sizeof **names);
    if (fills)
        *fills = ls_calloc((size_t)room, sizeof **fills);
    for (int i = 0; i < schema->count; i++) {
        const struct ls_schema_column *column = &schema->columns[i];
        const bool spread =
            column->kind == LS_CELL_CATEGORY && schema->encoding == LS_ENCODING_ONE_HOT;
        for (int w = 0; w < ls_schema_width(schema, i); w++) {
            if (fills)
                (*fills)[count] = column->fill;
            (*names)[count++] =
                spread ? join(column->name, column->words[w]) : ls_strdup(column->name);
        }
    }
    return count;
}

const struct ls_schema_column *ls_schema_role(const struct ls_schema *schema, int role) {
    const struct ls_schema_column *only = NULL;
    for (int i = 0; i < schema->count; i++) {
        if (schema->columns[i].role != role)
            continue;
        if (only)
            return NULL;
        only = &schema->columns[i];
    }
    return only;
}

const struct ls_schema_column *ls_schema_classes(const struct ls_schema *schema) {
    const struct ls_schema_column *target = ls_schema_role(schema, LS_ROLE_TARGET);
    return target && target->kind == LS_CELL_CATEGORY ? target : NULL;
}

static enum ls_status compare_words(const struct ls_schema_column *expected,
                                    const struct ls_schema_column *found, struct ls_error *error) {
    for (int i = 0; i < expected->word_count || i < found->word_count; i++) {
        const char *a = i < expected->word_count ? expected->words[i] : NULL;
        const char *b = i < found->word_count ? found->words[i] : NULL;
        if (!a || !b || ls_csv_word_compare(a, b))
            return ls_fail(error, LS_INVALID,
                           "category %d of column '%s' is %s%s%s, expected %s%s%s", i,
                           expected->name, b ? "'" : "", b ? b : "none", b ? "'" : "", a ? "'" : "",
                           a ? a : "none", a ? "'" : "");
    }
    return LS_OK;
}

/* The columns of a role, in order. */
static enum ls_status compare_role(const struct ls_schema *expected, const struct ls_schema *found,
                                   int role, struct ls_error *error) {
    for (int a = 0, b = 0;; a++, b++) {
        while (a < expected->count && expected->columns[a].role != role)
            a++;
        while (b < found->count && found->columns[b].role != role)
            b++;
        if (a == expected->count && b == found->count)
            return LS_OK;
        const struct ls_schema_column *x = a < expected->count ? &expected->columns[a] : NULL;
        const struct ls_schema_column *y = b < found->count ? &found->columns[b] : NULL;
        if (!x || !y)
            return ls_fail(error, LS_INVALID, "the column '%s' (%s) is %s", (x ? x : y)->name,
                           ls_role_names[role], x ? "missing" : "one too many");
        if (strcmp(x->name, y->name) != 0)
            return ls_fail(error, LS_INVALID, "the next column (%s) is '%s', expected '%s'",
                           ls_role_names[role], y->name, x->name);
        if (x->kind != y->kind)
            return ls_fail(error, LS_INVALID, "column '%s' is a %s, expected a %s", x->name,
                           ls_cell_names[y->kind], ls_cell_names[x->kind]);
        const enum ls_status status = compare_words(x, y, error);
        if (status != LS_OK)
            return status;
    }
}

enum ls_status ls_schema_compare(const struct ls_schema *expected, const struct ls_schema *found,
                                 bool targets, struct ls_error *error) {
    if (expected->encoding != found->encoding)
        return ls_fail(error, LS_INVALID, "categories are encoded as %s, expected %s",
                       ls_encoding_names[found->encoding], ls_encoding_names[expected->encoding]);
    if (expected->date_rule != found->date_rule)
        return ls_fail(error, LS_INVALID, "dates are numbers by the rule %s, expected %s",
                       ls_date_rules[found->date_rule], ls_date_rules[expected->date_rule]);
    enum ls_status status = compare_role(expected, found, LS_ROLE_INPUT, error);
    if (status == LS_OK)
        status = compare_role(expected, found, LS_ROLE_TEXT, error);
    return status == LS_OK && targets ? compare_role(expected, found, LS_ROLE_TARGET, error)
                                      : status;
}

static const char *missing_text(const struct ls_schema *schema) {
    static const char *const names[] = {"an error", "drops the row", "the mean", "the median",
                                        "a value"};
    return names[schema->missing];
}

void ls_schema_show(FILE *out, const struct ls_schema *schema) {
    fprintf(out, "columns (missing: %s; categories: %s)\n", missing_text(schema),
            ls_encoding_names[schema->encoding]);
    for (int i = 0; i < schema->count; i++) {
        const struct ls_schema_column *column = &schema->columns[i];
        fprintf(out, "  %-30s %-8s", column->name, ls_role_names[column->role]);
        if (column->role == LS_ROLE_INPUT || column->role == LS_ROLE_TARGET)
            fprintf(out, " %s", ls_cell_names[column->kind]);
        if (column->exact)
            fprintf(out, ", float64");
        if (!isnan(column->fill))
            fprintf(out, column->exact ? ", missing: %.17g" : ", missing: %.9g", column->fill);
        for (int w = 0; w < column->word_count; w++)
            fprintf(out, "%s%s", w ? ", " : ": ", column->words[w]);
        fprintf(out, "\n");
    }
}
