/* A resolved config parses back to the same config: for every file in configs/ and for awkward
 * values. Values and derived numbers are what the file says. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/config/config.h"
#include "tests/support/support.h"

static const char awkward[] = "seed: 123456789012\n"
                              "task: regression\n"
                              "data:\n"
                              "  train: \"a \\\"b\\\" \\\\ # \\t \\x01 : \xc3\xa9 .csv\"\n"
                              "  split: [0.7, 0.1, 0.2]\n"
                              "  stride: 3\n"
                              "  feeds:\n"
                              "    inputs: {column: a/b, window: 7, offset: 1, channels: 2}\n"
                              "    targets: \"odd: one\"\n"
                              "augment:\n"
                              "model:\n"
                              "  - conv2d: {filters: 8, kernel: [3, 5], stride: 2, name: first}\n"
                              "  - residual:\n"
                              "      body:\n"
                              "        - relu\n"
                              "        - relu: {name: second}\n"
                              "      shortcut: []\n"
                              "  - flatten\n"
                              "  - linear: 256\n"
                              "  - linear:\n"
                              "      units: 1\n"
                              "train: {microbatches: auto, batch: 96, improvement: 1e-3, "
                              "frozen: [\"*.bias\", first]}\n"
                              "optimizer: {name: sgd, factors: {\"*\": 0.1, first: 2}}\n";

static void parse(struct ls_config *config, const char *text) {
    ls_require(ls_config_parse(config, text, strlen(text), "folder/name.of.yaml", NULL, 0,
                               &ls_test_error));
}

static void check_fixpoint(const struct ls_config *config) {
    struct ls_config back;
    char *once = ls_config_print(config);
    parse(&back, once);
    char *twice = ls_config_print(&back);
    ck_assert_str_eq(once, twice);
    ls_require(ls_config_resumable(config, &back, &ls_test_error));
    ls_config_clear(&back);
    free(once);
    free(twice);
}

START_TEST(values_are_what_the_file_says) {
    struct ls_config config;
    parse(&config, awkward);
    ck_assert_str_eq(config.name, "name.of");
    ck_assert_str_eq(config.path, "folder/name.of.yaml");
    ck_assert_int_eq(config.seed, 123456789012);
    ck_assert_int_eq(config.task.kind, LS_TASK_REGRESSION);
    ck_assert_str_eq(config.data.train, "a \"b\" \\ # \t \x01 : \xc3\xa9 .csv");
    ck_assert_int_eq(config.data.split.count, 3);
    ck_assert_int_eq(config.data.feeds.count, 2);
    ck_assert_str_eq(config.data.feeds.items[0].column, "a/b");
    ck_assert_int_eq(config.data.feeds.items[0].window, 7);
    ck_assert_str_eq(config.data.feeds.items[1].column, "odd: one");
    ck_assert(!config.data.feeds.items[0].whole_bytes && config.data.feeds.items[1].whole_bytes);
    ck_assert_int_eq(ls_config_stride(&config), 3);
    ck_assert_double_eq(config.data.split.values[1], 0.1);
    ck_assert_int_eq(config.train.microbatches, 0);
    ck_assert_double_eq(config.train.improvement, 1e-3);
    ck_assert_int_eq(config.checkpoint.keep, 2);
    ck_assert_int_eq(config.model.items[0].layers.count, 5);
    ck_assert_str_eq(config.model.items[0].layers.items[0].name, "first");
    ck_assert_str_eq(config.model.items[0].layers.items[1].name, "residual1");
    ck_assert_int_eq(config.model.items[0].layers.items[1].branches[0].count, 2);
    ck_assert_str_eq(config.model.items[0].layers.items[1].branches[0].items[0].name, "relu1");
    ck_assert_str_eq(config.model.items[0].layers.items[1].branches[0].items[1].name, "second");
    ck_assert_int_eq(config.model.items[0].layers.items[1].branches[1].count, 0);
    ck_assert_str_eq(config.model.items[0].layers.items[3].name, "linear1");
    ck_assert_str_eq(config.model.items[0].layers.items[4].name, "linear2");
    ck_assert_int_eq(config.model.items[0].layers.items[4].line, 20);
    ck_assert_int_eq(config.model.items[0].layers.items[4].column, 5);
    check_fixpoint(&config);
    ls_config_clear(&config);
}
END_TEST

START_TEST(assignments_come_after_the_file) {
    static const char text[] = "data:\n  train: a.h5\nmodel:\n  - linear: 1\ntrain:\n  batch: 64\n";
    char one[] = "train.batch=256", two[] = "train.batch=32", three[] = "data.split=[0.5, 0, 0.5]",
         four[] = "data.train=csv a b.csv --target c", five[] = "task=regression",
         six[] = "train.microbatches=auto", seven[] = "seed=7";
    char *assignments[] = {one, two, three, four, five, six, seven};
    struct ls_config config;
    ls_require(
        ls_config_parse(&config, text, strlen(text), "x.yaml", assignments, 7, &ls_test_error));
    ck_assert_int_eq(config.train.batch, 32);
    ck_assert_int_eq(config.data.split.count, 3);
    ck_assert_str_eq(config.data.train, "csv a b.csv --target c");
    ck_assert_int_eq(config.task.kind, LS_TASK_REGRESSION);
    ck_assert_int_eq(config.seed, 7);
    check_fixpoint(&config);
    ls_config_clear(&config);
}
END_TEST

START_TEST(every_config_of_the_source_does) {
    const char *source = getenv("LOCKSTEP_SOURCE");
    ck_assert_msg(source, "LOCKSTEP_SOURCE is not set");
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/configs/*.yaml", source);
    glob_t found;
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, 5);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct ls_config config;
        ls_require(ls_config_read(&config, found.gl_pathv[i], NULL, 0, &ls_test_error));
        /* Not auto: with another batch, another number of microbatches would decide the bits. */
        ck_assert_msg(config.train.microbatches == 4 || config.train.microbatches == 8,
                      "%s: microbatches", found.gl_pathv[i]);
        check_fixpoint(&config);
        ls_config_clear(&config);
    }
    globfree(&found);
}
END_TEST

START_TEST(automatic_microbatches_follow_the_batch) {
    static const int64_t expected[][2] = {{1, 1},  {105, 7},   {21, 7},   {2, 2},     {16, 8},
                                          {32, 2}, {96, 4},    {128, 8},  {7, 7},     {11, 1},
                                          {12, 6}, {1024, 64}, {100, 4},  {4096, 64}, {48, 2},
                                          {64, 4}, {1000, 8},  {8192, 64}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct ls_config config = {.train.batch = expected[i][0]};
        ck_assert_msg(ls_config_microbatches(&config) == expected[i][1],
                      "batch %lld: %lld, expected %lld", (long long)expected[i][0],
                      (long long)ls_config_microbatches(&config), (long long)expected[i][1]);
        config.train.microbatches = 1;
        ck_assert_int_eq(ls_config_microbatches(&config), 1);
    }
}
END_TEST

LS_SUITE(values_are_what_the_file_says, assignments_come_after_the_file,
         every_config_of_the_source_does, automatic_microbatches_follow_the_batch)
