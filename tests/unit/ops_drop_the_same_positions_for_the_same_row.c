/* dropout: its mask is a function of seed, node, step and data row, and of nothing else. */
#include "core/ops/options.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

enum { ROWS = 40, WIDTH = 401 };

static const struct ls_op_case wide = {
    .name = "wide rows",
    .options = &(const struct ls_dropout_options){.rate = 0.3},
    .options_size = sizeof(struct ls_dropout_options),
    .input_count = 1,
    .inputs = {{.shape = LS_CASE_SHAPE(ROWS, WIDTH), .low = 1, .high = 2}},
    .microbatches = 4,
};

START_TEST(the_rate_is_kept_and_the_rest_scaled) {
    struct trial *trial = trial_create(LS_OP_dropout, &wide, LS_F64, false);
    int dropped = 0;
    trial_run(trial, 0, 4, true);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        dropped += trial->result[i] == 0;
        const double factor = trial->result[i] == 0 ? 0 : 1 / 0.7;
        ck_assert_double_eq_tol(trial->result[i], trial->values[0][i] * factor, 1e-12);
        ck_assert_double_eq_tol(trial->by_input[0][i], trial->slopes[i] * factor, 1e-12);
    }
    ck_assert_double_eq_tol((double)dropped / (ROWS * WIDTH), 0.3, 0.015); /* four deviations */
    trial_destroy(trial);
}
END_TEST

START_TEST(a_row_keeps_its_mask_wherever_it_stands) {
    struct trial *one = trial_create(LS_OP_dropout, &wide, LS_F32_PORTABLE, false);
    struct trial *other = trial_create(LS_OP_dropout, &wide, LS_F32_PORTABLE, false);
    int same = 0;
    for (int n = 0; n < ROWS; n++)
        other->row_ids[n] = one->row_ids[ROWS - 1 - n];
    trial_run(one, 0, 4, false);
    trial_run(other, 0, 4, false);
    for (int n = 0; n < ROWS; n++)
        for (int c = 0; c < WIDTH; c++) {
            const bool dropped = one->result[n * WIDTH + c] == 0;
            ck_assert(dropped == (other->result[(ROWS - 1 - n) * WIDTH + c] == 0));
            same += dropped == (one->result[((n + 1) % ROWS) * WIDTH + c] == 0);
        }
    ck_assert_double_eq_tol((double)same / (ROWS * WIDTH), 0.7 * 0.7 + 0.3 * 0.3,
                            0.02); /* rows differ */
    trial_destroy(one);
    trial_destroy(other);
}
END_TEST

START_TEST(a_position_follows_the_published_generator) {
    struct trial *trial = trial_create(LS_OP_dropout, &wide, LS_F32_PORTABLE, false);
    trial_run(trial, 0, 4, false); /* seed 3, step 5; the node is the graph's first */
    for (int n = 0; n < ROWS; n++) {
        const struct ls_random_key key = ls_random_key(3, 0, 5, trial->row_ids[n]);
        for (int c = 0; c < WIDTH; c++) {
            const uint32_t bits = ls_random_block(key, (uint32_t)c / 2, 0).word[c % 2];
            ck_assert((trial->result[n * WIDTH + c] == 0) == ((double)ls_random_unit(bits) < 0.3));
        }
    }
    trial_destroy(trial);
}
END_TEST

LS_SUITE(the_rate_is_kept_and_the_rest_scaled, a_row_keeps_its_mask_wherever_it_stands,
         a_position_follows_the_published_generator)
