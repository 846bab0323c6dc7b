#include "launcher/config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/config/yaml.h"

enum { KEY_MAX = 1024 };

struct walk {
    struct ls_settings *settings;
    yaml_document_t *document;
};

static const char *text_of(const yaml_node_t *node) {
    const char *text = node ? ls_yaml_text(node) : NULL;
    return text ? text : "";
}

static const yaml_node_t *node_of(const struct walk *walk, int index) {
    return yaml_document_get_node(walk->document, index);
}

static void add(struct walk *walk, const char *key, char *value) {
    struct ls_settings *settings = walk->settings;
    settings->items =
        ls_realloc(settings->items, (size_t)settings->count + 1, sizeof *settings->items);
    settings->items[settings->count++] = (struct ls_setting){.key = ls_strdup(key), .value = value};
}

/* A list of plain values, as one. */
static char *print_list(const struct walk *walk, const yaml_node_t *node) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for a list of %s", "a config");
    fputc('[', out);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++)
        fprintf(out, "%s%s", item > node->data.sequence.items.start ? ", " : "",
                text_of(node_of(walk, *item)));
    fputc(']', out);
    LS_ASSERT(!fclose(out), "no memory for a list of %s", "a config");
    return text;
}

static const yaml_node_t *value_of(const struct walk *walk, const yaml_node_t *mapping,
                                   const char *key) {
    if (!mapping || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++)
        if (!strcmp(text_of(node_of(walk, pair->key)), key))
            return node_of(walk, pair->value);
    return NULL;
}

static void add_node(struct walk *walk, const char *key, const yaml_node_t *node);

/* `- conv2d: {name: conv1, ...}`, as resolved configs say all layers. */
static void add_layer(struct walk *walk, const char *scope, const yaml_node_t *item) {
    char key[KEY_MAX];
    if (!item || item->type != YAML_MAPPING_NODE ||
        item->data.mapping.pairs.start == item->data.mapping.pairs.top)
        return;
    const yaml_node_pair_t *pair = item->data.mapping.pairs.start;
    const yaml_node_t *options = node_of(walk, pair->value),
                      *name = value_of(walk, options, "name");
    const char *kind = text_of(node_of(walk, pair->key));
    snprintf(key, sizeof key, "%.700s.%.200s", scope, name ? text_of(name) : kind);
    add(walk, key, ls_strdup(kind));
    add_node(walk, key, options);
}

static void add_mapping(struct walk *walk, const char *scope, const yaml_node_t *node) {
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        char key[KEY_MAX];
        snprintf(key, sizeof key, "%.700s%s%.200s", scope, scope[0] ? "." : "",
                 text_of(node_of(walk, pair->key)));
        add_node(walk, key, node_of(walk, pair->value));
    }
}

static void add_node(struct walk *walk, const char *key, const yaml_node_t *node) {
    bool plain = true;
    if (!node || node->type == YAML_SCALAR_NODE) {
        add(walk, key, ls_strdup(text_of(node)));
        return;
    }
    if (node->type == YAML_MAPPING_NODE) {
        add_mapping(walk, key, node);
        return;
    }
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++)
        plain = plain && node_of(walk, *item)->type == YAML_SCALAR_NODE;
    if (plain)
        add(walk, key, print_list(walk, node));
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         !plain && item < node->data.sequence.items.top; item++)
        add_layer(walk, key, node_of(walk, *item));
}

enum ls_status ls_settings_parse(struct ls_settings *settings, const char *text, size_t size,
                                 const char *path, struct ls_error *error) {
    yaml_document_t document;
    *settings = (struct ls_settings){0};
    const enum ls_status status = ls_yaml_load(&document, text, size, path, error);
    if (status != LS_OK)
        return status;
    struct walk walk = {.settings = settings, .document = &document};
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    if (root && root->type == YAML_MAPPING_NODE)
        add_mapping(&walk, "", root);
    yaml_document_delete(&document);
    return LS_OK;
}

void ls_settings_clear(struct ls_settings *settings) {
    for (int i = 0; i < settings->count; i++) {
        free(settings->items[i].key);
        free(settings->items[i].value);
    }
    free(settings->items);
    *settings = (struct ls_settings){0};
}

const char *ls_settings_find(const struct ls_settings *settings, const char *key) {
    for (int i = 0; i < settings->count; i++)
        if (!strcmp(settings->items[i].key, key))
            return settings->items[i].value;
    return NULL;
}
