/* class_token: a learned vector in front of every sequence (Devlin et al. 2019). */
#include "core/layers/list.h"

struct options {
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    LS_LAYER_INITIALISER_FIELDS(struct options, "zeros"),
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 2, 2, "sequences [positions, channels]"))
        return NULL;
    struct ls_value *token = ls_layer_weight(graph, "weight", LS_SHAPE(ls_shape_last(x->shape)),
                                             LS_LAYOUT_PLAIN, LS_LAYER_INITIALISER(options));
    return ls_prepend(graph, x, token);
}

const struct ls_layer ls_layer_class_token = {
    .name = "class_token",
    .help = "a learned vector in front of every sequence, from which `take: 0` reads the answer",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .build = build,
};
