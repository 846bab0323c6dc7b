#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"
#include "core/graph/internal.h"
#include "core/graph/ops.h"
#include "core/ops/weave.h"
#include "tests/support/graph_fixture.h"
#include "tests/support/support.h"

enum { ROWS = 20, MICROBATCH = 6, BUFFERS = 200 };

/* What a run gives: loss, output and gradients, copied. */
struct result {
    size_t loss_count, output_count, gradient_count;
    float *values;
};

static struct result run(struct ls_fixture *fixture, bool training) {
    struct result r = {.loss_count = 2 * ROWS,
                       .output_count = (size_t)(ROWS * ls_shape_row_count(fixture->output->shape)),
                       .gradient_count = (size_t)fixture->set->total};
    /* whatever is read before it was written shows as not a number */
    memset(fixture->graph->arena, 0xff, fixture->graph->arena_bytes);
    memset(fixture->gradients, 0xff, r.gradient_count * sizeof(float));
    const struct ls_run run = ls_fixture_rows(fixture, 0, ROWS, MICROBATCH, training);
    ls_graph_forward(fixture->graph, &run, fixture->gradients);
    ls_graph_backward(fixture->graph, &run, fixture->gradients, NULL, NULL);
    r.values = malloc((r.loss_count + r.output_count + r.gradient_count) * sizeof(float));
    memcpy(r.values, fixture->loss->data, r.loss_count * sizeof(float));
    memcpy(r.values + r.loss_count, fixture->output->data, r.output_count * sizeof(float));
    memcpy(r.values + r.loss_count + r.output_count, fixture->gradients,
           r.gradient_count * sizeof(float));
    return r;
}

static void check_same(struct result a, struct result b, const char *what) {
    const size_t count = a.loss_count + a.output_count + a.gradient_count;
    bool something = false;
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(memcmp(&a.values[i], &b.values[i], sizeof(float)) == 0,
                      "%s: element %zu (loss %zu, output %zu, gradients %zu) is %g, not %g", what,
                      i, a.loss_count, a.output_count, a.gradient_count, (double)b.values[i],
                      (double)a.values[i]);
        ck_assert_msg(a.values[i] == a.values[i], "%s: element %zu is not a number", what, i);
        something |= i > a.loss_count + a.output_count && a.values[i] != 0;
    }
    ck_assert(something);
}

static void compare(enum ls_fixture_model model, bool training) {
    const struct ls_graph_options all = {.rows_max = ROWS, .keep_all = true, .no_fusion = true};
    const struct ls_graph_options options[] = {
        {.rows_max = ROWS}, {.rows_max = ROWS, .no_fusion = true}, {.rows_max = ROWS + 13}};
    struct ls_fixture reference = ls_fixture_create(model, all, NULL);
    struct result expected = run(&reference, training);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct ls_fixture fixture = ls_fixture_create(model, options[i], NULL);
        ck_assert_int_eq(fixture.set->total, reference.set->total);
        if (options[i].rows_max == ROWS)
            ck_assert_int_lt(ls_graph_summarise(fixture.graph).arena_bytes,
                             ls_graph_summarise(reference.graph).arena_bytes);
        for (int step = 0; step < 2; step++) {
            struct result found = run(&fixture, training);
            check_same(expected, found, ls_fixture_names[model]);
            free(found.values);
        }
        ls_fixture_destroy(&fixture);
    }
    free(expected.values);
    ls_fixture_destroy(&reference);
}

START_TEST(a_planned_arena_gives_what_separate_memory_gives) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++)
        for (int training = 0; training <= 1; training++)
            compare((enum ls_fixture_model)model, training);
}
END_TEST

START_TEST(fusion_takes_activations_and_residual_sums_into_the_op_before) {
    const struct ls_graph_options fused = {.rows_max = ROWS},
                                  plain = {.rows_max = ROWS, .no_fusion = true};
    /* Activations, not where others see the input too, and the sums of 3 residual blocks. */
    const int taken[LS_FIXTURE_COUNT] = {2, 3, 7 + 3, 0, 0};
    for (int model = 0; model < LS_FIXTURE_COUNT; model++) {
        struct ls_fixture a = ls_fixture_create((enum ls_fixture_model)model, fused, NULL);
        struct ls_fixture b = ls_fixture_create((enum ls_fixture_model)model, plain, NULL);
        ck_assert_int_eq(ls_graph_node_count(b.graph) - ls_graph_node_count(a.graph), taken[model]);
        ls_fixture_destroy(&a);
        ls_fixture_destroy(&b);
    }
}
END_TEST

