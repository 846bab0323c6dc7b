/* Distances: to learned points (Li et al. 2018), and between two values of a model. */
#include "core/layers/fields.h"

struct options {
    int64_t count;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    LS_COUNT_FIELD(struct options, count, 1 << 20, "prototypes, each as large as x"),
    LS_LAYER_INITIALISER_FIELDS(struct options, "normal"),
};

/* Prototypes are points, which zero does not attract: no weight decay. */
static struct ls_value *build_prototypes(struct ls_builder *builder, struct ls_value *x,
                                         const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_value *prototypes = ls_graph_parameter(
        builder->graph, "prototypes", LS_SHAPE(options->count, ls_shape_row_count(x->shape)),
        LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT, false, 0, LS_LAYER_INITIALISER(options));
    return ls_prototypes(builder->graph, x, prototypes);
}

const struct ls_layer ls_layer_prototypes = {
    .name = "prototypes",
    .help = "squared distances of x to learned points: one output for each",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "count",
    .build = build_prototypes,
};

static const char *const kind_names[] = {
    [LS_DISTANCE_SQUARED] = "squared", [LS_DISTANCE_COSINE] = "cosine", NULL};

struct distance_options {
    int kind;
};

static const struct ls_field distance_items[] = {
    {.name = "kind",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct distance_options, kind),
     .initial = "squared",
     .choices = kind_names,
     .help = "squared: the sum of (a - b)^2; cosine: 1 minus the cosine of the angle"},
};

static struct ls_value *build_distance(struct ls_builder *builder, struct ls_value *x,
                                       const struct ls_layer_spec *spec) {
    const struct distance_options *options = spec->options;
    struct ls_value *values[LS_REFERENCES_MAX] = {NULL};
    const int count = ls_layer_inputs(builder, spec, "of", values);
    if (ls_graph_failed(builder->graph))
        return NULL;
    if (count != 1 && count != 2)
        return ls_graph_fail(builder->graph,
                             "of: expected two names, or one that x is compared with; found %d",
                             count);
    if (count == 1)
        values[1] = x ? x : ls_builder_running(builder, false);
    return values[1] ? ls_distance(builder->graph, values[0], values[1],
                                   (enum ls_distance_kind)options->kind)
                     : NULL;
}

static const char *const distance_inputs[] = {"of", NULL};

const struct ls_layer ls_layer_distance = {
    .name = "distance",
    .help = "how far apart the two vectors named in `of` are: one output",
    .fields = LS_LAYER_FIELDS(distance_items),
    .options_size = sizeof(struct distance_options),
    .inputs = distance_inputs,
    .passes_input = true,
    .build = build_distance,
};
