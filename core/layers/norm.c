/* batch_norm, layer_norm, group_norm, rms_norm: gain and offset per element of the last dimension.
 */
#include "core/layers/fields.h"

struct batch_options {
    double momentum, epsilon;
};

#define EPSILON_FIELD(type) LS_REAL_FIELD(type, epsilon, "1e-5", 1e-12, 1, "added to the variance")

static const struct ls_field batch_items[] = {
    LS_REAL_FIELD(struct batch_options, momentum, "0.1", 0, 1,
                  "share of a step's statistics in the running ones, which evaluation uses"),
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

struct group_options {
    int64_t groups;
    double epsilon;
};

static const struct ls_field group_items[] = {
    LS_COUNT_FIELD(struct group_options, groups, 1 << 20,
                   "of neighbouring channels; a divisor of their number"),
    EPSILON_FIELD(struct group_options),
};

static struct ls_value *build_group(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct group_options *options = spec->options;
    const int64_t channels = ls_shape_last(x->shape);
    const struct ls_group_norm_options norm = {options->groups, options->epsilon};
    struct ls_value *gain = ls_layer_vector(builder->graph, "gain", channels, 1);
    struct ls_value *offset = ls_layer_vector(builder->graph, "offset", channels, 0);
    return ls_group_norm(builder->graph, x, gain, offset, &norm);
}

const struct ls_layer ls_layer_group_norm = {
    .name = "group_norm",
    .help = "each group of channels of a sample, over all its positions, to mean 0 and variance 1 "
            "(Wu & He 2018)",
    .fields = LS_LAYER_FIELDS(group_items),
    .options_size = sizeof(struct group_options),
    .main_field = "groups",
    .build = build_group,
};

static const struct ls_field rms_items[] = {
    LS_REAL_FIELD(struct layer_options, epsilon, "1e-5", 1e-12, 1, "added to the mean square"),
};

static struct ls_value *build_rms(struct ls_builder *builder, struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    const struct layer_options *options = spec->options;
    const struct ls_norm_options norm = {.epsilon = options->epsilon};
    struct ls_value *gain = ls_layer_vector(builder->graph, "gain", ls_shape_last(x->shape), 1);
    return ls_rms_norm(builder->graph, x, gain, &norm);
}

const struct ls_layer ls_layer_rms_norm = {
    .name = "rms_norm",
    .help = "the last dimension of each row to mean square 1 (Zhang & Sennrich 2019)",
    .fields = LS_LAYER_FIELDS(rms_items),
    .options_size = sizeof(struct layer_options),
    .build = build_rms,
};
