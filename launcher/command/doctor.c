/* lockstep doctor: what of this machine matters to training, one line each, and what to do. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <jansson.h>

#include "core/base/memory.h"
#include "core/tensor/blas.h"
#include "dist/communicator.h"
#include "io/file.h"
#include "io/source.h"
#include "io/version.h"
#include "launcher/command/bench_kernels.h"
#include "launcher/command/bench_onednn.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/supervisor.h"
#include "launcher/worker/data.h"

struct doctor_options {
    bool json;
};

static const struct ls_option options[] = {
    {.field = {.name = "json",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct doctor_options, json),
               .initial = "false",
               .help = "one JSON line for each check"}},
};

enum state { OK, NOTE, PROBLEM };

struct doctor {
    bool json;
    int code; /* of the first problem */
};

/* A line of the report. code: what a run would end with; for problems only. */
static LS_PRINTF(5, 6) void say(struct doctor *doctor, enum state state, enum ls_exit_code code,
                                const char *what, const char *format, ...) {
    static const char *const names[] = {"ok", "note", "PROBLEM"};
    char text[2048];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (state == PROBLEM && doctor->code == LS_EXIT_DONE)
        doctor->code = (int)code;
    if (!doctor->json) {
        printf("%-8s %-16s %s\n", names[state], what, text);
        return;
    }
    json_t *line = json_pack("{s:s s:s s:s}", "check", what, "state",
                             state == PROBLEM ? "problem" : names[state], "text", text);
    char *dumped = json_dumps(line, 0);
    printf("%s\n", dumped);
    free(dumped);
    json_decref(line);
}

static void check_instruction_sets(struct doctor *doctor) {
    static const enum ls_variant floats[] = {LS_F32_AVX512, LS_F32_AVX2, LS_F32_PORTABLE};
    char text[256] = "";
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        const size_t used = strlen(text);
        const bool built = ls_variant_kernels(floats[i]);
        snprintf(text + used, sizeof text - used, "%s%s %s", i ? ", " : "",
                 ls_variant_name(floats[i]),
                 !built                             ? "not in this build"
                 : !ls_variant_supported(floats[i]) ? "not in this CPU"
                                                    : "yes");
    }
    const enum ls_variant best = ls_variant_best();
    say(doctor, OK, 0, "instruction set", "%s (compute.isa: auto takes it; %s)",
        ls_variant_name(best), text);
    if (best == LS_F32_PORTABLE && ls_variant_kernels(LS_F32_AVX2))
        say(doctor, NOTE, 0, "instruction set",
            "this CPU has no fused multiply-add: the C library's fmaf keeps the same bits, but is "
            "tens of times slower; use another machine for more than a try");
}

/* The first line of a small file, without its end. */
static bool read_line(const char *path, char *text, int size) {
    FILE *file = fopen(path, "re");
    const bool found = file && fgets(text, size, file);
    if (file)
        fclose(file);
    if (found)
        text[strcspn(text, "\n")] = '\0';
    return found;
}

/* "32K, 1024K, 32768K": data caches of the first core. */
static const char *print_caches(char *text, size_t size) {
    text[0] = '\0';
    for (int i = 0; i < 8; i++) {
        char path[96], type[32], bytes[32];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!read_line(path, type, sizeof type) || !strcmp(type, "Instruction"))
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        const size_t used = strlen(text);
        if (read_line(path, bytes, sizeof bytes))
            snprintf(text + used, size - used, "%s%s", used ? ", " : "", bytes);
    }
    return text[0] ? text : "unknown";
}

enum { THREADS_MAX = 512 };

static void *measure(void *gflops) {
    *(double *)gflops = ls_bench_sustained(ls_variant_kernels(ls_variant_best()), 0.5);
    return NULL;
}

/* GFLOP/s in registers: the best that a core can do, then what all of them do at once. */
static void check_cores(struct doctor *doctor) {
    static double each[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    double best, together = 0;
    const int cores = ls_default_ranks(THREADS_MAX, 1);
    int started = 0;
    best = ls_bench_peak(ls_variant_kernels(ls_variant_best()), 0.3);
    while (started < cores && pthread_create(&threads[started], NULL, measure, &each[started]) == 0)
        started++;
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        together += each[i];
    }
    char caches[256];
    say(doctor, OK, 0, "cores", "%d for ranks; caches %s", cores,
        print_caches(caches, sizeof caches));
    const double share = together / (best * started);
    say(doctor, share > 0.8 ? OK : NOTE, 0, "speed",
        "%.0f GFLOP/s on a core at best, %.0f on %d at once: %.0f%% of %d such cores%s", best,
        together, started, share * 100, started,
        share > 0.8 ? ""
                    : "; other programs, other virtual machines or a lower clock take the rest");
}

