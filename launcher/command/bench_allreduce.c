/* lockstep bench allreduce: one reduction of gradients beside MPI_Allreduce of as many bytes, a
 * JSON line for each size.
 *
 * Ours is what a training step does: gradients lie in their buffer, the owner of a slice sums and
 * publishes it (a copy in place of the optimiser), then every rank reads all parameters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/memory.h"
#include "dist/reducer.h"
#include "launcher/command/ranks.h"
#include "launcher/worker/progress.h"

enum { COLUMNS = 1024, BLOCK = 2048, WARM_UP = 2, TIMED_MIN = 5, TIMED_MAX = 1000 };

static const int64_t sizes[] = {1 << 20, 4 << 20, 16 << 20, 64 << 20};

struct allreduce_options {
    int64_t ranks;
    double seconds;
    bool messages, worker;
};

#define OPTION(field_name, field_kind, field_initial, field_min, field_max, field_help)            \
    {                                                                                              \
        .name = #field_name, .kind = field_kind,                                                   \
        .offset = offsetof(struct allreduce_options, field_name), .initial = field_initial,        \
        .min = field_min, .max = field_max, .help = field_help                                     \
    }

static const struct ls_option options[] = {
    {.letter = 'n', .field = OPTION(ranks, LS_FIELD_INTEGER, "2", 1, 4096, "worker processes")},
    {.field = OPTION(seconds, LS_FIELD_REAL, "1", 0.01, 3600, "how long to time each size")},
    {.field = OPTION(messages, LS_FIELD_BOOL, "false", 0, 0,
                     "ranks of one host send messages, too, and share no memory")},
    {.field = OPTION(worker, LS_FIELD_BOOL, "false", 0, 0,
                     "be one rank: mpirun -n N lockstep bench allreduce --worker")},
};

struct subject {
    struct ls_communicator *communicator;
    struct ls_reducer *reducer;
    int64_t count; /* floats */
    float *values; /* for MPI */
};

/* Small whole numbers, another for each element and rank: their sums are exact. */
static float value(int64_t element, int rank) {
    return (float)(element % 251 + rank);
}

static void fill(const struct subject *subject, float *values) {
    const int rank = ls_communicator_rank(subject->communicator);
    for (int64_t i = 0; i < subject->count; i++)
        values[i] = value(i, rank);
}

/* All of it once, into the first-level cache. */
static void read_all(const struct subject *subject) {
    static float block[BLOCK];
    const float *parameters = ls_reducer_parameters(subject->reducer);
    for (int64_t i = 0; i < subject->count; i += BLOCK)
        memcpy(block, parameters + i, sizeof block);
}

static void run_ordered(struct subject *subject) {
    struct ls_reducer *reducer = subject->reducer;
    const struct ls_range slice = ls_reducer_slice(reducer, 0);
    ls_reducer_begin(reducer, 0, ls_reducer_parameters(reducer) + slice.first);
    ls_reducer_ready(reducer, 0, subject->count);
    ls_reducer_finish(reducer);
    ls_reducer_gather(reducer, 0);
    read_all(subject);
}

static void run_mpi(struct subject *subject) {
    ls_communicator_sum(subject->communicator, subject->values, subject->count);
}

/* Microseconds of the slowest rank, from gradients that each has just written. */
static double time_once(struct subject *subject, void (*run)(struct subject *), float *gradients) {
    fill(subject, gradients);
    ls_communicator_barrier(subject->communicator);
    const double began = ls_seconds();
    run(subject);
    const double seconds = ls_seconds() - began;
    return (double)ls_communicator_max(subject->communicator, (int64_t)(seconds * 1e9)) * 1e-3;
}

