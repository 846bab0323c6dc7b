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

/* A layer's output, by the path under which it was recorded: "blocks.block0.attention1". */
struct ls_named {
    char path[LS_NAME_MAX];
    struct ls_value *value;
};

/* What layers are recorded with. A layer that cannot be built says so with ls_graph_fail. */
struct ls_builder {
    struct ls_graph *graph; /* borrowed */
    struct ls_named *named; /* owned: ls_builder_clear; in the order of recording */
    int named_count, named_room;
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
    /* Keys of further values that it takes by name ("memory", "lengths"), ending with NULL; or
     * NULL. Each layer also takes `from`, in place of the running value. The key `of` takes several
     * names. */
    const char *const *inputs;
    /* Records the layer on x; NULL after an error in the graph. */
    struct ls_value *(*build)(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec);
};

enum { LS_BRANCHES_MAX = 4, LS_REFERENCES_MAX = 32 };

/* A value that a layer takes by its name: of an earlier layer, a network, or a feed. */
struct ls_reference {
    const char *key; /* "from", or one of layer->inputs; static */
    char name[LS_NAME_MAX];
};

struct ls_layer_spec {
    const struct ls_layer *layer;
    char name[64]; /* part of parameter names; "conv1": given, or type + running number */
    void *options; /* owned */
    struct ls_layer_list branches[LS_BRANCHES_MAX]; /* in the order of layer->branches */
    struct ls_reference *references;                /* owned; several with one key: in order */
    int reference_count;
    int line, column; /* in the config; 0 if none */
};

/* NULL if there is none of that name. */
const struct ls_layer *ls_layer_find(const char *name);
/* All layers, for help. */
const struct ls_layer *const *ls_layers(int *count);

/* The key as the layer has it (static), "from" included; NULL if it takes none of that name. */
const char *ls_layer_input_key(const struct ls_layer *layer, const char *key);

/* A spec of that layer with default options. */
void ls_layer_spec_init(struct ls_layer_spec *spec, const struct ls_layer *layer, const char *name);
void ls_layer_spec_refer(struct ls_layer_spec *spec, const char *key, const char *name);
void ls_layer_list_clear(struct ls_layer_list *list);
void ls_builder_clear(struct ls_builder *builder);

/* Records the layers one after the other, each in a scope of its name. An empty list gives x. */
struct ls_value *ls_layers_build(struct ls_builder *builder, struct ls_value *x,
                                 const struct ls_layer_list *list);

/* Records the layers side by side on the same x: results[i] for each. False after an error. */
bool ls_layers_build_each(struct ls_builder *builder, struct ls_value *x,
                          const struct ls_layer_list *list, struct ls_value **results);

/* The value that a spec gives for `key`; NULL if it gives none, or after an error in the graph (an
 * unknown name). Names are looked up in the lists around the layer, from the innermost outward, of
 * what has been recorded so far; a path may be given. */
struct ls_value *ls_layer_input(struct ls_builder *builder, const struct ls_layer_spec *spec,
                                const char *key);
/* All values that it gives for `key`; returns how many (at most LS_REFERENCES_MAX), 0 after an
 * error. */
int ls_layer_inputs(struct ls_builder *builder, const struct ls_layer_spec *spec, const char *key,
                    struct ls_value **values);
/* Notes that the scope that is open now gave this value. */
void ls_builder_name(struct ls_builder *builder, struct ls_value *value);

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
