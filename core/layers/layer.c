#include "core/layers/layer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/layers/list.h"

static const struct ls_layer *const layers[] = {
#define LS_LAYER_ENTRY(name) &ls_layer_##name,
    LS_LAYER_LIST(LS_LAYER_ENTRY)
#undef LS_LAYER_ENTRY
};
enum { LAYER_COUNT = sizeof layers / sizeof *layers };

const struct ls_layer *ls_layer_find(const char *name) {
    for (int i = 0; i < LAYER_COUNT; i++)
        if (!strcmp(layers[i]->name, name))
            return layers[i];
    return NULL;
}

const struct ls_layer *const *ls_layers(int *count) {
    *count = LAYER_COUNT;
    return layers;
}

void ls_layer_spec_init(struct ls_layer_spec *spec, const struct ls_layer *layer,
                        const char *name) {
    *spec = (struct ls_layer_spec){.layer = layer};
    const int length = snprintf(spec->name, sizeof spec->name, "%s", name);
    LS_ASSERT((size_t)length < sizeof spec->name, "layer name '%s' is longer than %zu", name,
              sizeof spec->name - 1);
    spec->options = ls_calloc(1, layer->options_size);
    ls_fields_reset(layer->fields, spec->options);
}

const char *ls_layer_input_key(const struct ls_layer *layer, const char *key) {
    if (!strcmp(key, "from"))
        return "from";
    if (layer->weight_fields && !strcmp(key, "weight_of"))
        return "weight_of";
    for (int i = 0; layer->inputs && layer->inputs[i]; i++)
        if (!strcmp(layer->inputs[i], key))
            return layer->inputs[i];
    return NULL;
}

bool ls_layer_key_lists(const char *key) {
    return !strcmp(key, "of") || !strcmp(key, "baselines");
}

const char *ls_layer_spec_reference(const struct ls_layer_spec *spec, const char *key) {
    for (int i = 0; i < spec->reference_count; i++)
        if (!strcmp(spec->references[i].key, key))
            return spec->references[i].name;
    return NULL;
}

bool ls_layer_spec_refers(const struct ls_layer_spec *spec, const char *key) {
    return ls_layer_spec_reference(spec, key);
}

bool ls_layer_spec_follows(const struct ls_layer_spec *spec, const struct ls_field *field) {
    const char *const *name = spec->layer->weight_fields;
    if (!name || !ls_layer_spec_refers(spec, "weight_of"))
        return false;
    while (*name && strcmp(*name, field->name) != 0)
        name++;
    return *name;
}

void ls_layer_spec_refer(struct ls_layer_spec *spec, const char *key, const char *name) {
    const size_t room = (size_t)spec->reference_count + 1;
    spec->references = ls_realloc(spec->references, room, sizeof *spec->references);
    struct ls_reference *reference = &spec->references[spec->reference_count++];
    *reference = (struct ls_reference){.key = ls_layer_input_key(spec->layer, key)};
    LS_ASSERT(reference->key, "layer %s takes no '%s'", spec->layer->name, key);
    snprintf(reference->name, sizeof reference->name, "%s", name);
}

void ls_layer_list_clear(struct ls_layer_list *list) {
    for (int i = 0; i < list->count; i++) {
        free(list->items[i].options);
        free(list->items[i].references);
        for (int b = 0; b < LS_BRANCHES_MAX; b++)
            ls_layer_list_clear(&list->items[i].branches[b]);
    }
    free(list->items);
    *list = (struct ls_layer_list){0};
}

/* Names become parts of parameter names, where two equal ones would share their weights. */
static bool name_fits(struct ls_graph *graph, const struct ls_layer_list *list, int index) {
    const char *name = list->items[index].name;
    bool fits = *name != '\0';
    for (const char *c = name; *c; c++)
        fits = fits && (isalnum((unsigned char)*c) || *c == '_' || *c == '-');
    if (!fits)
        ls_graph_fail(graph, "layer names are made of letters, digits, _ and -, found '%s'", name);
    for (int i = 0; i < index && fits; i++)
        if (!strcmp(list->items[i].name, name)) {
            ls_graph_fail(graph, "two layers of one list are named '%s'", name);
            fits = false;
        }
    return fits;
}

struct ls_value *ls_builder_running(struct ls_builder *builder, bool indices) {
    return ls_builder_feed(builder, builder->start[0] ? builder->start : "inputs",
                           indices ? LS_TYPE_INT32 : LS_TYPE_REAL);
}

/* The value of the layer that is open now, or the input that takes its place. */
static struct ls_value *cut_here(struct ls_builder *builder, struct ls_value *y) {
    if (!builder->start_at || strcmp(builder->start_at, ls_graph_scope(builder->graph)) != 0)
        return y;
    builder->replaced = y;
    builder->cut =
        ls_graph_input(builder->graph, builder->start_at, ls_shape_of_row(y->shape), y->type);
    if (builder->cut && builder->explains && y->type == LS_TYPE_REAL)
        ls_graph_want_gradient(builder->graph, builder->cut);
    return builder->cut;
}

static struct ls_value *build_item(struct ls_builder *builder, struct ls_value *x,
                                   const struct ls_layer_list *list, int index) {
    const struct ls_layer_spec *spec = &list->items[index];
    struct ls_value *y = NULL;
    if (name_fits(builder->graph, list, index)) {
        ls_graph_push(builder->graph, spec->name);
        struct ls_value *from = ls_layer_input(builder, spec, "from");
        if (!from && !x && !spec->layer->passes_input)
            x = ls_builder_running(builder, spec->layer->takes_indices);
        builder->weight = NULL;
        if (!ls_graph_failed(builder->graph))
            y = spec->layer->build(builder, from ? from : x, spec);
        if (y)
            y = cut_here(builder, y);
        if (y)
            ls_builder_name(builder, y);
        ls_graph_pop(builder->graph);
    }
    builder->latest = spec;
    if (ls_graph_failed(builder->graph) && !builder->failed)
        builder->failed = spec;
    return y;
}

struct ls_value *ls_layers_build(struct ls_builder *builder, struct ls_value *x,
                                 const struct ls_layer_list *list) {
    for (int i = 0; i < list->count && !ls_graph_failed(builder->graph); i++)
        x = build_item(builder, x, list, i);
    return x;
}

bool ls_layers_build_each(struct ls_builder *builder, struct ls_value *x,
                          const struct ls_layer_list *list, struct ls_value **results) {
    for (int i = 0; i < list->count && !ls_graph_failed(builder->graph); i++)
        if (!(results[i] = build_item(builder, x, list, i)))
            results[i] = ls_builder_running(builder, false); /* a list of nothing */
    return !ls_graph_failed(builder->graph);
}
