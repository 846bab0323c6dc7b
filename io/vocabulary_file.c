/* Vocabularies on disk: attributes of a column, and a run's JSON file. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/hdf5_support.h"
#include "io/trial.h"
#include "io/vocabulary.h"

enum { FILE_BYTES_MAX = 1 << 30 };

static int find_unit(const char *name) {
    for (int i = 0; name && ls_text_units[i]; i++)
        if (!strcmp(ls_text_units[i], name))
            return i;
    return -1;
}

/* With special tokens the first five are their names. */
static void finish(struct ls_vocabulary *vocabulary, int unit) {
    vocabulary->unit = unit;
    vocabulary->special =
        vocabulary->count > LS_TOKENS_SPECIAL && !strcmp(vocabulary->texts[0], "<padding>");
    ls_vocabulary_sort(vocabulary);
}

static enum ls_status load_attributes(struct ls_vocabulary *vocabulary, hid_t dataset,
                                      const char *path, const char *column,
                                      struct ls_error *error) {
    char **unit = NULL;
    int count = 0;
    enum ls_status status = ls_hdf5_texts(dataset, "unit", &unit, &count, error);
    const int kind = status == LS_OK && count == 1 ? find_unit(unit[0]) : -1;
    ls_hdf5_free_texts(unit, count);
    if (status == LS_OK && kind < 0)
        status = ls_fail(error, LS_INVALID, "its 'unit' is not char, byte, word or piece");
    if (status == LS_OK)
        status =
            ls_hdf5_texts(dataset, "vocabulary", &vocabulary->texts, &vocabulary->count, error);
    if (status == LS_OK && kind == LS_UNIT_BYTE && vocabulary->count != 256 &&
        vocabulary->count != 256 + LS_TOKENS_SPECIAL)
        status =
            ls_fail(error, LS_INVALID, "a vocabulary of bytes has %d tokens", vocabulary->count);
    if (status != LS_OK)
        return ls_fail_context(error, "%s: %s: ", path, column);
    vocabulary->lower = H5Aexists(dataset, "lower") > 0;
    finish(vocabulary, kind);
    return LS_OK;
}

static enum ls_status load_column(struct ls_vocabulary *vocabulary, const char *path,
                                  const char *column, bool *found, struct ls_error *error) {
    struct ls_hdf5_file file = {.path = path, .links = true}; /* the data set said what it allows */
    struct ls_hdf5_dataset dataset;
    enum ls_status status = ls_hdf5_open_file(path, &file.id, error);
    if (status != LS_OK)
        return status;
    status = ls_hdf5_open_dataset(&file, column, &dataset, error);
    if (status == LS_OK) {
        *found = H5Aexists(dataset.id, "vocabulary") > 0;
        if (*found)
            status = load_attributes(vocabulary, dataset.id, path, column, error);
        H5Dclose(dataset.id);
    }
    H5Fclose(file.id);
    return status;
}

struct wanted {
    const char *path, *column;
};

static enum ls_status try_load(void *context, int part, struct ls_error *error) {
    const struct wanted *wanted = context;
    struct ls_vocabulary vocabulary = {0};
    bool found = false;
    (void)part;
    return load_column(&vocabulary, wanted->path, wanted->column, &found, error);
}

enum ls_status ls_vocabulary_load(struct ls_vocabulary *vocabulary, const char *path,
                                  const char *column, bool *found, struct ls_error *error) {
    struct wanted wanted = {path, column};
    const struct ls_trial trial = {.work = try_load, .context = &wanted, .path = path};
    *vocabulary = (struct ls_vocabulary){0};
    *found = false;
    enum ls_status status = ls_trial_run(&trial, error);
    if (status == LS_OK)
        status = load_column(vocabulary, path, column, found, error);
    if (status != LS_OK)
        ls_vocabulary_clear(vocabulary);
    return status;
}

static json_t *print_vocabulary(const struct ls_vocabulary *vocabulary) {
    json_t *texts = json_array();
    for (int i = 0; i < vocabulary->count; i++)
        json_array_append_new(texts, json_string(vocabulary->texts[i]));
    json_t *object = json_pack("{s:s}", "unit", ls_text_units[vocabulary->unit]);
    if (vocabulary->lower)
        json_object_set_new(object, "lower", json_true());
    json_object_set_new(object, "tokens", texts);
    return object;
}

enum ls_status ls_vocabularies_save(const char *path, int count, const char *const *names,
                                    const struct ls_vocabulary *items, struct ls_error *error) {
    json_t *all = json_object();
    for (int i = 0; i < count; i++)
        json_object_set_new(all, names[i], print_vocabulary(&items[i]));
    char *text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    LS_ASSERT(text, "%d vocabularies that do not print", count);
    const size_t length = strlen(text);
    text[length] = '\n'; /* instead of the NUL */
    const enum ls_status status = ls_file_write(path, text, length + 1, error);
    free(text);
    return status;
}

static enum ls_status parse_vocabulary(struct ls_vocabulary *vocabulary, const json_t *object,
                                       const char *path, struct ls_error *error) {
    const json_t *texts = json_object_get(object, "tokens");
    const int unit = find_unit(json_string_value(json_object_get(object, "unit")));
    const size_t count = json_array_size(texts);
    bool good = unit >= 0 && count > 0 && count <= LS_VOCABULARY_MAX;
    vocabulary->texts = ls_calloc(good ? count : 1, sizeof *vocabulary->texts);
    for (size_t i = 0; i < count && good; i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        good = text != NULL;
        if (good)
            vocabulary->texts[vocabulary->count++] = ls_strdup(text);
    }
    vocabulary->lower = json_is_true(json_object_get(object, "lower"));
    if (good)
        finish(vocabulary, unit);
    return good ? LS_OK : ls_fail(error, LS_INVALID, "%s: expected vocabularies of a run", path);
}

enum ls_status ls_vocabularies_load(struct ls_vocabulary *vocabulary, const char *path,
                                    const char *column, bool *found, struct ls_error *error) {
    char *bytes;
    uint64_t count;
    *vocabulary = (struct ls_vocabulary){0};
    *found = false;
    enum ls_status status = ls_file_read(path, FILE_BYTES_MAX, &bytes, &count, error);
    if (status != LS_OK)
        return status;
    json_error_t reason;
    json_t *all = json_loadb(bytes, count, 0, &reason);
    free(bytes);
    if (!all)
        return ls_fail(error, LS_INVALID, "%s:%d:%d: error: %s", path, reason.line, reason.column,
                       reason.text);
    const char *name;
    json_t *object;
    json_object_foreach(all, name, object) {
        if (*found || (column && strcmp(name + (name[0] == '/'), column + (column[0] == '/')) != 0))
            continue;
        *found = true;
        status = parse_vocabulary(vocabulary, object, path, error);
    }
    json_decref(all);
    if (status != LS_OK)
        ls_vocabulary_clear(vocabulary);
    return status;
}
