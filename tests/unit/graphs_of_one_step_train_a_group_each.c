/* Two networks in adversarial training: group 0 is updated through one graph, group 1 through
 * another in which the first network's weights are constants. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "tests/support/support.h"

enum { ROWS = 8, MICROBATCH = 4, WIDTH = 5, CRITIC = 0, MAKER = 1 };

static struct ls_value *vector(struct ls_graph *graph, const char *name, double value,
                               enum ls_parameter_kind kind) {
    return ls_graph_parameter(graph, name, LS_SHAPE(WIDTH), LS_LAYOUT_PLAIN, kind, false, 0.1,
                              (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = value});
}

static struct ls_value *dense(struct ls_graph *graph, struct ls_value *x, int64_t out) {
    const struct ls_shape shape = LS_SHAPE(ls_shape_last(x->shape), out);
    struct ls_value *w =
        ls_graph_parameter(graph, "weight", shape, LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT, true, 0,
                           (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
    return ls_linear(graph, x, w, NULL);
}

/* linear, norm, tanh, dropout, linear. */
static struct ls_value *network(struct ls_graph *graph, const char *name, int group,
                                struct ls_value *x, int64_t out) {
    ls_graph_set_group(graph, group);
    ls_graph_push(graph, name);
    ls_graph_push(graph, "in");
    x = dense(graph, x, WIDTH);
    x = ls_batch_norm(graph, x, vector(graph, "gain", 1, LS_PARAMETER_WEIGHT),
                      vector(graph, "offset", 0, LS_PARAMETER_WEIGHT),
                      vector(graph, "mean", 0, LS_PARAMETER_STATISTIC),
                      vector(graph, "variance", 1, LS_PARAMETER_STATISTIC),
                      &(struct ls_norm_options){0});
    ls_graph_pop(graph);
    x = ls_dropout(graph, ls_tanh(graph, x), 0.25);
    ls_graph_push(graph, "out");
    x = dense(graph, x, out);
    ls_graph_pop(graph);
    ls_graph_pop(graph);
    return x;
}

struct phase {
    struct ls_graph *graph;
    struct ls_value *input, *target, *loss;
};

/* maker -> critic -> loss, as a graph that trains `group`; a constant stands in front. */
static struct phase record(struct ls_parameter_set *set, struct ls_graph_options options, int maker,
                           int critic) {
    options.variant = ls_variant_best();
    options.rows_max = ROWS;
    options.parameters = set;
    struct phase phase = {.graph = ls_graph_create(&options)};
    struct ls_graph *graph = phase.graph;
    phase.input = ls_graph_input(graph, "inputs", LS_SHAPE(WIDTH), LS_TYPE_REAL);
    phase.target = ls_graph_input(graph, "targets", LS_SHAPE(1), LS_TYPE_REAL);
    struct ls_value *x =
        ls_standardise(graph, phase.input, vector(graph, "mean", 0.5, LS_PARAMETER_CONSTANT),
                       vector(graph, "scale", 2, LS_PARAMETER_CONSTANT));
    x = network(graph, "maker", maker, x, WIDTH);
    x = network(graph, "critic", critic, x, 1);
    phase.loss = ls_squared_error(graph, x, phase.target, NULL, NULL);
    ls_graph_set_loss(graph, phase.loss);
    return phase;
}

struct ranges {
    int64_t next, first;
};

static void take(void *context, int64_t first, int64_t end) {
    struct ranges *ranges = context;
    if (ranges->next < 0)
        ranges->first = first;
    else
        ck_assert_int_eq(first, ranges->next);
    ranges->next = end;
}

