/* A layer: parameters + initialisation + calls of ops. One file each, one constant struct, listed
 * in list.h. Its options are a struct described by a table of fields, from which configs and help
 * come. */
#ifndef LS_LAYERS_LAYER_H
#define LS_LAYERS_LAYER_H

#include "core/base/field.h"
#include "core/graph/graph.h"
#include "core/graph/ops.h"
#include "core/layers/feed.h"

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
    struct ls_value *weight; /* that other layers may use as theirs; NULL: none */
};

/* A feed that something took: an input of the graph. */
struct ls_taken_feed {
    int feed;               /* index in the builder's feeds */
    struct ls_value *input; /* what a batch is copied into */
    struct ls_value *value; /* what those who took it see: scaled, or the input itself */
    int64_t limit;          /* indices and labels must be from 0 to below it; 0: any */
    int limits, ignoring;   /* who said so, and who of them leaves `ignored` out: */
    int32_t ignored;        /* that one passes if all do */
    bool zero_to_one;       /* its values must be from 0 to 1, and need not be whole */
};

struct ls_networks;
enum { LS_NETWORKS_MAX = 16 };

/* What layers are recorded with. A layer that cannot be built says so with ls_graph_fail.
 *
 * The running value of a list starts as a feed that is not made yet: x is NULL until the first
 * layer that reads it. That layer decides whether it comes as numbers or as indices. */
struct ls_builder {
    struct ls_graph *graph;      /* borrowed */
    const struct ls_feed *feeds; /* [feed_count] on offer; borrowed */
    int feed_count;
    struct ls_taken_feed taken[LS_FEEDS_MAX]; /* out: in the order in which they were taken */
    int taken_count;
    char start[LS_FEED_NAME_MAX];       /* the feed that x NULL stands for; "": inputs */
    const struct ls_layer_spec *latest; /* the layer that was built last */
    const struct ls_networks *networks; /* borrowed; NULL: none */
    int network_groups[LS_NETWORKS_MAX];
    bool recording[LS_NETWORKS_MAX]; /* networks that are being recorded now */
    int group;                       /* of the parameters that are recorded now */
    /* The cut: the value of the layer of that path is replaced by an input of the graph, so that
     * what made it is needed no more. NULL: none. */
    const char *start_at;
    struct ls_value *cut;      /* out: that input; NULL: no layer had the path */
    struct ls_value *replaced; /* out: the value that it takes the place of */
    /* The feed whose numbers, or the cut's, want a gradient: said when they are made, since ops ask
     * for room by it. NULL: none. */
    const char *explains;
    struct ls_value *weight; /* what the layer that is built now lets others use (weight_of) */
    struct ls_named *named;  /* owned: ls_builder_clear; in the order of recording */
    int named_count, named_room;
    const struct ls_layer_spec
        *failed; /* out: the innermost layer that failed first; NULL if none did */
};

struct ls_layer {
    const char *name; /* in configs: "linear" */
    const char *help; /* one line */
    struct ls_fields fields;
    size_t options_size;
    const char *main_field; /* `linear: 10` means {main_field: 10}; it may be one of `inputs`; NULL:
                               takes a mapping only */
    const char *const *branches; /* NULL-terminated names of lists of layers ("body", "shortcut") */
    /* Keys of further values that it takes by name ("memory", "lengths"), ending with NULL; or
     * NULL. Each layer also takes `from`, in place of the running value. The keys `of` and
     * `baselines` take several names. */
    const char *const *inputs;
    /* NULL-terminated names of the fields that say what its weight is. A layer with these takes
     * `weight_of`, the name of an earlier one whose weight it uses; they follow from that then, and
     * must not be given. NULL: it has no such weight. */
    const char *const *weight_fields;
    bool takes_indices; /* a feed that it reads comes as int32, not as real */
    bool passes_input;  /* may be built on x NULL: it hands x on, or needs none */
    /* Records the layer on x; NULL after an error in the graph. */
    struct ls_value *(*build)(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec);
};

enum { LS_BRANCHES_MAX = 4, LS_REFERENCES_MAX = 32 };

