/* lstm, gru, rnn: one or several recurrences on top of each other, in one direction or in both.
 *
 * The recurrent weights begin orthogonal: the state of an rnn then keeps its length over time (Saxe
 * et al. 2014), and on the adding problem (Hochreiter & Schmidhuber 1997, 30 positions) lstm and
 * gru learned as well from it as from uniform weights, and better than with an orthogonal matrix
 * for each gate. The draw takes 0.1 s for 256 units of an lstm and 1 s for 512. */
#include <stdio.h>

#include "core/layers/list.h"

enum { TANH, RELU };

struct options {
    int64_t units, layers;
    bool bidirectional, bias;
    double dropout;
    int activation;     /* of rnn */
    double forget_bias; /* of lstm */
    int init;
    double init_scale;
    int recurrent_init;
    double recurrent_scale;
};

#define LS_RECURRENT_FIELDS                                                                        \
    {.name = "units",                                                                              \
     .kind = LS_FIELD_INTEGER,                                                                     \
     .offset = offsetof(struct options, units),                                                    \
     .min = 1,                                                                                     \
     .max = 1 << 16,                                                                               \
     .help = "numbers per position, of each direction"},                                           \
        {.name = "layers",                                                                         \
         .kind = LS_FIELD_INTEGER,                                                                 \
         .offset = offsetof(struct options, layers),                                               \
         .initial = "1",                                                                           \
         .min = 1,                                                                                 \
         .max = 64,                                                                                \
         .help = "how many on top of each other, as layer0, layer1, ..."},                         \
        {.name = "bidirectional",                                                                  \
         .kind = LS_FIELD_BOOL,                                                                    \
         .offset = offsetof(struct options, bidirectional),                                        \
         .initial = "false",                                                                       \
         .help = "a second one from the last position to the first; the outputs stand side by "    \
                 "side, 2 units in all"},                                                          \
        {.name = "dropout",                                                                        \
         .kind = LS_FIELD_REAL,                                                                    \
         .offset = offsetof(struct options, dropout),                                              \
         .initial = "0",                                                                           \
         .min = 0,                                                                                 \
         .max = 0.99,                                                                              \
         .help = "share of the numbers between two layers that are set to 0 in training"},         \
        {.name = "bias",                                                                           \
         .kind = LS_FIELD_BOOL,                                                                    \
         .offset = offsetof(struct options, bias),                                                 \
         .initial = "true",                                                                        \
         .help = "whether biases are added"},                                                      \
        LS_LAYER_INITIALISER_FIELDS(struct options, "glorot_uniform"),                             \
        {.name = "recurrent_init",                                                                 \
         .kind = LS_FIELD_CHOICE,                                                                  \
         .offset = offsetof(struct options, recurrent_init),                                       \
         .initial = "orthogonal",                                                                  \
         .choices = ls_initialiser_names,                                                          \
         .help = "initial weights of the product with the state before"},                          \
    {                                                                                              \
        .name = "recurrent_scale", .kind = LS_FIELD_REAL,                                          \
        .offset = offsetof(struct options, recurrent_scale), .initial = "1", .min = 1e-6,          \
        .max = 1e6, .help = "factor on them; constant: their value"                                \
    }

static const struct ls_field lstm_items[] = {
    LS_RECURRENT_FIELDS,
    {.name = "forget_bias",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, forget_bias),
     .initial = "1",
     .min = -1e6,
     .max = 1e6,
     .help = "initial bias of the forget gates: above 0, memory lasts at first (Jozefowicz et al. "
             "2015)"},
};

static const struct ls_field gru_items[] = {LS_RECURRENT_FIELDS};

static const char *const activation_names[] = {[TANH] = "tanh", [RELU] = "relu", NULL};

static const struct ls_field rnn_items[] = {
    LS_RECURRENT_FIELDS,
    {.name = "activation",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, activation),
     .initial = "tanh",
     .choices = activation_names,
     .help = "of the new state"},
};

static const char *const inputs[] = {"lengths", "state", NULL};

/* A recurrence op and how many values per unit it takes. */
struct cell {
    struct ls_value *(*record)(struct ls_graph *, struct ls_value *,
                               const struct ls_recurrence_values *,
                               const struct ls_recurrence_options *);
    int64_t gates;
    bool forgets, adds; /* a forget gate, the second of the gates; a bias of the candidate */
};

/* What one call of a layer works with. */
struct job {
    struct ls_graph *graph;
    const struct options *options;
    const struct cell *cell;
    struct ls_value *lengths, *state;
};

/* Zeros, and the forget gates' bias; NULL without. */
static struct ls_value *make_bias(const struct job *job) {
    const int64_t units = job->options->units, columns = job->cell->gates * units;
    const struct ls_initialiser init = {.kind = LS_INIT_STRETCH,
                                        .scale = job->options->forget_bias,
                                        .first = units,
                                        .end = 2 * units};
    if (!job->options->bias)
        return NULL;
    if (!job->cell->forgets)
        return ls_layer_vector(job->graph, "bias", columns, 0);
    return ls_graph_parameter(job->graph, "bias", LS_SHAPE(columns), LS_LAYOUT_PLAIN,
                              LS_PARAMETER_WEIGHT, false, 0, init);
}

