/* lockstep bench loader: samples per second that reach a model, in random order, from a file. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "io/loader.h"
#include "io/shuffle.h"
#include "launcher/command/ranks.h"
#include "launcher/exit_codes.h"
#include "launcher/worker/progress.h"

struct loader_options {
    int64_t batch, block;
    double seconds;
    char inputs[LS_TEXT_MAX];
};

static const struct ls_option options[] = {
    {.field = {.name = "batch",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct loader_options, batch),
               .initial = "128",
               .min = 1,
               .max = 1 << 24,
               .help = "samples of a batch"}},
    {.field = {.name = "block",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct loader_options, block),
               .initial = "0",
               .max = 1 << 30,
               .help = "data.shuffle_block of a shuffle of blocks; 0: a full shuffle"}},
    {.field = {.name = "seconds",
               .kind = LS_FIELD_REAL,
               .offset = offsetof(struct loader_options, seconds),
               .initial = "3",
               .min = 0.1,
               .max = 3600,
               .help = "how long to time batches"}},
    {.field = {.name = "inputs",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct loader_options, inputs),
               .initial = "/inputs",
               .help = "dataset of the inputs"}},
};

struct timing {
    double first_s, seconds;
    int64_t samples;
};

/* Batches until the time is over. */
static enum ls_status time_batches(struct ls_loader *loader, double seconds, struct timing *timing,
                                   struct ls_error *error) {
    enum ls_status status = LS_OK;
    const double began = ls_seconds();
    ls_loader_seek(loader, 0, 0, UINT64_MAX);
    while (status == LS_OK && (timing->seconds = ls_seconds() - began) < seconds) {
        struct ls_batch batch;
        status = ls_loader_next(loader, &batch, error);
        timing->samples += status == LS_OK ? batch.rows : 0;
    }
    return status;
}

static enum ls_status run(const char *path, const struct loader_options *wanted,
                          struct timing *timing, struct ls_error *error) {
    struct ls_feed_options feed = {.name = "inputs"};
    snprintf(feed.column, sizeof feed.column, "%s", wanted->inputs);
    const struct ls_dataset_options what = {
        .path = path,
        .feeds = &feed,
        .feed_count = 1,
        .decode = wanted->block ? LS_DECODE_IF_IT_FITS : LS_DECODE_ALL,
        .window_rows = LS_SHUFFLE_WINDOW * (uint64_t)wanted->block,
    };
    const double began = ls_seconds();
    struct ls_dataset *dataset;
    enum ls_status status = ls_dataset_open(&dataset, &what, error);
    if (status != LS_OK)
        return status;
    timing->first_s = ls_seconds() - began;
    const struct ls_feed_use use = {.feed = &feed, .type = LS_TYPE_REAL};
    const struct ls_loader_options loading = {
        .part = {.dataset = dataset, .count = ls_dataset_info(dataset).samples},
        .shuffle = true,
        .shuffle_block = (uint64_t)wanted->block,
        .seed = 1,
        .batch = wanted->batch,
        .microbatches = 1,
        .count = 1,
        .uses = &use,
        .use_count = 1,
    };
    struct ls_loader *loader;
    status = ls_loader_create(&loader, &loading, error);
    if (status == LS_OK) {
        status = time_batches(loader, wanted->seconds, timing, error);
        ls_loader_destroy(loader);
    }
    ls_dataset_close(dataset);
    return status;
}

static int run_loader(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct loader_options *wanted = given;
    struct timing timing = {0};
    struct ls_error error;
    if (run(arguments[0], wanted, &timing, &error) != LS_OK)
        return ls_command_fail(&error);
    json_t *line = json_pack("{s:s, s:I, s:f, s:f}", "file", arguments[0], "batch",
                             (json_int_t)wanted->batch, "open_s", timing.first_s, "samples_per_s",
                             (double)timing.samples / timing.seconds);
    char *text = line ? json_dumps(line, JSON_REAL_PRECISION(6)) : NULL;
    json_decref(line);
    if (!text) {
        (void)!ls_fail(&error, LS_INVALID, "bench loader: expected a file whose path is UTF-8");
        return ls_command_fail(&error);
    }
    puts(text);
    free(text);
    return LS_EXIT_DONE;
}

const struct ls_command ls_command_bench_loader = {
    .name = "bench loader",
    .usage = "FILE.h5 [--batch B] [--block N] [--seconds S] [--inputs DATASET]",
    .help = "time reading an HDF5 file's samples in random order",
    .details =
        "Prints one JSON line: open_s, until the file can be read (with what is decoded then), "
        "and samples_per_s.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_loader,
    .options_size = sizeof(struct loader_options),
};
