/* A vector per position, added to what stands there. */
#include "core/layers/fields.h"

enum kind { LEARNED, SINUSOIDAL };

struct options {
    int kind, init;
    double init_scale;
};

static const char *const kinds[] = {"learned", "sinusoidal", NULL};

static const struct ls_field items[] = {
    {.name = "kind",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, kind),
     .initial = "learned",
     .choices = kinds,
     .help = "learned, or fixed sines and cosines of many wavelengths (Vaswani et al. 2017)"},
    LS_LAYER_SCALED_INITIALISER_FIELDS(struct options, "normal", "0.02"),
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 2, 2, "a sequence [positions, features]"))
        return NULL;
    /* In step mode the value has one position, and the table those of a whole sequence: ls_add
     * takes the row of the position. */
    const int64_t steps = ls_graph_step_positions(graph);
    const struct ls_shape shape =
        LS_SHAPE(steps > 0 ? steps : x->shape.dims[1], ls_shape_last(x->shape));
    struct ls_value *table =
        options->kind == SINUSOIDAL
            ? ls_graph_parameter(graph, "table", shape, LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT,
                                 false, 0, (struct ls_initialiser){.kind = LS_INIT_SINUSOIDAL})
            : ls_layer_weight(graph, "weight", shape, LS_LAYOUT_PLAIN,
                              LS_LAYER_INITIALISER(options));
    return ls_add(graph, x, table);
}

const struct ls_layer ls_layer_position = {
    .name = "position",
    .help = "adds a vector for each position of a sequence",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "kind",
    .build = build,
};
