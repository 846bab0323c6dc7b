#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "io/loader.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

/* 103 rows in batches of 24 (6 microbatches of 4): the last batch has 7 rows, so 2 of 6
 * microbatches. */
enum { ROWS = 103, VALUES = 12, BATCH = 24, MICROBATCHES = 6, LAST = ROWS % BATCH };
static struct ls_error *const error = &ls_test_error;
static uint64_t shuffle_block; /* of the loaders that follow */

static struct ls_dataset *rows_that_say_their_number(const char *name, int bad_row) {
    uint8_t inputs[ROWS * VALUES];
    int32_t targets[ROWS];
    for (int i = 0; i < ROWS * VALUES; i++)
        inputs[i] = (uint8_t)(i / VALUES + 10 * (i % VALUES));
    for (int i = 0; i < ROWS; i++)
        targets[i] = i == bad_row ? 1000 : i;
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {
        .path = ls_test_dataset(name, ROWS, LS_SHAPE(2, 3, 2), LS_KIND_U8, inputs, LS_KIND_I32,
                                targets)};
    ls_require(ls_dataset_open(&dataset, &options, error));
    return dataset;
}

/* Rank r of n takes microbatches floor(rM/n) to floor((r+1)M/n)-1. */
static struct ls_loader *loader_of(struct ls_dataset *dataset, int rank, int ranks, bool shuffle,
                                   const struct ls_augment_options *augment) {
    const int first = rank * MICROBATCHES / ranks, end = (rank + 1) * MICROBATCHES / ranks;
    const struct ls_feed_use uses[] = {ls_test_use(&ls_test_inputs, LS_TYPE_REAL, 0),
                                       ls_test_use(&ls_test_targets, LS_TYPE_INT32, ROWS)};
    const struct ls_loader_options options = {.part = {.dataset = dataset, .count = ROWS},
                                              .shuffle = shuffle,
                                              .shuffle_block = shuffle_block,
                                              .seed = 5,
                                              .batch = BATCH,
                                              .microbatches = MICROBATCHES,
                                              .first = first,
                                              .count = end - first,
                                              .uses = uses,
                                              .use_count = 2,
                                              .augment = augment ? *augment
                                                                 : (struct ls_augment_options){0},
                                              .ahead = 3};
    struct ls_loader *loader;
    ls_require(ls_loader_create(&loader, &options, error));
    return loader;
}

static void check_values(const struct ls_batch *batch) {
    for (int64_t i = 0; i < batch->rows; i++) {
        ck_assert_int_eq(((const int32_t *)batch->feeds[1])[i], (int32_t)batch->row_ids[i]);
        for (int j = 0; j < VALUES; j++)
            ck_assert(((const float *)batch->feeds[0])[i * VALUES + j] ==
                      (float)(uint8_t)(batch->row_ids[i] + 10u * (unsigned)j) / 255.0f);
    }
}

/* The rows of two epochs in the order of the global batches, put together from all ranks. */
static void read_epochs(struct ls_dataset *dataset, int ranks, bool shuffle,
                        uint64_t order[2 * ROWS]) {
    for (int i = 0; i < 2 * ROWS; i++)
        order[i] = UINT64_MAX;
    for (int rank = 0; rank < ranks; rank++) {
        struct ls_loader *loader = loader_of(dataset, rank, ranks, shuffle, NULL);
        const int64_t batches = ls_loader_batches(loader);
        ck_assert_int_eq(batches, 5);
        ls_loader_seek(loader, 0, 0, 2);
        for (int64_t b = 0; b < 2 * batches; b++) {
            struct ls_batch batch;
            ls_require(ls_loader_next(loader, &batch, error));
            ck_assert_uint_eq(batch.epoch, (uint64_t)(b / batches));
            ck_assert_int_eq(batch.index, b % batches);
            ck_assert_int_eq(batch.last, b % batches == batches - 1);
            ck_assert_int_eq(batch.rows_global, batch.last ? LAST : BATCH);
            ck_assert_int_eq(batch.microbatches, batch.last ? 2 : MICROBATCHES);
            ck_assert_int_eq(batch.microbatch_rows, 4);
            check_values(&batch);
            for (int64_t i = 0; i < batch.rows; i++) {
                uint64_t *place = &order[batch.epoch * ROWS + (uint64_t)(batch.index * BATCH + i) +
                                         batch.row_first];
                ck_assert_uint_eq(*place, UINT64_MAX);
                *place = batch.row_ids[i];
            }
        }
        ls_loader_destroy(loader);
    }
}

