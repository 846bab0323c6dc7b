/* Step mode: positions that come one by one give the outputs of one run over all of them, bit for
 * bit, on every instruction set; and what cannot be made step by step is refused. */
#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "tests/support/support.h"

/* Ops that look back would keep 3 positions; a recurrence has its state and goes on behind them. */
enum { ROWS = 5, POSITIONS = 7, KEPT = 3, INPUTS = 3, UNITS = 37 };

/* What a network begins with. */
struct setting {
    enum ls_op_id op;
    bool state, lengths;
};

struct network {
    struct ls_graph *graph;
    struct ls_value *x, *state, *cell, *lengths, *output;
};

static struct ls_value *weight(struct ls_graph *graph, const char *name, struct ls_shape shape,
                               enum ls_layout layout) {
    return ls_graph_parameter(graph, name, shape, layout, LS_PARAMETER_WEIGHT, false, 0,
                              (struct ls_initialiser){.kind = LS_INIT_UNIFORM, .scale = 0.5});
}

static struct ls_value *record(struct network *network, const struct setting *setting,
                               const struct ls_recurrence_options *options) {
    struct ls_graph *graph = network->graph;
    const int64_t gates = setting->op == LS_OP_lstm ? 4 : setting->op == LS_OP_gru ? 3 : 1;
    struct ls_recurrence_values values = {
        .weight = weight(graph, "w", LS_SHAPE(INPUTS, gates * UNITS), LS_LAYOUT_PANELS),
        .recurrent_weight = weight(graph, "u", LS_SHAPE(UNITS, gates * UNITS), LS_LAYOUT_PANELS),
        .bias = weight(graph, "b", LS_SHAPE(gates * UNITS), LS_LAYOUT_PLAIN),
    };
    if (setting->state)
        values.state = ls_graph_input(graph, "state", LS_SHAPE(UNITS), LS_TYPE_REAL);
    if (setting->lengths)
        values.lengths = ls_graph_input(graph, "lengths", LS_SHAPE(1), LS_TYPE_INT32);
    network->state = values.state;
    network->lengths = values.lengths;
    if (setting->op == LS_OP_rnn)
        return ls_rnn(graph, network->x, &values, options);
    if (setting->op == LS_OP_gru) {
        values.candidate_bias = weight(graph, "b2", LS_SHAPE(UNITS), LS_LAYOUT_PLAIN);
        return ls_gru(graph, network->x, &values, options);
    }
    if (setting->state)
        values.cell = ls_graph_input(graph, "cell", LS_SHAPE(UNITS), LS_TYPE_REAL);
    network->cell = values.cell;
    return ls_lstm(graph, network->x, &values, options);
}

static struct network build(const struct setting *setting, enum ls_variant variant,
                            struct ls_parameter_set *set, int64_t positions, bool in_steps,
                            const struct ls_recurrence_options *options) {
    struct network network = {.graph = ls_graph_create(&(const struct ls_graph_options){
                                  .variant = variant,
                                  .rows_max = ROWS + 1,
                                  .parameters = set,
                                  .inference = true,
                                  .step_positions = in_steps ? KEPT : 0})};
    network.x = ls_graph_input(network.graph, "x", LS_SHAPE(positions, INPUTS), LS_TYPE_REAL);
    network.output = record(&network, setting, options);
    if (network.output)
        ls_graph_keep(network.graph, network.output);
    return network;
}

/* Element k of row n of an input; another sequence for each `sequence`. */
static float number(int sequence, int64_t n, int64_t k) {
    return (float)sin((double)(100 * sequence + 17 * n + 3 * k));
}

static void fill_state(int sequence, struct ls_value *state) {
    for (int64_t i = 0; state && i < (int64_t)ROWS * UNITS; i++)
        ((float *)state->data)[i] = number(sequence + 1, i / UNITS, i % UNITS);
}

