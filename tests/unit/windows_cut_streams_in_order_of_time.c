/* Feeds cut windows and channels out of streams; windows never cross files; every rank sees its
 * share of the same batches; statistics count each row once. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/random.h"
#include "io/loader.h"
#include "io/writer.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

/* Two files of a stream of tokens, and a series of three channels. */
enum { FIRST = 23, SECOND = 12, CHANNELS = 3, WINDOW = 5, STRIDE = 2 };
static struct ls_error *const error = &ls_test_error;

static const struct ls_feed_options token_feeds[] = {
    {.name = "inputs", .column = "text", .window = WINDOW},
    {.name = "targets", .column = "/text", .window = WINDOW, .offset = 1}};
static const struct ls_feed_options series_feeds[] = {
    {.name = "inputs", .column = "/series", .window = 4},
    {.name = "targets",
     .column = "/series",
     .window = 2,
     .offset = 4,
     .first_channel = 1,
     .channels = 2}};

static const char *stream(const char *name, const char *column, enum ls_kind kind,
                          struct ls_shape row, uint64_t rows, const void *values) {
    const char *path = ls_test_path(name);
    struct ls_writer *writer;
    int array;
    ls_require(ls_writer_create(&writer, path, error));
    ls_require(ls_writer_add(writer, column, kind, rows, row, &array, error));
    ls_require(ls_writer_put(writer, array, 0, rows, values, error));
    ls_require(ls_writer_finish(writer, error));
    return path;
}

/* Tokens count on over both files, so a window that crossed from one to the other would not show in
 * its values alone: the second begins at 100. */
static struct ls_dataset *open_tokens(int64_t stride) {
    uint8_t tokens[FIRST + SECOND];
    for (int i = 0; i < FIRST; i++)
        tokens[i] = (uint8_t)i;
    for (int i = 0; i < SECOND; i++)
        tokens[FIRST + i] = (uint8_t)(100 + i);
    stream("stream-a.h5", "/text", LS_KIND_U8, (struct ls_shape){0}, FIRST, tokens);
    stream("stream-b.h5", "/text", LS_KIND_U8, (struct ls_shape){0}, SECOND, tokens + FIRST);
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {.path = ls_test_path("stream-*.h5"),
                                               .feeds = token_feeds,
                                               .feed_count = 2,
                                               .stride = stride};
    ls_require(ls_dataset_open(&dataset, &options, error));
    return dataset;
}

/* Windows of a file of n rows: (n - (WINDOW + 1)) / STRIDE + 1. */
enum {
    WINDOWS_A = (FIRST - WINDOW - 1) / STRIDE + 1,
    WINDOWS_B = (SECOND - WINDOW - 1) / STRIDE + 1
};
enum { WINDOWS = WINDOWS_A + WINDOWS_B };

static int32_t token_at(uint64_t sample, int position) {
    const bool second = sample >= WINDOWS_A;
    return (second ? 100 : 0) + (int32_t)(sample - (second ? WINDOWS_A : 0)) * STRIDE + position;
}

