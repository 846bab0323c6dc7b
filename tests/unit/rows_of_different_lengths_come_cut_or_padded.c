/* Ragged columns: samples are cut or padded to a length, with tokens in front and behind; ends that
 * do not fit are named; groups of alike rows stay in one part of a split; masks over the tokens. */
#include <stdio.h>
#include <string.h>

#include "io/loader.h"
#include "io/vocabulary.h"
#include "io/writer.h"
#include "launcher/worker/data.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

static struct ls_error *const error = &ls_test_error;

static const struct ls_feed_options inputs = {
    .name = "inputs", .column = "words", .length = 4, .begin = 1};
static const struct ls_feed_options targets = {
    .name = "targets", .column = "/words", .length = 4, .end = 2};

static void add(struct ls_writer *writer, const char *name, enum ls_kind kind, uint64_t rows,
                const void *values) {
    int array;
    ls_require(ls_writer_add(writer, name, kind, rows, (struct ls_shape){0}, &array, error));
    ls_require(ls_writer_put(writer, array, 0, rows, values, error));
}

/* A file with /words and /words.ends. */
static const char *ragged(const char *name, uint64_t values, const uint8_t *words, uint64_t rows,
                          const int64_t *ends) {
    const char *path = ls_test_path(name);
    struct ls_writer *writer;
    ls_require(ls_writer_create(&writer, path, error));
    add(writer, "/words", LS_KIND_U8, values, words);
    add(writer, "/words.ends", LS_KIND_I64, rows, ends);
    ls_require(ls_writer_finish(writer, error));
    return path;
}

static enum ls_status open_words(struct ls_dataset **dataset, const char *path,
                                 const struct ls_feed_options *feed) {
    const struct ls_dataset_options options = {.path = path, .feeds = feed, .feed_count = 1};
    return ls_dataset_open(dataset, &options, error);
}

/* Two files: rows of 2, 0, 5 values and 3, 4. */
static struct ls_dataset *open_good(void) {
    const uint8_t first[] = {10, 11, 20, 21, 22, 23, 24}, second[] = {30, 31, 32, 40, 41, 42, 43};
    ragged("words-a.h5", 7, first, 3, (int64_t[]){2, 2, 7});
    ragged("words-b.h5", 7, second, 2, (int64_t[]){3, 7});
    struct ls_dataset *dataset;
    ls_require(open_words(&dataset, ls_test_path("words-*.h5"), &inputs));
    return dataset;
}

