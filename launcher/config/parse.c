/* From a YAML document and assignments to a config. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/config/reader.h"

enum { FILE_MAX = 1 << 20, KEY_MAX = 160 };

static void *section_target(const struct ls_config_reader *reader,
                            const struct ls_config_section *section) {
    return (char *)reader->config + section->offset;
}

static const struct ls_config_section *find_section(const char *name) {
    for (int s = 0; s < ls_config_section_count; s++)
        if (!strcmp(ls_config_sections[s].name, name))
            return &ls_config_sections[s];
    return NULL;
}

static const char *full_name(const struct ls_config_section *section, const char *key,
                             char name[KEY_MAX]) {
    snprintf(name, KEY_MAX, "%s%s%.80s", section->name, section->name[0] ? "." : "", key);
    return name;
}

/* A key's text; a list or mapping as a key is an error. */
static enum ls_status key_of(const struct ls_config_reader *reader, const yaml_node_t *node,
                             const char **key) {
    *key = ls_yaml_text(node);
    if (!*key)
        return ls_reader_fail(reader, ls_origin_of(node), "expected a key, found something else");
    return LS_OK;
}

static enum ls_status set_field(const struct ls_config_reader *reader,
                                const struct ls_config_section *section, const char *key,
                                const yaml_node_t *key_node, const yaml_node_t *value) {
    const struct ls_field *field = ls_fields_find(*section->fields, key);
    char name[KEY_MAX], before[64];
    if (!field)
        return ls_reader_unknown(reader, ls_origin_of(key_node), section, key);
    struct ls_origin *origin = ls_reader_origin(reader, full_name(section, key, name));
    if (origin->line)
        return ls_reader_fail(reader, ls_origin_of(key_node), "%s is given twice; first on %s",
                              name, ls_origin_print(*origin, before, sizeof before));
    *origin = ls_origin_of(value);
    return ls_reader_set(reader, field, name, value, section_target(reader, section));
}