static void run(const struct network *network, int sequence, int64_t first, int64_t positions) {
    const struct ls_run one = {
        .rows = ROWS, .microbatch_rows = ROWS, .microbatches = 1, .position = first};
    float *x = network->x->data;
    for (int64_t n = 0; n < ROWS; n++)
        for (int64_t k = 0; k < positions * INPUTS; k++)
            *x++ = number(sequence, n, first * INPUTS + k);
    fill_state(sequence, network->state);
    fill_state(sequence + 1, network->cell);
    for (int64_t n = 0; network->lengths && n < ROWS; n++)
        ((int32_t *)network->lengths->data)[n] = (int32_t)((5 * n + sequence) % (POSITIONS + 1));
    ls_graph_forward(network->graph, &one, NULL);
}

/* Two sequences one after the other: nothing of the first is left in the second. */
static void compare(const struct setting *setting, enum ls_variant variant) {
    const struct ls_recurrence_options options = {.reverse = false};
    struct ls_parameter_set *set = ls_parameters_create();
    struct network whole = build(setting, variant, set, POSITIONS, false, &options),
                   steps = build(setting, variant, set, 1, true, &options);
    ls_require(ls_graph_plan(whole.graph, &ls_test_error));
    ls_require(ls_graph_plan(steps.graph, &ls_test_error));
    float *flat = ls_memory_map((size_t)set->total * sizeof *flat);
    ls_parameters_initialise(set, 1, flat);
    ls_graph_prepare(whole.graph, flat);
    ls_graph_prepare(steps.graph, flat);
    for (int sequence = 0; sequence < 2; sequence++) {
        run(&whole, sequence, 0, POSITIONS);
        for (int64_t t = 0; t < POSITIONS; t++) {
            run(&steps, sequence, t, 1);
            for (int64_t n = 0; n < ROWS; n++) {
                const float *expected =
                    (const float *)whole.output->data + (n * POSITIONS + t) * UNITS;
                const float *found = (const float *)steps.output->data + n * UNITS;
                ck_assert_msg(!memcmp(found, expected, UNITS * sizeof *found),
                              "%s, %s, sequence %d, position %lld, row %lld: %.9g, ..., expected "
                              "%.9g, ...",
                              ls_ops_f64[setting->op]->name, ls_variant_name(variant), sequence,
                              (long long)t, (long long)n, (double)found[0], (double)expected[0]);
            }
        }
    }
    ls_memory_unmap(flat, (size_t)set->total * sizeof *flat);
    ls_graph_destroy(whole.graph);
    ls_graph_destroy(steps.graph);
    ls_parameters_destroy(set);
}

static const enum ls_op_id recurrences[] = {LS_OP_lstm, LS_OP_gru, LS_OP_rnn};

START_TEST(single_positions_give_the_bits_of_all) {
    for (int variant = LS_F32_PORTABLE; variant <= LS_F32_AVX512; variant++)
        for (int k = 0; k < 3 && ls_variant_supported((enum ls_variant)variant); k++)
            for (int with = 0; with < 4; with++)
                compare(&(const struct setting){.op = recurrences[k],
                                                .state = with & 1,
                                                .lengths = with & 2},
                        (enum ls_variant)variant);
}
END_TEST

static void refuse(int64_t positions, bool reverse, const char *text) {
    for (int k = 0; k < 3; k++) {
        struct ls_parameter_set *set = ls_parameters_create();
        struct ls_error error = {0};
        struct network network =
            build(&(const struct setting){.op = recurrences[k]}, LS_F64, set, positions, true,
                  &(const struct ls_recurrence_options){.reverse = reverse});
        ck_assert_int_eq(ls_graph_plan(network.graph, &error), LS_INVALID);
        ck_assert_msg(strstr(error.text, text) != NULL, "found '%s'", error.text);
        ls_graph_destroy(network.graph);
        ls_parameters_destroy(set);
    }
}

START_TEST(what_begins_at_the_end_is_refused) {
    refuse(1, true, "has no last position yet");
    refuse(POSITIONS, false, "has 1 position in the graph, found 7");
}
END_TEST

LS_SUITE(single_positions_give_the_bits_of_all, what_begins_at_the_end_is_refused)
