/* The model section: a list of layers. An item is a name (`relu`), a name with its main option
 * (`linear: 256`), or a name with options and branches (`linear: {units: 256, name: fc1}`). */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/config/reader.h"

enum { GIVEN_MAX = 64, LAYERS_MAX = 4096 /* of one list */ };

/* What an item of a list may be. */
struct table {
    const char *section, *kind, *plural; /* "model", "layer", "layers" */
    const struct ls_layer *(*find)(const char *name);
    const struct ls_layer *const *(*all)(int *count);
};
static const struct table layer_table = {"model", "layer", "layers", ls_layer_find, ls_layers};
static const struct table loss_table = {"losses", "loss", "losses", ls_loss_layer_find,
                                        ls_loss_layers};

/* Which options of a layer the config gives, so that a repeated or a missing one is found. */
struct given {
    size_t line[GIVEN_MAX]; /* by field; 0: not given */
    size_t branch[LS_BRANCHES_MAX];
    size_t input[GIVEN_MAX]; /* by layer->inputs; the last two: weight_of, from */
    size_t name;
};

static const yaml_node_t *node_at(const struct ls_config_reader *reader, int index) {
    return yaml_document_get_node(reader->document, index);
}

static const struct ls_layer *find_layer(const struct ls_config_reader *reader,
                                         const struct table *table, const yaml_node_t *node) {
    char found[80];
    const char *name = ls_yaml_text(node);
    const struct ls_layer *layer = name ? table->find(name) : NULL;
    if (layer)
        return layer;
    if (!name || !name[0]) {
        ls_reader_fail(reader, ls_origin_of(node), "%s: expected the name of a %s, found %s",
                       table->section, table->kind, ls_yaml_describe(node, found, sizeof found));
        return NULL;
    }
    struct ls_names names = {0};
    int count;
    const struct ls_layer *const *layers = table->all(&count);
    for (int i = 0; i < count; i++)
        ls_names_add(&names, layers[i]->name);
    const char *nearest = ls_nearest(name, names.items, names.count);
    if (nearest)
        ls_reader_fail(reader, ls_origin_of(node), "unknown %s '%.60s'; nearest is '%s'",
                       table->kind, name, nearest);
    else
        ls_reader_fail(reader, ls_origin_of(node),
                       "unknown %s '%.60s'; `lockstep help config %s` lists all", table->kind, name,
                       table->section);
    return NULL;
}

static int branch_count(const struct ls_layer *layer) {
    int count = 0;
    while (layer->branches && layer->branches[count])
        count++;
    return count;
}

/* "layer" or "loss": which of the two tables a spec's description is from. */
static const char *kind_of(const struct ls_layer *layer) {
    return (ls_layer_find(layer->name) == layer ? &layer_table : &loss_table)->kind;
}

static enum ls_status unknown_option(const struct ls_config_reader *reader, const yaml_node_t *node,
                                     const struct ls_layer *layer, const char *key) {
    struct ls_names names = {0};
    for (int i = 0; i < layer->fields.count; i++)
        ls_names_add(&names, layer->fields.items[i].name);
    for (int i = 0; i < branch_count(layer); i++)
        ls_names_add(&names, layer->branches[i]);
    for (int i = 0; layer->inputs && layer->inputs[i]; i++)
        ls_names_add(&names, layer->inputs[i]);
    ls_names_add(&names, "from");
    ls_names_add(&names, "name");
    if (layer->weight_fields)
        ls_names_add(&names, "weight_of");
    const char *nearest = ls_nearest(key, names.items, names.count);
    if (nearest)
        return ls_reader_fail(reader, ls_origin_of(node),
                              "unknown key '%.60s' in %s %s; nearest is '%s'", key, kind_of(layer),
                              layer->name, nearest);
    return ls_reader_fail(reader, ls_origin_of(node),
                          "unknown key '%.60s' in %s %s; see `lockstep help config %s`", key,
                          kind_of(layer), layer->name, layer->name);
}

