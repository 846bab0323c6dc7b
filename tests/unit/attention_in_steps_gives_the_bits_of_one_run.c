/* Step mode: T runs of one position each give, bit for bit, what one run over T positions gives. */
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "launcher/config/config.h"
#include "tests/support/support.h"

enum { ROWS = 3, POSITIONS = 70, CHANNELS = 20, HEADS = 2, KEYS = 67 };

/* A graph and its inputs; `memory` and `lengths` may be NULL. */
struct model {
    struct ls_parameter_set *parameters;
    struct ls_graph *graph;
    struct ls_value *x, *memory, *lengths, *y;
    float *flat;
};

struct kind {
    bool cross, lengths, rotary;
};

/* linear -> (rotary) -> attention -> linear */
static void record(struct model *m, struct kind kind, int64_t positions) {
    const struct ls_initialiser init = {.kind = LS_INIT_GLOROT_UNIFORM, .scale = 1};
    const int64_t wide = kind.cross ? CHANNELS : 3 * CHANNELS;
    m->x = ls_graph_input(m->graph, "x", LS_SHAPE(positions, CHANNELS), LS_TYPE_REAL);
    if (kind.cross)
        m->memory = ls_graph_input(m->graph, "memory", LS_SHAPE(KEYS, 2 * CHANNELS), LS_TYPE_REAL);
    if (kind.lengths)
        m->lengths = ls_graph_input(m->graph, "lengths", LS_SHAPE(1), LS_TYPE_INT32);
    struct ls_value *weight =
        ls_graph_parameter(m->graph, "weight", LS_SHAPE(CHANNELS, wide), LS_LAYOUT_PANELS,
                           LS_PARAMETER_WEIGHT, true, 0, init);
    struct ls_value *output =
        ls_graph_parameter(m->graph, "output", LS_SHAPE(CHANNELS, CHANNELS), LS_LAYOUT_PANELS,
                           LS_PARAMETER_WEIGHT, true, 0, init);
    struct ls_value *q = ls_linear(m->graph, m->x, weight, NULL);
    if (kind.rotary)
        q = ls_rotary(m->graph, q,
                      &(struct ls_rotary_options){.channels = kind.cross ? 0 : 2 * CHANNELS,
                                                  .width = CHANNELS / HEADS});
    q = ls_attention(
        m->graph, q, m->memory, m->lengths,
        &(struct ls_attention_options){.heads = HEADS, .causal = !kind.cross, .dropout = 0.5});
    m->y = ls_linear(m->graph, q, output, NULL);
    ls_graph_keep(m->graph, m->y);
}

static struct model model_create(enum ls_variant variant, struct kind kind, bool steps) {
    struct model m = {.parameters = ls_parameters_create()};
    m.graph = ls_graph_create(&(struct ls_graph_options){.variant = variant,
                                                         .rows_max = ROWS,
                                                         .parameters = m.parameters,
                                                         .inference = true,
                                                         .step_positions = steps ? POSITIONS : 0});
    record(&m, kind, steps ? 1 : POSITIONS);
    ls_require(ls_graph_plan(m.graph, &ls_test_error));
    m.flat = ls_memory_map((size_t)m.parameters->total * sizeof(float));
    ls_parameters_initialise(m.parameters, 1, m.flat);
    ls_graph_prepare(m.graph, m.flat);
    return m;
}

static void model_destroy(struct model *m) {
    ls_graph_destroy(m->graph);
    ls_memory_unmap(m->flat, (size_t)m->parameters->total * sizeof(float));
    ls_parameters_destroy(m->parameters);
}

static float number(uint32_t stream, int64_t i) {
    const struct ls_random_key key = ls_random_key(5, stream, 0, 0);
    return 4 * ls_random_unit(ls_random_block(key, (uint32_t)i, 0).word[0]) - 2;
}

static void run(struct model *m, int64_t position) {
    const int32_t lengths[ROWS] = {0, 5, KEYS};
    for (int64_t i = 0; m->memory && i < ROWS * KEYS * 2 * CHANNELS; i++)
        ((float *)m->memory->data)[i] = number(2, i);
    if (m->lengths)
        memcpy(m->lengths->data, lengths, sizeof lengths);
    ls_graph_forward(
        m->graph,
        &(struct ls_run){
            .rows = ROWS, .microbatch_rows = ROWS, .microbatches = 1, .position = position},
        NULL);
}

