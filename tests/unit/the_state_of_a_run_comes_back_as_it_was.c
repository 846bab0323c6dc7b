#include "launcher/worker/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/numerics.h"
#include "io/schema.h"
#include "tests/support/support.h"

static struct ls_state example(int sums) {
    struct ls_state state = {
        .step = 1234567890123,
        .epoch = 7,
        .index = 3,
        .schedule_steps = 900,
        .seconds = 0.1,
        .rows = {10, 20, 30},
        .metrics_bytes = 4567,
        .has_best = true,
        .best = 0.7,
        .best_epoch = 5,
        .best_step = 6,
        .epochs_without = 2,
        .early_stopped = true,
        .plateaus = {{3, 1}, {0, 2}},
        .other_data = true,
        .feed_count = 2,
        .feeds = {{.name = "inputs", .shape = LS_SHAPE(28, 14, 3)},
                  {.name = "words", .integer = true, .limit = 65, .scaling = LS_FEED_PER_CHANNEL}}};
    ls_state_create_sums(&state, sums);
    for (int i = 0; i < sums; i++) {
        state.window[i] = 1.0 / (i + 3);
        state.running[i] = i == 1 ? (double)NAN : -1.0 / (i + 7);
    }
    return state;
}

static void check_sums(int sums) {
    struct ls_state state = example(sums), back;
    char *text = ls_state_print(&state, "task: classification\n"), *config;
    ls_require(ls_state_parse(text, &back, &config, &ls_test_error));
    ck_assert_str_eq(config, "task: classification\n");
    ck_assert_int_eq(back.sum_count, sums);
    for (int i = 0; i < sums; i++) {
        ck_assert(back.window[i] == state.window[i]);
        ck_assert(i == 1 ? isnan(back.running[i]) : back.running[i] == state.running[i]);
    }
    ls_state_clear(&state);
    ck_assert_ptr_null(state.window);
    ls_state_clear(&back);
    free(text);
    free(config);
}

START_TEST(sums_of_any_number_come_back_bit_for_bit) {
    check_sums(0);
    check_sums(2);
    check_sums(17);
    check_sums(LS_STATE_SUMS_MAX);
}
END_TEST

START_TEST(what_the_data_taught_comes_back) {
    struct ls_state state = example(2), back;
    struct ls_schema schema, again;
    ls_schema_create(&schema, 2);
    schema.header = true;
    schema.missing = LS_MISSING_MEDIAN;
    schema.encoding = LS_ENCODING_ONE_HOT;
    schema.columns[0].name = ls_strdup("height, \"cm\"");
    schema.columns[0].fill = 1.0 / 3;
    schema.columns[0].exact = true;
    schema.columns[1] = (struct ls_schema_column){.name = ls_strdup("K\xC3\xB6ln"),
                                                  .role = LS_ROLE_TARGET,
                                                  .kind = LS_CELL_CATEGORY,
                                                  .word_count = 2,
                                                  .words = ls_calloc(2, sizeof(char *)),
                                                  .has_missing = true,
                                                  .fill = (double)NAN};
    schema.columns[1].words[0] = ls_strdup("a");
    schema.columns[1].words[1] = ls_strdup("missing");
    state.schema = ls_schema_print(&schema);
    state.centres = ls_strdup("{\"inputs\": {\"count\": 1, \"values\": [[0, 1700000000.25]]}}");
    state.start = ls_strdup("{\"from\": \"a\", \"step\": 3}");
    state.data[1] = (struct ls_identity){.rows = 7, .bytes = 56, .digest = UINT64_MAX - 1};
    char *text = ls_state_print(&state, ""), *config;
    ls_require(ls_state_parse(text, &back, &config, &ls_test_error));
    ck_assert_mem_eq(back.data, state.data, sizeof back.data);
    ck_assert_str_eq(back.centres, state.centres);
    ck_assert_str_eq(back.start, state.start);
    ls_require(ls_schema_parse(&again, back.schema, "state", &ls_test_error));
    ls_require(ls_schema_compare(&schema, &again, true, &ls_test_error));
    ck_assert(again.header && again.missing == LS_MISSING_MEDIAN && again.columns[1].has_missing);
    ck_assert(again.columns[0].fill == schema.columns[0].fill && isnan(again.columns[1].fill));
    ck_assert(again.columns[0].exact && !again.columns[1].exact);
    ls_schema_clear(&schema);
    ls_schema_clear(&again);
    ls_state_clear(&state);
    ls_state_clear(&back);
    free(text);
    free(config);
}
END_TEST

