/* Positions as angles: against libm, and what rotary positions are for. */
#include <math.h>

#include "core/graph/parameters.h"
#include "core/ops/options.h"
#include "core/tensor/positions.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

START_TEST(angles_are_right_to_a_billionth) {
    const int64_t positions[] = {0, 1, 2, 17, 1000, 65535, (1 << 24) - 1};
    const double bases[] = {1.5, 100, 10000, 5e5};
    for (int p = 0; p < 7; p++)
        for (int b = 0; b < 4; b++)
            for (int64_t pair = 0; pair < 32; pair++) {
                const double angle = (double)positions[p] * pow(bases[b], -2.0 * (double)pair / 64);
                const struct ls_angle found = ls_angle(positions[p], pair, 64, bases[b]);
                /* libm's angle itself is off by some units of its last place */
                const double tolerance = 1e-9 + 4e-16 * angle;
                ck_assert_double_eq_tol(found.cosine, cos(angle), tolerance);
                ck_assert_double_eq_tol(found.sine, sin(angle), tolerance);
            }
}
END_TEST

START_TEST(sinusoidal_tables_follow_the_paper) {
    enum { POSITIONS = 9, CHANNELS = 7 };
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_parameter *added;
    ls_require(ls_parameters_add(set,
                                 &(struct ls_parameter){.name = "table",
                                                        .shape = LS_SHAPE(POSITIONS, CHANNELS),
                                                        .kind = LS_PARAMETER_CONSTANT,
                                                        .init = {.kind = LS_INIT_SINUSOIDAL}},
                                 &added, &ls_test_error));
    ls_parameters_layout(set);
    float table[64];
    ls_parameters_initialise(set, 1, table);
    for (int t = 0; t < POSITIONS; t++)
        for (int c = 0; c < CHANNELS; c++) {
            const double angle = t / pow(10000, (double)(c / 2 * 2) / CHANNELS);
            ck_assert_double_eq_tol((double)table[t * CHANNELS + c],
                                    c % 2 ? cos(angle) : sin(angle), 1e-7);
        }
    ls_parameters_destroy(set);
}
END_TEST

/* The same vector at every position. */
START_TEST(rotated_products_depend_on_distances_alone) {
    enum { POSITIONS = 12, WIDTH = 8 };
    const struct ls_op_case example = {
        .name = "one vector at every position",
        .options = &(const struct ls_rotary_options){.width = WIDTH, .base = 50},
        .options_size = sizeof(struct ls_rotary_options),
        .input_count = 1,
        .inputs = {{.shape = LS_CASE_SHAPE(1, POSITIONS, WIDTH), .low = -1, .high = 1}}};
    struct trial *trial = trial_create(LS_OP_rotary, &example, LS_F64, false);
    for (int i = WIDTH; i < POSITIONS * WIDTH; i++)
        trial->values[0][i] = trial->values[0][i - WIDTH];
    trial_run(trial, 0, 1, false);
    for (int distance = 0; distance < POSITIONS; distance++) {
        double first = 0;
        for (int t = 0; t + distance < POSITIONS; t++) {
            double product = 0;
            for (int c = 0; c < WIDTH; c++)
                product += trial->result[t * WIDTH + c] * trial->result[(t + distance) * WIDTH + c];
            first = t == 0 ? product : first;
            ck_assert_double_eq_tol(product, first, 1e-8);
        }
        if (distance == 0) /* lengths stay */
            for (int c = 0; c < WIDTH; c++)
                first -= trial->values[0][c] * trial->values[0][c];
        ck_assert(distance > 0 || fabs(first) < 1e-8);
    }
    trial_destroy(trial);
}
END_TEST

LS_SUITE(angles_are_right_to_a_billionth, sinusoidal_tables_follow_the_paper,
         rotated_products_depend_on_distances_alone)
