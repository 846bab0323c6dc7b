/* Steps, evaluations and predictions of a worker with any number of threads: the parameters, sums,
 * norms and outputs of one thread, on any number of ranks; of one phase, and of a GAN's two. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/worker.h"
#include "tests/mpi/world.h"
#include "tests/support/data.h"

enum { ROWS = 90, SIDE = 6, STEPS = 5, SUMS_MAX = 128 };

/* 7 microbatches and 4 make uneven trees, shares and last batches; conv2d runs in pieces. */
static const char classification[] = "task: classification\n"
                                     "data: {train: none}\n"
                                     "model:\n"
                                     "  - conv2d: {filters: 33, kernel: 3, padding: same}\n"
                                     "  - batch_norm\n"
                                     "  - relu\n"
                                     "  - flatten\n"
                                     "  - dropout: 0.2\n"
                                     "  - linear: 70\n"
                                     "  - tanh\n"
                                     "  - linear: 5\n"
                                     "train:\n"
                                     "  epochs: 1\n"
                                     "  batch: 28\n"
                                     "optimizer: {name: adam, clip_norm: 0.5}\n";

/* Two networks against each other: a phase each, one of them in every second step. */
static const char gan[] = "task: gan\n"
                          "data: {train: none}\n"
                          "model:\n"
                          "  generator:\n"
                          "    - noise: 6\n"
                          "    - linear: 99\n"
                          "    - reshape: [3, 3, 11]\n"
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
                          "  batch: 28\n"
                          "optimizer: {name: adam, clip_norm: 1}\n";

/* What a worker has done, for comparison. */
struct outcome {
    int64_t total;
    float *flat; /* owned */
    double norms[STEPS][LS_PHASES_MAX], sums[STEPS][SUMS_MAX], evaluation[SUMS_MAX];
    float outputs[ROWS * 5];
    int64_t predicted;
};

static const struct ls_feed feeds[] = {
    {.name = "inputs", .shape = {.rank = 3, .dims = {SIDE, SIDE, 1}}},
    {.name = "targets", .integer = true}};

static struct ls_dataset *open_data(void) {
    static uint8_t images[ROWS * SIDE * SIDE];
    static int32_t labels[ROWS];
    for (int i = 0; i < ROWS * SIDE * SIDE; i++)
        images[i] = (uint8_t)(i * 37 % 251);
    for (int i = 0; i < ROWS; i++)
        labels[i] = i % 5;
    const struct ls_dataset_options options = {
        .path = ls_test_dataset("images.h5", ROWS, LS_SHAPE(SIDE, SIDE, 1), LS_KIND_U8, images,
                                LS_KIND_I32, labels)};
    struct ls_dataset *dataset;
    ls_require(ls_dataset_open(&dataset, &options, &ls_test_error));
    return dataset;
}

/* A GAN takes no targets. */
static struct ls_loader *open_loader(const struct ls_worker *worker, struct ls_dataset *dataset) {
    const struct ls_feed_use uses[] = {ls_test_use(&ls_test_inputs, LS_TYPE_REAL, 0),
                                       ls_test_use(&ls_test_targets, LS_TYPE_INT32, 5)};
    const struct ls_loader_options options = {.part = {.dataset = dataset, .count = ROWS},
                                              .batch = 28,
                                              .microbatches = worker->microbatches,
                                              .first = worker->first,
                                              .count = worker->count,
                                              .uses = uses,
                                              .use_count = worker->input_count};
    struct ls_loader *loader;
    ls_require(ls_loader_create(&loader, &options, &ls_test_error));
    return loader;
}

static enum ls_status keep_outputs(void *context, const struct ls_answer *answer,
                                   struct ls_error *error) {
    struct outcome *outcome = context;
    (void)error;
    memcpy(outcome->outputs + 5 * outcome->predicted, answer->outputs,
           (size_t)answer->rows * 5 * sizeof(float));
    outcome->predicted += answer->rows;
    return LS_OK;
}

/* The model of this process alone, as `predict` uses it. */
static void predict(const struct ls_config *config, struct ls_dataset *dataset, const float *flat,
                    struct outcome *outcome) {
    struct ls_worker worker;
    const struct ls_worker_options options = {.config = config, .feeds = feeds, .feed_count = 2};
    ls_require(ls_worker_create(&worker, &options, &ls_test_error));
    memcpy(worker.flat, flat, (size_t)worker.parameters->total * sizeof(float));
    struct ls_loader *loader = open_loader(&worker, dataset);
    ls_require(ls_worker_predict(&worker, loader, keep_outputs, outcome, &ls_test_error));
    ls_loader_destroy(loader);
    ls_worker_destroy(&worker);
}

