#include <math.h>

#include "core/optim/schedule.h"
#include "tests/support/support.h"

static double rate(const struct ls_schedule_options *options, int64_t step) {
    return ls_schedule_rate(options, 0.5, 100, step);
}

#define near(a, b) ck_assert_double_eq_tol((a), (b), 1e-15)

static struct ls_schedule_options defaults(enum ls_schedule_kind kind) {
    struct ls_schedule_options options;
    ls_fields_reset(ls_schedule_fields, &options);
    options.name = (int)kind;
    return options;
}

START_TEST(constant_stays) {
    const struct ls_schedule_options o = defaults(LS_SCHEDULE_CONSTANT);
    near(rate(&o, 0), 0.5);
    near(rate(&o, 1000000), 0.5);
}
END_TEST

START_TEST(step_multiplies_at_each_milestone) {
    const struct ls_schedule_options o = defaults(LS_SCHEDULE_STEP); /* at 0.5 and 0.75, by 0.1 */
    near(rate(&o, 49), 0.5);
    near(rate(&o, 50), 0.05);
    near(rate(&o, 74), 0.05);
    near(rate(&o, 75), 0.005);
    near(rate(&o, 200), 0.005);
}
END_TEST

START_TEST(a_milestone_is_the_whole_step_that_its_share_is) {
    for (int64_t length = 10; length <= 1000; length *= 10)
        for (int64_t percent = 1; percent < 100; percent++) {
            struct ls_schedule_options o = defaults(LS_SCHEDULE_STEP);
            const int64_t step = (percent * length + 99) / 100; /* the first at or behind it */
            o.milestones.count = 1;
            o.milestones.values[0] = (double)percent / 100;
            ck_assert(ls_schedule_rate(&o, 1, length, step - 1) == 1);
            ck_assert(ls_schedule_rate(&o, 1, length, step) < 1);
        }
}
END_TEST

START_TEST(exponential_falls_by_equal_factors_to_the_end) {
    const struct ls_schedule_options o = defaults(LS_SCHEDULE_EXPONENTIAL);
    near(rate(&o, 0), 0.5);
    near(rate(&o, 50), 0.5 * sqrt(0.1));
    near(rate(&o, 100), 0.05);
    near(rate(&o, 300), 0.05);
}
END_TEST

/* torch.optim.lr_scheduler.CosineAnnealingLR(SGD(lr=0.5), T_max=100, eta_min=0.05) has at step 0,
 * 10, 50, 99: 0.5, 0.488987716166, 0.275, 0.050111023918 */
START_TEST(cosine_follows_pytorch_and_stays_at_its_minimum) {
    struct ls_schedule_options o = defaults(LS_SCHEDULE_COSINE);
    o.minimum = 0.1;
    near(rate(&o, 0), 0.5);
    ck_assert_double_eq_tol(rate(&o, 10), 0.488987716166, 1e-12);
    near(rate(&o, 50), 0.275);
    ck_assert_double_eq_tol(rate(&o, 99), 0.050111023918, 1e-12);
    near(rate(&o, 100), 0.05);
    near(rate(&o, 101), 0.05);
}
END_TEST

/* torch.optim.lr_scheduler.OneCycleLR(SGD, max_lr=0.5, total_steps=100, pct_start=0.3,
 * div_factor=25, final_div_factor=1e4) at steps 0, 10, 29, 30, 64, 99; its last rate is 4e-6 of the
 * largest */
START_TEST(one_cycle_rises_and_falls_as_pytorch_has_it) {
    struct ls_schedule_options o = defaults(LS_SCHEDULE_ONE_CYCLE);
    static const int64_t steps[] = {0, 10, 29, 30, 64, 99};
    static const double torch[] = {0.02, 0.14758197423205, 0.5, 0.499748267642262, 0.250001, 2e-06};
    o.minimum = 4e-6;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        ck_assert_double_eq_tol(rate(&o, steps[i]), torch[i], 1e-12);
    near(rate(&o, 1000), 0.5 * 4e-6);
    o.rise = 0; /* nothing rises */
    near(rate(&o, 0), 0.5 * (4e-6 + (1 - 4e-6) * 0.5 * (1 + cos(M_PI * 0.01))));
    o.rise = 1; /* nothing falls */
    near(rate(&o, 99), 0.5);
}
END_TEST

/* torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(SGD(lr=0.5), T_0=7, T_mult=2, eta_min=0.05)
 * at steps 0, 6, 7, 20, 21, 48, 49 */
START_TEST(restarts_begin_again_with_longer_periods) {
    struct ls_schedule_options o = defaults(LS_SCHEDULE_RESTARTS);
    static const int64_t steps[] = {0, 6, 7, 20, 21, 48, 49};
    static const double torch[] = {0.5, 0.0722820047219557, 0.5, 0.0556412197590897,
                                   0.5, 0.0514147527740204, 0.5};
    o.minimum = 0.1;
    o.period_steps = 7;
    o.growth = 2;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        ck_assert_double_eq_tol(rate(&o, steps[i]), torch[i], 1e-12);
    o.growth = 1;
    for (int64_t step = 0; step < 7; step++)
        ck_assert(rate(&o, step + 7000000) == rate(&o, step));
}
END_TEST

START_TEST(plateaus_multiply_by_their_factor_down_to_the_minimum) {
    struct ls_schedule_options o = defaults(LS_SCHEDULE_PLATEAU);
    o.minimum = 0.005;
    near(rate(&o, 50), 0.5);
    near(ls_schedule_reduction(&o, 0), 1);
    near(ls_schedule_reduction(&o, 2), 0.01);
    near(ls_schedule_reduction(&o, 3), 0.005);
    o.name = LS_SCHEDULE_COSINE;
    near(ls_schedule_reduction(&o, 2), 1);
}
END_TEST

START_TEST(warm_up_rises_linearly_and_the_schedule_covers_the_rest) {
    for (int kind = LS_SCHEDULE_CONSTANT; kind <= LS_SCHEDULE_COSINE; kind++) {
        struct ls_schedule_options o = defaults((enum ls_schedule_kind)kind), plain = o;
        o.steps = 60; /* instead of the 100 of the call */
        o.warmup_steps = 20;
        plain.steps = 40;
        near(rate(&o, 0), 0.5 / 20);
        near(rate(&o, 9), 0.25);
        near(rate(&o, 19), 0.5);
        for (int64_t step = 20; step < 80; step++)
            ck_assert(rate(&o, step) == rate(&plain, step - 20));
    }
}
END_TEST

START_TEST(a_warm_up_as_long_as_the_run_is_no_division_by_zero) {
    struct ls_schedule_options o = defaults(LS_SCHEDULE_COSINE);
    o.warmup_steps = 100;
    near(rate(&o, 99), 0.5);
    near(rate(&o, 100), 0.0);
}
END_TEST

LS_SUITE(constant_stays, step_multiplies_at_each_milestone,
         a_milestone_is_the_whole_step_that_its_share_is,
         exponential_falls_by_equal_factors_to_the_end,
         cosine_follows_pytorch_and_stays_at_its_minimum,
         one_cycle_rises_and_falls_as_pytorch_has_it, restarts_begin_again_with_longer_periods,
         plateaus_multiply_by_their_factor_down_to_the_minimum,
         warm_up_rises_linearly_and_the_schedule_covers_the_rest,
         a_warm_up_as_long_as_the_run_is_no_division_by_zero)
