/* Chunked, compressed or converted arrays, decoded once: plain rows in a file of the cache. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/array.h"
#include "io/cache.h"
#include "io/decode.h"
#include "io/file.h"
#include "io/hdf5_support.h"
#include "io/source.h"
#include "io/trial.h"

/* Part of every key: raise it when other bytes are written than before. */
enum { DECODE_VERSION = 1, SLAB_BYTES = 16 << 20, PARTS_MAX = 16 };
static const uint64_t BYTES_A_SECOND = 4 << 20; /* that a processor decodes at the very least */
static const uint64_t MEMORY_BYTES = (uint64_t)6 << 30; /* HDF5's chunks, unpacked and packed */

struct decoding {
    const struct ls_array *array;
    char *rows; /* all of them; shared with the children */
    uint64_t slab_rows;
    int parts;
};

/* Whole chunks, so that each is decoded once. */
static uint64_t slab_rows(const struct ls_array *array) {
    const uint64_t chunk = array->chunk_rows ? array->chunk_rows : 1;
    const uint64_t chunks = SLAB_BYTES / (chunk * array->row_bytes);
    return chunk * (chunks ? chunks : 1);
}

/* The slabs are dealt to the parts in turn. */
static enum ls_status decode_part(void *context, int part, struct ls_error *error) {
    const struct decoding *decoding = context;
    const char *path = decoding->array->path;
    struct ls_array array;
    struct ls_hdf5_file file = {.path = path, .links = decoding->array->links};
    enum ls_status status = ls_hdf5_open_file(path, &file.id, error);
    if (status == LS_OK)
        status = ls_array_open(&array, &file, decoding->array->name, error);
    if (status == LS_OK &&
        (array.rows != decoding->array->rows || array.row_bytes != decoding->array->row_bytes))
        status = ls_fail(error, LS_INVALID, "%s: it changes while it is read", path);
    const uint64_t step = decoding->slab_rows * (uint64_t)decoding->parts;
    for (uint64_t row = decoding->slab_rows * (uint64_t)part; status == LS_OK && row < array.rows;
         row += step) {
        const uint64_t left = array.rows - row;
        status = ls_array_read(&array, row, left < decoding->slab_rows ? left : decoding->slab_rows,
                               decoding->rows + row * array.row_bytes, error);
    }
    return status; /* the child ends here: nothing is closed */
}

static enum ls_status decode_all(const struct ls_array *array, char *rows, struct ls_error *error) {
    const uint64_t slab = slab_rows(array), slabs = (array->rows - 1) / slab + 1;
    cpu_set_t usable;
    int cores = sched_getaffinity(0, sizeof usable, &usable) ? 1 : CPU_COUNT(&usable);
    cores = cores < PARTS_MAX ? cores : PARTS_MAX;
    struct decoding decoding = {.array = array,
                                .rows = rows,
                                .slab_rows = slab,
                                .parts = slabs < (uint64_t)cores ? (int)slabs : cores};
    const struct ls_trial trial = {
        .work = decode_part,
        .context = &decoding,
        .path = array->path,
        .parts = decoding.parts,
        .seconds_max = (unsigned)(60 + ls_array_bytes(array) / BYTES_A_SECOND),
        .memory_bytes = MEMORY_BYTES,
    };
    return ls_trial_run(&trial, error);
}

/* Into an empty file, which the children write through one mapping. */
static enum ls_status decode_into(const struct ls_array *array, const char *path,
                                  struct ls_error *error) {
    const uint64_t bytes = ls_array_bytes(array);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return ls_file_fail(error, "write", path, errno);
    /* Room is made before it is written to: a full disk is an error here, and a SIGBUS later. */
    const int number = posix_fallocate(file, 0, (off_t)bytes);
    enum ls_status status = number ? ls_file_fail(error, "write", path, number) : LS_OK;
    char *rows = MAP_FAILED;
    if (status == LS_OK) {
        rows = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (rows == MAP_FAILED)
            status = ls_file_fail(error, "map", path, errno);
    }
    close(file);
    if (status == LS_OK) {
        status = decode_all(array, rows, error);
        munmap(rows, bytes);
    }
    return status;
}

