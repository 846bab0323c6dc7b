#include <string.h>

#include "core/graph/internal.h"
#include "core/graph/ops.h"
#include "tests/support/support.h"

enum { ROWS = 6, WIDTH = 4, FLAT = 1024 };

static struct ls_value *vector(struct ls_graph *graph, const char *name, double value,
                               enum ls_parameter_kind kind) {
    return ls_graph_parameter(graph, name, LS_SHAPE(WIDTH), LS_LAYOUT_PLAIN, kind, false, 0.1,
                              (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = value});
}

static struct ls_value *dense(struct ls_graph *graph, const char *name, struct ls_value *x) {
    ls_graph_push(graph, name);
    struct ls_value *w = ls_graph_parameter(graph, "weight", LS_SHAPE(WIDTH, WIDTH),
                                            LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT, true, 0,
                                            (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
    struct ls_value *y = ls_linear(graph, x, w, NULL);
    ls_graph_pop(graph);
    return y;
}

static struct ls_value *norm(struct ls_graph *graph, const char *name, struct ls_value *x) {
    ls_graph_push(graph, name);
    struct ls_value *y = ls_batch_norm(graph, x, vector(graph, "gain", 1, LS_PARAMETER_WEIGHT),
                                       vector(graph, "offset", 0, LS_PARAMETER_WEIGHT),
                                       vector(graph, "mean", 0, LS_PARAMETER_STATISTIC),
                                       vector(graph, "variance", 1, LS_PARAMETER_STATISTIC),
                                       &(struct ls_norm_options){0});
    ls_graph_pop(graph);
    return y;
}

/* body -> answer; body -> decoder -> loss against the target, and a norm that leads nowhere. */
struct made {
    struct ls_parameter_set *set;
    struct ls_graph *graph;
    struct ls_value *input, *target, *answer, *loss;
    float flat[FLAT], gradients[FLAT];
};

static void make(struct made *made, bool inference, bool loss, bool answer) {
    *made = (struct made){.set = ls_parameters_create()};
    struct ls_graph *graph = made->graph =
        ls_graph_create(&(struct ls_graph_options){.variant = ls_variant_best(),
                                                   .rows_max = ROWS,
                                                   .parameters = made->set,
                                                   .inference = inference});
    made->input = ls_graph_input(graph, "inputs", LS_SHAPE(2, 2), LS_TYPE_REAL);
    made->target = ls_graph_input(graph, "targets", LS_SHAPE(WIDTH), LS_TYPE_REAL);
    ls_graph_push(graph, "block");
    ls_graph_push(graph, "flat");
    struct ls_value *x = ls_flatten(graph, made->input);
    ls_graph_pop(graph);
    x = dense(graph, "body", x);
    ls_graph_pop(graph);
    norm(graph, "aside", x);
    struct ls_value *decoded = ls_dropout(graph, dense(graph, "decoder", x), 0.5);
    made->answer = ls_dropout(graph, dense(graph, "answer", x), 0.5);
    made->loss = ls_squared_error(graph, decoded, made->target, NULL, NULL);
    if (loss)
        ls_graph_set_loss(graph, made->loss);
    if (answer)
        ls_graph_keep(graph, made->answer);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    ck_assert_int_le(made->set->total, FLAT);
    ls_parameters_initialise(made->set, 5, made->flat);
    ls_graph_prepare(graph, made->flat);
}

static void destroy(struct made *made) {
    ls_graph_destroy(made->graph);
    ls_parameters_destroy(made->set);
}

static struct ls_run forward(struct made *made, bool training) {
    static const uint64_t ids[ROWS] = {3, 1, 4, 1, 5, 9};
    const struct ls_run run = {.training = training,
                               .rows = ROWS,
                               .microbatch_rows = ROWS,
                               .microbatches = 1,
                               .row_ids = ids};
    memset(made->graph->arena, 0xff, made->graph->arena_bytes);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        ((float *)made->input->data)[i] = (float)(i % 7) - 3;
        if (made->target->data)
            ((float *)made->target->data)[i] = (float)(i % 5);
    }
    ls_graph_forward(made->graph, &run, made->gradients);
    return run;
}

START_TEST(a_graph_that_answers_runs_no_loss_and_keeps_the_layout) {
    struct made all, answers;
    make(&all, false, true, true);
    make(&answers, true, false, true);
    ck_assert_int_eq(ls_graph_node_count(all.graph), 8);
    ck_assert_int_eq(ls_graph_node_count(answers.graph), 4); /* flatten, body, answer, dropout */
    ck_assert_ptr_null(answers.target->data);
    ck_assert_ptr_null(answers.loss->data);
    ck_assert_int_eq(all.set->count, answers.set->count);
    for (int i = 0; i < all.set->count; i++) {
        ck_assert_str_eq(all.set->items[i]->name, answers.set->items[i]->name);
        ck_assert_int_eq(all.set->items[i]->offset, answers.set->items[i]->offset);
    }
    forward(&all, false);
    forward(&answers, false);
    ck_assert_mem_eq(all.answer->data, answers.answer->data, ROWS * WIDTH * sizeof(float));
    destroy(&all);
    destroy(&answers);
}
END_TEST

/* The answer's nodes go, the norm stays for its statistics; parameters without nodes get zeros. */
START_TEST(a_training_graph_keeps_what_learns) {
    struct made all, only;
    make(&all, false, true, true);
    make(&only, false, true, false);
    ck_assert_int_eq(ls_graph_node_count(only.graph), 6);
    struct made *const both[] = {&all, &only};
    for (int k = 0; k < 2; k++) {
        memset(both[k]->gradients, 0xff, sizeof both[k]->gradients);
        const struct ls_run run = forward(both[k], true);
        ls_graph_backward(both[k]->graph, &run, both[k]->gradients, NULL, NULL);
    }
    ck_assert_int_eq(all.set->total, only.set->total);
    ck_assert_mem_eq(all.gradients, only.gradients, (size_t)all.set->total * sizeof(float));
    const struct ls_parameter *mean = ls_parameters_find(only.set, "aside.mean");
    const struct ls_parameter *answer = ls_parameters_find(only.set, "answer.weight");
    const struct ls_parameter *body = ls_parameters_find(only.set, "block.body.weight");
    ck_assert(only.gradients[mean->offset] != 0);
    ck_assert(only.gradients[answer->offset] == 0);
    ck_assert(only.gradients[body->offset] != 0);
    destroy(&all);
    destroy(&only);
}
END_TEST

/* Noise does not depend on what else a graph was asked for. */
START_TEST(pruning_changes_no_random_stream) {
    struct made all, only;
    make(&all, false, true, true);
    make(&only, true, false, true);
    forward(&all, true);
    forward(&only, true);
    ck_assert_mem_eq(all.answer->data, only.answer->data, ROWS * WIDTH * sizeof(float));
    destroy(&all);
    destroy(&only);
}
END_TEST

START_TEST(a_graph_that_was_asked_for_nothing_keeps_its_nodes) {
    struct made made;
    make(&made, true, false, false);
    ck_assert_int_eq(ls_graph_node_count(made.graph), 8);
    destroy(&made);
}
END_TEST

START_TEST(values_are_found_by_the_path_of_their_layer) {
    struct made made;
    make(&made, false, true, true);
    const struct ls_graph *graph = made.graph;
    ck_assert_ptr_eq(ls_graph_find_input(graph, "inputs"), made.input);
    ck_assert_ptr_eq(ls_graph_find_input(graph, "targets"), made.target);
    ck_assert_ptr_null(ls_graph_find_input(graph, "answer"));
    ck_assert_ptr_null(ls_graph_find_input(graph, "input"));
    ck_assert_ptr_null(ls_graph_find(graph, "inputs"));
    ck_assert_ptr_null(ls_graph_find(graph, "bloc"));
    ck_assert_ptr_null(ls_graph_find(graph, "block.bod"));
    const struct ls_value *flat = ls_graph_find(graph, "block.flat");
    const struct ls_value *body = ls_graph_find(graph, "block.body");
    ck_assert_ptr_eq(flat->data, made.input->data); /* an alias has a name of its own */
    ck_assert_ptr_ne(flat, made.input);
    ck_assert_str_eq(body->name, "block.body");
    ck_assert_ptr_eq(ls_graph_find(graph, "block"), body);
    ck_assert_ptr_eq(ls_graph_find(graph, "answer")->producer->output,
                     made.answer->producer->inputs[0]);
    destroy(&made);
}
END_TEST

LS_SUITE(a_graph_that_answers_runs_no_loss_and_keeps_the_layout, a_training_graph_keeps_what_learns,
         pruning_changes_no_random_stream, a_graph_that_was_asked_for_nothing_keeps_its_nodes,
         values_are_found_by_the_path_of_their_layer)
