#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/accumulate.h"
#include "tests/support/allocations.h"
#include "tests/support/graph_fixture.h"
#include "tests/support/support.h"

enum { STEPS = 100, MICROBATCHES = 4, MICROBATCH = 4 };

static void merge_ready(void *context, int64_t first, int64_t end) {
    ls_accumulator_ready(context, 1, first, end);
}

/* One step in two pieces. */
static void step(struct ls_fixture *fixture, struct ls_accumulator *accumulator) {
    const int64_t rows = MICROBATCHES / 2 * MICROBATCH;
    ls_graph_prepare(fixture->graph, fixture->parameters);
    for (int piece = 0; piece < 2; piece++) {
        float *gradients = ls_accumulator_buffer(accumulator, piece);
        const struct ls_run run = ls_fixture_rows(fixture, piece * rows, rows, MICROBATCH, true);
        ls_graph_forward(fixture->graph, &run, gradients);
        ls_graph_backward(fixture->graph, &run, gradients, piece ? merge_ready : NULL, accumulator);
    }
}

START_TEST(a_hundred_steps_allocate_nothing) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++) {
        const struct ls_graph_options options = {.rows_max = MICROBATCHES / 2 * MICROBATCH};
        ls_allocations = 0;
        struct ls_fixture fixture = ls_fixture_create((enum ls_fixture_model)model, options, NULL);
        struct ls_accumulator *accumulator =
            ls_accumulator_create(MICROBATCHES, 0, MICROBATCHES, MICROBATCHES / 2,
                                  fixture.set->total, &fixture.gradients);
        ck_assert_int_gt(ls_allocations, 0); /* they are counted */
        step(&fixture, accumulator);
        ls_allocations = 0;
        for (int i = 0; i < STEPS; i++)
            step(&fixture, accumulator);
        ck_assert_msg(ls_allocations == 0, "%s: %ld allocations", ls_fixture_names[model],
                      (long)ls_allocations);
        ls_accumulator_destroy(accumulator);
        ls_fixture_destroy(&fixture);
    }
}
END_TEST

LS_SUITE(a_hundred_steps_allocate_nothing)
