/* A layer: parameters + initialisation + calls of ops. One file each, one constant struct, listed in
 * list.h. Its options are a struct described by a table of fields, from which configs and help come. */
#ifndef LS_LAYERS_LAYER_H
#define LS_LAYERS_LAYER_H

#include "core/base/field.h"
#include "core/graph/graph.h"
#include "core/ops/ops.h"

struct ls_layer_spec;

/* A sequence of layers. Owned: ls_layer_list_clear frees the items. */
struct ls_layer_list {
    struct ls_layer_spec *items;
    int count;
};

struct ls_layer {
    const char *name;            /* in configs: "linear" */
    const char *help;            /* one line */
    struct ls_fields fields;
    size_t options_size;
    const char *main_field;      /* `linear: 10` means {main_field: 10}; NULL: takes a mapping only */
    const char *const *branches; /* NULL-terminated names of lists of layers ("body", "shortcut") */
    /* Records the layer on x; NULL after an error in the graph. */
    struct ls_value *(*build)(struct ls_graph *graph, struct ls_value *x,
                              const struct ls_layer_spec *spec);
};

enum { LS_BRANCHES_MAX = 4 };

struct ls_layer_spec {
    const struct ls_layer *layer;
    char name[64];               /* part of parameter names; "conv1": given, or type + running number */
    void *options;               /* owned */
    struct ls_layer_list branches[LS_BRANCHES_MAX]; /* in the order of layer->branches */
    int line, column;            /* in the config; 0 if none */
};

/* NULL if there is none of that name. */
const struct ls_layer *ls_layer_find(const char *name);
/* All layers, for help. */
const struct ls_layer *const *ls_layers(int *count);

/* A spec of that layer with default options. */
void ls_layer_spec_init(struct ls_layer_spec *spec, const struct ls_layer *layer, const char *name);
void ls_layer_list_clear(struct ls_layer_list *list);

/* Records the layers one after the other, each in a scope of its name. */
struct ls_value *ls_layers_build(struct ls_graph *graph, struct ls_value *x,
                                 const struct ls_layer_list *list);

/* Shared field rows for an initialiser: members `init` (int, enum ls_initialiser_kind) and
 * `init_scale` (double) of the options struct. */
extern const char *const ls_initialiser_names[];

#endif