static struct outcome run(const char *model, int threads, int microbatches, const char *reduce) {
    char text[96], pieces[64], number[64];
    snprintf(text, sizeof text, "train.microbatches=%d", microbatches);
    snprintf(pieces, sizeof pieces, "train.reduce=%s", reduce);
    snprintf(number, sizeof number, "compute.threads=%d", threads);
    char *assignments[] = {text, pieces, number, (char[]){"train.piece_rows=8"}};
    struct ls_config config;
    ls_require(
        ls_config_parse(&config, model, strlen(model), "test", assignments, 4, &ls_test_error));
    struct ls_dataset *dataset = open_data();
    struct ls_worker worker;
    const struct ls_worker_options options = {
        .config = &config, .communicator = world, .feeds = feeds, .feed_count = 2};
    ls_require(ls_worker_create(&worker, &options, &ls_test_error));
    world_check(worker.threads == (threads < worker.count ? threads : worker.count),
                "%d threads of %d, %d microbatches", worker.threads, threads, worker.count);
    struct ls_loader *loader = open_loader(&worker, dataset);
    ls_loader_seek(loader, 0, 0, STEPS);
    struct outcome outcome = {.total = worker.parameters->total};
    for (int i = 0; i < STEPS; i++) {
        struct ls_batch batch;
        ls_require(ls_loader_next(loader, &batch, &ls_test_error));
        struct ls_step step = {.step = (uint64_t)i, .sums = outcome.sums[i]};
        for (int p = 0; p < worker.phase_count; p++)
            step.phases[p].learning_rate = 0.01;
        ls_worker_step(&worker, &batch, &step);
        for (int p = 0; p < worker.phase_count; p++)
            outcome.norms[i][p] = step.phases[p].gradient_norm;
    }
    ls_require(ls_worker_evaluate(&worker, loader, outcome.evaluation, &ls_test_error));
    outcome.flat = ls_calloc((size_t)outcome.total, sizeof(float));
    memcpy(outcome.flat, worker.flat, (size_t)outcome.total * sizeof(float));
    ls_loader_destroy(loader);
    const bool answers = worker.input_count > 1; /* a GAN makes up its samples */
    ls_worker_destroy(&worker);
    if (answers)
        predict(&config, dataset, outcome.flat, &outcome);
    ls_dataset_close(dataset);
    ls_config_clear(&config);
    return outcome;
}

static void compare(const char *model, int microbatches, const char *reduce) {
    struct outcome one = run(model, 1, microbatches, reduce);
    const bool two = model == gan; /* phases, of which the second runs in the first step */
    world_check(one.norms[STEPS - 1][0] > 0 && (one.norms[0][1] > 0) == two, "norms %g, %g",
                one.norms[STEPS - 1][0], one.norms[0][1]);
    world_check(one.predicted == (two ? 0 : ROWS), "%lld rows", (long long)one.predicted);
    for (int threads = 2; threads <= 9; threads = threads == 3 ? 9 : threads + 1) {
        struct outcome more = run(model, threads, microbatches, reduce);
#define SAME(what)                                                                                 \
    world_check(!memcmp(one.what, more.what, sizeof one.what),                                     \
                #what " differ with %d threads, %d microbatches, %s", threads, microbatches,       \
                reduce)
        SAME(norms);
        SAME(sums);
        SAME(evaluation);
        SAME(outputs);
        world_check(!memcmp(one.flat, more.flat, (size_t)one.total * sizeof(float)),
                    "parameters differ with %d threads, %d microbatches, %s", threads, microbatches,
                    reduce);
        free(more.flat);
    }
    free(one.flat);
}

START_TEST(ordered_sums) {
    compare(classification, 7, "ordered");
    compare(classification, 4, "ordered");
    compare(gan, 7, "ordered");
}
END_TEST

START_TEST(all_reduce) {
    compare(classification, 7, "allreduce");
    compare(gan, 4, "allreduce");
}
END_TEST

LS_SUITE(ordered_sums, all_reduce)
