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

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    if (x->type != LS_TYPE_INT32)
        return ls_graph_fail(builder->graph,
                             "expected indices, found numbers: an embedding is the first layer");
    const int64_t words =
        options->vocabulary ? options->vocabulary : ls_builder_vocabulary(builder, x);
    if (!words)
        return ls_graph_fail(builder->graph,
                             "vocabulary: the data has none; expected how many indices there are");
    ls_builder_limit(builder, x, words);
    struct ls_value *table =
        ls_layer_weight(builder->graph, "weight", LS_SHAPE(words, options->width), LS_LAYOUT_PLAIN,
                        LS_LAYER_INITIALISER(options));
    return ls_embedding(builder->graph, x, table);
}

const struct ls_layer ls_layer_embedding = {
    .name = "embedding",
    .help = "a learned vector for each index; the first layer of a model of indices",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .takes_indices = true,
    .build = build,
};
