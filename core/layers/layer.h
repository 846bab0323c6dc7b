/* A layer: parameters + initialisation + calls of ops. One file each, one constant struct, listed
 * in list.h. Its options are a struct described by a table of fields, from which configs and help
 * come. */
#ifndef LS_LAYERS_LAYER_H
#define LS_LAYERS_LAYER_H

#include "core/base/field.h"
#include "core/graph/graph.h"
#include "core/graph/ops.h"

struct ls_layer_spec;

/* A sequence of layers. Owned: ls_layer_list_clear frees the items. */
struct ls_layer_list {
    struct ls_layer_spec *items;
    int count;
};

/* What layers are recorded with. A layer that cannot be built says so with ls_graph_fail. */
struct ls_builder {
    struct ls_graph *graph; /* borrowed */
    const struct ls_layer_spec
        *failed; /* out: the innermost layer that failed first; NULL if none did */
};

struct ls_layer {
    const char *name; /* in configs: "linear" */
    const char *help; /* one line */
    struct ls_fields fields;
    size_t options_size;
    const char *main_field; /* `linear: 10` means {main_field: 10}; NULL: takes a mapping only */
    const char *const *branches; /* NULL-terminated names of lists of layers ("body", "shortcut") */
    /* Records the layer on x; NULL after an error in the graph. */
    struct ls_value *(*build)(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec);
};

enum { LS_BRANCHES_MAX = 4 };

struct ls_layer_spec {
    const struct ls_layer *layer;
    char name[64]; /* part of parameter names; "conv1": given, or type + running number */
    void *options; /* owned */
    struct ls_layer_list branches[LS_BRANCHES_MAX]; /* in the order of layer->branches */
    int line, column;                               /* in the config; 0 if none */
};

/* NULL if there is none of that name. */
const struct ls_layer *ls_layer_find(const char *name);
/* All layers, for help. */
const struct ls_layer *const *ls_layers(int *count);

/* A spec of that layer with default options. */
void ls_layer_spec_init(struct ls_layer_spec *spec, const struct ls_layer *layer, const char *name);
void ls_layer_list_clear(struct ls_layer_list *list);

/* Records the layers one after the other, each in a scope of its name. An empty list gives x. */
struct ls_value *ls_layers_build(struct ls_builder *builder, struct ls_value *x,
                                 const struct ls_layer_list *list);

/* Records the layers side by side on the same x: results[i] for each. False after an error. */
bool ls_layers_build_each(struct ls_builder *builder, struct ls_value *x,
                          const struct ls_layer_list *list, struct ls_value **results);

/* For the files of this folder. Names of initialisers, in the order of their enum; the choices of
 * two shared field rows: members `init` (int, enum ls_initialiser_kind) and `init_scale` (double);
 * LS_LAYER_INITIALISER makes an initialiser of them. */
extern const char *const ls_initialiser_names[];

#define LS_LAYER_INITIALISER(options)                                                              \
    (struct ls_initialiser) {                                                                      \
        .kind = (enum ls_initialiser_kind)(options)->init, .scale = (options)->init_scale          \
    }

#define LS_LAYER_INITIALISER_FIELDS(type, initial_name)                                            \
    {.name = "init",                                                                               \
     .kind = LS_FIELD_CHOICE,                                                                      \
     .offset = offsetof(type, init),                                                               \
     .initial = initial_name,                                                                      \
     .choices = ls_initialiser_names,                                                              \
     .help = "initial weights"},                                                                   \
    {                                                                                              \
        .name = "init_scale", .kind = LS_FIELD_REAL, .offset = offsetof(type, init_scale),         \
        .initial = "1", .min = -1e6, .max = 1e6,                                                   \
        .help = "factor on the initial weights; constant: their value"                             \
    }

#define LS_LAYER_FIELDS(items)                                                                     \
    { items, sizeof items / sizeof *items }

/* "SCOPE.weight"-like parameters: drawn and decayed; or a vector of `count` equal numbers, not
 * decayed. */
struct ls_value *ls_layer_weight(struct ls_graph *graph, const char *name, struct ls_shape shape,
                                 enum ls_layout layout, struct ls_initialiser init);
struct ls_value *ls_layer_vector(struct ls_graph *graph, const char *name, int64_t count,
                                 double value);
struct ls_value *ls_layer_statistic(struct ls_graph *graph, const char *name, int64_t count,
                                    double value, double momentum);

/* Whether x has that many dimensions besides the sample; else fails with what the layer expects
 * ("an image [height, width, channels]") and what it found. */
bool ls_layer_expects(struct ls_graph *graph, const struct ls_value *x, int dimensions_min,
                      int dimensions_max, const char *what);

#endif
