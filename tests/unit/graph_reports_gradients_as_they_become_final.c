#include <stdlib.h>
#include <string.h>

#include "core/graph/internal.h"
#include "core/graph/ops.h"
#include "tests/support/graph_fixture.h"
#include "tests/support/support.h"

enum { ROWS = 12, MICROBATCH = 4 };

/* Copies each range when it is said to be final. */
struct record {
    const float *gradients;
    float *copy;
    int64_t next;
    int calls;
};

static void take(void *context, int64_t first, int64_t end) {
    struct record *record = context;
    ck_assert_int_eq(first, record->next);
    ck_assert_int_gt(end, first);
    memcpy(record->copy + first, record->gradients + first, (size_t)(end - first) * sizeof(float));
    record->next = end;
    record->calls++;
}

static void check_ready(struct ls_fixture *fixture, bool training) {
    const size_t bytes = (size_t)fixture->set->total * sizeof(float);
    struct record record = {.gradients = fixture->gradients, .copy = malloc(bytes)};
    memset(fixture->gradients, 0xff, bytes);
    const struct ls_run run = ls_fixture_rows(fixture, 0, ROWS, MICROBATCH, training);
    ls_graph_forward(fixture->graph, &run, fixture->gradients);
    ls_graph_backward(fixture->graph, &run, fixture->gradients, take, &record);
    ck_assert_int_eq(record.next, fixture->set->total);
    ck_assert_int_gt(record.calls, 2);
    ck_assert_mem_eq(record.copy, fixture->gradients, bytes);
    for (int k = 0; k < fixture->set->count; k++) {
        const struct ls_parameter *p = fixture->set->items[k];
        const float *slot = fixture->gradients + p->offset;
        bool zero = true;
        for (int64_t i = 0; i < p->count; i++) {
            ck_assert_msg(slot[i] == slot[i], "%s: element %lld is not a number", p->name,
                          (long long)i);
            zero &= slot[i] == 0;
        }
        const bool still = p->kind == LS_PARAMETER_CONSTANT || !strcmp(p->name, "unused") ||
                           (p->kind == LS_PARAMETER_STATISTIC && !training);
        ck_assert_msg(zero == still, "%s: all zero is %d", p->name, zero);
    }
    free(record.copy);
}

START_TEST(ready_ranges_ascend_cover_all_and_stay_as_they_are) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++) {
        struct ls_fixture fixture = ls_fixture_create(
            (enum ls_fixture_model)model, (struct ls_graph_options){.rows_max = ROWS}, NULL);
        check_ready(&fixture, true);
        check_ready(&fixture, false);
        ls_fixture_destroy(&fixture);
    }
}
END_TEST

START_TEST(parameters_lie_in_the_order_in_which_backward_ends) {
    static const char *const expected[] = {
        "out.weight", "out.bias",     "dense.weight", "dense.bias",     "conv2.weight",
        "norm1.gain", "norm1.offset", "norm1.mean",   "norm1.variance", "conv1.weight"};
    struct ls_fixture fixture =
        ls_fixture_create(LS_FIXTURE_CNN, (struct ls_graph_options){.rows_max = ROWS}, NULL);
    ck_assert_int_eq(fixture.set->count, 10);
    for (int i = 0; i < 10; i++)
        ck_assert_str_eq(fixture.set->items[i]->name, expected[i]);
    ls_fixture_destroy(&fixture);
}
END_TEST

/* A set laid out by another recording: the frontier waits for the parameter that comes first. */
START_TEST(a_set_laid_out_in_another_order_still_ascends) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_fixture fixture =
        ls_fixture_create(LS_FIXTURE_MLP, (struct ls_graph_options){.rows_max = ROWS}, set);
    const float first = fixture.parameters[0];
    ls_fixture_destroy(&fixture);
    for (int i = 0; i < set->count / 2; i++) {
        struct ls_parameter *other = set->items[i];
        set->items[i] = set->items[set->count - 1 - i];
        set->items[set->count - 1 - i] = other;
    }
    ls_parameters_layout(set);
    fixture = ls_fixture_create(LS_FIXTURE_MLP, (struct ls_graph_options){.rows_max = ROWS}, set);
    ck_assert(fixture.parameters[0] != first);
    const size_t bytes = (size_t)set->total * sizeof(float);
    struct record record = {.gradients = fixture.gradients, .copy = malloc(bytes)};
    const struct ls_run run = ls_fixture_rows(&fixture, 0, ROWS, MICROBATCH, true);
    ls_graph_forward(fixture.graph, &run, fixture.gradients);
    ls_graph_backward(fixture.graph, &run, fixture.gradients, take, &record);
    ck_assert_int_eq(record.next, set->total);
    ck_assert_mem_eq(record.copy, fixture.gradients, bytes);
    free(record.copy);
    ls_fixture_destroy(&fixture);
    ls_parameters_destroy(set);
}
END_TEST

static struct ls_value *weight(struct ls_graph *graph, const char *name, int64_t in, int64_t out) {
    return ls_graph_parameter(graph, name, LS_SHAPE(in, out), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT,
                              true, 0, (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
}

/* y = x W twice over, from two values: gradients of what was asked for, in a graph without a loss.
 */
START_TEST(backward_may_start_at_any_value_of_a_graph_that_keeps_all) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(
        &(struct ls_graph_options){.variant = ls_variant_best(), .rows_max = 2, .parameters = set});
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    ls_graph_want_gradient(graph, x);
    struct ls_value *y = ls_linear(graph, x, weight(graph, "w", 3, 2), NULL);
    struct ls_value *z = ls_add(graph, ls_multiply(graph, y, y), y);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    float flat[96] = {0}, gradients[96];
    const float w[] = {1, 2, 3, 4, 5, 6};
    ls_parameter_store(set->items[0], w, flat);
    ls_graph_prepare(graph, flat);
    const uint64_t ids[] = {0, 1};
    const struct ls_run run = {.rows = 2, .microbatch_rows = 2, .microbatches = 1, .row_ids = ids};
    const float values[] = {1, 0, 0, 0, 1, -1};
    memcpy(x->data, values, sizeof values);
    ls_graph_forward(graph, &run, NULL);
    const float seed[] = {1, 0, 0, 1};
    const float by_y[] = {1, 3, 5, 2, 4, 6};
    memcpy(y->gradient, seed, sizeof seed);
    ls_graph_backward_from(graph, y, &run, gradients);
    ck_assert_mem_eq(x->gradient, by_y, sizeof by_y);
    ck_assert(gradients[0] == 1 && gradients[1] == 0 && gradients[33] == 1 && gradients[65] == -1);
    /* dz/dy = 2 y + 1; y = (1, 2), (-2, -2) */
    const float by_z[] = {3, 9, 15, -6, -12, -18};
    memcpy(z->gradient, seed, sizeof seed);
    ls_graph_backward_from(graph, z, &run, NULL);
    ck_assert_mem_eq(x->gradient, by_z, sizeof by_z);
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(ready_ranges_ascend_cover_all_and_stay_as_they_are,
         parameters_lie_in_the_order_in_which_backward_ends,
         a_set_laid_out_in_another_order_still_ascends,
         backward_may_start_at_any_value_of_a_graph_that_keeps_all)
