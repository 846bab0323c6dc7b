/* Attention of a sequence on itself, or on another one by its name (Vaswani et al. 2017, section
 * 3.2.2): one product makes queries, keys and values side by side, so that nothing is copied. */
#include "core/layers/fields.h"

struct options {
    int64_t heads, width;
    bool causal, bias, rotary;
    double dropout, bias_init;
    int init;
    double init_scale, output_init_scale;
};

static const struct ls_field items[] = {
    LS_INTEGER_FIELD(struct options, heads, "1", 1, 1 << 16,
                     "parts of the width that look at positions on their own"),
    {.name = "causal",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, causal),
     .initial = "false",
     .help = "whether a position sees no position behind it"},
    LS_REAL_FIELD(struct options, dropout, "0", 0, 0.99,
                  "share of the attention weights that are set to 0 in training"),
    LS_INTEGER_FIELD(struct options, width, "0", 0, 1 << 20,
                     "channels of all heads together; 0: those of the input"),
    LS_BIAS_FIELDS(struct options, "whether biases are added"),
    {.name = "rotary",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, rotary),
     .initial = "false",
     .help = "whether queries and keys are turned by their positions (Su et al. 2021)"},
    LS_LAYER_INITIALISER_FIELDS(struct options, "glorot_uniform"),
    LS_REAL_FIELD(struct options, output_init_scale, "0", 0, 1e6,
                  "factor on the initial weights of the output projection; 0: init_scale"),
};

/* A linear layer "NAME.weight", "NAME.bias" of `parts` parts of `width` side by side, each of which
 * starts as one of its own would. */
static struct ls_value *project(struct ls_graph *graph, const char *name, struct ls_value *x,
                                int64_t width, int parts, const struct options *options) {
    struct ls_initialiser init = LS_LAYER_INITIALISER(options);
    init.fan_out = (double)width;
    ls_graph_push(graph, name);
    struct ls_value *weight = ls_layer_weight(
        graph, "weight", LS_SHAPE(ls_shape_last(x->shape), parts * width), LS_LAYOUT_PANELS, init);
    struct ls_value *bias =
        options->bias ? ls_layer_vector(graph, "bias", parts * width, options->bias_init) : NULL;
    struct ls_value *y = ls_linear(graph, x, weight, bias);
    ls_graph_pop(graph);
    return y;
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    struct ls_value *memory = ls_layer_input(builder, spec, "memory");
    if (ls_graph_failed(graph) ||
        !ls_layer_expects(graph, x, 2, 2, "a sequence [positions, features]") ||
        (memory && !ls_layer_expects(graph, memory, 2, 2, "a memory [positions, features]")))
        return NULL;
    if (memory && options->rotary)
        return ls_graph_fail(graph, "rotary: positions of the memory are not those of the input; "
                                    "expected false with memory");
    struct ls_value *lengths =
        ls_layer_lengths(builder, spec, (memory ? memory : x)->shape.dims[1]);
    const int64_t width = options->width ? options->width : ls_shape_last(x->shape);
    const struct ls_attention_options attention = {
        .heads = options->heads, .causal = options->causal, .dropout = options->dropout};
    if (width % options->heads)
        return ls_graph_fail(graph, "heads: expected a divisor of the width %lld, found %lld",
                             (long long)width, (long long)options->heads);
    const struct ls_rotary_options rotary = {.channels = 2 * width,
                                             .width = width / options->heads};
    struct ls_value *q = project(graph, memory ? "q" : "qkv", x, width, memory ? 1 : 3, options);
    struct ls_value *kv = memory ? project(graph, "kv", memory, width, 2, options) : NULL;
    if (options->rotary)
        q = ls_rotary(graph, q, &rotary);
    struct ls_value *y = ls_attention(graph, q, kv, lengths, &attention);
    if (!y)
        return NULL;
    struct options output = *options;
    output.init_scale =
        options->output_init_scale > 0 ? options->output_init_scale : options->init_scale;
    return project(graph, "output", y, ls_shape_last(x->shape), 1, &output);
}

const struct ls_layer ls_layer_attention = {
    .name = "attention",
    .help = "each position takes a weighted mean over positions, per head (Vaswani et al. 2017)",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "heads",
    .inputs = (const char *const[]){"memory", "lengths", NULL},
    .build = build,
};