START_TEST(any_number_of_ranks_sees_the_same_batches) {
    struct ls_dataset *dataset = rows_that_say_their_number("all.h5", -1);
    uint64_t alone[2 * ROWS], together[2 * ROWS];
    read_epochs(dataset, 1, true, alone);
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[ROWS] = {0};
        for (int i = 0; i < ROWS; i++)
            seen[alone[epoch * ROWS + i]]++;
        for (int i = 0; i < ROWS; i++)
            ck_assert_int_eq(seen[i], 1);
    }
    ck_assert_int_ne(memcmp(alone, alone + ROWS, ROWS * sizeof *alone), 0);
    for (int ranks = 2; ranks <= 4; ranks++) {
        read_epochs(dataset, ranks, true, together);
        ck_assert_int_eq(memcmp(alone, together, sizeof alone), 0);
    }
    const struct ls_random_key key = ls_random_key(5, LS_STREAM_SHUFFLE, 1, 0);
    for (uint64_t i = 0; i < ROWS; i++)
        ck_assert_uint_eq(alone[ROWS + i], ls_random_permute(key, i, ROWS));
    read_epochs(dataset, 3, false, together);
    for (uint64_t i = 0; i < 2 * ROWS; i++)
        ck_assert_uint_eq(together[i], i % ROWS);
    ls_dataset_close(dataset);
}
END_TEST

/* 52 blocks of 2 rows, the last one of 1: windows of 32 rows, and a last one of 4; the one with the
 * short block has a row less. */
