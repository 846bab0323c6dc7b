#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/graph_fixture.h"
#include "tests/support/support.h"

enum { ROWS = 20, MICROBATCH = 6 };

/* The loss of the batch with `distance` gone along `direction` from the fixture's parameters. */
static double loss_at(struct ls_fixture *fixture, const float *direction, double distance) {
    float *moved = malloc((size_t)fixture->set->total * sizeof *moved);
    for (int64_t i = 0; i < fixture->set->total; i++)
        moved[i] = (float)((double)fixture->parameters[i] + distance * (double)direction[i]);
    ls_graph_prepare(fixture->graph, moved);
    const struct ls_run run = ls_fixture_rows(fixture, 0, ROWS, MICROBATCH, true);
    ls_graph_forward(fixture->graph, &run, fixture->gradients);
    const float *loss = fixture->loss->data;
    double sum = 0;
    for (int64_t n = 0; n < ROWS; n++)
        sum += (double)loss[2 * n];
    free(moved);
    return sum;
}

/* Along its own direction a gradient has its own length as slope, and only the right one has: what
 * a missed or doubled contribution leaves points elsewhere. */
static void check_slope(enum ls_fixture_model model) {
    struct ls_fixture fixture =
        ls_fixture_create(model, (struct ls_graph_options){.rows_max = ROWS}, NULL);
    const struct ls_run run = ls_fixture_rows(&fixture, 0, ROWS, MICROBATCH, true);
    ls_graph_forward(fixture.graph, &run, fixture.gradients);
    ls_graph_backward(fixture.graph, &run, fixture.gradients, NULL, NULL);
    float *direction = calloc((size_t)fixture.set->total, sizeof *direction);
    double square = 0;
    for (int k = 0; k < fixture.set->count; k++) {
        const struct ls_parameter *p = fixture.set->items[k];
        if (p->kind != LS_PARAMETER_WEIGHT)
            continue;
        memcpy(direction + p->offset, fixture.gradients + p->offset,
               (size_t)p->count * sizeof(float));
        for (int64_t i = p->offset; i < p->offset + p->count; i++)
            square += (double)direction[i] * (double)direction[i];
    }
    const double length = sqrt(square), step = 4e-4;
    for (int64_t i = 0; i < fixture.set->total; i++)
        direction[i] = (float)((double)direction[i] / length);
    const double slope =
        (loss_at(&fixture, direction, step) - loss_at(&fixture, direction, -step)) / (2 * step);
    ck_assert_msg(fabs(slope / length - 1) < 0.01, "%s: slope %g, length of the gradient %g",
                  ls_fixture_names[model], slope, length);
    free(direction);
    ls_fixture_destroy(&fixture);
}

START_TEST(every_model_falls_as_its_gradient_says) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++)
        check_slope((enum ls_fixture_model)model);
}
END_TEST

LS_SUITE(every_model_falls_as_its_gradient_says)