static void check(enum ls_variant variant, struct kind kind) {
    struct model whole = model_create(variant, kind, false);
    struct model steps = model_create(variant, kind, true);
    for (uint32_t sequence = 0; sequence < 2; sequence++) { /* the second starts anew */
        float *x = whole.x->data;
        for (int64_t i = 0; i < ROWS * POSITIONS * CHANNELS; i++)
            x[i] = number(10 + sequence, i);
        run(&whole, 0);
        for (int64_t t = 0; t < POSITIONS; t++) {
            for (int64_t n = 0; n < ROWS; n++)
                memcpy((float *)steps.x->data + n * CHANNELS, x + (n * POSITIONS + t) * CHANNELS,
                       CHANNELS * sizeof *x);
            run(&steps, t);
            for (int64_t n = 0; n < ROWS; n++)
                ck_assert_msg(!memcmp((float *)steps.y->data + n * CHANNELS,
                                      (float *)whole.y->data + (n * POSITIONS + t) * CHANNELS,
                                      CHANNELS * sizeof *x),
                              "%s, cross %d, lengths %d, rotary %d: sequence %d, sample %d differs "
                              "at position %d",
                              ls_variant_name(variant), kind.cross, kind.lengths, kind.rotary,
                              (int)sequence, (int)n, (int)t);
        }
    }
    model_destroy(&whole);
    model_destroy(&steps);
}

static void check_variants(struct kind kind) {
    for (int variant = LS_F32_PORTABLE; variant <= LS_F32_AVX512; variant++)
        if (ls_variant_supported((enum ls_variant)variant))
            check((enum ls_variant)variant, kind);
}

START_TEST(causal_attention_remembers_earlier_positions) {
    check_variants((struct kind){0});
    check_variants((struct kind){.lengths = true});
}
END_TEST

START_TEST(rotary_positions_go_on) {
    check_variants((struct kind){.rotary = true});
}
END_TEST

START_TEST(attention_on_another_sequence_reads_all_of_it) {
    check_variants((struct kind){.cross = true});
    check_variants((struct kind){.cross = true, .lengths = true, .rotary = true});
}
END_TEST

/* A whole language model, as a config says it, answering. */
enum { WORDS = 19 };

static void whole_create(struct ls_model *model, struct ls_parameter_set *parameters,
                         const struct ls_config *config, enum ls_variant variant, bool steps) {
    const struct ls_feed feed = {.name = "inputs",
                                 .shape = LS_SHAPE(steps ? 1 : POSITIONS),
                                 .integer = true,
                                 .limit = WORDS};
    struct ls_model_options options = ls_config_model(config, variant, ROWS);
    options.feeds = &feed;
    options.feed_count = 1;
    options.inference = options.answers = true;
    options.step_positions = steps ? POSITIONS : 0;
    ls_require(ls_model_create(model, &options, 0, parameters, &ls_test_error));
}

static void step_whole(const struct ls_model *model, int64_t position) {
    static const uint64_t ids[ROWS];
    ls_graph_forward(model->graph,
                     &(struct ls_run){.mean_only = true,
                                      .rows = ROWS,
                                      .microbatch_rows = ROWS,
                                      .microbatches = 1,
                                      .row_ids = ids,
                                      .position = position},
                     NULL);
}

