/* The manifest: what makes a folder a checkpoint. Written last, read strictly. */
#include "io/checkpoint_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/file.h"

enum { FORMAT = 1, MANIFEST_BYTES_MAX = 256 << 20 };

static const char digest_label[] = "digest: ";

const char *ls_parameter_kind_name(enum ls_parameter_kind kind) {
    static const char *const names[] = {"weight", "statistic", "constant"};
    return names[kind];
}

static json_t *file_to_json(const struct ls_checkpoint_file *file) {
    char digest[LS_HASH_TEXT_MAX];
    ls_hash_text(file->digest, digest);
    return json_pack("{s:s, s:I, s:s}", "name", file->name, "bytes", (json_int_t)file->bytes,
                     "digest", digest);
}

static json_t *files_to_json(const struct ls_checkpoint_file *shards, int count,
                             const struct ls_checkpoint_file *index) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, file_to_json(&shards[i]));
    json_array_append_new(list, file_to_json(index));
    return list;
}

static json_t *integers_to_json(const int64_t *values, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

static json_t *parameters_to_json(const struct ls_parameter_set *set) {
    json_t *list = json_array();
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *parameter = set->items[i];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:s}", "name", parameter->name, "shape",
                            integers_to_json(parameter->shape.dims, parameter->shape.rank), "kind",
                            ls_parameter_kind_name(parameter->kind)));
    }
    return list;
}

static bool lists(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!strcmp(json_string_value(json_array_get(list, i)), text))
            return true;
    return false;
}

/* The names that any group has, each once. */
static json_t *arrays_to_json(const struct ls_checkpoint_content *content) {
    json_t *list = json_array();
    for (int g = 0; g < content->count; g++)
        for (int a = 0; a < content->groups[g].count; a++)
            if (!lists(list, content->groups[g].names[a]))
                json_array_append_new(list, json_string(content->groups[g].names[a]));
    return list;
}

/* For people: how many elements the shards before each one hold, and at the end how many all do. */
static json_t *slices_to_json(const struct ls_checkpoint_content *content, int world_size) {
    json_t *list = json_array();
    int64_t before = 0;
    json_array_append_new(list, json_integer(0));
    for (int r = 0; r < world_size; r++) {
        for (int g = 0; g < content->count; g++)
            before += ls_range_count(
                ls_parameters_slice(content->parameters, content->groups[g].group, r, world_size));
        json_array_append_new(list, json_integer(before));
    }
    return list;
}

/* The JSON text with its digest line; NULL if a text is not UTF-8. Owned by the caller. */
static char *print_manifest(json_t *root, size_t *count) {
    char *json = json_dumps(root, JSON_INDENT(1));
    if (!json)
        return NULL;
    const size_t length = strlen(json);
    char *text = ls_calloc(length + 64, 1);
    memcpy(text, json, length);
    text[length] = '\n';
    char digest[LS_HASH_TEXT_MAX];
    ls_hash_text(ls_hash_bytes(text, length + 1), digest);
    *count = length + 1 + (size_t)sprintf(text + length + 1, "%s%s\n", digest_label, digest);
    free(json);
    return text;
}

enum ls_status ls_manifest_write(const char *folder, const struct ls_checkpoint_commit *commit,
                                 const struct ls_checkpoint_file *index, struct ls_error *error) {
    const struct ls_checkpoint_content *content = commit->content;
    const int world_size = commit->write->world_size;
    json_error_t where;
    json_t *state_object = json_loads(commit->state, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(state_object)) {
        json_decref(state_object);
        return ls_fail(error, LS_INVALID, "the state to save is not a JSON object: %s", where.text);
    }
    json_t *root = json_pack("{s:i, s:I, s:i, s:o, s:o, s:o, s:o, s:o}", "format", FORMAT, "step",
                             (json_int_t)commit->write->step, "world_size", world_size, "slices",
                             slices_to_json(content, world_size), "arrays", arrays_to_json(content),
                             "files", files_to_json(commit->files, world_size, index), "parameters",
                             parameters_to_json(content->parameters), "state", state_object);
    size_t count = 0;
    char *text = root ? print_manifest(root, &count) : NULL;
    json_decref(root);
    if (!text)
        return ls_fail(error, LS_INVALID, "the manifest cannot be written: a name is not UTF-8");
    char path[LS_PATH_MAX];
    ls_path_print(path, "%s/%s", folder, LS_CHECKPOINT_MANIFEST);
    const enum ls_status status = ls_new_file_write(path, text, count, error);
    free(text);
    return status;
}

/* Length of the JSON in front of a digest line that fits; 0 if there is none. */
static size_t check_digest(const char *text, size_t count) {
    const size_t line = sizeof digest_label - 1 + 16 + 1;
    if (count <= line)
        return 0;
    char expected[64], digest[LS_HASH_TEXT_MAX];
    ls_hash_text(ls_hash_bytes(text, count - line), digest);
    snprintf(expected, sizeof expected, "%s%s\n", digest_label, digest);
    return memcmp(text + count - line, expected, line) == 0 ? count - line : 0;
}