static enum ls_status read_section(struct ls_config_reader *reader,
                                   const struct ls_config_section *section,
                                   const yaml_node_t *key_node, const yaml_node_t *node) {
    char before[64], found[80];
    struct ls_origin *origin = &reader->sections[section - ls_config_sections];
    if (origin->line)
        return ls_reader_fail(reader, ls_origin_of(key_node),
                              "section %s is given twice; first on %s", section->name,
                              ls_origin_print(*origin, before, sizeof before));
    *origin = ls_origin_of(key_node);
    if (ls_yaml_empty(node))
        return LS_OK;
    if (section->main_field && node->type == YAML_SCALAR_NODE)
        return set_field(reader, section, section->main_field, key_node, node);
    if (node->type != YAML_MAPPING_NODE)
        return ls_reader_fail(reader, ls_origin_of(node),
                              "section %s: expected keys with values, found %s", section->name,
                              ls_yaml_describe(node, found, sizeof found));
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *inner = yaml_document_get_node(reader->document, pair->key);
        const char *key;
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        enum ls_status status = key_of(reader, inner, &key);
        if (status == LS_OK && !strcmp(section->name, "data") && !strcmp(key, "feeds"))
            status = ls_reader_feeds(reader, inner, value);
        else if (status == LS_OK)
            status = set_field(reader, section, key, inner, value);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

/* A section that is no table of fields; *origin says where it stands. */
static enum ls_status note_section(const struct ls_config_reader *reader,
                                   const yaml_node_t *key_node, struct ls_origin *origin) {
    char before[64];
    if (origin->line)
        return ls_reader_fail(reader, ls_origin_of(key_node),
                              "section %s is given twice; first on %s", ls_yaml_text(key_node),
                              ls_origin_print(*origin, before, sizeof before));
    *origin = ls_origin_of(key_node);
    return LS_OK;
}

static enum ls_status read_model(struct ls_config_reader *reader, const yaml_node_t *key_node,
                                 const yaml_node_t *node) {
    const enum ls_status status = note_section(reader, key_node, &reader->model);
    return status == LS_OK ? ls_reader_model(reader, node, &reader->config->model) : status;
}

static enum ls_status read_losses(struct ls_config_reader *reader, const yaml_node_t *key_node,
                                  const yaml_node_t *node) {
    const enum ls_status status = note_section(reader, key_node, &reader->losses);
    return status == LS_OK ? ls_reader_losses(reader, node, &reader->config->losses) : status;
}

static enum ls_status note_phases(struct ls_config_reader *reader, const yaml_node_t *key_node,
                                  const yaml_node_t *node) {
    reader->phase_nodes = node;
    return note_section(reader, key_node, &reader->phases);
}

static enum ls_status read_document(struct ls_config_reader *reader) {
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    const struct ls_origin top = {1, 1, NULL};
    if (!root)
        return ls_reader_fail(reader, top, "the config is empty");
    if (root->type != YAML_MAPPING_NODE)
        return ls_reader_fail(reader, ls_origin_of(root),
                              "expected sections (train:, model:, ...)");
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        const char *key;
        enum ls_status status = key_of(reader, key_node, &key);
        if (status != LS_OK)
            return status;
        const struct ls_config_section *section = key[0] ? find_section(key) : NULL;
        if (!strcmp(key, "model"))
            status = read_model(reader, key_node, value);
        else if (!strcmp(key, "losses"))
            status = read_losses(reader, key_node, value);
        else if (!strcmp(key, "phases"))
            status = note_phases(reader, key_node, value);
        else if (section)
            status = read_section(reader, section, key_node, value);
        else
            status = set_field(reader, &ls_config_sections[0], key, key_node, value);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

/* One "train.batch=256". */
static enum ls_status assign(const struct ls_config_reader *reader, const char *assignment) {
    const struct ls_origin origin = {0, 0, assignment};
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= KEY_MAX)
        return ls_reader_fail(reader, origin, "expected KEY=VALUE, like train.batch=256");
    char key[KEY_MAX];
    snprintf(key, sizeof key, "%.*s", (int)(equals - assignment), assignment);
    char *dot = strchr(key, '.');
    static const char *const in_file[] = {"model", "losses", "phases"};
    for (size_t i = 0; i < sizeof in_file / sizeof *in_file; i++) {
        const size_t length = strlen(in_file[i]);
        if (!strncmp(key, in_file[i], length) && (!key[length] || key[length] == '.'))
            return ls_reader_fail(reader, origin,
                                  "the %s %s changed in the config file, not with --set",
                                  in_file[i], i ? "are" : "is");
    }
    if (!strncmp(key, "data.feeds", 10) && (!key[10] || key[10] == '.'))
        return ls_reader_fail(reader, origin,
                              "feeds are changed in the config file, not with --set");
    if (dot)
        *dot = '\0';
    const struct ls_config_section *section = dot ? find_section(key) : find_section("");
    const char *name = dot ? dot + 1 : key;
    const struct ls_config_section *named = dot ? NULL : find_section(key);
    if (named && named->main_field) {
        section = named;
        name = named->main_field;
    }
    if (!section || (dot && !key[0]))
        return ls_reader_unknown(reader, origin, &ls_config_sections[0], key);
    const struct ls_field *field = ls_fields_find(*section->fields, name);
    if (!field)
        return ls_reader_unknown(reader, origin, section, name);
    char full[KEY_MAX];
    *ls_reader_origin(reader, full_name(section, name, full)) = origin;
    if (!ls_yaml_representable(equals + 1))
        return ls_reader_fail(reader, origin, "%s: expected a text in UTF-8", full);
    return ls_reader_set_text(reader, field, full, equals + 1, origin,
                              section_target(reader, section));
}

/* Fields without a default. */
static enum ls_status check_given(const struct ls_config_reader *reader) {
    int index = 0;
    for (int s = 0; s < ls_config_section_count; s++) {
        const struct ls_config_section *section = &ls_config_sections[s];
        for (int i = 0; i < section->fields->count; i++, index++) {
            const struct ls_field *field = &section->fields->items[i];
            const struct ls_origin *origin = &reader->origins[index];
            char name[KEY_MAX];
            if (!field->initial && !origin->line && !origin->assignment)
                return ls_reader_fail(reader, reader->sections[s], "%s is missing: %s",
                                      full_name(section, field->name, name), field->help);
        }
    }
    if (!reader->config->model.count)
        return ls_reader_fail(reader, reader->model, "model is missing: a list of layers");
    return LS_OK;
}

static void reset(struct ls_config *config, const char *path) {
    *config = (struct ls_config){0};
    for (int s = 0; s < ls_config_section_count; s++)
        ls_fields_reset(*ls_config_sections[s].fields,
                        (char *)config + ls_config_sections[s].offset);
    const char *slash = strrchr(path, '/');
    snprintf(config->path, sizeof config->path, "%s", path);
    snprintf(config->name, sizeof config->name, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(config->name, '.');
    if (dot && dot != config->name)
        *dot = '\0';
}

static enum ls_status read_all(struct ls_config_reader *reader, char *const *assignments,
                               int assignment_count) {
    enum ls_status status = read_document(reader);
    for (int i = 0; status == LS_OK && i < assignment_count; i++)
        status = assign(reader, assignments[i]);
    if (status == LS_OK)
        status = check_given(reader);
    if (status == LS_OK)
        status = ls_reader_settle_paths(reader);
    if (status == LS_OK)
        status = ls_reader_resolve(reader);
    if (status == LS_OK)
        status = ls_reader_check(reader);
    return status;
}

enum ls_status ls_config_parse(struct ls_config *config, const char *text, size_t size,
                               const char *path, char *const *assignments, int assignment_count,
                               struct ls_error *error) {
    reset(config, path);
    yaml_document_t document;
    enum ls_status status = ls_yaml_load(&document, text, size, path, error);
    if (status != LS_OK)
        return status;
    int fields = 0;
    for (int s = 0; s < ls_config_section_count; s++)
        fields += ls_config_sections[s].fields->count;
    struct ls_config_reader reader = {
        .config = config,
        .path = path,
        .document = &document,
        .origins = ls_calloc((size_t)fields, sizeof *reader.origins),
        .sections = ls_calloc((size_t)ls_config_section_count, sizeof *reader.sections),
        .error = error};
    status = read_all(&reader, assignments, assignment_count);
    if (status != LS_OK)
        ls_config_clear(config);
    free(reader.origins);
    free(reader.sections);
    yaml_document_delete(&document);
    return status;
}

enum ls_status ls_config_read(struct ls_config *config, const char *path, char *const *assignments,
                              int assignment_count, struct ls_error *error) {
    char *text;
    uint64_t size;
    *config = (struct ls_config){0};
    if (strlen(path) >= LS_TEXT_MAX)
        return ls_fail(error, LS_INVALID, "the path of the config has %zu bytes; at most %d",
                       strlen(path), LS_TEXT_MAX - 1);
    struct stat info;
    if (!stat(path, &info) && S_ISDIR(info.st_mode))
        return ls_fail(error, LS_INVALID,
                       "config: %s is a folder; expected a YAML file (that of a run is "
                       "config.yaml in its folder)",
                       path);
    if (ls_file_read(path, FILE_MAX, &text, &size, error) != LS_OK) {
        error->status = LS_INVALID;
        return ls_fail_context(error, "config: ");
    }
    const enum ls_status status =
        ls_config_parse(config, text, size, path, assignments, assignment_count, error);
    free(text);
    return status;
}

void ls_config_clear(struct ls_config *config) {
    ls_networks_clear(&config->model);
    ls_layer_list_clear(&config->losses);
}