/* One run; the gradients start as not a number. */
static struct ranges run(const struct phase *phase, float *gradients, int64_t total) {
    static const uint64_t ids[ROWS] = {10, 11, 12, 13, 14, 15, 16, 17};
    const struct ls_run run = {.training = true,
                               .rows = ROWS,
                               .microbatch_rows = MICROBATCH,
                               .microbatches = ROWS / MICROBATCH,
                               .seed = 3,
                               .step = 2,
                               .row_ids = ids};
    struct ranges ranges = {.next = -1};
    memset(gradients, 0xff, (size_t)total * sizeof *gradients);
    for (int i = 0; i < ROWS * WIDTH; i++)
        ((float *)phase->input->data)[i] = (float)(i * i % 11) - 5;
    for (int i = 0; i < ROWS; i++)
        ((float *)phase->target->data)[i] = (float)(i % 3);
    ls_graph_forward(phase->graph, &run, gradients);
    ls_graph_backward(phase->graph, &run, gradients, take, &ranges);
    return ranges;
}

/* Each of the parameters of the groups first .. end-1 in `set` has the gradient of its namesake in
 * `whole`; all others are untouched. */
static void check_gradients(const struct ls_parameter_set *set, int group, const float *gradients,
                            const struct ls_parameter_set *whole, const float *expected) {
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *p = set->items[i], *q = ls_parameters_find(whole, p->name);
        const float *slot = gradients + p->offset;
        ck_assert_ptr_nonnull(q);
        if (p->group == group)
            ck_assert_msg(!memcmp(slot, expected + q->offset, (size_t)p->count * sizeof *slot),
                          "%s: %g, not %g", p->name, (double)*slot, (double)expected[q->offset]);
        else
            for (int64_t k = 0; k < p->count; k++)
                ck_assert_msg(slot[k] != slot[k], "%s was written", p->name);
    }
}

static float *initialised(const struct ls_parameter_set *set) {
    float *flat = ls_calloc((size_t)set->total, sizeof *flat);
    ls_parameters_initialise(set, 9, flat);
    return flat;
}

START_TEST(each_graph_writes_the_gradients_of_its_group) {
    struct ls_parameter_set *set = ls_parameters_create(), *one = ls_parameters_create();
    struct phase phases[] = {
        record(set, (struct ls_graph_options){.group = CRITIC, .borrows_arena = true}, MAKER,
               CRITIC),
        record(set, (struct ls_graph_options){.group = MAKER, .borrows_arena = true}, MAKER,
               CRITIC)};
    struct phase whole = record(one, (struct ls_graph_options){0}, 0, 0);
    ls_graph_order_parameters((struct ls_graph *const[]){phases[0].graph, phases[1].graph}, 2);
    for (int p = 0; p < 2; p++)
        ls_require(ls_graph_plan(phases[p].graph, &ls_test_error));
    ls_require(ls_graph_plan(whole.graph, &ls_test_error));
    const size_t bytes[] = {ls_graph_arena_bytes(phases[0].graph),
                            ls_graph_arena_bytes(phases[1].graph)};
    const size_t most = bytes[0] > bytes[1] ? bytes[0] : bytes[1];
    void *arena = ls_memory_map(most);
    float *flat = initialised(set), *all = initialised(one);
    float *gradients = ls_calloc((size_t)set->total, sizeof *gradients);
    float *expected = ls_calloc((size_t)one->total, sizeof *expected);
    ls_graph_prepare(whole.graph, all);
    run(&whole, expected, one->total);
    /* less is kept for the critic's phase: backward ends at the critic's input */
    ck_assert_uint_lt(bytes[CRITIC], bytes[MAKER]);
    for (int round = 0; round < 2; round++)
        for (int p = 0; p < 2; p++) {
            if (round == 0) {
                ls_graph_bind_arena(phases[p].graph, arena);
                ls_graph_prepare(phases[p].graph, flat);
            }
            memset(arena, 0xff, most);
            const struct ranges ranges = run(&phases[p], gradients, set->total);
            ck_assert_int_eq(ranges.first, set->groups[p].first);
            ck_assert_int_eq(ranges.next, set->groups[p].end);
            check_gradients(set, p, gradients, one, expected);
        }
    ls_memory_unmap(arena, most);
    for (int p = 0; p < 2; p++)
        ls_graph_destroy(phases[p].graph);
    ls_graph_destroy(whole.graph);
    ls_parameters_destroy(set);
    ls_parameters_destroy(one);
    free(flat);
    free(all);
    free(gradients);
    free(expected);
}
END_TEST