START_TEST(numbers_come_back) {
    struct ls_state state = example(4), back;
    char *text = ls_state_print(&state, ""), *config;
    ls_require(ls_state_parse(text, &back, &config, &ls_test_error));
    ck_assert_uint_eq(back.step, state.step);
    ck_assert_uint_eq(back.epoch, state.epoch);
    ck_assert_int_eq(back.index, state.index);
    ck_assert_int_eq(back.schedule_steps, state.schedule_steps);
    ck_assert(back.seconds == state.seconds && back.best == state.best);
    ck_assert_mem_eq(back.plateaus, state.plateaus, sizeof back.plateaus);
    ck_assert_mem_eq(back.rows, state.rows, sizeof back.rows);
    ck_assert_uint_eq(back.metrics_bytes, state.metrics_bytes);
    ck_assert(back.has_best && back.early_stopped && back.other_data);
    ck_assert_uint_eq(back.best_epoch, state.best_epoch);
    ck_assert_uint_eq(back.best_step, state.best_step);
    ck_assert_int_eq(back.epochs_without, state.epochs_without);
    ls_state_clear(&state);
    ls_state_clear(&back);
    free(text);
    free(config);
}
END_TEST

/* The text of a state, with `from` in place of `to`. */
static enum ls_status parse_changed(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "'%s' is not in %s", from, text);
    char *changed = malloc(strlen(text) + strlen(to) + 1), *config = NULL;
    sprintf(changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    struct ls_state back;
    const enum ls_status status = ls_state_parse(changed, &back, &config, &ls_test_error);
    ck_assert_ptr_null(config);
    ck_assert_ptr_null(back.window);
    ck_assert_ptr_null(back.running);
    free(changed);
    return status;
}

START_TEST(feeds_come_back) {
    struct ls_state state = example(1), back;
    char *text = ls_state_print(&state, ""), *config;
    ls_require(ls_state_parse(text, &back, &config, &ls_test_error));
    ck_assert_int_eq(back.feed_count, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(back.feeds[i].name, state.feeds[i].name);
        ck_assert(ls_shape_equal(back.feeds[i].shape, state.feeds[i].shape));
        ck_assert_int_eq(back.feeds[i].integer, state.feeds[i].integer);
        ck_assert_int_eq(back.feeds[i].limit, state.feeds[i].limit);
        ck_assert_int_eq(back.feeds[i].scaling, state.feeds[i].scaling);
    }
    ck_assert_int_eq(back.numerics, LS_NUMERICS_VERSION);
    ls_state_clear(&state);
    ls_state_clear(&back);
    free(text);
    free(config);
}
END_TEST

START_TEST(states_that_are_not_whole_are_refused) {
    struct ls_state state = example(2);
    char *text = ls_state_print(&state, "");
    ck_assert_int_eq(parse_changed(text, "null", "null, 1"), LS_DAMAGED);
    ck_assert_str_eq(ls_test_error.text,
                     "the state has 2 and 3 metric sums, expected as many of both, at most 4096");
    ck_assert_int_eq(parse_changed(text, "\"index\"", "\"other\""), LS_DAMAGED);
    ck_assert_int_eq(parse_changed(text, "28", "-28"), LS_DAMAGED);
    ck_assert_int_eq(parse_changed(text, "\"index\": 3", "\"index\": -1"), LS_DAMAGED);
    ck_assert_str_eq(ls_test_error.text, "the state has the index -1, expected 0 or more");
    ck_assert_int_eq(parse_changed(text, "\"seconds\": 0.1", "\"seconds\": -0.1"), LS_DAMAGED);
    ck_assert_int_eq(parse_changed(text, "\"epoch\": 7", "\"epoch\": \"7\""), LS_DAMAGED);
    ck_assert_int_eq(parse_changed(text, "null", "\"none\""), LS_DAMAGED);
    ck_assert_int_eq(parse_changed(text, "\"best_epoch\": 5", "\"best_epoch\": 8"), LS_DAMAGED);
    ck_assert_str_eq(ls_test_error.text, "the state has the best_epoch 8, but the epoch 7");
    ls_state_clear(&state);
    free(text);
}
END_TEST

LS_SUITE(sums_of_any_number_come_back_bit_for_bit, what_the_data_taught_comes_back,
         numbers_come_back, feeds_come_back, states_that_are_not_whole_are_refused)