static enum ls_status check(const struct subject *subject, const float *values, const char *what,
                            struct ls_error *error) {
    const int size = ls_communicator_size(subject->communicator);
    enum ls_status status = LS_OK;
    for (int64_t i = 0; i < subject->count && status == LS_OK; i++) {
        const float expected = (float)size * value(i, 0) + (float)(size * (size - 1) / 2);
        if (values[i] != expected)
            status = ls_fail(error, LS_DIVERGED, "%s: element %lld is %g, expected %g", what,
                             (long long)i, (double)values[i], (double)expected);
    }
    return ls_communicator_agree(subject->communicator, status, error);
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_line(const struct subject *subject, int repeats, double ordered, double mpi) {
    const double bytes = (double)subject->count * sizeof(float);
    const int size = ls_communicator_size(subject->communicator);
    json_t *line = json_pack(
        "{s:I s:f s:f s:f s:i s:i s:i s:f}", "bytes", (json_int_t)bytes, "ordered_us", ordered,
        "mpi_allreduce_us", mpi, "times_as_fast", mpi / ordered, "ranks", size, "ranks_sharing",
        ls_reducer_near(subject->reducer), "repeats", repeats, "gb_per_s", bytes / ordered * 1e-3);
    char *text = json_dumps(line, JSON_REAL_PRECISION(6));
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

/* The median over some seconds. */
static double time_many(struct subject *subject, void (*run)(struct subject *), float *gradients,
                        double seconds, int *count) {
    static double times[TIMED_MAX];
    const double began = ls_seconds();
    bool over = false;
    for (*count = 0; *count < TIMED_MAX && !over; ++*count) {
        times[*count] = time_once(subject, run, gradients);
        over = ls_communicator_max(subject->communicator, ls_seconds() - began > seconds) &&
               *count + 1 >= TIMED_MIN;
    }
    qsort(times, (size_t)*count, sizeof *times, compare);
    return times[*count / 2];
}

static enum ls_status time_size(struct subject *subject, double seconds, struct ls_error *error) {
    float *gradients = ls_reducer_partials(subject->reducer)[0];
    enum ls_status status = LS_OK;
    for (int i = 0; i < WARM_UP && status == LS_OK; i++) {
        time_once(subject, run_ordered, gradients);
        status = check(subject, ls_reducer_parameters(subject->reducer), "the reducer", error);
        time_once(subject, run_mpi, subject->values);
        if (status == LS_OK)
            status = check(subject, subject->values, "MPI_Allreduce", error);
    }
    if (status != LS_OK)
        return status;
    int repeats, repeats_mpi;
    const double ordered = time_many(subject, run_ordered, gradients, seconds / 2, &repeats);
    const double mpi = time_many(subject, run_mpi, subject->values, seconds / 2, &repeats_mpi);
    if (ls_communicator_rank(subject->communicator) == 0)
        print_line(subject, repeats, ordered, mpi);
    return LS_OK;
}

static enum ls_status bench_size(struct ls_communicator *communicator,
                                 const struct allreduce_options *wanted, int64_t bytes,
                                 struct ls_error *error) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_parameter *added, flat = {.name = "flat", .layout = LS_LAYOUT_PLAIN};
    flat.shape = LS_SHAPE(bytes / (int64_t)sizeof(float) / COLUMNS, COLUMNS);
    enum ls_status status = ls_parameters_add(set, &flat, &added, error);
    struct subject subject = {.communicator = communicator};
    if (status == LS_OK) {
        ls_parameters_layout(set);
        const struct ls_reducer_options reducer = {.parameters = set,
                                                   .microbatches =
                                                       ls_communicator_size(communicator),
                                                   .variant = ls_variant_best(),
                                                   .sharing_max = wanted->messages};
        status = ls_reducer_create(&subject.reducer, communicator, &reducer, error);
    }
    if (status == LS_OK) {
        subject.count = set->total;
        subject.values = ls_memory_map((size_t)bytes);
        status = time_size(&subject, wanted->seconds, error);
        ls_memory_unmap(subject.values, (size_t)bytes);
    }
    ls_reducer_destroy(subject.reducer);
    ls_parameters_destroy(set);
    return status;
}

static enum ls_status run_rank(const void *context, struct ls_communicator *communicator,
                               struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == LS_OK; i++)
        status = bench_size(communicator, context, sizes[i], error);
    return status;
}

static int run_allreduce(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    (void)arguments;
    const struct allreduce_options *wanted = given;
    if (wanted->worker)
        return ls_ranks_run(run_rank, wanted);
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.17g", wanted->seconds);
    const char *const words[] = {
        "allreduce", "--seconds", seconds, "--worker", wanted->messages ? "--messages" : NULL,
        NULL};
    char *copies[sizeof words / sizeof *words];
    memcpy(copies, words, sizeof words);
    return ls_ranks_launch(&(struct ls_launch){.arguments = copies, .ranks = (int)wanted->ranks});
}

const struct ls_command ls_command_bench_allreduce = {
    .name = "bench allreduce",
    .usage = "[-n RANKS] [--seconds S] [--messages]",
    .help = "time the reduction of gradients beside MPI_Allreduce, 1 to 64 MiB",
    .details = "Prints one JSON line per size: bytes, ordered_us (sum, publish, read the shared "
               "copy), mpi_allreduce_us;\nmedians of the slowest rank, from results that were "
               "checked first.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .run = run_allreduce,
    .options_size = sizeof(struct allreduce_options),
};
