/* Linked with --wrap for every allocation symbol (tests.cmake): calls from our libraries come by
 * here. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/accumulate.h"
#include "tests/support/graph_fixture.h"
#include "tests/support/support.h"

enum { STEPS = 100, MICROBATCHES = 4, MICROBATCH = 4 };

static int calls;

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        calls++;                                                                                   \
        return __real_##name arguments;                                                            \
    }
WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *old, size_t size), (old, size))
WRAP(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(int, posix_memalign, (void **memory, size_t alignment, size_t size), (memory, alignment, size))
WRAP(char *, strdup, (const char *text), (text))
WRAP(void *, ls_memory_map, (size_t bytes), (bytes))

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
        calls = 0;
        struct ls_fixture fixture = ls_fixture_create((enum ls_fixture_model)model, options, NULL);
        struct ls_accumulator *accumulator =
            ls_accumulator_create(MICROBATCHES, 0, MICROBATCHES, MICROBATCHES / 2,
                                  fixture.set->total, &fixture.gradients);
        ck_assert_int_gt(calls, 0); /* they are counted */
        step(&fixture, accumulator);
        calls = 0;
        for (int i = 0; i < STEPS; i++)
            step(&fixture, accumulator);
        ck_assert_msg(calls == 0, "%s: %d allocations", ls_fixture_names[model], calls);
        ls_accumulator_destroy(accumulator);
        ls_fixture_destroy(&fixture);
    }
}
END_TEST

LS_SUITE(a_hundred_steps_allocate_nothing)