START_TEST(a_shuffle_of_blocks_mixes_whole_windows_of_them) {
    enum { BLOCK = 2, WINDOW = 16 * BLOCK };
    struct ls_dataset *dataset = rows_that_say_their_number("blocks.h5", -1);
    uint64_t alone[2 * ROWS], together[2 * ROWS];
    shuffle_block = BLOCK;
    read_epochs(dataset, 1, true, alone);
    for (int ranks = 2; ranks <= 4; ranks++) {
        read_epochs(dataset, ranks, true, together);
        ck_assert_int_eq(memcmp(alone, together, sizeof alone), 0);
    }
    shuffle_block = 0;
    int neighbours = 0, blocks_in_order = 0;
    for (int epoch = 0; epoch < 2; epoch++) {
        const uint64_t *order = alone + epoch * ROWS;
        int seen[ROWS] = {0}, window_of_block[ROWS / BLOCK + 1], first = 0;
        memset(window_of_block, -1, sizeof window_of_block);
        for (int window = 0; first < ROWS; window++) {
            int end = first + WINDOW < ROWS ? first + WINDOW : ROWS;
            for (int i = first; i < end; i++)
                if (order[i] == ROWS - 1 && end - first == WINDOW)
                    end--; /* the row that the short block lacks */
            for (int i = first; i < end; i++) {
                int *at = &window_of_block[order[i] / BLOCK];
                ck_assert(*at == -1 || *at == window);
                *at = window;
                seen[order[i]]++;
                neighbours += i > first && order[i] / BLOCK == order[i - 1] / BLOCK;
                blocks_in_order += order[i] / BLOCK == (uint64_t)(i / BLOCK);
            }
            first = end;
        }
        for (int i = 0; i < ROWS; i++)
            ck_assert_int_eq(seen[i], 1);
    }
    ck_assert_int_lt(neighbours, 20);
    ck_assert_int_lt(blocks_in_order, 20);
    ck_assert_int_ne(memcmp(alone, alone + ROWS, ROWS * sizeof *alone), 0);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(seeking_is_the_same_as_going_on) {
    struct ls_dataset *dataset = rows_that_say_their_number("seek.h5", -1);
    const struct ls_augment_options augment = {.flip = true, .shift = 1};
    struct ls_loader *straight = loader_of(dataset, 0, 2, true, &augment),
                     *jumping = loader_of(dataset, 0, 2, true, &augment);
    struct ls_batch expected, found;
    ls_loader_seek(straight, 0, 0, 4);
    for (int b = 0; b < 4 * 5; b++) {
        ls_require(ls_loader_next(straight, &expected, error));
        for (int again = 0; again < 1 + b % 3; again++) {
            ls_loader_seek(jumping, (uint64_t)b / 5, b % 5, 4);
            if (again < b % 3 && b % 2)
                continue; /* two seeks in a row, the first read still under way */
            ls_require(ls_loader_next(jumping, &found, error));
            ck_assert_uint_eq(found.epoch, expected.epoch);
            ck_assert_int_eq(found.index, expected.index);
            ck_assert_int_eq(found.rows, expected.rows);
            const size_t rows = (size_t)found.rows;
            ck_assert_int_eq(memcmp(found.row_ids, expected.row_ids, rows * sizeof(uint64_t)), 0);
            ck_assert_int_eq(
                memcmp(found.feeds[0], expected.feeds[0], rows * VALUES * sizeof(float)), 0);
            ck_assert_int_eq(memcmp(found.feeds[1], expected.feeds[1], rows * sizeof(int32_t)), 0);
        }
    }
    ls_loader_seek(jumping, 1, 5, 3); /* behind the last batch: the next epoch */
    ls_require(ls_loader_next(jumping, &found, error));
    ck_assert(found.epoch == 2 && found.index == 0);
    ls_loader_destroy(straight);
    ls_loader_destroy(jumping);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(augmented_images_depend_on_epoch_and_row_alone) {
    struct ls_dataset *dataset = rows_that_say_their_number("augment.h5", -1);
    struct ls_shape shape = LS_SHAPE(2, 3, 2);
    const struct ls_augment_options augment = {.flip = true, .shift = 1};
    for (int rank = 0; rank < 3; rank++) {
        struct ls_loader *loader = loader_of(dataset, rank, 3, true, &augment);
        struct ls_batch batch;
        ls_loader_seek(loader, 7, 1, 8);
        ls_require(ls_loader_next(loader, &batch, error));
        for (int64_t i = 0; i < batch.rows; i++) {
            float plain[VALUES], expected[VALUES];
            ls_require(
                ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, &batch.row_ids[i], 1, plain));
            ls_augment_image(&augment, ls_random_key(5, LS_STREAM_AUGMENT, 7, batch.row_ids[i]),
                             shape, plain, expected);
            ck_assert_int_eq(
                memcmp((const float *)batch.feeds[0] + i * VALUES, expected, sizeof expected), 0);
        }
        ls_loader_destroy(loader);
    }
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(mixtures_are_of_two_samples_as_they_are_in_the_epoch) {
    struct ls_dataset *dataset = rows_that_say_their_number("mixed.h5", -1);
    const struct ls_shape shape = LS_SHAPE(2, 3, 2);
    const struct ls_augment_options augment = {.flip = true, .mixup = 1};
    int mixed = 0;
    for (int rank = 0; rank < 3; rank++) {
        struct ls_loader *loader = loader_of(dataset, rank, 3, true, &augment);
        struct ls_batch batch;
        ls_loader_seek(loader, 7, 1, 8);
        ls_require(ls_loader_next(loader, &batch, error));
        for (int64_t i = 0; i < batch.rows; i++) {
            const struct ls_random_key key =
                ls_random_key(5, LS_STREAM_AUGMENT, 7, batch.row_ids[i]);
            const uint64_t rows[2] = {batch.row_ids[i], ls_augment_partner(key, ROWS)};
            const float share = (float)ls_augment_share(1, key);
            float plain[VALUES], changed[2][VALUES];
            for (int k = 0; k < 2; k++) {
                ls_require(
                    ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, &rows[k], 1, plain));
                ls_augment_image(&augment, ls_random_key(5, LS_STREAM_AUGMENT, 7, rows[k]), shape,
                                 plain, changed[k]);
            }
            for (int j = 0; j < VALUES; j++)
                ck_assert(((const float *)batch.feeds[0])[i * VALUES + j] ==
                          share * changed[0][j] + (1 - share) * changed[1][j]);
            ck_assert_int_eq(((const int32_t *)batch.feeds[1])[i], (int32_t)batch.row_ids[i]);
            mixed += rows[0] != rows[1];
        }
        ls_loader_destroy(loader);
    }
    ck_assert_int_gt(mixed, 5);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(a_bad_sample_is_an_error_until_one_seeks) {
    struct ls_dataset *dataset = rows_that_say_their_number("bad.h5", 30);
    struct ls_loader *loader = loader_of(dataset, 0, 1, false, NULL);
    struct ls_batch batch;
    ls_loader_seek(loader, 0, 0, 1);
    ls_require(ls_loader_next(loader, &batch, error));
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(ls_loader_next(loader, &batch, error), LS_INVALID);
        ls_test_error_has(
            "bad.h5: /targets: row 30 (from 0): is 1000; expected a label from 0 to 102");
    }
    ls_loader_seek(loader, 0, 2, 1);
    ls_require(ls_loader_next(loader, &batch, error));
    ck_assert_int_eq(batch.index, 2);
    ls_loader_destroy(loader); /* while it reads on */
    struct ls_loader *unused = loader_of(dataset, 0, 1, false, NULL);
    ls_loader_destroy(unused);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(two_loaders_share_a_data_set) {
    struct ls_dataset *dataset = rows_that_say_their_number("shared.h5", -1);
    struct ls_loader *loaders[2] = {loader_of(dataset, 0, 1, true, NULL),
                                    loader_of(dataset, 0, 1, false, NULL)};
    for (int i = 0; i < 2; i++)
        ls_loader_seek(loaders[i], 0, 0, 40);
    for (int b = 0; b < 200; b++) {
        struct ls_batch batches[2];
        for (int i = 0; i < 2; i++)
            ls_require(ls_loader_next(loaders[i], &batches[i], error));
        check_values(&batches[0]);
        check_values(&batches[1]);
    }
    ls_loader_destroy(loaders[0]);
    ls_loader_destroy(loaders[1]);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(only_images_are_augmented) {
    const float values[4] = {0};
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {
        .path =
            ls_test_dataset("flat.h5", 2, LS_SHAPE(2), LS_KIND_F32, values, LS_KIND_F32, values)};
    ls_require(ls_dataset_open(&dataset, &options, error));
    const struct ls_feed_use use = ls_test_use(&ls_test_inputs, LS_TYPE_REAL, 0);
    struct ls_loader_options loader_options = {.part = {.dataset = dataset, .count = 2},
                                               .uses = &use,
                                               .use_count = 1,
                                               .batch = 2,
                                               .microbatches = 1,
                                               .count = 1,
                                               .augment = {.flip = true}};
    struct ls_loader *loader;
    ck_assert_int_eq(ls_loader_create(&loader, &loader_options, error), LS_INVALID);
    ls_test_error_has("augmentation needs images");
    loader_options.use_count = 0;
    ck_assert_int_eq(ls_loader_create(&loader, &loader_options, error), LS_INVALID);
    ls_test_error_has("augmentation needs a model that takes the feed 'inputs'");
    ls_dataset_close(dataset);
}
END_TEST

LS_SUITE(any_number_of_ranks_sees_the_same_batches, a_shuffle_of_blocks_mixes_whole_windows_of_them,
         seeking_is_the_same_as_going_on, augmented_images_depend_on_epoch_and_row_alone,
         mixtures_are_of_two_samples_as_they_are_in_the_epoch,
         a_bad_sample_is_an_error_until_one_seeks, two_loaders_share_a_data_set,
         only_images_are_augmented)
