#include "core/layers/list.h"

struct options {
    int64_t units;
    bool bias;
    double bias_init;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    {.name = "units",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, units),
     .min = 1,
     .max = 1 << 24,
     .help = "outputs"},
    {.name = "bias",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, bias),
     .initial = "true",
     .help = "whether a bias is added"},
    {.name = "bias_init",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, bias_init),
     .initial = "0",
     .min = -1e6,
     .max = 1e6,
     .help = "initial value of the biases"},
    LS_LAYER_INITIALISER_FIELDS(struct options, "he_normal"),
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 1, 2,
                          "[features] or [positions, features] (put a flatten or a "
                          "global_average_pool before it)"))
        return NULL;
    struct ls_value *weight =
        ls_layer_weight(graph, "weight", LS_SHAPE(ls_shape_last(x->shape), options->units),
                        LS_LAYOUT_PANELS, LS_LAYER_INITIALISER(options));
    struct ls_value *bias =
        options->bias ? ls_layer_vector(graph, "bias", options->units, options->bias_init) : NULL;
    return ls_linear(graph, x, weight, bias);
}

const struct ls_layer ls_layer_linear = {
    .name = "linear",
    .help = "y = x W + b on the last dimension",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "units",
    .build = build,
};