/* The number behind `name` in a file of "name: number kB" lines, in bytes; 0 if it is not there. */
static double read_kilobytes(const char *path, const char *name) {
    char line[256];
    double found = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (found == 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            found = strtod(line + strlen(name), NULL) * 1024;
    fclose(file);
    return found;
}

static void check_memory(struct doctor *doctor) {
    say(doctor, OK, 0, "memory", "%.1f GB, %.1f GB of it available",
        read_kilobytes("/proc/meminfo", "MemTotal:") * 1e-9,
        read_kilobytes("/proc/meminfo", "MemAvailable:") * 1e-9);
    char setting[128];
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    if (!read_line(path, setting, sizeof setting))
        say(doctor, NOTE, 0, "huge pages", "unknown: there is no %s", path);
    else if (strstr(setting, "[never]"))
        say(doctor, NOTE, 0, "huge pages",
            "off (%s), which costs 2-8 %%; as root: echo madvise > %s", setting, path);
    else
        say(doctor, OK, 0, "huge pages", "%s", setting);
}

static void check_shared_memory(struct doctor *doctor) {
    struct statvfs shm;
    if (statvfs("/dev/shm", &shm) != 0) {
        say(doctor, NOTE, 0, "shared memory",
            "no /dev/shm (%s): ranks exchange through files below TMPDIR", strerror(errno));
        return;
    }
    const double free_bytes = (double)shm.f_bavail * (double)shm.f_frsize;
    const bool little = free_bytes < 256e6;
    say(doctor, little ? NOTE : OK, 0, "shared memory", "%.0f MB free in /dev/shm%s",
        free_bytes * 1e-6,
        little ? "; ranks exchange gradients through it, and a container has 64 MB unless told "
                 "otherwise: docker run --shm-size=1g"
               : "");
}

static bool is_program(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Looks where the launcher would. */
static bool find_program(const char *name, char *path, size_t size) {
    const char *folders = getenv("PATH");
    for (const char *at = folders ? folders : "/usr/bin"; *at; at += *at == ':') {
        const int length = (int)strcspn(at, ":");
        snprintf(path, size, "%.*s/%s", length, at, name);
        if (length && is_program(path))
            return true;
        at += length;
    }
    return false;
}

static void check_libraries(struct doctor *doctor) {
    char path[4096];
    say(doctor, OK, 0, "MPI", "%s", ls_mpi_version());
    if (find_program("mpirun", path, sizeof path))
        say(doctor, OK, 0, "mpirun", "%s", path);
    else
        say(doctor, PROBLEM, LS_EXIT_SYSTEM, "mpirun",
            "not found in PATH: install Open MPI (Debian: openmpi-bin), or say where it is with "
            "launcher.mpirun");
    say(doctor, OK, 0, "OpenBLAS", "%s; for compute.gemm: openblas, on %d %s (ranks: on 1)",
        ls_blas_describe(), ls_blas_threads(), ls_blas_threads() == 1 ? "thread" : "threads");
    say(doctor, OK, 0, "HDF5", "%s", ls_hdf5_version());
    const char *onednn = ls_onednn_version();
    say(doctor, OK, 0, "oneDNN", "%s",
        onednn ? onednn : "not there; only `bench kernels` would compare with it");
}

/* The nearest folder above `path` that exists decides whether it can be made. */
static bool can_write(const char *path) {
    char folder[LS_TEXT_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    while (!ls_file_exists(folder)) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            return access(".", W_OK | X_OK) == 0;
        slash[slash == folder] = '\0';
    }
    struct stat status;
    return stat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
           access(folder, W_OK | X_OK) == 0;
}

static void check_data(struct doctor *doctor) {
    const char *folder = ls_data_folder();
    struct stat status;
    if (!folder)
        say(doctor, NOTE, 0, "LOCKSTEP_DATA",
            "not set: relative names of raw data are looked up beside the current folder only");
    else if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        say(doctor, PROBLEM, LS_EXIT_INVALID, "LOCKSTEP_DATA", "%s is not a folder", folder);
    else
        say(doctor, OK, 0, "LOCKSTEP_DATA", "%s", folder);
    char cache[LS_TEXT_MAX];
    struct ls_error error;
    if (ls_cache_folder(cache, sizeof cache, &error) != LS_OK)
        say(doctor, PROBLEM, ls_exit_code(error.status), "cache", "%s", error.text);
    else if (!can_write(cache))
        say(doctor, PROBLEM, LS_EXIT_SYSTEM, "cache",
            "%s cannot be written: set LOCKSTEP_CACHE to a folder that can", cache);
    else
        say(doctor, OK, 0, "cache", "%s", cache);
    if (ls_file_exists(LS_FASHION_FOLDER))
        say(doctor, OK, 0, "Fashion-MNIST", "%s", LS_FASHION_FOLDER);
    else
        say(doctor, NOTE, 0, "Fashion-MNIST",
            "not there; its configs need Debian's package dataset-fashion-mnist (non-free)");
}

static int run_doctor(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    (void)arguments;
    const struct doctor_options *wanted = given;
    struct doctor doctor = {.json = wanted->json, .code = LS_EXIT_DONE};
    check_instruction_sets(&doctor);
    check_cores(&doctor);
    check_memory(&doctor);
    check_shared_memory(&doctor);
    check_libraries(&doctor);
    check_data(&doctor);
    return doctor.code;
}

const struct ls_command ls_command_doctor = {
    .name = "doctor",
    .usage = "[--json]",
    .help = "what of this machine matters to training, and what to do about it",
    .details = "Each line is ok, a note (slower than need be, or something that not everybody "
               "needs) or a problem that\nstops training. Ends with 0, or with the code that a "
               "run would end with.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .run = run_doctor,
    .options_size = sizeof(struct doctor_options),
};
