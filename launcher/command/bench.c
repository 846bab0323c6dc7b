/* lockstep bench: training steps per second on a reference workload with synthetic data in memory,
 * as one JSON line with the field names of the peers' benchmark. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <jansson.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "launcher/command/bench_kernels.h"
#include "launcher/command/ranks.h"
#include "launcher/command/workloads.h"
#include "launcher/worker/progress.h"
#include "launcher/worker/run.h"
#include "launcher/worker/worker.h"
#include "ls_workload_names_generated.h"

enum { BATCHES = 8, WARM_UP = 3, TIMED_MAX = 1 << 20 };

struct bench_options {
    int64_t ranks, threads, microbatches;
    double seconds;
    char reduce[LS_TEXT_MAX], isa[LS_TEXT_MAX], gemm[LS_TEXT_MAX];
    char winograd[LS_TEXT_MAX];
    bool worker;
};

#define OPTION(field_name, field_kind, field_initial, field_min, field_max, field_help)            \
    {                                                                                              \
        .name = #field_name, .kind = field_kind,                                                   \
        .offset = offsetof(struct bench_options, field_name), .initial = field_initial,            \
        .min = field_min, .max = field_max, .help = field_help                                     \
    }

static const struct ls_option options[] = {
    {.letter = 'n', .field = OPTION(ranks, LS_FIELD_INTEGER, "1", 1, 65536, "worker processes")},
    {.field = OPTION(threads, LS_FIELD_INTEGER, "1", 1, LS_MICROBATCHES_MAX, "threads of a rank")},
    {.field = OPTION(seconds, LS_FIELD_REAL, "3", 0.1, 3600, "how long to time steps")},
    {.field = OPTION(microbatches, LS_FIELD_INTEGER, "0", 0, 4096,
                     "of a global batch; 0: up to 8, as divide the batch of a rank")},
    {.field = OPTION(reduce, LS_FIELD_TEXT, "ordered", 0, 0, "ordered | allreduce")},
    {.field = OPTION(isa, LS_FIELD_TEXT, "auto", 0, 0, "auto | avx512 | avx2 | portable")},
    {.field = OPTION(gemm, LS_FIELD_TEXT, "lockstep", 0, 0, "lockstep | openblas")},
    {.field = OPTION(winograd, LS_FIELD_TEXT, "f4", 0, 0, "off | f2 | f4")},
    {.field = OPTION(worker, LS_FIELD_BOOL, "false", 0, 0,
                     "be one rank: mpirun -n N lockstep bench WORKLOAD --worker")},
};

/* Fixed batches of one rank, drawn once. */
struct batches {
    char *feeds[LS_FEEDS_MAX];  /* in the order of the worker's inputs; owned */
    size_t bytes[LS_FEEDS_MAX]; /* of a row */
    uint64_t *row_ids;          /* owned */
};

static void draw(struct batches *data, const struct ls_synthetic *synthetic,
                 const struct ls_worker *worker, int64_t batch, int64_t rows) {
    const int64_t first = worker->first * worker->microbatch_rows;
    char none[1];
    *data = (struct batches){.row_ids = ls_calloc((size_t)(BATCHES * rows), sizeof(uint64_t))};
    for (int f = 0; f < worker->input_count; f++) {
        data->bytes[f] = (size_t)ls_shape_row_count(worker->inputs[f].value->shape) * 4;
        data->feeds[f] = ls_calloc((size_t)(BATCHES * rows), data->bytes[f]);
    }
    char *spare[2] = {none, none}; /* what no model takes is drawn all the same */
    for (int f = 0; f < synthetic->feed_count; f++)
        spare[f] = ls_calloc((size_t)ls_shape_count(synthetic->feeds[f].shape), 4);
    for (int64_t i = 0; i < BATCHES * rows; i++) {
        void *to[2] = {spare[0], spare[1]};
        data->row_ids[i] = (uint64_t)(i / rows * batch + first + i % rows);
        for (int f = 0; f < worker->input_count; f++)
            to[worker->inputs[f].feed] = data->feeds[f] + (size_t)i * data->bytes[f];
        ls_synthetic_draw(synthetic, data->row_ids[i], to);
    }
    for (int f = 0; f < synthetic->feed_count; f++)
        free(spare[f]);
}

static void free_batches(struct batches *data) {
    for (int f = 0; f < LS_FEEDS_MAX; f++)
        free(data->feeds[f]);
    free(data->row_ids);
}

/* The loss of all phases together, as the peer reports it. */
static double loss_of(const struct ls_worker *worker, const double *sums) {
    const struct ls_metrics metrics = ls_worker_metrics(worker, sums, false);
    double loss = 0;
    for (int p = 0; p < worker->phase_count; p++) {
        char name[LS_METRIC_NAME_MAX];
        snprintf(name, sizeof name, "%sloss", worker->phases[p].prefix);
        const struct ls_metric *metric = ls_metrics_find(&metrics, name);
        loss += metric ? metric->value : 0;
    }
    return loss;
}

