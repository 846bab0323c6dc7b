#include "launcher/config/reader.h"

#include <ctype.h>
#include <string.h>

struct ls_origin ls_origin_of(const yaml_node_t *node) {
    return (struct ls_origin){node->start_mark.line + 1, node->start_mark.column + 1, NULL};
}

struct ls_origin *ls_reader_origin(const struct ls_config_reader *reader, const char *key) {
    int index = 0;
    for (int s = 0; s < ls_config_section_count; s++) {
        const struct ls_config_section *section = &ls_config_sections[s];
        const size_t length = strlen(section->name);
        const char *name = length ? key + length + 1 : key;
        const bool here = !length ? !strchr(key, '.')
                                  : !strncmp(key, section->name, length) && key[length] == '.';
        for (int i = 0; i < section->fields->count; i++, index++)
            if (here && !strcmp(section->fields->items[i].name, name))
                return &reader->origins[index];
    }
    LS_ASSERT(false, "no field is called '%s'", key);
    return NULL;
}

enum ls_status ls_reader_fail(const struct ls_config_reader *reader, struct ls_origin origin,
                              const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error->text, sizeof reader->error->text, format, arguments);
    va_end(arguments);
    reader->error->status = LS_INVALID;
    if (origin.assignment)
        return ls_fail_context(reader->error, "--set %.200s: error: ", origin.assignment);
    return ls_fail_context(reader->error, "%s:%zu:%zu: error: ", reader->path,
                           origin.line ? origin.line : 1, origin.line ? origin.column : 1);
}

const char *ls_origin_print(struct ls_origin origin, char *buffer, size_t size) {
    if (origin.assignment)
        snprintf(buffer, size, "--set %.200s", origin.assignment);
    else if (origin.line)
        snprintf(buffer, size, "line %zu", origin.line);
    else
        snprintf(buffer, size, "the default");
    return buffer;
}

void ls_names_add(struct ls_names *names, const char *name) {
    LS_ASSERT(names->count < LS_NAMES_MAX, "more than %d names", LS_NAMES_MAX);
    names->items[names->count++] = name;
}

bool ls_name_good(const char *name, size_t size, bool path) {
    bool good = name && name[0] && strlen(name) < size;
    for (const char *c = name; good && *c; c++)
        good = isalnum((unsigned char)*c) || *c == '_' || *c == '-' || (path && *c == '.');
    return good;
}

enum ls_status ls_reader_check_once(const struct ls_config_reader *reader, const char *scope,
                                    const yaml_node_t *node, const yaml_node_pair_t *pair) {
    const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
    const char *key = ls_yaml_text(key_node);
    for (const yaml_node_pair_t *before = node->data.mapping.pairs.start; key && before < pair;
         before++) {
        const yaml_node_t *other = yaml_document_get_node(reader->document, before->key);
        if (ls_yaml_text(other) && !strcmp(ls_yaml_text(other), key))
            return ls_reader_fail(reader, ls_origin_of(key_node),
                                  "%s.%.60s is given twice; first on line %zu", scope, key,
                                  ls_origin_of(other).line);
    }
    return LS_OK;
}

static enum ls_status unknown_key(const struct ls_config_reader *reader,
                                  const struct ls_mapping *mapping, const yaml_node_t *node,
                                  const char *key) {
    struct ls_names names = {0};
    for (int i = 0; i < mapping->fields.count; i++)
        ls_names_add(&names, mapping->fields.items[i].name);
    for (int i = 0; mapping->further && mapping->further[i]; i++)
        ls_names_add(&names, mapping->further[i]);
    const char *nearest = ls_nearest(key, names.items, names.count);
    return ls_reader_fail(reader, ls_origin_of(node), "unknown key '%.60s' in %s; %s%s%s", key,
                          mapping->scope, nearest ? "nearest is '" : "see `lockstep help config ",
                          nearest ? nearest : mapping->help, nearest ? "'" : "`");
}

static enum ls_status read_pair(const struct ls_config_reader *reader,
                                const struct ls_mapping *mapping, const yaml_node_pair_t *pair) {
    const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
    const char *key = ls_yaml_text(key_node);
    const struct ls_field *field = key ? ls_fields_find(mapping->fields, key) : NULL;
    for (int i = 0; key && mapping->further && mapping->further[i]; i++)
        if (!strcmp(mapping->further[i], key))
            return mapping->read(reader, mapping, key, value);
    if (!field)
        return unknown_key(reader, mapping, key_node, key ? key : "");
    char name[160];
    snprintf(name, sizeof name, "%.90s.%s", mapping->scope, field->name);
    return ls_reader_set(reader, field, name, value, mapping->target);
}

enum ls_status ls_reader_mapping(const struct ls_config_reader *reader,
                                 const struct ls_mapping *mapping, const yaml_node_t *node) {
    char found[80];
    if (node->type != YAML_MAPPING_NODE)
        return ls_reader_fail(reader, ls_origin_of(node), "%s: expected keys with values, found %s",
                              mapping->scope, ls_yaml_describe(node, found, sizeof found));
    enum ls_status status = LS_OK;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && status == LS_OK; pair++) {
        status = ls_reader_check_once(reader, mapping->scope, node, pair);
        if (status == LS_OK)
            status = read_pair(reader, mapping, pair);
    }
    return status;
}

/* Another section that has the key: people often look in the wrong one. */
static const char *elsewhere(const char *key) {
    for (int s = 0; s < ls_config_section_count; s++)
        if (ls_config_sections[s].name[0] && ls_fields_find(*ls_config_sections[s].fields, key))
            return ls_config_sections[s].name;
    return NULL;
}

enum ls_status ls_reader_unknown(const struct ls_config_reader *reader, struct ls_origin origin,
                                 const struct ls_config_section *section, const char *key) {
    struct ls_names names = {0};
    for (int i = 0; i < section->fields->count; i++)
        ls_names_add(&names, section->fields->items[i].name);
    if (!strcmp(section->name, "data"))
        ls_names_add(&names, "feeds");
    const bool top = !section->name[0];
    if (top) {
        for (int s = 1; s < ls_config_section_count; s++)
            ls_names_add(&names, ls_config_sections[s].name);
        ls_names_add(&names, "model");
        ls_names_add(&names, "losses");
        ls_names_add(&names, "phases");
    }
    char where[80] = "";
    if (!top)
        snprintf(where, sizeof where, " in section %s", section->name);
    const char *nearest = ls_nearest(key, names.items, names.count);
    const char *other = elsewhere(key);
    if (other)
        return ls_reader_fail(reader, origin, "unknown key '%.60s'%s; section %s has it", key,
                              where, other);
    if (nearest)
        return ls_reader_fail(reader, origin, "unknown key '%.60s'%s; nearest is '%s'", key, where,
                              nearest);
    return ls_reader_fail(reader, origin, "unknown key '%.60s'%s; see `lockstep help config%s%s`",
                          key, where, top ? "" : " ", section->name);
}