/* A name becomes part of parameter names, so dots and blanks are out. */
static enum ls_status set_name(const struct ls_config_reader *reader, const yaml_node_t *node,
                               struct ls_layer_spec *spec) {
    const char *name = ls_yaml_text(node);
    if (!ls_name_good(name, sizeof spec->name, false))
        return ls_reader_fail(reader, ls_origin_of(node),
                              "name of a %s: expected 1 to %zu letters, digits, _ or -",
                              kind_of(spec->layer), sizeof spec->name - 1);
    snprintf(spec->name, sizeof spec->name, "%s", name);
    return LS_OK;
}

/* `from: NAME`, `of: [NAME, NAME]`, `baselines: [NAME, NAME]` */
static enum ls_status add_reference(const struct ls_config_reader *reader, const char *key,
                                    const yaml_node_t *node, struct ls_layer_spec *spec) {
    const char *name = ls_yaml_text(node);
    char found[80];
    if (!ls_name_good(name, LS_NAME_MAX, true))
        return ls_reader_fail(reader, ls_origin_of(node),
                              "%s: expected the name of an earlier layer, a network or a feed, "
                              "found %s",
                              key, ls_yaml_describe(node, found, sizeof found));
    ls_layer_spec_refer(spec, key, name);
    return LS_OK;
}

