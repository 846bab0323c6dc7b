#include "core/layers/fields.h"

struct options {
    int64_t units;
    bool bias;
    double bias_init;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    LS_VOCABULARY_FIELD(struct options, units, NULL, 1, "outputs; vocabulary: one for each word"),
    LS_BIAS_FIELDS(struct options, "whether a bias is added"),
    LS_LAYER_INITIALISER_FIELDS(struct options, "he_normal"),
};

/* A weight of its own, or that of another layer: [features, units]; NULL after an error. */
static struct ls_value *weight_for(struct ls_builder *builder, const struct ls_value *x,
                                   const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    const int64_t features = ls_shape_last(x->shape);
    if (ls_layer_spec_refers(spec, "weight_of")) {
        struct ls_value *weight = ls_layer_shared_weight(builder, spec);
        if (weight && weight->shape.dims[0] != features)
            return ls_graph_fail(graph, "weight_of: that weight is for %lld features, found %lld",
                                 (long long)weight->shape.dims[0], (long long)features);
        return weight;
    }
    const int64_t units = options->units ? options->units : ls_builder_vocabulary(builder, NULL);
    if (!units)
        return ls_graph_fail(graph, "units: the targets have no vocabulary; expected a number");
    return ls_layer_weight(graph, "weight", LS_SHAPE(features, units), LS_LAYOUT_PANELS,
                           LS_LAYER_INITIALISER(options));
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 1, 2,
                          "[features] or [positions, features] (put a flatten or a "
                          "global_average_pool before it)"))
        return NULL;
    struct ls_value *weight = weight_for(builder, x, spec);
    if (!weight)
        return NULL;
    const int64_t units = ls_shape_last(weight->shape);
    struct ls_value *bias =
        options->bias ? ls_layer_vector(graph, "bias", units, options->bias_init) : NULL;
    builder->weight = weight;
    return ls_linear(graph, x, weight, bias);
}

static const char *const weight_fields[] = {"units", "init", "init_scale", NULL};

const struct ls_layer ls_layer_linear = {
    .name = "linear",
    .help = "y = x W + b on the last dimension",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "units",
    .weight_fields = weight_fields,
    .build = build,
};
