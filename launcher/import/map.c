#include "launcher/import/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/config/yaml.h"

enum { BYTES_MAX = 16 << 20, STARS_MAX = 8, TRIED_MAX = 512 };

/* What the stars of a pattern stand for in a name. */
struct stars {
    int count;
    struct {
        const char *begin;
        size_t length;
    } items[STARS_MAX];
};

/* Whether the pattern is the first `length` characters of text; a star takes as few as it can. */
static bool match(const char *pattern, const char *text, size_t length, struct stars *stars) {
    while (*pattern && *pattern != '*') {
        if (!length || *pattern != *text)
            return false;
        pattern++;
        text++;
        length--;
    }
    if (!*pattern)
        return length == 0;
    const int star = stars->count++;
    for (size_t taken = 0; taken <= length; taken++) {
        stars->items[star].begin = text;
        stars->items[star].length = taken;
        stars->count = star + 1;
        if (match(pattern + 1, text + taken, length - taken, stars))
            return true;
    }
    stars->count = star;
    return false;
}

/* The outermost scope of the name that the pattern means, or the name itself: its length; 0: it
 * means none. */
static size_t match_scope(const char *pattern, const char *name, struct stars *stars) {
    for (const char *end = name; *end; end++) {
        if (end[1] && end[1] != '.')
            continue;
        const size_t length = (size_t)(end - name) + 1;
        stars->count = 0;
        if (match(pattern, name, length, stars))
            return length;
    }
    return 0;
}

const struct ls_map_rule *ls_map_find(struct ls_map *map, const char *name) {
    struct stars stars;
    const bool readable = strlen(name) <= TRIED_MAX; /* many stars take long on longer ones */
    for (int i = map->count; i-- > 0 && readable;)
        if (match_scope(map->rules[i].theirs, name, &stars)) {
            map->rules[i].used = true;
            return &map->rules[i];
        }
    return NULL;
}

bool ls_map_rename(const struct ls_map_rule *rule, int target, const char *name,
                   char renamed[LS_NAME_MAX]) {
    struct stars stars;
    const char *rest = name + match_scope(rule->theirs, name, &stars);
    size_t used = 0;
    int star = 0;
    for (const char *at = rule->ours[target]; *at && used < LS_NAME_MAX; at++) {
        const bool takes = *at == '*';
        used += (size_t)snprintf(renamed + used, LS_NAME_MAX - used, "%.*s",
                                 takes ? (int)stars.items[star].length : 1,
                                 takes ? stars.items[star].begin : at);
        star += takes;
    }
    if (used < LS_NAME_MAX) /* nothing in front of what is left: it stands alone */
        used += (size_t)snprintf(renamed + used, LS_NAME_MAX - used, "%s",
                                 used ? rest : rest + (*rest == '.'));
    return used < LS_NAME_MAX;
}

/* Reading. */

struct reader {
    struct ls_map *map;
    yaml_document_t document;
    struct ls_error *error;
};

static enum ls_status fail_at(const struct reader *reader, const yaml_node_t *node,
                              const char *format, ...) LS_PRINTF(3, 4);
static enum ls_status fail_at(const struct reader *reader, const yaml_node_t *node,
                              const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ls_fail(reader->error, LS_INVALID, "%s:%zu:%zu: error: %s", reader->map->path,
                   node->start_mark.line + 1, node->start_mark.column + 1, text);
}

static int count_stars(const char *text) {
    int count = 0;
    for (; *text; text++)
        count += *text == '*';
    return count;
}

static enum ls_status add_target(struct reader *reader, struct ls_map_rule *rule,
                                 const yaml_node_t *node) {
    char found[80];
    const char *text = ls_yaml_text(node);
    if (!text || ls_yaml_empty(node))
        return fail_at(reader, node, "expected a name of this model, found %s",
                       ls_yaml_describe(node, found, sizeof found));
    if (count_stars(text) > count_stars(rule->theirs))
        return fail_at(reader, node,
                       "'%.100s' has more * than '%.100s', so that nothing stands for one", text,
                       rule->theirs);
    rule->ours = ls_realloc(rule->ours, (size_t)rule->our_count + 1, sizeof *rule->ours);
    rule->ours[rule->our_count++] = ls_strdup(text);
    return LS_OK;
}

static enum ls_status add_targets(struct reader *reader, struct ls_map_rule *rule,
                                  const yaml_node_t *node) {
    enum ls_status status = LS_OK;
    if (node->type != YAML_SEQUENCE_NODE)
        return add_target(reader, rule, node);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top && status == LS_OK; item++)
        status = add_target(reader, rule, yaml_document_get_node(&reader->document, *item));
    return status;
}