static enum ls_status set_references(const struct ls_config_reader *reader, const char *key,
                                     const yaml_node_t *value, struct ls_layer_spec *spec) {
    if (!ls_layer_key_lists(key) || value->type != YAML_SEQUENCE_NODE)
        return add_reference(reader, key, value, spec);
    for (const yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top; item++) {
        if (spec->reference_count == LS_REFERENCES_MAX)
            return ls_reader_fail(reader, ls_origin_of(value), "%s: more than %d names", key,
                                  LS_REFERENCES_MAX);
        const enum ls_status status = add_reference(reader, key, node_at(reader, *item), spec);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

static enum ls_status read_list(const struct ls_config_reader *reader, const struct table *table,
                                const yaml_node_t *node, struct ls_layer_list *list);

static enum ls_status set_field(const struct ls_config_reader *reader, const struct ls_field *field,
                                const yaml_node_t *value, struct ls_layer_spec *spec) {
    char name[160];
    snprintf(name, sizeof name, "%s.%s", spec->layer->name, field->name);
    return ls_reader_set(reader, field, name, value, spec->options);
}

static int input_index(const struct ls_layer *layer, const char *key) {
    for (int i = 0; layer->inputs && layer->inputs[i]; i++)
        if (layer->inputs[i] == key)
            return i;
    return !strcmp(key, "weight_of") ? GIVEN_MAX - 2 : GIVEN_MAX - 1;
}

/* One `key: value` of a layer. */
static enum ls_status set_option(const struct ls_config_reader *reader, const yaml_node_t *key_node,
                                 const yaml_node_t *value, struct ls_layer_spec *spec,
                                 struct given *given) {
    const struct ls_layer *layer = spec->layer;
    const char *key = ls_yaml_text(key_node);
    const struct ls_field *field = key ? ls_fields_find(layer->fields, key) : NULL;
    size_t *line = NULL;
    int branch = -1;
    for (int i = 0; key && i < branch_count(layer); i++)
        if (!strcmp(layer->branches[i], key)) {
            branch = i;
            line = &given->branch[i];
        }
    if (field)
        line = &given->line[field - layer->fields.items];
    else if (key && !strcmp(key, "name"))
        line = &given->name;
    const char *input = key && !field ? ls_layer_input_key(layer, key) : NULL;
    if (input && !line)
        line = &given->input[input_index(layer, input)];
    if (!line)
        return unknown_option(reader, key_node, layer, key ? key : "");
    if (*line)
        return ls_reader_fail(reader, ls_origin_of(key_node),
                              "'%s' is given twice; first on line %zu", key, *line);
    *line = key_node->start_mark.line + 1;
    if (field)
        return set_field(reader, field, value, spec);
    if (branch >= 0)
        return read_list(reader, &layer_table, value, &spec->branches[branch]);
    if (input)
        return set_references(reader, input, value, spec);
    return set_name(reader, value, spec);
}

static enum ls_status check_given(const struct ls_config_reader *reader, const yaml_node_t *node,
                                  const struct ls_layer_spec *spec, const struct given *given) {
    const struct ls_layer *layer = spec->layer;
    for (int i = 0; i < layer->fields.count; i++) {
        const struct ls_field *field = &layer->fields.items[i];
        const bool follows = ls_layer_spec_follows(spec, field);
        if (follows && given->line[i])
            return ls_reader_fail(reader, ls_origin_of(node),
                                  "layer %s: '%s' follows from the layer in weight_of; expected "
                                  "one of the two",
                                  layer->name, field->name);
        if (!follows && !field->initial && !given->line[i])
            return ls_reader_fail(reader, ls_origin_of(node), "%s %s: '%s' is missing: %s",
                                  kind_of(layer), layer->name, field->name, field->help);
    }
    return LS_OK;
}

/* `linear: 10`, `add_level: NAME`: the main option or reference alone. */
static enum ls_status set_main(const struct ls_config_reader *reader, const yaml_node_t *value,
                               struct ls_layer_spec *spec, struct given *given) {
    const struct ls_layer *layer = spec->layer;
    const char *key = layer->main_field;
    const struct ls_field *field = key ? ls_fields_find(layer->fields, key) : NULL;
    char found[80];
    if (!key)
        return ls_reader_fail(reader, ls_origin_of(value),
                              "%s %s: expected a mapping of options or nothing, found %s",
                              kind_of(layer), layer->name,
                              ls_yaml_describe(value, found, sizeof found));
    if (!field)
        return set_references(reader, key, value, spec);
    given->line[field - layer->fields.items] = value->start_mark.line + 1;
    return set_field(reader, field, value, spec);
}

/* What stands behind a layer's name: options, its main option, or nothing. */
static enum ls_status read_options(const struct ls_config_reader *reader, const yaml_node_t *name,
                                   const yaml_node_t *value, struct ls_layer_spec *spec) {
    const struct ls_layer *layer = spec->layer;
    struct given given = {0};
    LS_ASSERT(layer->fields.count <= GIVEN_MAX, "layer %s has %d options", layer->name,
              layer->fields.count);
    if (value && value->type == YAML_MAPPING_NODE) {
        for (const yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top; pair++) {
            const enum ls_status status = set_option(reader, node_at(reader, pair->key),
                                                     node_at(reader, pair->value), spec, &given);
            if (status != LS_OK)
                return status;
        }
    } else if (value && !ls_yaml_empty(value)) {
        const enum ls_status status = set_main(reader, value, spec, &given);
        if (status != LS_OK)
            return status;
    }
    return check_given(reader, name, spec, &given);
}

/* "linear2": the type and how many of it the list has by then. */
static void default_name(const struct ls_layer_list *list, const struct ls_layer *layer,
                         char name[64]) {
    int number = 1;
    for (int i = 0; i < list->count; i++)
        number += list->items[i].layer == layer;
    snprintf(name, 64, "%.48s%d", layer->name, number);
}

static enum ls_status read_item(const struct ls_config_reader *reader, const struct table *table,
                                const yaml_node_t *item, struct ls_layer_list *list) {
    const yaml_node_t *name_node = item, *value = NULL;
    char found[80], name[64];
    if (item->type == YAML_MAPPING_NODE) {
        const yaml_node_pair_t *pair = item->data.mapping.pairs.start;
        const yaml_node_pair_t *end = item->data.mapping.pairs.top;
        if (pair == end)
            return ls_reader_fail(reader, ls_origin_of(item), "%s: expected a %s, found {}",
                                  table->section, table->kind);
        name_node = node_at(reader, pair->key);
        value = node_at(reader, pair->value);
        if (pair + 1 < end)
            return ls_reader_fail(reader, ls_origin_of(node_at(reader, pair[1].key)),
                                  "%s: one %s for each '-'; indent the options of '%.60s' below it",
                                  table->section, table->kind,
                                  ls_yaml_text(name_node) ? ls_yaml_text(name_node) : "?");
    } else if (item->type == YAML_SEQUENCE_NODE) {
        return ls_reader_fail(reader, ls_origin_of(item), "%s: expected a %s, found %s",
                              table->section, table->kind,
                              ls_yaml_describe(item, found, sizeof found));
    }
    const struct ls_layer *layer = find_layer(reader, table, name_node);
    if (!layer)
        return LS_INVALID;
    if (list->count == LAYERS_MAX)
        return ls_reader_fail(reader, ls_origin_of(item), "more than %d %s in one list%s",
                              LAYERS_MAX, table->plural,
                              table == &layer_table ? "; use repeat" : "");
    list->items = ls_realloc(list->items, (size_t)list->count + 1, sizeof *list->items);
    default_name(list, layer, name);
    struct ls_layer_spec *spec = &list->items[list->count];
    ls_layer_spec_init(spec, layer, name);
    list->count++;
    spec->line = (int)name_node->start_mark.line + 1;
    spec->column = (int)name_node->start_mark.column + 1;
    return read_options(reader, name_node, value, spec);
}

static enum ls_status check_names(const struct ls_config_reader *reader, const struct table *table,
                                  const struct ls_layer_list *list) {
    for (int i = 0; i < list->count; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(list->items[i].name, list->items[k].name)) {
                const struct ls_layer_spec *spec = &list->items[i];
                const struct ls_origin origin = {(size_t)spec->line, (size_t)spec->column, NULL};
                return ls_reader_fail(reader, origin,
                                      "two %s of one list are called '%s'; first on line %d",
                                      table->plural, spec->name, list->items[k].line);
            }
    return LS_OK;
}

static enum ls_status read_list(const struct ls_config_reader *reader, const struct table *table,
                                const yaml_node_t *node, struct ls_layer_list *list) {
    char found[80];
    if (node->type != YAML_SEQUENCE_NODE)
        return ls_reader_fail(reader, ls_origin_of(node), "expected a list of %s, found %s",
                              table == &layer_table ? "layers (- linear: 10)"
                                                    : "losses (- cross_entropy)",
                              ls_yaml_describe(node, found, sizeof found));
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const enum ls_status status = read_item(reader, table, node_at(reader, *item), list);
        if (status != LS_OK)
            return status;
    }
    return check_names(reader, table, list);
}

enum ls_status ls_reader_losses(const struct ls_config_reader *reader, const yaml_node_t *node,
                                struct ls_layer_list *list) {
    return read_list(reader, &loss_table, node, list);
}

static enum ls_status read_network(const struct ls_config_reader *reader,
                                   const yaml_node_t *name_node, const yaml_node_t *node,
                                   struct ls_networks *networks) {
    const char *name = ls_yaml_text(name_node);
    if (networks->count == LS_NETWORKS_MAX)
        return ls_reader_fail(reader, ls_origin_of(name_node), "model: more than %d networks",
                              LS_NETWORKS_MAX);
    struct ls_network *network = &networks->items[networks->count];
    if (!ls_name_good(name, sizeof network->name, false))
        return ls_reader_fail(reader, ls_origin_of(name_node),
                              "name of a network: expected 1 to %zu letters, digits, _ or -",
                              sizeof network->name - 1);
    if (ls_network_find(networks, name))
        return ls_reader_fail(reader, ls_origin_of(name_node),
                              "two networks are called '%s'; first on line %d", name,
                              ls_network_find(networks, name)->line);
    networks->count++;
    snprintf(network->name, sizeof network->name, "%s", name);
    network->line = (int)name_node->start_mark.line + 1;
    network->column = (int)name_node->start_mark.column + 1;
    const enum ls_status status = read_list(reader, &layer_table, node, &network->layers);
    if (status == LS_OK && !network->layers.count)
        return ls_reader_fail(reader, ls_origin_of(name_node), "network %s has no layers", name);
    return status;
}

enum ls_status ls_reader_model(const struct ls_config_reader *reader, const yaml_node_t *node,
                               struct ls_networks *networks) {
    if (node->type != YAML_MAPPING_NODE) {
        const enum ls_status status =
            read_list(reader, &layer_table, node, &networks->items[0].layers);
        networks->count = networks->items[0].layers.count > 0;
        return status;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const enum ls_status status = read_network(reader, node_at(reader, pair->key),
                                                   node_at(reader, pair->value), networks);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

enum ls_status ls_config_layer_error(const struct ls_config *config,
                                     const struct ls_layer_spec *spec, struct ls_error *error) {
    if (!spec || !spec->line)
        return ls_fail_context(error, "%s: error: ", config->path);
    return ls_fail_context(error, "%s:%d:%d: error: ", config->path, spec->line, spec->column);
}
