/* Sampling of tokens: probabilities over many draws, cuts that are exact, and the same draw for the
 * same sequence and position. */
#include "core/tasks/sampling.h"

#include <math.h>
#include <string.h>

#include "tests/support/support.h"

enum { TOKENS = 5, DRAWS = 100000 };

/* Probabilities at temperature 1: 0.2, 0.4, 0.1, 0.2, 0.1. */
static float logits[TOKENS];

static void start(void) {
    static const double probabilities[TOKENS] = {0.2, 0.4, 0.1, 0.2, 0.1};
    for (int i = 0; i < TOKENS; i++)
        logits[i] = (float)log(probabilities[i]) + 3;
}

static struct ls_sampler *make(double temperature, int64_t top_k, double top_p) {
    const struct ls_sampling_options options = {temperature, top_k, top_p, 7};
    struct ls_sampler *sampler;
    start();
    ls_require(ls_sampler_create(&sampler, &options, TOKENS, &ls_test_error));
    return sampler;
}

/* Draws from positions of two sequences in turn; each share may be off by four standard errors. */
static void check(double temperature, int64_t top_k, double top_p, const double *expected) {
    struct ls_sampler *sampler = make(temperature, top_k, top_p);
    int counts[TOKENS] = {0};
    for (uint64_t i = 0; i < DRAWS; i++)
        counts[ls_sampler_next(sampler, logits, i % 2, i / 2)]++;
    for (int t = 0; t < TOKENS; t++) {
        const double p = expected[t], error = 4 * sqrt(p * (1 - p) / DRAWS);
        ck_assert_msg(fabs((double)counts[t] / DRAWS - p) <= error, "token %d: %d of %d, p = %g", t,
                      counts[t], DRAWS, p);
    }
    ls_sampler_destroy(sampler);
}

START_TEST(draws_have_the_probabilities_of_softmax) {
    check(1, 0, 0, (const double[]){0.2, 0.4, 0.1, 0.2, 0.1});
    const double whole = 0.04 + 0.16 + 0.01 + 0.04 + 0.01; /* temperature 1/2: squares */
    check(0.5, 0, 1,
          (const double[]){0.04 / whole, 0.16 / whole, 0.01 / whole, 0.04 / whole, 0.01 / whole});
}
END_TEST

START_TEST(top_k_leaves_the_k_likeliest) {
    check(1, 2, 0, (const double[]){1.0 / 3, 2.0 / 3, 0, 0, 0}); /* token 0 before its equal, 3 */
    check(1, 3, 0, (const double[]){0.25, 0.5, 0, 0.25, 0});
    check(1, 99, 0, (const double[]){0.2, 0.4, 0.1, 0.2, 0.1});
    check(1, 1, 0, (const double[]){0, 1, 0, 0, 0});
}
END_TEST

START_TEST(top_p_leaves_the_least_that_have_the_probability) {
    check(1, 0, 0.39, (const double[]){0, 1, 0, 0, 0});
    check(1, 0, 0.41, (const double[]){1.0 / 3, 2.0 / 3, 0, 0, 0});
    check(1, 0, 0.79, (const double[]){0.25, 0.5, 0, 0.25, 0});
    check(1, 0, 0.81, (const double[]){0.2 / 0.9, 0.4 / 0.9, 0.1 / 0.9, 0.2 / 0.9, 0});
    check(1, 2, 0.6, (const double[]){0, 1, 0, 0, 0}); /* of the two likeliest, 0.4 is 2/3 */
}
END_TEST

START_TEST(no_temperature_takes_the_first_of_the_likeliest) {
    struct ls_sampler *sampler = make(0, 0, 0);
    ck_assert_int_eq(ls_sampler_next(sampler, logits, 0, 0), 1);
    logits[4] = logits[1];
    ck_assert_int_eq(ls_sampler_next(sampler, logits, 0, 0), 1);
    logits[0] = logits[1];
    ck_assert_int_eq(ls_sampler_next(sampler, logits, 0, 0), 0);
    logits[0] = NAN;
    ck_assert_int_eq(ls_sampler_next(sampler, logits, 0, 0), 1);
    logits[3] = INFINITY;
    ck_assert_int_eq(ls_sampler_next(sampler, logits, 0, 0), 3);
    ls_sampler_destroy(sampler);
}
END_TEST

START_TEST(what_is_no_number_is_never_drawn) {
    struct ls_sampler *sampler = make(1, 0, 0);
    logits[1] = NAN;
    logits[3] = -INFINITY;
    for (uint64_t i = 0; i < 1000; i++) {
        const int32_t token = ls_sampler_next(sampler, logits, 0, i);
        ck_assert(token != 1 && token != 3);
    }
    ls_sampler_destroy(sampler);
}
END_TEST

START_TEST(a_draw_belongs_to_its_sequence_and_position) {
    struct ls_sampler *one = make(1, 0, 0), *other = make(1, 0, 0);
    int same_sequence = 0, same_position = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        const uint64_t back = 999 - i;
        const int32_t token = ls_sampler_next(one, logits, 3, i);
        (void)ls_sampler_next(other, logits, 3, back); /* in another order */
        ck_assert_int_eq(ls_sampler_next(other, logits, 3, i), token);
        same_sequence += ls_sampler_next(one, logits, 3, i + 1000) == token;
        same_position += ls_sampler_next(one, logits, 4, i) == token;
    }
    /* equal by chance: 0.16 + 2 * 0.04 + 2 * 0.01 */
    ck_assert_int_lt(same_sequence, 340);
    ck_assert_int_lt(same_position, 340);
    ls_sampler_destroy(one);
    ls_sampler_destroy(other);
}
END_TEST

static void refuse(struct ls_sampling_options options, int64_t count, const char *text) {
    struct ls_sampler *sampler;
    ck_assert_int_eq(ls_sampler_create(&sampler, &options, count, &ls_test_error), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, text) != NULL, "found '%s'", ls_test_error.text);
    ck_assert_ptr_null(sampler);
}

START_TEST(options_out_of_range_are_named) {
    refuse((struct ls_sampling_options){.temperature = -1}, 5, "temperature: expected");
    refuse((struct ls_sampling_options){.temperature = (double)NAN}, 5, "temperature: expected");
    refuse((struct ls_sampling_options){.top_k = -1}, 5, "top_k: expected");
    refuse((struct ls_sampling_options){.top_p = 1.5}, 5, "top_p: expected");
    refuse((struct ls_sampling_options){.top_p = 0.5}, 0, "found 0");
}
END_TEST

LS_SUITE(draws_have_the_probabilities_of_softmax, top_k_leaves_the_k_likeliest,
         top_p_leaves_the_least_that_have_the_probability,
         no_temperature_takes_the_first_of_the_likeliest, what_is_no_number_is_never_drawn,
         a_draw_belongs_to_its_sequence_and_position, options_out_of_range_are_named)