/* The gates of a unit are as many small layers side by side, so each has `units` outputs. */
static struct ls_value *build_one(const struct job *job, struct ls_value *x, bool reverse) {
    const struct options *options = job->options;
    const int64_t units = options->units, columns = job->cell->gates * units;
    struct ls_initialiser init = LS_LAYER_INITIALISER(options);
    struct ls_initialiser recurrent = {.kind = (enum ls_initialiser_kind)options->recurrent_init,
                                       .scale = options->recurrent_scale};
    init.fan_out = recurrent.fan_out = (double)units;
    struct ls_recurrence_values values = {.state = job->state, .lengths = job->lengths};
    values.weight = ls_layer_weight(
        job->graph, "weight", LS_SHAPE(ls_shape_last(x->shape), columns), LS_LAYOUT_PANELS, init);
    values.recurrent_weight = ls_layer_weight(
        job->graph, "recurrent_weight", LS_SHAPE(units, columns), LS_LAYOUT_PANELS, recurrent);
    values.bias = make_bias(job);
    if (job->cell->adds && options->bias)
        values.candidate_bias = ls_layer_vector(job->graph, "candidate_bias", units, 0);
    return job->cell->record(job->graph, x, &values,
                             &(const struct ls_recurrence_options){
                                 .reverse = reverse, .relu = options->activation == RELU});
}

static struct ls_value *build_direction(const struct job *job, struct ls_value *x, bool reverse) {
    ls_graph_push(job->graph, reverse ? "backward" : "forward");
    struct ls_value *y = build_one(job, x, reverse);
    ls_graph_pop(job->graph);
    return y;
}

static struct ls_value *build_both(const struct job *job, struct ls_value *x) {
    struct ls_value *const directions[] = {build_direction(job, x, false),
                                           build_direction(job, x, true)};
    return ls_graph_failed(job->graph) ? NULL : ls_concat(job->graph, directions, 2, -1);
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec, const struct cell *cell) {
    if (!ls_layer_expects(builder->graph, x, 2, 2, "[positions, features]"))
        return NULL;
    const struct job job = {.graph = builder->graph,
                            .options = spec->options,
                            .cell = cell,
                            .lengths = ls_layer_lengths(builder, spec, x->shape.dims[1]),
                            .state = ls_layer_input(builder, spec, "state")};
    for (int64_t i = 0; i < job.options->layers && !ls_graph_failed(builder->graph); i++) {
        char name[32];
        snprintf(name, sizeof name, "layer%d", (int)i);
        ls_graph_push(builder->graph, name);
        if (i > 0 && job.options->dropout > 0)
            x = ls_dropout(builder->graph, x, job.options->dropout);
        x = job.options->bidirectional ? build_both(&job, x) : build_one(&job, x, false);
        ls_graph_pop(builder->graph);
    }
    return ls_graph_failed(builder->graph) ? NULL : x;
}

static struct ls_value *build_lstm(struct ls_builder *builder, struct ls_value *x,
                                   const struct ls_layer_spec *spec) {
    return build(builder, x, spec,
                 &(const struct cell){.record = ls_lstm, .gates = 4, .forgets = true});
}

const struct ls_layer ls_layer_lstm = {
    .name = "lstm",
    .help = "long short-term memory over the positions (Hochreiter & Schmidhuber 1997); lengths: "
            "valid positions of each sample; state: what it begins with",
    .fields = LS_LAYER_FIELDS(lstm_items),
    .options_size = sizeof(struct options),
    .main_field = "units",
    .inputs = inputs,
    .build = build_lstm,
};

static struct ls_value *build_gru(struct ls_builder *builder, struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    return build(builder, x, spec,
                 &(const struct cell){.record = ls_gru, .gates = 3, .adds = true});
}

const struct ls_layer ls_layer_gru = {
    .name = "gru",
    .help = "gated recurrent units over the positions (Cho et al. 2014); lengths and state as lstm",
    .fields = LS_LAYER_FIELDS(gru_items),
    .options_size = sizeof(struct options),
    .main_field = "units",
    .inputs = inputs,
    .build = build_gru,
};

static struct ls_value *build_rnn(struct ls_builder *builder, struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    return build(builder, x, spec, &(const struct cell){.record = ls_rnn, .gates = 1});
}

const struct ls_layer ls_layer_rnn = {
    .name = "rnn",
    .help = "a simple recurrence over the positions (Elman 1990); lengths and state as lstm",
    .fields = LS_LAYER_FIELDS(rnn_items),
    .options_size = sizeof(struct options),
    .main_field = "units",
    .inputs = inputs,
    .build = build_rnn,
};