static bool hex_digits(const char *text) {
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

/* Whether the list holds world_size shards in rank order and then index.h5, and nothing else. */
static bool check_files(json_t *files, int world_size) {
    if (!json_is_array(files) || json_array_size(files) != (size_t)world_size + 1)
        return false;
    for (int i = 0; i <= world_size; i++) {
        char expected[64] = LS_CHECKPOINT_INDEX;
        if (i < world_size)
            ls_checkpoint_shard_name(expected, i, world_size);
        const char *name, *digest;
        json_int_t bytes;
        if (json_unpack_ex(json_array_get(files, (size_t)i), NULL, JSON_STRICT, "{s:s, s:I, s:s}",
                           "name", &name, "bytes", &bytes, "digest", &digest) ||
            strcmp(name, expected) != 0 || bytes < 0 || !hex_digits(digest))
            return false;
    }
    return true;
}

static bool check_slices(json_t *slices, int world_size) {
    if (!json_is_array(slices) || json_array_size(slices) != (size_t)world_size + 1)
        return false;
    json_int_t last = 0;
    for (size_t i = 0; i < json_array_size(slices); i++) {
        const json_t *bound = json_array_get(slices, i);
        if (!json_is_integer(bound) || json_integer_value(bound) < last)
            return false;
        last = json_integer_value(bound);
    }
    return true;
}

static bool check_parameters(json_t *parameters) {
    if (!json_is_array(parameters))
        return false;
    for (size_t i = 0; i < json_array_size(parameters); i++) {
        const char *name, *kind;
        json_t *shape;
        if (json_unpack_ex(json_array_get(parameters, i), NULL, JSON_STRICT, "{s:s, s:o, s:s}",
                           "name", &name, "shape", &shape, "kind", &kind) ||
            !json_is_array(shape) || json_array_size(shape) > LS_RANK_MAX)
            return false;
        for (size_t d = 0; d < json_array_size(shape); d++)
            if (!json_is_integer(json_array_get(shape, d)))
                return false;
    }
    return true;
}

static bool check_arrays(json_t *arrays) {
    bool ok = json_is_array(arrays);
    for (size_t i = 0; ok && i < json_array_size(arrays); i++)
        ok = json_is_string(json_array_get(arrays, i));
    return ok;
}

/* Takes the members out of root; LS_DAMAGED if one is missing, of another type, or too many. */
static enum ls_status unpack(struct ls_manifest *manifest, const char *path,
                             struct ls_error *error) {
    json_t *format = json_object_get(manifest->root, "format");
    if (json_is_integer(format) && json_integer_value(format) != FORMAT)
        return ls_fail(error, LS_INVALID,
                       "%s: checkpoint format %lld, this version of lockstep reads format %d", path,
                       (long long)json_integer_value(format), FORMAT);
    json_error_t where;
    json_t *slices;
    json_int_t step;
    int version;
    if (json_unpack_ex(manifest->root, &where, JSON_STRICT,
                       "{s:i, s:I, s:i, s:o, s:o, s:o, s:o, s:o}", "format", &version, "step",
                       &step, "world_size", &manifest->world_size, "slices", &slices, "arrays",
                       &manifest->arrays, "files", &manifest->files, "parameters",
                       &manifest->parameters, "state", &manifest->state))
        return ls_fail(error, LS_DAMAGED, "%s: %s", path, where.text);
    manifest->step = (uint64_t)step;
    if (step < 0 || manifest->world_size < 1 || !check_slices(slices, manifest->world_size) ||
        !check_files(manifest->files, manifest->world_size) || !check_arrays(manifest->arrays) ||
        !check_parameters(manifest->parameters) || !json_is_object(manifest->state))
        return ls_fail(error, LS_DAMAGED, "%s: not what lockstep writes", path);
    return LS_OK;
}

enum ls_status ls_manifest_read(const char *folder, struct ls_manifest *manifest,
                                struct ls_error *error) {
    *manifest = (struct ls_manifest){0};
    char path[LS_PATH_MAX];
    ls_path_print(path, "%s/%s", folder, LS_CHECKPOINT_MANIFEST);
    struct stat info;
    char *text;
    uint64_t count;
    if (ls_checkpoint_stat(path, &info, error) != LS_OK)
        return error->status;
    if (ls_file_read(path, MANIFEST_BYTES_MAX, &text, &count, error) != LS_OK)
        return ls_checkpoint_unreadable(error);
    enum ls_status status = LS_OK;
    const size_t length = check_digest(text, (size_t)count);
    json_error_t where;
    if (length == 0)
        status = ls_fail(error, LS_DAMAGED, "%s: torn or changed (its digest does not fit)", path);
    else if (!(manifest->root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where)))
        status = ls_fail(error, LS_DAMAGED, "%s:%d: %s", path, where.line, where.text);
    else
        status = unpack(manifest, path, error);
    free(text);
    if (status != LS_OK)
        ls_manifest_clear(manifest);
    return status;
}

void ls_manifest_clear(struct ls_manifest *manifest) {
    json_decref(manifest->root);
    *manifest = (struct ls_manifest){0};
}

struct ls_checkpoint_file ls_manifest_file(const struct ls_manifest *manifest, int index) {
    const json_t *entry = json_array_get(manifest->files, (size_t)index);
    struct ls_checkpoint_file file = {
        .bytes = (uint64_t)json_integer_value(json_object_get(entry, "bytes")),
        .digest = strtoull(json_string_value(json_object_get(entry, "digest")), NULL, 16)};
    snprintf(file.name, sizeof file.name, "%s", json_string_value(json_object_get(entry, "name")));
    return file;
}
