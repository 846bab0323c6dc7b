#include "core/layers/list.h"

struct options {
    int64_t vocabulary, width;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    {.name = "vocabulary",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, vocabulary),
     .min = 1,
     .max = 1 << 24,
     .help = "indices are 0 .. vocabulary-1"},
    {.name = "width",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, width),
     .min = 1,
     .max = 1 << 20,
     .help = "numbers per index"},
    LS_LAYER_INITIALISER_FIELDS(struct options, "normal"),
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    if (x->type != LS_TYPE_INT32)
        return ls_graph_fail(builder->graph,
                             "expected indices, found numbers: an embedding is the first layer");
    struct ls_value *table =
        ls_layer_weight(builder->graph, "weight", LS_SHAPE(options->vocabulary, options->width),
                        LS_LAYOUT_PLAIN, LS_LAYER_INITIALISER(options));
    return ls_embedding(builder->graph, x, table);
}

const struct ls_layer ls_layer_embedding = {
    .name = "embedding",
    .help = "a learned vector for each index; the first layer of a model of indices",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .build = build,
};
