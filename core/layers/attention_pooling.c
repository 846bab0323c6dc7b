/* attention_pooling: a sequence, or a bag of instances, becomes one vector, their mean by learned
 * weights (Ilse et al. 2018, "Attention-based deep multiple instance learning"):
 *
 *   y = sum over k of p[k] h[k],  p = softmax over valid k of w . u[k] / sqrt D,
 *   u[k] = tanh(V h[k] + b), gated: times sigmoid(U h[k] + c)
 *
 * which is attention of the one learned query w on keys u and values h, so that `lockstep explain
 * RUN attention` shows the weights. */
#include "core/layers/fields.h"

struct options {
    bool gated, bias;
    double bias_init;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    {.name = "gated",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, gated),
     .initial = "false",
     .help = "whether keys are multiplied by a sigmoid of the instances, too"},
    LS_BIAS_FIELDS(struct options, "whether biases are added"),
    LS_LAYER_INITIALISER_FIELDS(struct options, "glorot_uniform"),
};

/* A linear layer "NAME.weight", "NAME.bias" as wide as x. */
static struct ls_value *project(struct ls_graph *graph, const char *name, struct ls_value *x,
                                const struct options *options) {
    const int64_t width = ls_shape_last(x->shape);
    ls_graph_push(graph, name);
    struct ls_value *weight = ls_layer_weight(graph, "weight", LS_SHAPE(width, width),
                                              LS_LAYOUT_PANELS, LS_LAYER_INITIALISER(options));
    struct ls_value *bias =
        options->bias ? ls_layer_vector(graph, "bias", width, options->bias_init) : NULL;
    struct ls_value *y = ls_linear(graph, x, weight, bias);
    ls_graph_pop(graph);
    return y;
}

/* The learned query, [rows, 1, width], in front of a sequence that is cut off again. */
static struct ls_value *repeat_query(struct ls_graph *graph, struct ls_value *x) {
    const int64_t width = ls_shape_last(x->shape);
    const struct ls_slice_options first = {.axis = 1, .first = 0, .count = 1};
    const struct ls_initialiser init = {.kind = LS_INIT_NORMAL, .scale = 1};
    struct ls_value *query =
        ls_layer_weight(graph, "query", LS_SHAPE(width), LS_LAYOUT_PLAIN, init);
    x = ls_slice(graph, x, &first);
    return ls_slice(graph, ls_prepend(graph, x, query), &first);
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 2, 2, "a sequence [positions, features]"))
        return NULL;
    struct ls_value *lengths = ls_layer_lengths(builder, spec, x->shape.dims[1]);
    const struct ls_attention_options attention = {.heads = 1};
    struct ls_value *keys = ls_tanh(graph, project(graph, "keys", x, options));
    if (options->gated)
        keys = ls_multiply(graph, keys, ls_sigmoid(graph, project(graph, "gate", x, options)));
    struct ls_value *const sides[] = {keys, x};
    struct ls_value *memory = ls_concat(graph, sides, 2, -1);
    return ls_flatten(graph,
                      ls_attention(graph, repeat_query(graph, x), memory, lengths, &attention));
}

const struct ls_layer ls_layer_attention_pooling = {
    .name = "attention_pooling",
    .help = "one vector: the mean over positions by learned weights (Ilse et al. 2018)",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .inputs = (const char *const[]){"lengths", NULL},
    .build = build,
};
