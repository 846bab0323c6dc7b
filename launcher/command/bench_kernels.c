/* lockstep bench kernels: each kernel of an instruction set alone, as a share of what the core or
 * its memory can do, and beside the libraries that people use for the same. */
#include "launcher/command/bench_kernels.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/tensor/blas.h"
#include "core/tensor/kernels/table.h"
#include "launcher/command/bench_onednn.h"
#include "launcher/exit_codes.h"
#include "launcher/worker/progress.h"

enum { SAMPLES_MIN = 9, SAMPLES_MAX = 500, SAMPLES_WANTED = 50, TRIAD = 16 << 20 };

struct kernels_options {
    int isa, winograd;
    double seconds;
    bool json;
};

static const char *const isa_names[] = {"auto", "avx512", "avx2", "portable", NULL};

static const char *const winograd_names[] = {"off", "f2", "f4", NULL};

static const struct ls_option options[] = {
    {.field = {.name = "isa",
               .kind = LS_FIELD_CHOICE,
               .offset = offsetof(struct kernels_options, isa),
               .initial = "auto",
               .choices = isa_names,
               .help = "instruction set"}},
    {.field = {.name = "winograd",
               .kind = LS_FIELD_CHOICE,
               .offset = offsetof(struct kernels_options, winograd),
               .initial = "f4",
               .choices = winograd_names,
               .help = "3x3 convolutions of stride 1"}},
    {.field = {.name = "seconds",
               .kind = LS_FIELD_REAL,
               .offset = offsetof(struct kernels_options, seconds),
               .initial = "0.05",
               .min = 0.001,
               .max = 60,
               .help = "how long to time each call"}},
    {.field = {.name = "json",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct kernels_options, json),
               .initial = "false",
               .help = "one JSON line for each item"}},
};

struct ls_bench_array ls_bench_array(int64_t count, uint32_t stream) {
    struct ls_bench_array a = {.count = count,
                               .data = ls_memory_map((size_t)count * sizeof(float))};
    const struct ls_random_key key = ls_random_key(1, LS_STREAM_SYNTHETIC, stream, 0);
    for (int64_t i = 0; stream && i < count; i++)
        a.data[i] = 2 * ls_random_unit(ls_random_block(key, (uint32_t)i, 0).word[0]) - 1;
    return a;
}