START_TEST(norms_are_woven_into_the_convolutions_around_them) {
    struct ls_fixture f =
        ls_fixture_create(LS_FIXTURE_RESIDUAL, (struct ls_graph_options){.rows_max = ROWS}, NULL);
    int before = 0, behind = 0, hidden = 0, shared = 0;
    for (int i = 0; i < ls_graph_node_count(f.graph); i++) {
        const struct ls_node *node = f.graph->nodes[i];
        const struct ls_node *norm = ls_woven_before(node);
        if (!strcmp(node->op->name, "conv2d")) {
            before += norm != NULL;
            behind += ls_woven_behind(node) != NULL;
            hidden += norm && !ls_weave_stores(norm);
            ck_assert(!ls_woven_behind(node) || !node->output->gradient);
            ck_assert(!norm || ls_weave_stores(norm) || !node->inputs[0]->data);
        }
        shared += node->input_count > LS_NORM_INPUTS &&
                  node->inputs[LS_NORM_INPUTS]->gradient == node->output->gradient;
    }
    /* Every convolution has a norm behind it, every norm but the last one a convolution; 3 are
     * inside blocks; 2 blocks have an identity beside them. */
    ck_assert_int_eq(behind, 7);
    ck_assert_int_eq(before, 6);
    ck_assert_int_eq(hidden, 3);
    ck_assert_int_eq(shared, 2);
    ls_fixture_destroy(&f);
}
END_TEST

START_TEST(an_inference_plan_is_smaller_and_gives_the_same_outputs) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++) {
        const struct ls_graph_options training = {.rows_max = ROWS};
        const struct ls_graph_options inference = {.rows_max = ROWS, .inference = true};
        struct ls_fixture a = ls_fixture_create((enum ls_fixture_model)model, training, NULL);
        struct ls_fixture b = ls_fixture_create((enum ls_fixture_model)model, inference, a.set);
        struct ls_fixture c = ls_fixture_create((enum ls_fixture_model)model, inference, NULL);
        for (int i = 0; i < a.set->count; i++)
            ck_assert_str_eq(a.set->items[i]->name, c.set->items[i]->name);
        ck_assert_int_lt(ls_graph_summarise(b.graph).arena_bytes,
                         ls_graph_summarise(a.graph).arena_bytes);
        memset(b.graph->arena, 0xff, b.graph->arena_bytes);
        const struct ls_run run_a = ls_fixture_rows(&a, 0, ROWS, MICROBATCH, false);
        const struct ls_run run_b = ls_fixture_rows(&b, 0, ROWS, ROWS, false);
        ls_graph_forward(a.graph, &run_a, NULL);
        ls_graph_forward(b.graph, &run_b, NULL);
        ck_assert_mem_eq(a.loss->data, b.loss->data, 2 * ROWS * sizeof(float));
        ck_assert_mem_eq(a.output->data, b.output->data,
                         (size_t)(ROWS * ls_shape_row_count(a.output->shape)) * sizeof(float));
        ls_fixture_destroy(&b);
        ls_fixture_destroy(&c);
        ls_fixture_destroy(&a);
    }
}
END_TEST

START_TEST(the_bytes_of_a_sample_tell_what_a_larger_piece_takes) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++) {
        struct ls_fixture small = ls_fixture_create(
            (enum ls_fixture_model)model, (struct ls_graph_options){.rows_max = 16}, NULL);
        struct ls_fixture large = ls_fixture_create(
            (enum ls_fixture_model)model, (struct ls_graph_options){.rows_max = 256}, small.set);
        const double row = (double)ls_graph_summarise(small.graph).row_bytes;
        const double added = (double)(ls_graph_summarise(large.graph).arena_bytes -
                                      ls_graph_summarise(small.graph).arena_bytes);
        ck_assert_msg(row * 240 > 0.7 * added && row * 240 < 1.5 * added,
                      "%s: %g bytes a sample, 240 samples take %g", ls_fixture_names[model], row,
                      added);
        ls_fixture_destroy(&large);
        ls_fixture_destroy(&small);
    }
}
END_TEST

/* x -> linear -> ReLU -> sigmoid, with the values of `keep` kept; returns what is in them after
 * forward. */