START_TEST(windows_stay_within_their_file) {
    struct ls_dataset *dataset = open_tokens(STRIDE);
    ck_assert_uint_eq(ls_dataset_info(dataset).samples, WINDOWS);
    ck_assert_uint_eq(ls_dataset_column(dataset, "text")->rows, FIRST + SECOND);
    ck_assert_uint_eq(ls_dataset_overlap(dataset), WINDOW / STRIDE);
    struct ls_feed feed;
    ls_require(ls_dataset_describe(dataset, &token_feeds[0], &feed, error));
    ck_assert(ls_shape_equal(feed.shape, LS_SHAPE(WINDOW)) && feed.integer);
    uint64_t samples[2 * WINDOWS];
    int32_t tokens[2 * WINDOWS * WINDOW];
    for (int i = 0; i < 2 * WINDOWS; i++) /* all of them twice, in no order */
        samples[i] = (uint64_t)(i * 5 % WINDOWS);
    for (int f = 0; f < 2; f++) {
        ls_require(
            ls_test_read(dataset, &token_feeds[f], LS_TYPE_INT32, samples, 2 * WINDOWS, tokens));
        for (int i = 0; i < 2 * WINDOWS; i++)
            for (int p = 0; p < WINDOW; p++)
                ck_assert_int_eq(tokens[i * WINDOW + p], token_at(samples[i], p + f));
    }
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(a_value_beyond_the_limit_names_its_row_in_the_stream) {
    struct ls_dataset *dataset = open_tokens(STRIDE);
    const struct ls_feed_use use = ls_test_use(&token_feeds[0], LS_TYPE_INT32, 109);
    const uint64_t last = WINDOWS - 1; /* rows 6 to 10 of the second file: 106 .. 110 */
    int32_t tokens[WINDOW];
    ck_assert_int_eq(ls_dataset_read(dataset, &use, &last, 1, tokens, error), LS_INVALID);
    ls_test_error_has("stream-b.h5: text: row 9 (from 0): is 109; expected an index from 0 to 108");
    ck_assert_int_eq(ls_dataset_check(dataset, &use, error), LS_INVALID);
    ls_test_error_has("stream-b.h5: text: row 9 (from 0)");
    ls_dataset_close(dataset);
}
END_TEST

/* The series' value of row r and channel c. */
static float series_value(uint64_t r, int c) {
    return (float)(100 * c) + (float)r;
}

static struct ls_dataset *open_series(const struct ls_feed_options *feeds, int64_t stride) {
    float values[FIRST * CHANNELS];
    for (int i = 0; i < FIRST * CHANNELS; i++)
        values[i] = series_value((uint64_t)(i / CHANNELS), i % CHANNELS);
    const struct ls_dataset_options options = {
        .path = stream("series.h5", "/series", LS_KIND_F32, LS_SHAPE(CHANNELS), FIRST, values),
        .feeds = feeds,
        .feed_count = 2,
        .stride = stride};
    struct ls_dataset *dataset;
    ls_require(ls_dataset_open(&dataset, &options, error));
    return dataset;
}

START_TEST(targets_are_channels_behind_the_window) {
    struct ls_dataset *dataset = open_series(series_feeds, 1);
    ck_assert_uint_eq(ls_dataset_info(dataset).samples, FIRST - 6 + 1);
    struct ls_feed feed;
    ls_require(ls_dataset_describe(dataset, &series_feeds[1], &feed, error));
    ck_assert(ls_shape_equal(feed.shape, LS_SHAPE(2, 2)) && !feed.integer);
    const uint64_t samples[] = {17, 0, 3};
    float x[3][4][CHANNELS], y[3][2][2];
    ls_require(ls_test_read(dataset, &series_feeds[0], LS_TYPE_REAL, samples, 3, x));
    ls_require(ls_test_read(dataset, &series_feeds[1], LS_TYPE_REAL, samples, 3, y));
    for (int i = 0; i < 3; i++) {
        for (int p = 0; p < 4; p++)
            for (int c = 0; c < CHANNELS; c++)
                ck_assert(x[i][p][c] == series_value(samples[i] + (uint64_t)p, c));
        for (int p = 0; p < 2; p++)
            for (int c = 0; c < 2; c++)
                ck_assert(y[i][p][c] == series_value(samples[i] + 4 + (uint64_t)p, c + 1));
    }
    struct ls_feed_options beyond = series_feeds[1];
    beyond.channels = 3;
    ck_assert_int_eq(ls_dataset_describe(dataset, &beyond, &feed, error), LS_INVALID);
    ls_test_error_has("feed 'targets': channels 1 to 3 of /series, which has 3");
    ls_dataset_close(dataset);
}
END_TEST

/* Windows 2 .. 6 of stride 1 cover rows 2 .. 9, each counted once. */
START_TEST(statistics_count_each_row_once) {
    struct ls_dataset *dataset = open_series(series_feeds, 1);
    const struct ls_part part = {.dataset = dataset, .first = 2, .count = 5};
    double mean[CHANNELS], scale[CHANNELS];
    ls_require(ls_part_statistics(&part, &series_feeds[0], CHANNELS, mean, scale, error));
    for (int c = 0; c < CHANNELS; c++) {
        ck_assert_double_eq_tol(mean[c], 100 * c + 5.5, 1e-5);
        ck_assert_double_eq_tol(scale[c], 1 / sqrt(63.0 / 12), 1e-6);
    }
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(a_stream_shorter_than_a_window_is_named) {
    const uint8_t tokens[WINDOW] = {0};
    struct ls_dataset *dataset;
    struct ls_dataset_options options = {
        .path = stream("short.h5", "/text", LS_KIND_U8, (struct ls_shape){0}, WINDOW, tokens),
        .feeds = token_feeds,
        .feed_count = 2};
    ck_assert_int_eq(ls_dataset_open(&dataset, &options, error), LS_INVALID);
    ls_test_error_has("short.h5: text has 5 rows, but a window with what it predicts takes 6");
    options.feed_count = 1;
    ls_require(ls_dataset_open(&dataset, &options, error));
    ck_assert_uint_eq(ls_dataset_info(dataset).samples, 1);
    ls_dataset_close(dataset);
}
END_TEST

/* One epoch of a part, put together from all ranks: positions of the global batches to samples. */
static void read_part(struct ls_dataset *dataset, int ranks, uint64_t order[WINDOWS]) {
    enum { BATCH = 6, MICROBATCHES = 3 };
    const struct ls_feed_use uses[] = {ls_test_use(&token_feeds[1], LS_TYPE_INT32, 200),
                                       {.feed = NULL},
                                       ls_test_use(&token_feeds[0], LS_TYPE_INT32, 200)};
    for (int rank = 0; rank < ranks; rank++) {
        const int first = rank * MICROBATCHES / ranks, end = (rank + 1) * MICROBATCHES / ranks;
        const struct ls_loader_options options = {
            .part = {.dataset = dataset, .first = 1, .count = WINDOWS - 2},
            .shuffle = true,
            .seed = 7,
            .batch = BATCH,
            .microbatches = MICROBATCHES,
            .first = first,
            .count = end - first,
            .uses = uses,
            .use_count = 3};
        struct ls_loader *loader;
        ls_require(ls_loader_create(&loader, &options, error));
        ls_loader_seek(loader, 3, 0, 4);
        for (int64_t b = 0; b < ls_loader_batches(loader); b++) {
            struct ls_batch batch;
            ls_require(ls_loader_next(loader, &batch, error));
            ck_assert_int_eq(batch.feed_count, 3);
            ck_assert_ptr_null(batch.feeds[1]);
            const int32_t *targets = batch.feeds[0], *inputs = batch.feeds[2];
            for (int64_t i = 0; i < batch.rows; i++) {
                order[b * BATCH + (int64_t)batch.row_first + i] = batch.row_ids[i];
                for (int p = 0; p < WINDOW; p++) {
                    ck_assert_int_eq(inputs[i * WINDOW + p], token_at(batch.row_ids[i], p));
                    ck_assert_int_eq(targets[i * WINDOW + p], token_at(batch.row_ids[i], p + 1));
                }
            }
        }
        ls_loader_destroy(loader);
    }
}

START_TEST(any_number_of_ranks_sees_the_same_windows) {
    struct ls_dataset *dataset = open_tokens(STRIDE);
    uint64_t alone[WINDOWS] = {0}, together[WINDOWS] = {0};
    read_part(dataset, 1, alone);
    const struct ls_random_key key = ls_random_key(7, LS_STREAM_SHUFFLE, 3, 0);
    for (uint64_t i = 0; i < WINDOWS - 2; i++)
        ck_assert_uint_eq(alone[i], 1 + ls_random_permute(key, i, WINDOWS - 2));
    for (int ranks = 2; ranks <= 3; ranks++) {
        memset(together, 0, sizeof together);
        read_part(dataset, ranks, together);
        ck_assert_int_eq(memcmp(alone, together, sizeof alone), 0);
    }
    ls_dataset_close(dataset);
}
END_TEST

/* Rows are read whole, however few of their values a feed takes: the room for them is bounded by
 * what is read. (A sanitizer maps terabytes of its own.) */
START_TEST(one_channel_of_many_needs_little_memory) {
    enum { WIDE = 10000, ROWS = 6 };
    uint8_t *values = calloc(ROWS, WIDE);
    const struct ls_feed_options feed = {
        .name = "inputs", .column = "/series", .window = 2, .first_channel = 7, .channels = 1};
    const struct ls_dataset_options options = {
        .path = stream("wide.h5", "/series", LS_KIND_U8, LS_SHAPE(WIDE), ROWS, values),
        .feeds = &feed,
        .feed_count = 1};
    struct ls_dataset *dataset;
    ls_require(ls_dataset_open(&dataset, &options, error));
#ifndef __SANITIZE_ADDRESS__
    struct rlimit before, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)256 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
    const struct ls_feed_use use = ls_test_use(&feed, LS_TYPE_INT32, 1);
    ls_require(ls_dataset_check(dataset, &use, error));
#ifndef __SANITIZE_ADDRESS__
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
#endif
    ls_dataset_close(dataset);
    free(values);
}
END_TEST

LS_SUITE(one_channel_of_many_needs_little_memory, windows_stay_within_their_file,
         a_value_beyond_the_limit_names_its_row_in_the_stream,
         targets_are_channels_behind_the_window, statistics_count_each_row_once,
         a_stream_shorter_than_a_window_is_named, any_number_of_ranks_sees_the_same_windows)
