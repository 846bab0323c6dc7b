/* A whole training step - loader, graph, reducer, optimiser, gather - makes no heap allocation of
 * ours after the first one, and resident memory stays flat over 1,000 steps; with one phase, and
 * with the two of a GAN. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/loader.h"
#include "launcher/worker/worker.h"
#include "tests/mpi/world.h"
#include "tests/support/allocations.h"
#include "tests/support/data.h"

static const char classification[] = "task: classification\n"
                                     "data: {train: none}\n"
                                     "model:\n"
                                     "  - conv2d: {filters: 8, kernel: 3, padding: same}\n"
                                     "  - batch_norm\n"
                                     "  - relu\n"
                                     "  - residual:\n"
                                     "      body:\n"
                                     "        - conv2d: {filters: 8, kernel: 3, padding: same}\n"
                                     "        - batch_norm\n"
                                     "  - max_pool: 2\n"
                                     "  - flatten\n"
                                     "  - dropout: 0.2\n"
                                     "  - linear: 10\n"
                                     "train:\n"
                                     "  epochs: 1\n"
                                     "  batch: 32\n"
                                     "  microbatches: 8\n"
                                     "optimizer: {name: adam, clip_norm: 1}\n";

/* Two networks against each other: a phase each, one of them in every second step. */
static const char gan[] = "task: gan\n"
                          "data: {train: none}\n"
                          "model:\n"
                          "  generator:\n"
                          "    - noise: 6\n"
                          "    - linear: 64\n"
                          "    - reshape: [4, 4, 4]\n"
                          "    - batch_norm\n"
                          "    - relu\n"
                          "    - conv_transpose2d: {filters: 1, kernel: 4, stride: 2, padding: 1}\n"
                          "    - sigmoid\n"
                          "  discriminator:\n"
                          "    - conv2d: {filters: 8, kernel: 4, stride: 2, padding: 1}\n"
                          "    - leaky_relu: 0.2\n"
                          "    - flatten\n"
                          "    - dropout: 0.1\n"
                          "    - linear: 1\n"
                          "phases: {generator: {every: 2}}\n"
                          "train:\n"
                          "  epochs: 1\n"
                          "  batch: 32\n"
                          "  microbatches: 8\n"
                          "optimizer: {name: adam, clip_norm: 1}\n";

enum { ROWS = 200, SIDE = 8, WARM_UP = 50, STEPS = 1000 };

static long resident_kilobytes(void) {
    char line[256];
    long found = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &found) == 1)
            break;
    if (file)
        fclose(file);
    return found;
}

static const struct ls_feed feeds[] = {
    {.name = "inputs", .shape = {.rank = 3, .dims = {SIDE, SIDE, 1}}},
    {.name = "targets", .integer = true}};

static struct ls_dataset *open_data(void) {
    static uint8_t images[ROWS * SIDE * SIDE];
    static int32_t labels[ROWS];
    for (int i = 0; i < ROWS * SIDE * SIDE; i++)
        images[i] = (uint8_t)(i * 37 % 251);
    for (int i = 0; i < ROWS; i++)
        labels[i] = i % 10;
    const struct ls_dataset_options options = {
        .path = ls_test_dataset("images.h5", ROWS, LS_SHAPE(SIDE, SIDE, 1), LS_KIND_U8, images,
                                LS_KIND_I32, labels)};
    struct ls_dataset *dataset;
    ls_require(ls_dataset_open(&dataset, &options, &ls_test_error));
    return dataset;
}

/* feed_count: 2, or 1 without the targets. */
static void run_steps(const char *text, int feed_count, char *threads, int steps) {
    struct ls_config config;
    ls_require(ls_config_parse(&config, text, strlen(text), "test", &threads, 1, &ls_test_error));
    struct ls_dataset *dataset = open_data();
    struct ls_worker worker;
    const struct ls_worker_options options = {
        .config = &config, .communicator = world, .feeds = feeds, .feed_count = 2};
    ls_require(ls_worker_create(&worker, &options, &ls_test_error));
    struct ls_loader *loader;
    const struct ls_feed_use uses[] = {ls_test_use(&ls_test_inputs, LS_TYPE_REAL, 0),
                                       ls_test_use(&ls_test_targets, LS_TYPE_INT32, 10)};
    const struct ls_loader_options feed = {.part = {.dataset = dataset, .count = ROWS},
                                           .shuffle = true,
                                           .batch = 32,
                                           .microbatches = worker.microbatches,
                                           .first = worker.first,
                                           .count = worker.count,
                                           .uses = uses,
                                           .use_count = feed_count,
                                           .augment = {.flip = true, .shift = 1}};
    ls_require(ls_loader_create(&loader, &feed, &ls_test_error));
    ls_loader_seek(loader, 0, 0, (uint64_t)steps);
    world_check(ls_allocations > 0, "allocations are not counted");

    long resident = 0;
    double sums[16];
    for (uint64_t i = 0; i < (uint64_t)steps; i++) {
        struct ls_batch batch;
        ls_require(ls_loader_next(loader, &batch, &ls_test_error));
        struct ls_step step = {.step = i, .sums = sums};
        for (int p = 0; p < worker.phase_count; p++)
            step.phases[p].learning_rate = 0.001;
        ls_worker_step(&worker, &batch, &step);
        if (i == 0)
            ls_allocations = 0;
        if (i == WARM_UP)
            resident = resident_kilobytes();
    }
    const long grown = resident_kilobytes() - resident;
    world_check(ls_allocations == 0, "%s, %d phases: %ld allocations in %d steps", threads,
                worker.phase_count, (long)ls_allocations, steps);
    world_check(grown < 1024, "%s, %d phases: resident memory grew by %ld kB", threads,
                worker.phase_count, grown);
    ls_loader_destroy(loader);
    ls_worker_destroy(&worker);
    ls_dataset_close(dataset);
    ls_config_clear(&config);
}

START_TEST(a_thousand_steps_allocate_nothing) {
    run_steps(classification, 2, (char[]){"compute.threads=1"}, STEPS);
    run_steps(gan, 1, (char[]){"compute.threads=1"}, STEPS);
}
END_TEST

START_TEST(nor_do_threads) {
    run_steps(classification, 2, (char[]){"compute.threads=2"}, STEPS);
    run_steps(gan, 1, (char[]){"compute.threads=2"}, STEPS / 5);
}
END_TEST

LS_SUITE(a_thousand_steps_allocate_nothing, nor_do_threads)