static const char *const layouts[] = {"by_shape", "in_out", "out_in", NULL};
static const char *const flats[] = {"channels_first", "channels_last", NULL};
static const char *const rotaries[] = {"unsaid", "pairs", "halves", NULL};
static const struct ls_field option_fields[] = {
    {.name = "layout",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_map_options, layout),
     .choices = layouts},
    {.name = "flat",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_map_options, flat),
     .choices = flats},
    {.name = "rotary",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_map_options, rotary),
     .choices = rotaries},
};
static const struct ls_fields rule_options = {option_fields,
                                              sizeof option_fields / sizeof *option_fields};

/* A key of the long form. */
static enum ls_status read_option(struct reader *reader, struct ls_map_rule *rule,
                                  const yaml_node_t *key, const yaml_node_t *value) {
    const char *name = ls_yaml_text(key), *text = ls_yaml_text(value);
    const struct ls_field *field = name ? ls_fields_find(rule_options, name) : NULL;
    struct ls_error problem;
    if (name && !strcmp(name, "to"))
        return add_targets(reader, rule, value);
    if (!field)
        return fail_at(reader, key, "expected to, layout, flat or rotary");
    if (ls_field_parse(field, text ? text : "", &rule->options, &problem) == LS_OK)
        return LS_OK;
    return fail_at(reader, value, "%s: %s", name, problem.text);
}

static enum ls_status read_rule(struct reader *reader, const yaml_node_t *key,
                                const yaml_node_t *value) {
    struct ls_map *map = reader->map;
    const char *theirs = ls_yaml_text(key);
    if (!theirs || !*theirs || count_stars(theirs) > STARS_MAX)
        return fail_at(reader, key, "expected a name of the file, with at most %d *", STARS_MAX);
    for (int i = 0; i < map->count; i++)
        if (!strcmp(map->rules[i].theirs, theirs))
            return fail_at(reader, key, "'%.100s' is there twice, first on line %d", theirs,
                           map->rules[i].line);
    map->rules = ls_realloc(map->rules, (size_t)map->count + 1, sizeof *map->rules);
    struct ls_map_rule *rule = &map->rules[map->count++];
    *rule = (struct ls_map_rule){.theirs = ls_strdup(theirs),
                                 .line = (int)key->start_mark.line + 1,
                                 .column = (int)key->start_mark.column + 1};
    const char *text = ls_yaml_text(value);
    if (ls_yaml_empty(value) || (text && !strcmp(text, "null"))) /* JSON's word for nothing */
        return LS_OK;
    if (value->type != YAML_MAPPING_NODE)
        return add_targets(reader, rule, value);
    enum ls_status status = LS_OK;
    for (const yaml_node_pair_t *pair = value->data.mapping.pairs.start;
         pair < value->data.mapping.pairs.top && status == LS_OK; pair++)
        status = read_option(reader, rule, yaml_document_get_node(&reader->document, pair->key),
                             yaml_document_get_node(&reader->document, pair->value));
    if (status == LS_OK && !rule->our_count)
        status =
            fail_at(reader, value, "expected `to: NAME` among what is said of '%.100s'", theirs);
    return status;
}

static enum ls_status read_rules(struct reader *reader) {
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    char found[80];
    if (!root)
        return LS_OK; /* an empty map says nothing */
    if (root->type != YAML_MAPPING_NODE)
        return fail_at(reader, root, "expected a mapping, theirs: ours, found %s",
                       ls_yaml_describe(root, found, sizeof found));
    enum ls_status status = LS_OK;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top && status == LS_OK; pair++)
        status = read_rule(reader, yaml_document_get_node(&reader->document, pair->key),
                           yaml_document_get_node(&reader->document, pair->value));
    return status;
}

enum ls_status ls_map_load(struct ls_map *map, const char *path, struct ls_error *error) {
    struct reader reader = {.map = map, .error = error};
    char *text;
    uint64_t size;
    *map = (struct ls_map){0};
    snprintf(map->path, sizeof map->path, "%s", path);
    enum ls_status status = ls_file_read(path, BYTES_MAX, &text, &size, error);
    if (status != LS_OK)
        return status;
    status = ls_yaml_load(&reader.document, text, size, path, error);
    free(text);
    if (status != LS_OK)
        return status;
    status = read_rules(&reader);
    yaml_document_delete(&reader.document);
    return status;
}

void ls_map_clear(struct ls_map *map) {
    for (int i = 0; i < map->count; i++) {
        for (int k = 0; k < map->rules[i].our_count; k++)
            free(map->rules[i].ours[k]);
        free(map->rules[i].ours);
        free(map->rules[i].theirs);
    }
    free(map->rules);
    *map = (struct ls_map){0};
}