static int compare_times(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct timing {
    int64_t steps;
    double seconds, median, least, loss_first, loss_last;
};

static void time_steps(struct ls_worker *worker, const struct batches *data, int64_t batch,
                       int64_t rows, double seconds, struct timing *timing) {
    double *times = ls_calloc(TIMED_MAX, sizeof *times);
    double *sums = ls_calloc((size_t)ls_worker_sum_count(worker, false), sizeof *sums);
    double began = ls_seconds();
    for (int64_t i = 0; timing->steps < TIMED_MAX; i++) {
        const int64_t b = i % BATCHES;
        struct ls_batch view = {
            .rows_global = batch,
            .microbatch_rows = worker->microbatch_rows,
            .microbatches = worker->microbatches,
            .rows = rows,
            .row_first = (uint64_t)(worker->first * worker->microbatch_rows),
            .row_ids = data->row_ids + b * rows,
            .feed_count = worker->input_count,
        };
        for (int f = 0; f < worker->input_count; f++)
            view.feeds[f] = data->feeds[f] + (size_t)(b * rows) * data->bytes[f];
        struct ls_step step = {.step = (uint64_t)i,
                               .stop = i >= WARM_UP && ls_seconds() - began >= seconds &&
                                       timing->steps >= 5,
                               .sums = sums};
        for (int p = 0; p < worker->phase_count; p++)
            step.phases[p].learning_rate = worker->phases[p].options->optimizer.learning_rate;
        const double start = ls_seconds();
        ls_worker_step(worker, &view, &step);
        const double end = ls_seconds();
        timing->loss_last = loss_of(worker, sums);
        if (i == 0)
            timing->loss_first = timing->loss_last;
        if (i + 1 == WARM_UP)
            began = end;
        if (i >= WARM_UP) {
            times[timing->steps++] = end - start;
            timing->seconds = end - began;
        }
        if (step.stop) /* some rank's clock is over: all stop after the same step */
            break;
    }
    qsort(times, (size_t)timing->steps, sizeof *times, compare_times);
    timing->median = times[timing->steps / 2];
    timing->least = times[0];
    free(sums);
    free(times);
}

static void print_line(const struct ls_worker *worker, const struct ls_workload *workload,
                       int ranks, int64_t batch, const struct timing *timing, double peak_rss_mb) {
    json_t *line =
        json_pack("{s:s s:s s:i s:i s:I s:I s:f s:f s:f s:f s:f s:f s:f s:I s:i s:s}", "framework",
                  "lockstep", "workload", workload->name, "procs", ranks, "threads",
                  worker->threads, "batch_per_proc", (json_int_t)(batch / ranks), "params",
                  (json_int_t)ls_parameters_trained(worker->parameters), "steps_per_s",
                  (double)timing->steps / timing->seconds, "samples_per_s",
                  (double)timing->steps * (double)batch / timing->seconds, "ms_per_step_median",
                  timing->median * 1e3, "ms_per_step_min", timing->least * 1e3, "peak_rss_mb",
                  peak_rss_mb, "loss_first", timing->loss_first, "loss_last", timing->loss_last,
                  "steps_timed", (json_int_t)timing->steps, "microbatches", worker->microbatches,
                  "isa", ls_variant_name(worker->variant));
    char *text = json_dumps(line, JSON_REAL_PRECISION(9));
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

/* The largest number up to 8 that divides the batch. */
static int64_t usual_microbatches(int64_t batch) {
    int64_t count = 8;
    while (batch % count)
        count--;
    return count;
}

/* The workload's config with what the command line says; the batch grows with the ranks. */
static enum ls_status read_workload(struct ls_config *config, const struct ls_workload *workload,
                                    const struct bench_options *wanted, int ranks,
                                    struct ls_error *error) {
    enum { ASSIGNMENTS = 8 };
    char texts[ASSIGNMENTS][128], *assignments[ASSIGNMENTS], path[128];
    snprintf(path, sizeof path, "benchmarks/workloads/%s.yaml", workload->name);
    const enum ls_status status =
        ls_config_parse(config, workload->text, strlen(workload->text), path, NULL, 0, error);
    if (status != LS_OK)
        return status;
    const int64_t batch = config->train.batch;
    const int64_t microbatches =
        wanted->microbatches ? wanted->microbatches : usual_microbatches(batch);
    ls_config_clear(config);
    snprintf(texts[0], sizeof texts[0], "seed=5");
    snprintf(texts[1], sizeof texts[1], "train.batch=%lld", (long long)batch * ranks);
    snprintf(texts[2], sizeof texts[2], "train.microbatches=%lld", (long long)microbatches);
    snprintf(texts[3], sizeof texts[3], "train.reduce=%.100s", wanted->reduce);
    snprintf(texts[4], sizeof texts[4], "compute.isa=%.100s", wanted->isa);
    snprintf(texts[5], sizeof texts[5], "compute.gemm=%.100s", wanted->gemm);
    snprintf(texts[6], sizeof texts[6], "compute.winograd=%.100s", wanted->winograd);
    snprintf(texts[7], sizeof texts[7], "compute.threads=%lld", (long long)wanted->threads);
    for (int i = 0; i < ASSIGNMENTS; i++)
        assignments[i] = texts[i];
    return ls_config_parse(config, workload->text, strlen(workload->text), path, assignments,
                           ASSIGNMENTS, error);
}

struct bench {
    const struct ls_workload *workload;
    const struct bench_options *wanted;
};

/* One rank of it, under mpirun. */
static enum ls_status run_rank(const void *context, struct ls_communicator *communicator,
                               struct ls_error *error) {
    const struct ls_workload *workload = ((const struct bench *)context)->workload;
    const struct bench_options *wanted = ((const struct bench *)context)->wanted;
    const int ranks = ls_communicator_size(communicator);
    struct ls_config config;
    struct ls_worker worker;
    enum ls_status status = read_workload(&config, workload, wanted, ranks, error);
    if (status != LS_OK)
        return status;
    const int64_t batch = config.train.batch;
    struct ls_synthetic synthetic;
    status = ls_synthetic_parse(config.data.train, &synthetic, error);
    const struct ls_worker_options worker_options = {.config = &config,
                                                     .communicator = communicator,
                                                     .feeds = synthetic.feeds,
                                                     .feed_count = synthetic.feed_count};
    if (status == LS_OK)
        status = ls_worker_create(&worker, &worker_options, error);
    if (status == LS_OK) {
        const int64_t rows = worker.count * worker.microbatch_rows;
        struct batches data;
        struct timing timing = {0};
        draw(&data, &synthetic, &worker, batch, rows);
        if (ls_communicator_rank(communicator) == 0)
            ls_worker_note_threads(&worker);
        ls_communicator_barrier(communicator);
        time_steps(&worker, &data, batch, rows, wanted->seconds, &timing);
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        const double rss = (double)ls_communicator_max(communicator, usage.ru_maxrss) / 1024;
        if (ls_communicator_rank(communicator) == 0)
            print_line(&worker, workload, ranks, batch, &timing, rss);
        free_batches(&data);
        ls_worker_destroy(&worker);
    }
    ls_config_clear(&config);
    return status;
}

static enum ls_status find_workload(const char *name, const struct ls_workload **workload,
                                    struct ls_error *error) {
    if ((*workload = ls_workload_find(name)))
        return LS_OK;
    int count;
    const struct ls_workload *all = ls_workloads(&count);
    char names[256] = "";
    for (int i = 0; i < count; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, all[i].name);
    }
    return ls_fail(error, LS_INVALID, "there is no workload '%s'; there are %s", name, names);
}

static int launch(const struct ls_workload *workload, const struct bench_options *wanted) {
    char seconds[32], microbatches[32], threads[32];
    snprintf(seconds, sizeof seconds, "%.17g", wanted->seconds);
    snprintf(microbatches, sizeof microbatches, "%lld", (long long)wanted->microbatches);
    snprintf(threads, sizeof threads, "%lld", (long long)wanted->threads);
    const char *const words[] = {
        workload->name, "--threads",  threads,          "--seconds", seconds,     "--microbatches",
        microbatches,   "--reduce",   wanted->reduce,   "--isa",     wanted->isa, "--gemm",
        wanted->gemm,   "--winograd", wanted->winograd, "--worker",  NULL};
    char *copies[sizeof words / sizeof *words];
    memcpy(copies, words, sizeof words);
    const struct ls_launch what = {
        .arguments = copies, .ranks = (int)wanted->ranks, .threads = (int)wanted->threads};
    return ls_ranks_launch(&what);
}

static int run_bench(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct bench_options *wanted = given;
    const struct ls_workload *workload;
    struct ls_error error;
    struct ls_config config;
    if (find_workload(arguments[0], &workload, &error) != LS_OK ||
        read_workload(&config, workload, wanted, (int)wanted->ranks, &error) != LS_OK)
        return ls_command_fail(&error);
    ls_config_clear(&config);
    const struct bench bench = {workload, wanted};
    return wanted->worker ? ls_ranks_run(run_rank, &bench) : launch(workload, wanted);
}

static const struct ls_command *const parts[] = {
    &ls_command_bench_kernels, &ls_command_bench_allreduce, &ls_command_bench_loader, NULL};

const struct ls_command ls_command_bench = {
    .name = "bench",
    .parts = parts,
    .usage = "WORKLOAD [-n RANKS] [--threads T] [--seconds S]",
    .help = "time training steps on a reference workload: " LS_WORKLOAD_NAMES,
    .details = "Prints one JSON line. The batch per rank is the workload's, so that of the job "
               "grows with -n.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_bench,
    .options_size = sizeof(struct bench_options),
};
