#include "core/layers/fields.h"

const char *const ls_vocabulary_words[] = {"vocabulary", NULL};

struct options {
    int64_t vocabulary, width;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    LS_VOCABULARY_FIELD(struct options, vocabulary, "0", 0,
                        "indices are below it; vocabulary: as many as the data has words"),
    LS_COUNT_FIELD(struct options, width, 1 << 20, "numbers per index"),
    LS_LAYER_INITIALISER_FIELDS(struct options, "normal"),
};

/* A table of its own, or the weight of another layer; NULL after an error. A table that another
 * layer uses is stored as the weight of a linear layer with one output per index: products are the
 * hot side. What is drawn has the spread that the table would have. */
static struct ls_value *table_for(struct ls_builder *builder, const struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (ls_layer_spec_refers(spec, "weight_of"))
        return ls_layer_shared_weight(builder, spec);
    const int64_t words =
        options->vocabulary ? options->vocabulary : ls_builder_vocabulary(builder, x);
    if (!words)
        return ls_graph_fail(graph,
                             "vocabulary: the data has none; expected how many indices there are");
    struct ls_initialiser init = LS_LAYER_INITIALISER(options);
    if (!ls_builder_shares_weight(builder))
        return ls_layer_weight(graph, "weight", LS_SHAPE(words, options->width), LS_LAYOUT_PLAIN,
                               init);
    init.fan_in = (double)words;
    init.fan_out = (double)options->width;
    return ls_layer_weight(graph, "weight", LS_SHAPE(options->width, words), LS_LAYOUT_PANELS,
                           init);
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    if (x->type != LS_TYPE_INT32)
        return ls_graph_fail(builder->graph,
                             "expected indices, found numbers: an embedding is the first layer");
    struct ls_value *table = table_for(builder, x, spec);
    if (!table)
        return NULL;
    ls_builder_limit(builder, x,
                     table->layout == LS_LAYOUT_PANELS ? ls_shape_last(table->shape)
                                                       : table->shape.dims[0]);
    builder->weight = table;
    return ls_embedding(builder->graph, x, table);
}

static const char *const weight_fields[] = {"vocabulary", "width", "init", "init_scale", NULL};

const struct ls_layer ls_layer_embedding = {
    .name = "embedding",
    .help = "a learned vector for each index; the first layer of a model of indices",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .weight_fields = weight_fields,
    .takes_indices = true,
    .build = build,
};