/* A value that a layer takes by its name: of an earlier layer, a network, or a feed. */
struct ls_reference {
    const char *key; /* "from", "weight_of", or one of layer->inputs; static */
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

/* The key as the layer has it (static), "from" and "weight_of" included; NULL if it takes none of
 * that name. */
const char *ls_layer_input_key(const struct ls_layer *layer, const char *key);
/* Whether that key of a layer takes a list of names. */
bool ls_layer_key_lists(const char *key);

/* A spec of that layer with default options. */
void ls_layer_spec_init(struct ls_layer_spec *spec, const struct ls_layer *layer, const char *name);
/* The (first) name that a spec gives for the key, NULL if it gives none; and whether it does. */
const char *ls_layer_spec_reference(const struct ls_layer_spec *spec, const char *key);
bool ls_layer_spec_refers(const struct ls_layer_spec *spec, const char *key);
/* Whether the option follows from the weight of another layer, so that it is not given. */
bool ls_layer_spec_follows(const struct ls_layer_spec *spec, const struct ls_field *field);
void ls_layer_spec_refer(struct ls_layer_spec *spec, const char *key, const char *name);
void ls_layer_list_clear(struct ls_layer_list *list);
void ls_builder_clear(struct ls_builder *builder);

/* The feed of that name as a value of the graph, made at the first call; NULL after an error (there
 * is no such feed, or it was taken as another type). A scalar has the shape [1]. */
struct ls_value *ls_builder_feed(struct ls_builder *builder, const char *name, enum ls_type type);
/* The same in a shape of one sample with as many values as the feed's: a loss knows the shape. */
struct ls_value *ls_builder_feed_as(struct ls_builder *builder, const char *name, enum ls_type type,
                                    struct ls_shape shape);
/* The feed of that name, or NULL. */
const struct ls_feed *ls_builder_offer(const struct ls_builder *builder, const char *name);
/* Whether a sample of the feed is known to have another number of values than the shape. */
bool ls_feed_differs(const struct ls_feed *feed, struct ls_shape shape);
/* How many words the feed that `value` is has (NULL: the feed "targets"); 0 if that is not known.
 */
int64_t ls_builder_vocabulary(struct ls_builder *builder, const struct ls_value *value);

/* What x NULL stands for, made now. */
struct ls_value *ls_builder_running(struct ls_builder *builder, bool indices);

/* If value is a feed as it comes: its values must be from 0 to below limit (the least that was
 * said), or be the one to ignore, which is said after the limit and by everybody who says one. */
void ls_builder_limit(struct ls_builder *builder, const struct ls_value *value, int64_t limit);
void ls_builder_ignore(struct ls_builder *builder, const struct ls_value *value, int32_t ignored);
/* The same for numbers that must be from 0 to 1. False after an error: the feed is standardised. */
bool ls_builder_zero_to_one(struct ls_builder *builder, const struct ls_value *value);
/* The feed that the value is, as it was taken; *mean, *scale: the constants that it was shifted and
 * scaled by, or NULL. NULL: it is none. */
const struct ls_feed *ls_builder_taken(const struct ls_builder *builder,
                                       const struct ls_value *value, const struct ls_value **mean,
                                       const struct ls_value **scale);
/* Whether the value is a feed with gaps: its values of -1 say nothing. */
bool ls_builder_gaps(struct ls_builder *builder, const struct ls_value *value);

/* What the constants of a scaled feed are called: "input.mean" for "inputs", "target.scale" for
 * "targets", else the feed's name with ".mean" and ".scale". */
enum { LS_CONSTANT_NAME_MAX = LS_FEED_NAME_MAX + 8 };
struct ls_feed_constants {
    char mean[LS_CONSTANT_NAME_MAX], scale[LS_CONSTANT_NAME_MAX];
};
struct ls_feed_constants ls_feed_constants(const char *feed);

/* Records the layers one after the other, each in a scope of its name. An empty list gives x. x
 * NULL: the feed "inputs", or the one that a layer `input` named. */
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
/* The same for a value that is indices or counts (lengths). */
struct ls_value *ls_layer_input_indices(struct ls_builder *builder,
                                        const struct ls_layer_spec *spec, const char *key);
/* The value that it gives for `lengths`: how many of so many positions count in each sample. A feed
 * may then hold nothing above that. */
struct ls_value *ls_layer_lengths(struct ls_builder *builder, const struct ls_layer_spec *spec,
                                  int64_t positions);
/* The value of a layer by its name, looked up in the same way; NULL if there is none, without an
 * error. */
struct ls_value *ls_builder_find(const struct ls_builder *builder, const char *name);
/* The value of the layer of exactly that path ("blocks.block0.attention1"); NULL after an error in
 * the graph, which says which path is nearest. */
struct ls_value *ls_builder_layer(struct ls_builder *builder, const char *path);
/* All values that it gives for `key`; returns how many (at most LS_REFERENCES_MAX), 0 after an
 * error. */
int ls_layer_inputs(struct ls_builder *builder, const struct ls_layer_spec *spec, const char *key,
                    struct ls_value **values);
/* Notes that the scope that is open now gave this value, and builder->weight. */
void ls_builder_name(struct ls_builder *builder, struct ls_value *value);

/* The weight of the layer that `weight_of` names, looked up as values are; NULL if the spec names
 * none, or after an error in the graph (no such layer, or one without). */
struct ls_value *ls_layer_shared_weight(const struct ls_builder *builder,
                                        const struct ls_layer_spec *spec);
/* Whether a layer of the networks may use the weight of the one that is built now. A table that is
 * used so is stored as products read it. */
bool ls_builder_shares_weight(const struct ls_builder *builder);

/* For the files of this folder. Names of initialisers, in the order of their enum; the choices of
 * two shared field rows: members `init` (int, enum ls_initialiser_kind) and `init_scale` (double);
 * LS_LAYER_INITIALISER makes an initialiser of them. */
extern const char *const ls_initialiser_names[];

#define LS_LAYER_INITIALISER(options)                                                              \
    (struct ls_initialiser) {                                                                      \
        .kind = (enum ls_initialiser_kind)(options)->init, .scale = (options)->init_scale          \
    }

#define LS_LAYER_SCALED_INITIALISER_FIELDS(type, initial_name, initial_scale)                      \
    {.name = "init",                                                                               \
     .kind = LS_FIELD_CHOICE,                                                                      \
     .offset = offsetof(type, init),                                                               \
     .initial = initial_name,                                                                      \
     .choices = ls_initialiser_names,                                                              \
     .help = "initial weights"},                                                                   \
    {                                                                                              \
        .name = "init_scale", .kind = LS_FIELD_REAL, .offset = offsetof(type, init_scale),         \
        .initial = initial_scale, .min = -1e6, .max = 1e6,                                         \
        .help = "factor on the initial weights; constant: their value"                             \
    }

#define LS_LAYER_INITIALISER_FIELDS(type, initial_name)                                            \
    LS_LAYER_SCALED_INITIALISER_FIELDS(type, initial_name, "1")

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

/* The shape of a sample that an option lists; false, and the graph has failed, if it is none. A -1
 * stays: whether one is worked out is the layer's business. */
bool ls_layer_shape(struct ls_graph *graph, const struct ls_real_list *list,
                    struct ls_shape *shape);

#endif
