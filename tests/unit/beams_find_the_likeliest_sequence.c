/* Beam search against all sequences, on random models whose next token depends on the last one. */
#include "core/tasks/beam.h"

#include <math.h>
#include <string.h>

#include "core/base/random.h"
#include "tests/support/support.h"

enum { TOKENS = 6, FIRST = 2, END = 1, LENGTH = 4, MODELS = 40 };

/* Logits of the token behind `last`; row 0: of the first one. */
static float table[TOKENS][TOKENS];

static void draw(uint64_t model) {
    for (int last = 0; last < TOKENS; last++)
        for (int t = 0; t < TOKENS; t++) {
            const struct ls_random_key key = ls_random_key(3, LS_STREAM_GENERATE, model, 0);
            table[last][t] = 3 * (float)ls_random_normal(key, (uint64_t)(last * TOKENS + t));
        }
}

static double logarithm(int last, int t) {
    double sum = 0;
    for (int i = 0; i < TOKENS; i++)
        sum += exp((double)table[last][i]);
    return (double)table[last][t] - log(sum);
}

/* The best mean over all sequences of up to LENGTH tokens, the end included. */
static void try_all(int32_t *tokens, int length, double sum, double *best, int32_t *answer,
                    int64_t *answer_length) {
    const int last = length ? tokens[length - 1] : 0;
    const double ended = (sum + logarithm(last, END)) / (length + 1);
    if (ended > *best) {
        *best = ended;
        *answer_length = length;
        memcpy(answer, tokens, (size_t)length * sizeof *tokens);
    }
    for (int32_t t = FIRST; t < TOKENS && length + 1 < LENGTH; t++) {
        tokens[length] = t;
        try_all(tokens, length + 1, sum + logarithm(last, t), best, answer, answer_length);
    }
}

static const int32_t *search(struct ls_beam *beam, int beams, int64_t *length) {
    float logits[256][TOKENS];
    bool going = true;
    ls_beam_begin(beam);
    while (going) {
        for (int s = 0; s < ls_beam_alive(beam); s++) {
            const int32_t *tokens = ls_beam_tokens(beam, s, length);
            memcpy(logits[s], table[*length ? tokens[*length - 1] : 0], sizeof logits[s]);
        }
        ck_assert_int_le(ls_beam_alive(beam), beams);
        going = ls_beam_step(beam, logits[0]);
    }
    return ls_beam_best(beam, length);
}

/* So many beams that nothing is cut off find the best of all; one follows the likeliest token. */
START_TEST(enough_beams_find_the_best_of_all) {
    const struct ls_beam_options options = {
        .beams = 256, .tokens = TOKENS, .length_max = LENGTH, .end = END, .first = FIRST};
    struct ls_beam *beam = ls_beam_create(&options);
    for (uint64_t model = 0; model < MODELS; model++) {
        int32_t tokens[LENGTH], expected[LENGTH];
        int64_t expected_length = 0, length;
        double best = -INFINITY;
        draw(model);
        try_all(tokens, 0, 0, &best, expected, &expected_length);
        const int32_t *found = search(beam, options.beams, &length);
        ck_assert_int_eq(length, expected_length);
        ck_assert_mem_eq(found, expected, (size_t)length * sizeof *found);
    }
    ls_beam_destroy(beam);
}
END_TEST

START_TEST(one_beam_takes_the_likeliest_token) {
    const struct ls_beam_options options = {
        .beams = 1, .tokens = TOKENS, .length_max = LENGTH, .end = END, .first = FIRST};
    struct ls_beam *beam = ls_beam_create(&options);
    draw(0);
    for (int last = 0; last < TOKENS; last++)
        table[last][END] = last == 4 ? 20 : -20; /* 4 ends, and nothing else does */
    table[0][5] = 9;
    table[5][3] = 9;
    table[3][4] = 9;
    int64_t length;
    const int32_t *found = search(beam, 1, &length);
    ck_assert_int_eq(length, 3);
    ck_assert(found[0] == 5 && found[1] == 3 && found[2] == 4);
    ls_beam_destroy(beam);
}
END_TEST

/* Of two beams, 5 2 ends after two steps and 5 3 2 after three: nothing is tried behind that. */
START_TEST(a_search_is_over_when_as_many_have_ended_as_are_kept) {
    const struct ls_beam_options options = {
        .beams = 2, .tokens = TOKENS, .length_max = 100, .end = END, .first = FIRST};
    struct ls_beam *beam = ls_beam_create(&options);
    for (int last = 0; last < TOKENS; last++)
        for (int t = 0; t < TOKENS; t++)
            table[last][t] = 0;
    table[0][5] = table[2][END] = 20;
    table[5][2] = table[5][3] = 9;
    table[3][2] = 2;
    int64_t length;
    const int32_t *found = search(beam, 2, &length);
    ck_assert(length == 2 && found[0] == 5 && found[1] == 2);
    ls_beam_tokens(beam, 0, &length);
    ck_assert_int_eq(length, 4); /* tokens that have been tried */
    ls_beam_destroy(beam);
}
END_TEST

START_TEST(what_is_not_a_number_is_not_written) {
    const struct ls_beam_options options = {
        .beams = 2, .tokens = TOKENS, .length_max = LENGTH, .end = END, .first = FIRST};
    struct ls_beam *beam = ls_beam_create(&options);
    for (int last = 0; last < TOKENS; last++)
        for (int t = 0; t < TOKENS; t++)
            table[last][t] = t == 2 ? 0 : NAN;
    int64_t length;
    const int32_t *found = search(beam, 2, &length);
    ck_assert_int_eq(length, LENGTH - 1);
    ck_assert(found[0] == 2 && found[1] == 2 && found[2] == 2);
    ls_beam_destroy(beam);
}
END_TEST

LS_SUITE(enough_beams_find_the_best_of_all, one_beam_takes_the_likeliest_token,
         a_search_is_over_when_as_many_have_ended_as_are_kept, what_is_not_a_number_is_not_written)