void ls_bench_array_destroy(struct ls_bench_array array) {
    ls_memory_unmap(array.data, (size_t)array.count * sizeof(float));
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct timing {
    int64_t batch; /* calls of a sample */
    int samples;
    double seconds[SAMPLES_MAX]; /* of a call; sorted at the end */
};

/* What this thread has computed: the time that other programs take from the core does not count. */
static double thread_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* After one call that gets the caches back from whoever ran before. */
static double time_batch(const struct ls_bench_call *call, int64_t count) {
    call->run(call->context);
    const double began = thread_seconds();
    for (int64_t i = 0; i < count; i++)
        call->run(call->context);
    return thread_seconds() - began;
}

/* Batches of all calls in turn, so that a slow moment of the machine meets each of them, and short
 * ones, so that the median forgets such moments. At least nine, unless that takes twenty times as
 * long as was asked for. */
static void time_calls(const struct ls_bench_call *calls, int count, double seconds,
                       struct timing *timings) {
    double spent = 0, budget = 0;
    for (int i = 0; i < count; i++) {
        struct timing *t = &timings[i];
        t->samples = 0;
        t->batch = 1;
        if (!calls[i].run)
            continue;
        budget += seconds;
        while (time_batch(&calls[i], t->batch) < seconds / SAMPLES_WANTED / 2)
            t->batch *= 2;
    }
    for (int n = 0; n < SAMPLES_MAX && spent < budget * (n < SAMPLES_MIN ? 20 : 1); n++)
        for (int i = 0; i < count; i++)
            if (calls[i].run) {
                const double took = time_batch(&calls[i], timings[i].batch);
                timings[i].seconds[timings[i].samples++] = took / (double)timings[i].batch;
                spent += took;
            }
    for (int i = 0; i < count; i++)
        qsort(timings[i].seconds, (size_t)timings[i].samples, sizeof(double), compare);
}

struct peak_call {
    const struct ls_kernels *kernels;
    int64_t rounds, flops;
    float sum;
};

static void run_peak(void *context) {
    struct peak_call *call = context;
    call->flops = call->kernels->peak(call->rounds, &call->sum);
}

double ls_bench_peak(const struct ls_kernels *kernels, double seconds) {
    struct timing timing;
    struct peak_call call = {.kernels = kernels, .rounds = 1000};
    time_calls(&(struct ls_bench_call){run_peak, &call}, 1, seconds, &timing);
    return (double)call.flops / timing.seconds[0] * 1e-9;
}

double ls_bench_sustained(const struct ls_kernels *kernels, double seconds) {
    struct peak_call call = {.kernels = kernels, .rounds = 1000};
    const double began = ls_seconds();
    double flops = 0, elapsed;
    do {
        run_peak(&call);
        flops += (double)call.flops;
    } while ((elapsed = ls_seconds() - began) < seconds);
    return flops / elapsed * 1e-9;
}

static void run_triad(void *context) {
    float *restrict a = ((struct ls_bench_array *)context)[0].data;
    const float *restrict b = ((struct ls_bench_array *)context)[1].data;
    const float *restrict c = ((struct ls_bench_array *)context)[2].data;
    for (int64_t i = 0; i < TRIAD; i++)
        a[i] = b[i] + 3.0f * c[i];
}

/* GB/s of a = b + 3 c over three arrays of 64 MB. */
static double measure_bandwidth(double seconds) {
    struct timing timing;
    struct ls_bench_array arrays[3];
    for (int i = 0; i < 3; i++) {
        arrays[i] = ls_bench_array(TRIAD, 0);
        memset(arrays[i].data, 1, TRIAD * sizeof(float)); /* memory of its own behind each page */
    }
    time_calls(&(struct ls_bench_call){run_triad, arrays}, 1, seconds, &timing);
    for (int i = 0; i < 3; i++)
        ls_bench_array_destroy(arrays[i]);
    return 3.0 * TRIAD * sizeof(float) / timing.seconds[0] * 1e-9;
}

bool ls_bench_wants(const struct ls_bench *bench, const char *kernel, const char *shape) {
    for (int i = 0; i < bench->word_count; i++)
        if (!strstr(kernel, bench->words[i]) && !strstr(shape, bench->words[i]))
            return false;
    return true;
}

static const char *const rival_names[] = {"lockstep", "openblas", "onednn"};

static void print_json(const struct ls_bench *bench, const struct ls_bench_item *item,
                       const struct timing *timings) {
    const struct timing *ours = &timings[LS_BENCH_OURS];
    const double median = ours->seconds[ours->samples / 2];
    const double rate = (item->flops > 0 ? item->flops : item->bytes) / median * 1e-9;
    const double peak = item->flops > 0 ? bench->peak_gflops : bench->peak_gbps;
    json_t *line = json_pack(
        "{s:s s:s s:s s:f s:f s:f s:f}", "kernel", item->kernel, "shape", item->shape, "isa",
        ls_variant_name(bench->variant), item->flops > 0 ? "gflops" : "gbps", rate, "share_of_peak",
        rate / peak, "seconds_median", median, "seconds_min", ours->seconds[0]);
    if (item->flops == 0)
        json_object_set_new(line, "ns_per_element", json_real(median / item->elements * 1e9));
    for (int i = LS_BENCH_OPENBLAS; i < LS_BENCH_RIVALS; i++)
        if (timings[i].samples) {
            char name[32];
            const double theirs = timings[i].seconds[timings[i].samples / 2];
            snprintf(name, sizeof name, "%s_gflops", rival_names[i]);
            json_object_set_new(line, name, json_real(item->flops / theirs * 1e-9));
            snprintf(name, sizeof name, "ratio_%s", rival_names[i]);
            json_object_set_new(line, name, json_real(theirs / median));
        }
    char *text = json_dumps(line, JSON_REAL_PRECISION(6));
    printf("%s\n", text);
    free(text);
    json_decref(line);
}

static void print_row(const struct ls_bench *bench, const struct ls_bench_item *item,
                      const struct timing *timings) {
    const struct timing *ours = &timings[LS_BENCH_OURS];
    const double median = ours->seconds[ours->samples / 2];
    const double rate = (item->flops > 0 ? item->flops : item->bytes) / median * 1e-9;
    const double peak = item->flops > 0 ? bench->peak_gflops : bench->peak_gbps;
    printf("%-30s %-19s %7.1f %-7s %4.0f%%  %9.4f %9.4f", item->kernel, item->shape, rate,
           item->flops > 0 ? "GFLOP/s" : "GB/s", rate / peak * 100, median * 1e3,
           ours->seconds[0] * 1e3);
    if (item->flops == 0)
        printf("  %8.3f ns/element", median / item->elements * 1e9);
    for (int i = LS_BENCH_OPENBLAS; item->flops > 0 && i < LS_BENCH_RIVALS; i++)
        if (timings[i].samples) {
            const double theirs = timings[i].seconds[timings[i].samples / 2];
            printf("  %7.1f %5.2f", item->flops / theirs * 1e-9, theirs / median);
        } else
            printf("  %7s %5s", "-", "-");
    putchar('\n');
}

void ls_bench_item(struct ls_bench *bench, const struct ls_bench_item *item) {
    bench->items++;
    if (!(item->error <= item->tolerance)) {
        bench->wrong++;
        fprintf(stderr, "lockstep: error: %s %s is wrong: relative error %.2e, at most %.0e\n",
                item->kernel, item->shape, item->error, item->tolerance);
        return;
    }
    static struct timing timings[LS_BENCH_RIVALS];
    time_calls(item->calls, LS_BENCH_RIVALS, bench->seconds, timings);
    (bench->json ? print_json : print_row)(bench, item, timings);
    fflush(stdout);
}

static void print_head(const struct ls_bench *bench) {
    const char *onednn = ls_onednn_version();
    printf("%s on one core: %.1f GFLOP/s in registers, %.1f GB/s from memory\n%s; oneDNN %s\n\n"
           "%-30s %-19s %15s %5s  %9s %9s  %13s  %13s\n",
           ls_variant_name(bench->variant), bench->peak_gflops, bench->peak_gbps,
           ls_blas_describe(), onednn ? onednn : "is not there", "kernel", "shape", "rate", "peak",
           "ms median", "min", "OpenBLAS ratio", "oneDNN ratio");
}

static enum ls_status choose_variant(const struct kernels_options *wanted, struct ls_bench *bench,
                                     struct ls_error *error) {
    static const enum ls_variant variants[] = {0, LS_F32_AVX512, LS_F32_AVX2, LS_F32_PORTABLE};
    bench->variant = wanted->isa ? variants[wanted->isa] : ls_variant_best();
    bench->winograd = (enum ls_winograd)wanted->winograd;
    bench->kernels = ls_variant_kernels(bench->variant);
    if (!bench->kernels || !ls_variant_supported(bench->variant))
        return ls_fail(error, LS_INVALID, "bench kernels: --isa %s: this machine cannot run it",
                       isa_names[wanted->isa]);
    return LS_OK;
}

static int run_kernels(int argument_count, char **arguments, const void *given) {
    const struct kernels_options *wanted = given;
    struct ls_error error;
    struct ls_bench bench = {.words = arguments,
                             .word_count = argument_count,
                             .seconds = wanted->seconds,
                             .json = wanted->json};
    if (choose_variant(wanted, &bench, &error) != LS_OK)
        return ls_command_fail(&error);
    ls_blas_set_threads(1);
    bench.peak_gflops = ls_bench_peak(bench.kernels, 0.1);
    bench.peak_gbps = measure_bandwidth(0.2);
    if (!bench.json)
        print_head(&bench);
    ls_bench_products(&bench);
    ls_bench_convolutions(&bench);
    ls_bench_ops(&bench);
    ls_bench_updates(&bench);
    if (!bench.items) {
        (void)!ls_fail(&error, LS_INVALID,
                       "bench kernels: no kernel has '%.60s' and all other words in its name or "
                       "shape",
                       arguments[0]);
        return ls_command_fail(&error);
    }
    return bench.wrong ? LS_EXIT_BUG : LS_EXIT_DONE;
}

const struct ls_command ls_command_bench_kernels = {
    .name = "bench kernels",
    .usage = "[WORD ...] [--isa NAME] [--winograd NAME] [--seconds S] [--json]",
    .help = "time kernels beside OpenBLAS and oneDNN on one thread, each result checked first",
    .details = "Only those whose name or shape contains every WORD. Rates are medians of processor "
               "time; a ratio\nabove 1 means that Lockstep is faster. Pin it: taskset -c 0 "
               "lockstep bench kernels conv",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_max = -1,
    .run = run_kernels,
    .options_size = sizeof(struct kernels_options),
};