START_TEST(each_group_lies_as_its_own_graph_finishes_it) {
    static const char *const expected[] = {"critic.out.weight",
                                           "critic.in.gain",
                                           "critic.in.offset",
                                           "critic.in.mean",
                                           "critic.in.variance",
                                           "critic.in.weight",
                                           "maker.out.weight",
                                           "maker.in.gain",
                                           "maker.in.offset",
                                           "maker.in.mean",
                                           "maker.in.variance",
                                           "maker.in.weight",
                                           "mean",
                                           "scale"};
    for (int first = 0; first < 2; first++) { /* whatever comes first in the list */
        struct ls_parameter_set *set = ls_parameters_create();
        struct phase a = record(set, (struct ls_graph_options){.group = first}, MAKER, CRITIC);
        struct phase b = record(set, (struct ls_graph_options){.group = 1 - first}, MAKER, CRITIC);
        ls_graph_order_parameters((struct ls_graph *const[]){a.graph, b.graph}, 2);
        ck_assert(set->planned);
        ck_assert_int_eq(set->count, 14);
        for (int i = 0; i < set->count; i++)
            ck_assert_str_eq(set->items[i]->name, expected[i]);
        ls_graph_destroy(a.graph);
        ls_graph_destroy(b.graph);
        ls_parameters_destroy(set);
    }
}
END_TEST

/* No group at all: a norm still takes the microbatch, unless nobody trains its statistics. */
START_TEST(statistics_of_nobodys_group_are_constants) {
    float losses[3][2 * ROWS];
    const struct ls_graph_options none = {.group = LS_GROUP_NONE};
    for (int k = 0; k < 3; k++) {
        struct ls_parameter_set *set = ls_parameters_create();
        const int critic = k == 2 ? LS_GROUP_FIXED : CRITIC;
        struct phase phase = record(set, k == 0 ? (struct ls_graph_options){0} : none, 0, critic);
        ls_require(ls_graph_plan(phase.graph, &ls_test_error));
        float *flat = initialised(set), *gradients = ls_calloc((size_t)set->total, 4);
        ls_graph_prepare(phase.graph, flat);
        const struct ranges ranges = run(&phase, gradients, set->total);
        ck_assert_int_eq(ranges.next, k == 0 ? set->total : -1);
        memcpy(losses[k], phase.loss->data, sizeof losses[k]);
        ls_graph_destroy(phase.graph);
        ls_parameters_destroy(set);
        free(flat);
        free(gradients);
    }
    ck_assert_mem_eq(losses[0], losses[1], sizeof losses[0]);
    ck_assert_mem_ne(losses[0], losses[2], sizeof losses[0]);
}
END_TEST

START_TEST(graphs_of_other_streams_draw_other_noise) {
    float losses[3][2 * ROWS];
    const uint32_t streams[] = {0, 1u << 20, 0};
    for (int k = 0; k < 3; k++) {
        struct ls_parameter_set *set = ls_parameters_create();
        struct phase phase =
            record(set, (struct ls_graph_options){.stream_first = streams[k]}, 0, 0);
        ls_require(ls_graph_plan(phase.graph, &ls_test_error));
        ck_assert_uint_eq(ls_graph_node_at(phase.graph, 0)->ordinal, streams[k]);
        float *flat = initialised(set), *gradients = ls_calloc((size_t)set->total, 4);
        ls_graph_prepare(phase.graph, flat);
        run(&phase, gradients, set->total);
        memcpy(losses[k], phase.loss->data, sizeof losses[k]);
        ls_graph_destroy(phase.graph);
        ls_parameters_destroy(set);
        free(flat);
        free(gradients);
    }
    ck_assert_mem_ne(losses[0], losses[1], sizeof losses[0]);
    ck_assert_mem_eq(losses[0], losses[2], sizeof losses[0]);
}
END_TEST

LS_SUITE(each_graph_writes_the_gradients_of_its_group, each_group_lies_as_its_own_graph_finishes_it,
         statistics_of_nobodys_group_are_constants, graphs_of_other_streams_draw_other_noise)