static enum ls_status cache_path(const struct ls_array *array, char path[LS_TEXT_MAX],
                                 struct ls_error *error) {
    struct ls_hash *key = ls_hash_create();
    char version[64];
    const int length =
        snprintf(version, sizeof version, "decoded %d %d %016llx", (int)DECODE_VERSION,
                 (int)array->kind, (unsigned long long)array->linked);
    ls_hash_add(key, version, (size_t)length + 1);
    ls_hash_add(key, array->name, strlen(array->name) + 1);
    enum ls_status status = ls_cache_add_file(key, array->path, error);
    const struct ls_cache_entry entry = {NULL, array->path, "rows", ls_hash_value(key)};
    if (status == LS_OK)
        status = ls_cache_path(&entry, path, error);
    ls_hash_destroy(key);
    return status;
}

static enum ls_status fill_cache(const struct ls_array *array, const char *path,
                                 struct ls_error *error) {
    int lock;
    char *temporary;
    enum ls_status status = ls_cache_enter(NULL, &lock, error);
    if (status != LS_OK)
        return ls_fail_context(
            error,
            "%s: %s is chunked, packed or of another byte order, and its decoded "
            "rows need a folder (LOCKSTEP_CACHE): ",
            array->path, array->name);
    status = ls_file_temporary(path, &temporary, error);
    if (status == LS_OK) {
        status = decode_into(array, temporary, error);
        if (status == LS_OK)
            status = ls_cache_seal(temporary, error);
        if (status == LS_OK && rename(temporary, path))
            status = ls_file_fail(error, "write", path, errno);
        if (status != LS_OK)
            unlink(temporary);
        free(temporary);
    }
    ls_cache_leave(lock);
    if (status == LS_OK)
        ls_log(LS_LOG_INFO, "decoded %s of %s into %s", array->name, array->path, path);
    return status;
}

/* The first number behind `key` in a file of such lines; -1: there is none. */
static double number_in(const char *path, const char *key) {
    FILE *file = fopen(path, "re");
    char line[256];
    double value = -1;
    while (file && value < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)))
            (void)!sscanf(line + strlen(key), "%lf", &value);
    if (file)
        fclose(file);
    return value;
}

double ls_decode_memory(void) {
    const double kilobytes = number_in("/proc/meminfo", "MemAvailable:");
    const double limit = number_in("/sys/fs/cgroup/memory.max", "");
    const double used = number_in("/sys/fs/cgroup/memory.stat", "anon ");
    const double host = kilobytes < 0 ? HUGE_VAL : kilobytes * 1024;
    const double left = limit <= 0 || used < 0 ? HUGE_VAL : limit - used;
    return left < host ? left : host;
}

/* What may be written to the cache: free on the disk, and in one file. */
static double free_disk(void) {
    char folder[LS_TEXT_MAX];
    struct ls_error ignored;
    struct statvfs info;
    struct rlimit limit;
    double room = HUGE_VAL;
    if (ls_cache_folder(folder, sizeof folder, &ignored) == LS_OK &&
        ls_folder_create(folder, &ignored) == LS_OK && statvfs(folder, &info) == 0)
        room = (double)info.f_bavail * (double)info.f_frsize;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (double)limit.rlim_cur < room)
        room = (double)limit.rlim_cur;
    return room;
}

enum ls_status ls_decode_fits(uint64_t bytes, struct ls_error *error) {
    const double memory = 0.8 * ls_decode_memory(), disk = free_disk();
    if ((double)bytes <= memory && (double)bytes <= disk)
        return LS_OK;
    const bool full = (double)bytes > disk;
    return ls_fail(error, LS_INVALID, "its rows, decoded, take %.4g MB, but %s %.4g MB",
                   (double)bytes * 1e-6,
                   full ? "the cache (LOCKSTEP_CACHE) has room for" : "there is memory for",
                   (full ? disk : memory) * 1e-6);
}

bool ls_array_is_decoded(const struct ls_array *array) {
    char path[LS_TEXT_MAX];
    struct ls_error ignored;
    return cache_path(array, path, &ignored) == LS_OK && ls_file_exists(path);
}

enum ls_status ls_array_decode(struct ls_array *array, bool checked, struct ls_error *error) {
    if (array->direct >= 0)
        return LS_OK;
    char path[LS_TEXT_MAX];
    enum ls_status status = cache_path(array, path, error);
    if (status == LS_OK && !(ls_file_exists(path) && (checked || ls_cache_intact(path))))
        status = fill_cache(array, path, error);
    if (status != LS_OK)
        return status;
    array->decoded = open(path, O_RDONLY | O_CLOEXEC);
    if (array->decoded < 0)
        return ls_file_fail(error, "read", path, errno);
    array->direct = array->decoded;
    array->direct_offset = 0;
    return LS_OK;
}