static void run_chain(bool keep_all, bool keep, float *linear, float *relu) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph =
        ls_graph_create(&(struct ls_graph_options){.variant = ls_variant_best(),
                                                   .rows_max = ROWS,
                                                   .parameters = set,
                                                   .inference = true,
                                                   .keep_all = keep_all});
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(4), LS_TYPE_REAL);
    struct ls_value *w =
        ls_graph_parameter(graph, "w", LS_SHAPE(4, 4), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT, true,
                           0, (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
    struct ls_value *y = ls_linear(graph, x, w, NULL), *z = ls_relu(graph, y);
    struct ls_value *last = ls_sigmoid(graph, ls_sigmoid(graph, z));
    if (keep) {
        ls_graph_keep(graph, y);
        ls_graph_keep(graph, z);
    }
    ls_graph_keep(graph, last);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    ck_assert_int_eq(ls_graph_node_count(graph), keep || keep_all ? 4 : 3);
    float flat[128], *input = x->data;
    ls_parameters_initialise(set, 1, flat);
    ls_graph_prepare(graph, flat);
    for (int i = 0; i < 4 * ROWS; i++)
        input[i] = (float)(i % 7) - 3;
    const uint64_t ids[ROWS] = {0};
    const struct ls_run run = {
        .rows = ROWS, .microbatch_rows = ROWS, .microbatches = 1, .row_ids = ids};
    ls_graph_forward(graph, &run, NULL);
    if (keep) {
        memcpy(linear, y->data, 4 * ROWS * sizeof(float));
        memcpy(relu, z->data, 4 * ROWS * sizeof(float));
    }
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}

START_TEST(kept_values_are_neither_fused_away_nor_overwritten) {
    float y[2][4 * ROWS], z[2][4 * ROWS];
    run_chain(true, true, y[0], z[0]);
    run_chain(false, true, y[1], z[1]);
    run_chain(false, false, NULL, NULL);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ck_assert_mem_eq(z[0], z[1], sizeof z[0]);
    ck_assert_mem_ne(y[0], z[0], sizeof z[0]);
}
END_TEST

START_TEST(buffers_alive_at_the_same_time_never_overlap) {
    struct ls_buffer buffers[BUFFERS];
    for (uint64_t round = 0; round < 50; round++) {
        const struct ls_random_key key = ls_random_key(1, 0, round, 0);
        const int count = 1 + (int)ls_random_below(key, 0, BUFFERS);
        size_t separate = 0, most = 0;
        for (int i = 0; i < count; i++) {
            const uint64_t c = 10 * (uint64_t)(i + 1);
            const int first = (int)ls_random_below(key, c, 100);
            buffers[i] =
                (struct ls_buffer){.bytes = 64 * (size_t)(1 + ls_random_below(key, c + 1, 40)),
                                   .first = first,
                                   .last = first + (int)ls_random_below(key, c + 2, 30)};
            separate += buffers[i].bytes;
        }
        const size_t total = ls_place_buffers(buffers, count);
        for (int i = 0; i < count; i++) {
            ck_assert_uint_eq(buffers[i].offset % 64, 0);
            ck_assert_uint_le(buffers[i].offset + buffers[i].bytes, total);
            for (int k = 0; k < i; k++)
                ck_assert(buffers[i].last < buffers[k].first ||
                          buffers[k].last < buffers[i].first ||
                          buffers[i].offset + buffers[i].bytes <= buffers[k].offset ||
                          buffers[k].offset + buffers[k].bytes <= buffers[i].offset);
        }
        for (int time = 0; time < 130; time++) {
            size_t alive = 0;
            for (int i = 0; i < count; i++)
                alive += time >= buffers[i].first && time <= buffers[i].last ? buffers[i].bytes : 0;
            most = alive > most ? alive : most;
        }
        ck_assert_uint_le(total, separate);
        ck_assert_uint_le(total,
                          most + most / 4 + 64 * 40); /* close to what must be there at once */
    }
}
END_TEST

LS_SUITE(a_planned_arena_gives_what_separate_memory_gives,
         fusion_takes_activations_and_residual_sums_into_the_op_before,
         norms_are_woven_into_the_convolutions_around_them,
         an_inference_plan_is_smaller_and_gives_the_same_outputs,
         the_bytes_of_a_sample_tell_what_a_larger_piece_takes,
         kept_values_are_neither_fused_away_nor_overwritten,
         buffers_alive_at_the_same_time_never_overlap)
