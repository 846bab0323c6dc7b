/* A schema as JSON: in an attribute of HDF5, in a run's file, in checkpoints. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/hdf5_support.h"
#include "io/schema.h"
#include "io/trial.h"

enum { FILE_BYTES_MAX = 1 << 30, COLUMNS_MAX = 1 << 20 };

/* -1: none of them. */
static int find(const char *const *names, const json_t *text) {
    for (int i = 0; json_is_string(text) && names[i]; i++)
        if (!strcmp(names[i], json_string_value(text)))
            return i;
    return -1;
}

static json_t *print_column(const struct ls_schema_column *column) {
    json_t *object = json_pack("{s:s s:s s:s}", "name", column->name, "role",
                               ls_role_names[column->role], "kind", ls_cell_names[column->kind]);
    LS_ASSERT(object, "a column that does not print: %s", column->name);
    if (!isnan(column->fill))
        json_object_set_new(object, "fill", json_real(column->fill));
    if (column->exact)
        json_object_set_new(object, "exact", json_true());
    if (column->kind != LS_CELL_CATEGORY)
        return object;
    json_t *words = json_array();
    for (int i = 0; i < column->word_count; i++)
        json_array_append_new(words, json_string(column->words[i]));
    json_object_set_new(object, "words", words);
    json_object_set_new(object, "has_missing", json_boolean(column->has_missing));
    json_object_set_new(object, "has_unknown", json_boolean(column->has_unknown));
    return object;
}

char *ls_schema_print(const struct ls_schema *schema) {
    json_t *columns = json_array();
    for (int i = 0; i < schema->count; i++)
        json_array_append_new(columns, print_column(&schema->columns[i]));
    json_t *object =
        json_pack("{s:b s:s s:f s:s s:s s:o}", "header", schema->header, "missing",
                  ls_missing_names[schema->missing], "missing_value", schema->missing_value,
                  "encoding", ls_encoding_names[schema->encoding], "date_rule",
                  ls_date_rules[schema->date_rule], "columns", columns);
    char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
    LS_ASSERT(text, "a schema of %d columns that does not print", schema->count);
    json_decref(object);
    return text;
}

static bool parse_words(struct ls_schema_column *column, const json_t *object) {
    const json_t *words = json_object_get(object, "words");
    const size_t count = json_array_size(words);
    column->has_missing = json_is_true(json_object_get(object, "has_missing"));
    column->has_unknown = json_is_true(json_object_get(object, "has_unknown"));
    bool good = count <= 1 << 30 && (int)count >= column->has_missing + column->has_unknown;
    column->words = ls_calloc(count, sizeof *column->words);
    for (size_t i = 0; i < count && good; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        good = word != NULL;
        if (good)
            column->words[column->word_count++] = ls_strdup(word);
    }
    return good;
}

static bool parse_column(struct ls_schema_column *column, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *fill = json_object_get(object, "fill");
    column->role = find(ls_role_names, json_object_get(object, "role"));
    column->kind = find(ls_cell_names, json_object_get(object, "kind"));
    column->name = ls_strdup(name ? name : "");
    column->exact = json_is_true(json_object_get(object, "exact"));
    if (fill)
        column->fill = json_number_value(fill);
    return name && column->role >= 0 && column->kind >= 0 && (!fill || json_is_number(fill)) &&
           (column->kind != LS_CELL_CATEGORY || parse_words(column, object));
}

static bool parse(struct ls_schema *schema, const json_t *object) {
    const json_t *columns = json_object_get(object, "columns");
    const size_t count = json_array_size(columns);
    if (count < 1 || count > COLUMNS_MAX)
        return false;
    ls_schema_create(schema, (int)count);
    schema->header = json_is_true(json_object_get(object, "header"));
    schema->missing = find(ls_missing_names, json_object_get(object, "missing"));
    schema->missing_value = json_number_value(json_object_get(object, "missing_value"));
    schema->encoding = find(ls_encoding_names, json_object_get(object, "encoding"));
    schema->date_rule = find(ls_date_rules, json_object_get(object, "date_rule"));
    bool good = schema->missing >= 0 && schema->encoding >= 0 && schema->date_rule >= 0;
    for (size_t i = 0; i < count && good; i++)
        good = parse_column(&schema->columns[i], json_array_get(columns, i));
    return good;
}

enum ls_status ls_schema_parse(struct ls_schema *schema, const char *text, const char *path,
                               struct ls_error *error) {
    json_error_t reason;
    *schema = (struct ls_schema){0};
    json_t *object = json_loads(text, 0, &reason);
    if (!object)
        return ls_fail(error, LS_INVALID, "%s:%d:%d: error: %s", path, reason.line, reason.column,
                       reason.text);
    const bool good = parse(schema, object);
    json_decref(object);
    if (good)
        return LS_OK;
    ls_schema_clear(schema);
    return ls_fail(error, LS_INVALID, "%s: its schema is none of lockstep's", path);
}

/* The text of the attribute, owned by the caller; NULL: there is none. */
static enum ls_status read_attribute(const char *path, char **text, struct ls_error *error) {
    hid_t file;
    *text = NULL;
    enum ls_status status = ls_hdf5_open_file(path, &file, error);
    if (status != LS_OK)
        return status;
    if (H5Aexists(file, "schema") > 0) {
        char **texts;
        int count;
        status = ls_hdf5_texts(file, "schema", &texts, &count, error);
        if (status == LS_OK)
            *text = ls_strdup(texts[0]);
        else
            ls_fail_context(error, "%s: ", path);
        ls_hdf5_free_texts(texts, count);
    }
    H5Fclose(file);
    return status;
}

static enum ls_status try_attribute(void *context, int part, struct ls_error *error) {
    char *text;
    (void)part;
    return read_attribute(context, &text, error);
}

enum ls_status ls_schema_load(struct ls_schema *schema, const char *path, bool *found,
                              struct ls_error *error) {
    char *text = NULL;
    const struct ls_trial trial = {
        .work = try_attribute, .context = (char *)(uintptr_t)path, .path = path};
    uint64_t count;
    *schema = (struct ls_schema){0};
    const bool json = ls_path_ends(path, ".json");
    enum ls_status status = json ? ls_file_read(path, FILE_BYTES_MAX, &text, &count, error)
                                 : ls_trial_run(&trial, error);
    if (status == LS_OK && !json)
        status = read_attribute(path, &text, error);
    *found = status == LS_OK && text;
    if (*found)
        status = ls_schema_parse(schema, text, path, error);
    free(text);
    return status;
}