START_TEST(rows_are_cut_or_padded) {
    struct ls_dataset *dataset = open_good();
    ck_assert_uint_eq(ls_dataset_info(dataset).samples, 5);
    ck_assert(ls_dataset_column(dataset, "words")->ragged);
    const uint64_t order[] = {4, 0, 2, 1, 3};
    static const int32_t in[5][4] = {
        {1, 40, 41, 42}, {1, 10, 11, 0}, {1, 20, 21, 22}, {1, 0, 0, 0}, {1, 30, 31, 32}};
    static const int32_t out[5][4] = {
        {40, 41, 42, 43}, {10, 11, 2, 0}, {20, 21, 22, 23}, {2, 0, 0, 0}, {30, 31, 32, 2}};
    int32_t got[5][4], counts[5];
    float reals[5][4];
    ls_require(ls_test_read(dataset, &inputs, LS_TYPE_INT32, order, 5, got));
    ck_assert_int_eq(memcmp(got, in, sizeof in), 0);
    ls_require(ls_test_read(dataset, &targets, LS_TYPE_INT32, order, 5, got));
    ck_assert_int_eq(memcmp(got, out, sizeof out), 0);
    struct ls_feed_options whole = targets;
    whole.whole_bytes = true;
    ls_require(ls_test_read(dataset, &whole, LS_TYPE_REAL, order, 5, reals));
    for (int i = 0; i < 20; i++)
        ck_assert((int32_t)reals[i / 4][i % 4] == out[i / 4][i % 4]);
    struct ls_feed_options lengths = targets;
    lengths.lengths = true;
    struct ls_feed feed;
    ls_require(ls_dataset_describe(dataset, &lengths, &feed, error));
    ck_assert(feed.shape.rank == 0 && feed.integer);
    ls_require(ls_test_read(dataset, &lengths, LS_TYPE_INT32, order, 5, counts));
    ck_assert(counts[0] == 4 && counts[1] == 3 && counts[2] == 4 && counts[3] == 1 &&
              counts[4] == 4);
    int64_t limit;
    ls_require(ls_dataset_limit(dataset, &targets, &limit, error));
    ck_assert_int_eq(limit, 44);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(what_does_not_fit_is_named) {
    struct ls_dataset *dataset = open_good();
    struct ls_feed feed;
    struct ls_feed_options bad = {.name = "inputs", .column = "words"};
    ck_assert_int_eq(ls_dataset_describe(dataset, &bad, &feed, error), LS_INVALID);
    ls_test_error_has("feed 'inputs': the rows of words have different lengths: expected a length");
    bad.window = 3;
    struct ls_dataset *other;
    ck_assert_int_eq(open_words(&other, ls_test_path("words-*.h5"), &bad), LS_INVALID);
    ls_test_error_has("found a window");
    const uint64_t last = 4;
    int32_t got[4];
    struct ls_feed_use use = ls_test_use(&inputs, LS_TYPE_INT32, 42);
    ck_assert_int_eq(ls_dataset_read(dataset, &use, &last, 1, got, error), LS_INVALID);
    ls_test_error_has("words-b.h5: words: value 5 (from 0) is 42; expected an index from 0 to 41");
    ck_assert_int_eq(ls_dataset_check(dataset, &use, error), LS_INVALID);
    use = ls_test_use(&targets, LS_TYPE_INT32, 2);
    ck_assert_int_eq(ls_dataset_check(dataset, &use, error), LS_INVALID);
    ls_test_error_has("feed 'targets': its token 2 (begin, end) is beyond");
    ls_dataset_close(dataset);
    const uint8_t words[] = {1, 2, 3, 4};
    const char *path = ragged("short.h5", 4, words, 2, (int64_t[]){1, 3});
    ck_assert_int_eq(open_words(&dataset, path, &inputs), LS_INVALID);
    ls_test_error_has("short.h5: words.ends: the last row ends at 3, but words has 4 values");
    path = ragged("beyond.h5", 4, words, 2, (int64_t[]){1, 5});
    ck_assert_int_eq(open_words(&dataset, path, &inputs), LS_INVALID);
    ls_test_error_has("row 1 (from 0) goes from 1 to 5; expected ends that ascend to 4");
    path = ragged("descends.h5", 4, words, 3, (int64_t[]){3, 1, 4});
    ls_require(open_words(&dataset, path, &inputs));
    const uint64_t second = 1;
    ck_assert_int_eq(ls_test_read(dataset, &inputs, LS_TYPE_INT32, &second, 1, got), LS_INVALID);
    ls_test_error_has("descends.h5: words.ends: row 1 (from 0) goes from 3 to 1");
    ls_dataset_close(dataset);
}
END_TEST

/* 24 rows, of which each three in a row are alike. */
enum { TRIPLES = 8, GROUPED = 3 * TRIPLES };
static const char *open_triples(void) {
    uint8_t words[GROUPED];
    int64_t ends[GROUPED];
    for (int i = 0; i < GROUPED; i++) {
        words[i] = (uint8_t)(i / 3 % 4 + 5); /* two triples for each word: they are one group */
        ends[i] = i + 1;
    }
    return ragged("triples.h5", GROUPED, words, GROUPED, ends);
}

START_TEST(groups_stay_together) {
    char text[2048];
    const char *path = open_triples();
    snprintf(text, sizeof text,
             "data: {train: %s, group: words, split: [0.5, 0.25, 0.25],\n"
             "  feeds: {inputs: {column: words, length: 2}}}\nmodel: [linear: 1]\nseed: 5\n",
             path);
    struct ls_config config;
    struct ls_data data;
    ls_require(ls_config_parse(&config, text, strlen(text), "x.yaml", NULL, 0, error));
    const struct ls_data_request request = {.turn = LS_TURN_AFTER};
    ls_require(ls_data_open(&data, &config, &request, error));
    int part_of[4] = {-1, -1, -1, -1}, samples = 0;
    for (int role = 0; role < LS_PARTS; role++) {
        const struct ls_part *part = &data.parts[role];
        ck_assert_uint_eq(part->count, role ? 6 : 12);
        for (uint64_t i = 0; i < part->count; i++, samples++) {
            const uint64_t sample = ls_part_sample(part, i);
            const int group = (int)(sample / 3 % 4);
            ck_assert(part_of[group] == -1 || part_of[group] == role);
            ck_assert(i == 0 || sample > ls_part_sample(part, i - 1));
            part_of[group] = role;
        }
    }
    ck_assert_int_eq(samples, GROUPED);
    ls_data_close(&data);
    ls_config_clear(&config);
    uint64_t groups[GROUPED], count;
    struct ls_dataset *dataset;
    ls_require(open_words(&dataset, path, &inputs));
    ls_require(ls_dataset_groups(dataset, "words", groups, &count, error));
    ck_assert_uint_eq(count, 4);
    for (int i = 0; i < GROUPED; i++)
        ck_assert_uint_eq(groups[i], (uint64_t)(i / 3 % 4));
    ls_dataset_close(dataset);
}
END_TEST

/* One batch of all samples, in order. */
static void load(struct ls_dataset *dataset, uint64_t epoch, int32_t x[2 * GROUPED],
                 int32_t y[2 * GROUPED]) {
    const struct ls_feed_options seen = {.name = "inputs", .column = "words", .length = 2};
    struct ls_feed_options said = seen;
    snprintf(said.name, sizeof said.name, "targets");
    said.masked = true;
    const struct ls_feed_use uses[] = {ls_test_use(&seen, LS_TYPE_INT32, 40),
                                       ls_test_use(&said, LS_TYPE_INT32, 40)};
    const struct ls_loader_options options = {.part = {.dataset = dataset, .count = GROUPED},
                                              .seed = 3,
                                              .batch = GROUPED,
                                              .microbatches = 1,
                                              .count = 1,
                                              .uses = uses,
                                              .use_count = 2,
                                              .augment = {.mask = 0.5}};
    struct ls_loader *loader;
    struct ls_batch batch;
    ls_require(ls_loader_create(&loader, &options, error));
    ls_loader_seek(loader, epoch, 0, epoch + 1);
    ls_require(ls_loader_next(loader, &batch, error));
    memcpy(x, batch.feeds[0], 2 * GROUPED * sizeof *x);
    memcpy(y, batch.feeds[1], 2 * GROUPED * sizeof *y);
    ls_loader_destroy(loader);
}

START_TEST(masks_are_a_function_of_epoch_and_sample) {
    struct ls_dataset *dataset;
    ls_require(open_words(&dataset, open_triples(), &inputs));
    const struct ls_mask_tokens tokens = {
        .mask = LS_TOKEN_MASK, .special = LS_TOKENS_SPECIAL, .count = 40};
    int32_t x[2 * GROUPED], y[2 * GROUPED], earlier[2 * GROUPED] = {0};
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        load(dataset, epoch, x, y);
        for (uint64_t i = 0; i < GROUPED; i++) {
            const int32_t word = (int32_t)(i / 3 % 4) + 5;
            int32_t in[2] = {word, 0}, out[2] = {word, 0};
            ls_augment_mask(0.5, &tokens, ls_random_key(3, LS_STREAM_AUGMENT, epoch, i), 2, in,
                            out);
            ck_assert(x[2 * i] == in[0] && x[2 * i + 1] == 0);
            ck_assert(y[2 * i] == out[0] && y[2 * i + 1] == -1);
        }
        ck_assert_int_ne(memcmp(earlier, y, sizeof y), 0);
        memcpy(earlier, y, sizeof y);
    }
    ls_dataset_close(dataset);
}
END_TEST

LS_SUITE(rows_are_cut_or_padded, what_does_not_fit_is_named, groups_stay_together,
         masks_are_a_function_of_epoch_and_sample)
