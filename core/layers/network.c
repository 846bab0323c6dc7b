#include "core/layers/network.h"

#include <string.h>

#include "core/layers/list.h"

void ls_networks_clear(struct ls_networks *networks) {
    for (int i = 0; i < networks->count; i++)
        ls_layer_list_clear(&networks->items[i].layers);
    networks->count = 0;
}

const struct ls_network *ls_network_find(const struct ls_networks *networks, const char *name) {
    for (int i = 0; i < networks->count; i++)
        if (!strcmp(networks->items[i].name, name))
            return &networks->items[i];
    return NULL;
}

const struct ls_network *ls_networks_entry(const struct ls_networks *networks) {
    const struct ls_network *entry = ls_network_find(networks, "main");
    return entry ? entry : &networks->items[networks->count - 1];
}

static bool list_takes(const struct ls_layer_list *list, const char *feed) {
    for (int i = 0; i < list->count; i++) {
        const struct ls_layer_spec *spec = &list->items[i];
        for (int r = 0; r < spec->reference_count; r++)
            if (!strcmp(spec->references[r].name, feed))
                return true;
        if (spec->layer == &ls_layer_feed) {
            const struct ls_field *field = ls_fields_find(spec->layer->fields, "feed");
            if (!strcmp((const char *)spec->options + field->offset, feed))
                return true;
        }
        for (int b = 0; b < LS_BRANCHES_MAX; b++)
            if (list_takes(&spec->branches[b], feed))
                return true;
    }
    return false;
}

bool ls_networks_take(const struct ls_networks *networks, const char *feed) {
    for (int i = 0; i < networks->count; i++)
        if (list_takes(&networks->items[i].layers, feed))
            return true;
    return false;
}

static struct ls_value *unknown(struct ls_builder *builder, const char *name) {
    const struct ls_networks *networks = builder->networks;
    const char *names[LS_NETWORKS_MAX];
    int count = 0;
    for (int i = 0; networks && i < networks->count; i++)
        names[count++] = networks->items[i].name;
    const char *nearest = ls_nearest(name, names, count);
    return ls_graph_fail(builder->graph, "the model has no network '%.60s'%s%s%s", name,
                         nearest ? "; nearest is '" : "", nearest ? nearest : "",
                         nearest ? "'" : "");
}

struct ls_value *ls_network_record(struct ls_builder *builder, const char *name,
                                   struct ls_value *x) {
    const struct ls_networks *networks = builder->networks;
    const struct ls_network *network = networks ? ls_network_find(networks, name) : NULL;
    if (ls_graph_failed(builder->graph))
        return NULL;
    if (!network)
        return unknown(builder, name);
    const int index = (int)(network - networks->items), outer_group = builder->group;
    if (builder->recording[index])
        return ls_graph_fail(builder->graph, "the network '%s' contains itself", name);
    char *outer = ls_graph_suspend_scope(builder->graph);
    if (name[0])
        ls_graph_push(builder->graph, name);
    builder->recording[index] = true;
    builder->group = builder->network_groups[index];
    ls_graph_set_group(builder->graph, builder->group);
    struct ls_value *y = ls_layers_build(builder, x, &network->layers);
    builder->group = outer_group;
    ls_graph_set_group(builder->graph, builder->group);
    builder->recording[index] = false;
    if (name[0])
        ls_graph_pop(builder->graph);
    ls_graph_resume_scope(builder->graph, outer);
    return y;
}

struct options {
    char of[LS_TEXT_MAX];
};

static const struct ls_field items[] = {
    {.name = "of",
     .kind = LS_FIELD_TEXT,
     .offset = offsetof(struct options, of),
     .help = "the network's name, a key of the model's mapping"},
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    return ls_network_record(builder, options->of, x);
}

const struct ls_layer ls_layer_network = {
    .name = "network",
    .help = "a named network of the model on this value; each time with the same parameters",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "of",
    .passes_input = true,
    .build = build,
};
