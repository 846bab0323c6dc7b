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
         warm_up_rises_linearly_and_the_schedule_covers_the_rest,
         a_warm_up_as_long_as_the_run_is_no_division_by_zero)