/* Both models have one set of parameters: step mode changes none of their shapes. */
static void check_whole(const char *text, enum ls_variant variant) {
    struct ls_config config;
    struct ls_model whole, steps;
    struct ls_parameter_set *parameters = ls_parameters_create();
    ls_require(ls_config_parse(&config, text, strlen(text), "x.yaml", NULL, 0, &ls_test_error));
    whole_create(&whole, parameters, &config, variant, false);
    whole_create(&steps, parameters, &config, variant, true);
    float *flat = ls_memory_map((size_t)parameters->total * sizeof *flat);
    ls_parameters_initialise(parameters, 1, flat);
    ls_graph_prepare(whole.graph, flat);
    ls_graph_prepare(steps.graph, flat);
    int32_t *words = whole.inputs[0].value->data;
    const int64_t width = ls_shape_last(whole.output->shape);
    for (uint32_t sequence = 0; sequence < 2; sequence++) {
        for (int64_t i = 0; i < ROWS * POSITIONS; i++)
            words[i] =
                (int32_t)ls_random_below(ls_random_key(8, sequence, 0, 0), (uint64_t)i, WORDS);
        step_whole(&whole, 0);
        for (int64_t t = 0; t < POSITIONS; t++) {
            for (int64_t n = 0; n < ROWS; n++)
                ((int32_t *)steps.inputs[0].value->data)[n] = words[n * POSITIONS + t];
            step_whole(&steps, t);
            for (int64_t n = 0; n < ROWS; n++)
                ck_assert_msg(!memcmp((float *)steps.output->data + n * width,
                                      (float *)whole.output->data + (n * POSITIONS + t) * width,
                                      (size_t)width * sizeof(float)),
                              "%s: sequence %d, sample %d differs at position %d",
                              ls_variant_name(variant), (int)sequence, (int)n, (int)t);
        }
    }
    ls_model_destroy(&whole);
    ls_model_destroy(&steps);
    ls_memory_unmap(flat, (size_t)parameters->total * sizeof *flat);
    ls_parameters_destroy(parameters);
    ls_config_clear(&config);
}

static void check_whole_variants(const char *text) {
    for (int variant = LS_F32_PORTABLE; variant <= LS_F32_AVX512; variant++)
        if (ls_variant_supported((enum ls_variant)variant))
            check_whole(text, (enum ls_variant)variant);
}

START_TEST(a_whole_gpt_answers_step_by_step) {
    check_whole_variants(
        "task: language_model\n"
        "data: {train: x.h5}\n"
        "model:\n"
        "  - embedding: {width: 12, name: tokens}\n"
        "  - position: {init_scale: 1}\n"
        "  - dropout: 0.5\n"
        "  - repeat:\n"
        "      name: blocks\n"
        "      times: 2\n"
        "      body:\n"
        "        - residual: {activation: none, body: [layer_norm, attention: {heads: 2, causal: "
        "true}]}\n"
        "        - residual: {activation: none, body: [layer_norm, linear: 20, gelu, linear: 12]}\n"
        "  - layer_norm\n"
        "  - linear: {weight_of: tokens, bias: false}\n");
}
END_TEST

START_TEST(a_whole_recurrent_model_answers_step_by_step) {
    check_whole_variants("task: language_model\n"
                         "data: {train: x.h5}\n"
                         "model:\n"
                         "  - embedding: {width: 12}\n"
                         "  - lstm: {units: 9, layers: 2, dropout: 0.5}\n"
                         "  - rms_norm\n"
                         "  - gru: 10\n"
                         "  - rnn: 11\n"
                         "  - linear: 19\n");
}
END_TEST

static void check_refusal(bool cross, bool causal, int64_t positions, const char *expected) {
    struct ls_parameter_set *parameters = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(struct ls_graph_options){.variant = LS_F32_PORTABLE,
                                                                        .rows_max = 1,
                                                                        .parameters = parameters,
                                                                        .inference = true,
                                                                        .step_positions = 4});
    struct ls_value *memory =
        cross ? ls_graph_input(graph, "memory", LS_SHAPE(5, 12), LS_TYPE_REAL) : NULL;
    ls_attention(graph, ls_graph_input(graph, "x", LS_SHAPE(positions, 6), LS_TYPE_REAL), memory,
                 NULL, &(struct ls_attention_options){.causal = causal});
    ck_assert_int_eq(ls_graph_plan(graph, &ls_test_error), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, expected) != NULL, "'%s' does not say '%s'",
                  ls_test_error.text, expected);
    ls_graph_destroy(graph);
    ls_parameters_destroy(parameters);
}

START_TEST(what_cannot_go_in_steps_is_refused) {
    check_refusal(false, false, 1, "self-attention must be causal");
    check_refusal(true, true, 1, "cannot be causal");
    check_refusal(false, true, 2, "a step brings 1 position, found 2");
}
END_TEST

LS_SUITE(a_whole_gpt_answers_step_by_step, a_whole_recurrent_model_answers_step_by_step,
         causal_attention_remembers_earlier_positions, rotary_positions_go_on,
         attention_on_another_sequence_reads_all_of_it, what_cannot_go_in_steps_is_refused)
