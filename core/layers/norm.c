/* batch_norm and layer_norm: gain and offset per element of the last dimension. */
#include "core/layers/list.h"

struct batch_options {
    double momentum, epsilon;
};

#define EPSILON_FIELD(type)                                                                        \
    {                                                                                              \
        .name = "epsilon", .kind = LS_FIELD_REAL, .offset = offsetof(type, epsilon),               \
        .initial = "1e-5", .min = 1e-12, .max = 1, .help = "added to the variance"                 \
    }

static const struct ls_field batch_items[] = {
    {.name = "momentum",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct batch_options, momentum),
     .initial = "0.1",
     .min = 0,
     .max = 1,
     .help = "share of a step's statistics in the running ones, which evaluation uses"},
    EPSILON_FIELD(struct batch_options),
};

static struct ls_value *build_batch(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct batch_options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    const int64_t channels = ls_shape_last(x->shape);
    const struct ls_norm_options norm = {.epsilon = options->epsilon};
    struct ls_value *gain = ls_layer_vector(graph, "gain", channels, 1);
    struct ls_value *offset = ls_layer_vector(graph, "offset", channels, 0);
    struct ls_value *mean = ls_layer_statistic(graph, "mean", channels, 0, options->momentum);
    struct ls_value *variance =
        ls_layer_statistic(graph, "variance", channels, 1, options->momentum);
    return ls_batch_norm(graph, x, gain, offset, mean, variance, &norm);
}

const struct ls_layer ls_layer_batch_norm = {
    .name = "batch_norm",
    .help = "each channel to mean 0 and variance 1 over a microbatch (Ioffe & Szegedy 2015)",
    .fields = LS_LAYER_FIELDS(batch_items),
    .options_size = sizeof(struct batch_options),
    .build = build_batch,
};

struct layer_options {
    double epsilon;
};

static const struct ls_field layer_items[] = {EPSILON_FIELD(struct layer_options)};

static struct ls_value *build_layer(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct layer_options *options = spec->options;
    const int64_t channels = ls_shape_last(x->shape);
    const struct ls_norm_options norm = {.epsilon = options->epsilon};
    struct ls_value *gain = ls_layer_vector(builder->graph, "gain", channels, 1);
    struct ls_value *offset = ls_layer_vector(builder->graph, "offset", channels, 0);
    return ls_layer_norm(builder->graph, x, gain, offset, &norm);
}

const struct ls_layer ls_layer_layer_norm = {
    .name = "layer_norm",
    .help = "the last dimension of each row to mean 0 and variance 1 (Ba et al. 2016)",
    .fields = LS_LAYER_FIELDS(layer_items),
    .options_size = sizeof(struct layer_options),
    .build = build_layer,
};
