/* lstm, gru and rnn as layers: what they begin with, where they end, both directions, and what a
 * stack of them is called. */
#include <math.h>

#include "core/base/memory.h"
#include "tests/support/layers.h"
#include "tests/support/support.h"

enum { ROWS = 3, POSITIONS = 4, WIDE = 2 };

static struct ls_parameter_set *set;
static struct ls_graph *graph;
static struct ls_value *x, *state, *lengths, *y;
static float *weights;

static struct ls_value *named(struct ls_builder *builder, const char *name, struct ls_shape row,
                              enum ls_type type) {
    struct ls_value *value = ls_graph_input(graph, name, row, type);
    ls_graph_push(graph, name);
    ls_builder_name(builder, value);
    ls_graph_pop(graph);
    return value;
}

/* The layers of the list on x, with values called "start" and "lengths" for them to take. */
static void build(struct ls_layer_list *list) {
    set = ls_parameters_create();
    graph = ls_graph_create(&(const struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = ROWS, .parameters = set, .inference = true});
    struct ls_builder builder = {.graph = graph};
    x = ls_graph_input(graph, "x", LS_SHAPE(POSITIONS, WIDE), LS_TYPE_REAL);
    state = named(&builder, "start", LS_SHAPE(WIDE), LS_TYPE_REAL);
    lengths = named(&builder, "lengths", LS_SHAPE(1), LS_TYPE_INT32);
    y = ls_layers_build(&builder, x, list);
    ls_builder_clear(&builder);
    if (y)
        ls_graph_keep(graph, y);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    weights = ls_memory_map((size_t)set->total * sizeof *weights);
    ls_parameters_initialise(set, 1, weights);
}

static void clear(struct ls_layer_list *list) {
    ls_memory_unmap(weights, (size_t)set->total * sizeof *weights);
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
    ls_layer_list_clear(list);
}

/* Rows of 1, 4 and 0 positions where lengths are taken. */
static const float *run(void) {
    static const int32_t lengths_given[ROWS] = {1, POSITIONS, 0};
    const struct ls_run one = {.rows = ROWS, .microbatch_rows = ROWS, .microbatches = 1};
    ls_graph_prepare(graph, weights);
    for (int i = 0; i < ROWS * POSITIONS * WIDE; i++)
        ((float *)x->data)[i] = (float)sin(i);
    for (int i = 0; state->data && i < ROWS * WIDE; i++)
        ((float *)state->data)[i] = (float)(i + 1);
    for (int n = 0; lengths->data && n < ROWS; n++)
        ((int32_t *)lengths->data)[n] = lengths_given[n];
    ls_graph_forward(graph, &one, NULL);
    return y->data;
}

static void near(float found, float expected) {
    ck_assert_double_eq_tol((double)found, (double)expected, 1e-6);
}

/* Without weights a gru halves its state at each position: the update gate is 1/2, the candidate 0.
 */
START_TEST(a_gru_begins_with_its_state_and_stops_at_the_length) {
    struct ls_layer_list list = {0};
    struct ls_layer_spec *gru =
        ls_test_layer(&list, "gru", "units", "2", "init", "zeros", "recurrent_init", "zeros", NULL);
    ls_layer_spec_refer(gru, "state", "start");
    ls_layer_spec_refer(gru, "lengths", "lengths");
    build(&list);
    const float *found = run();
    for (int n = 0; n < ROWS; n++)
        for (int t = 0; t < POSITIONS; t++)
            for (int j = 0; j < WIDE; j++) {
                const int halved = n == 0 ? 1 : n == 1 ? t + 1 : 0;
                near(found[(n * POSITIONS + t) * WIDE + j],
                     (float)(n * WIDE + j + 1) / (float)(1 << halved));
            }
    clear(&list);
}
END_TEST

/* h = max(0, x + h before): sums from the first position on, and from the last one back. */
START_TEST(directions_stand_side_by_side) {
    struct ls_layer_list list = {0};
    struct ls_layer_spec *rnn =
        ls_test_layer(&list, "rnn", "units", "1", "activation", "relu", "bidirectional", "true",
                      "init", "constant", "recurrent_init", "constant", NULL);
    ls_layer_spec_refer(rnn, "lengths", "lengths");
    build(&list);
    ck_assert(ls_shape_equal(y->shape, LS_SHAPE(ROWS, POSITIONS, 2)));
    const float *found = run() + POSITIONS * 2; /* row 1: all positions */
    float before = 0, behind = 0;
    for (int t = 0; t < POSITIONS; t++) {
        const int back = POSITIONS - 1 - t;
        const float *row = (const float *)x->data + POSITIONS * WIDE;
        before = fmaxf(0, row[t * WIDE] + row[t * WIDE + 1] + before);
        behind = fmaxf(0, row[back * WIDE] + row[back * WIDE + 1] + behind);
        near(found[t * 2], before);
        near(found[back * 2 + 1], behind);
    }
    clear(&list);
}
END_TEST

static const struct ls_parameter *expect(const char *name, struct ls_shape shape) {
    const struct ls_parameter *found = ls_parameters_find(set, name);
    ck_assert_msg(found && ls_shape_equal(found->shape, shape), "'%s' is missing or misshapen",
                  name);
    return found;
}

START_TEST(stacks_are_numbered_and_forget_gates_begin_open) {
    struct ls_layer_list list = {0};
    ls_test_layer(&list, "lstm", "name", "memory", "units", "5", "layers", "2", "bidirectional",
                  "true", "dropout", "0.25", "forget_bias", "1.5", NULL);
    ls_test_layer(&list, "lstm", "name", "top", "units", "3", NULL);
    build(&list);
    expect("memory.layer0.forward.weight", LS_SHAPE(WIDE, 20));
    expect("memory.layer0.backward.recurrent_weight", LS_SHAPE(5, 20));
    expect("memory.layer1.forward.weight", LS_SHAPE(10, 20));
    const struct ls_parameter *bias = expect("memory.layer1.backward.bias", LS_SHAPE(20));
    for (int i = 0; i < 20; i++)
        near(weights[bias->offset + i], i >= 5 && i < 10 ? 1.5f : 0);
    expect("top.layer0.recurrent_weight", LS_SHAPE(3, 12));
    ck_assert_int_eq(set->count, 4 * 3 + 3);
    ck_assert(ls_shape_equal(y->shape, LS_SHAPE(ROWS, POSITIONS, 3)));
    int dropouts = 0;
    for (int i = 0; i < ls_graph_node_count(graph); i++)
        dropouts +=
            ls_graph_node_at(graph, i)->op == ls_variant_ops(ls_variant_best())[LS_OP_dropout];
    ck_assert_int_eq(dropouts, 1);
    clear(&list);
}
END_TEST

START_TEST(biases_may_be_left_out) {
    static const char *const layers[] = {"lstm", "gru", "rnn"};
    for (int i = 0; i < 3; i++) {
        struct ls_layer_list list = {0};
        ls_test_layer(&list, layers[i], "units", "3", "bias", "false", NULL);
        build(&list);
        ck_assert_int_eq(set->count, 2);
        clear(&list);
    }
}
END_TEST

LS_SUITE(biases_may_be_left_out, a_gru_begins_with_its_state_and_stops_at_the_length,
         directions_stand_side_by_side, stacks_are_numbered_and_forget_gates_begin_open)
