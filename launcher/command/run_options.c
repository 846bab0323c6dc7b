#include "launcher/command/run_options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/file.h"
#include "launcher/exit_codes.h"

enum ls_status ls_run_config(const struct ls_run_options *options, const char *path,
                             struct ls_config *config, struct ls_error *error) {
    const enum ls_status status =
        ls_config_read(config, path, options->set.items, options->set.count, error);
    if (status == LS_OK && options->threads)
        config->compute.threads = options->threads;
    return status;
}

void ls_run_directory(const struct ls_run_options *options, const struct ls_config *config,
                      char run[LS_TEXT_MAX]) {
    if (options->out[0])
        snprintf(run, LS_TEXT_MAX, "%s", options->out);
    else
        snprintf(run, LS_TEXT_MAX, "runs/%.*s", LS_TEXT_MAX - 8, config->name);
}

static enum ls_status take_lock(const char *run, int *lock, struct ls_error *error) {
    char path[LS_TEXT_MAX + 8];
    snprintf(path, sizeof path, "%s/LOCK", run);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        return ls_fail(error, LS_SYSTEM, "%s: %s", path, strerror(errno));
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return LS_OK;
    const int reason = errno;
    close(*lock);
    *lock = -1;
    if (reason == EWOULDBLOCK)
        return ls_fail(error, LS_LOCKED,
                       "%s is in use by another lockstep; wait for it, or choose another --out",
                       run);
    return ls_fail(error, LS_SYSTEM, "%s: cannot lock: %s", path, strerror(reason));
}

enum ls_status ls_run_claim(const char *run, int *lock, struct ls_error *error) {
    const enum ls_status status = ls_folder_create(run, error);
    return status == LS_OK ? take_lock(run, lock, error) : status;
}

enum ls_status ls_run_number(const char *run, uint64_t *incarnation, struct ls_error *error) {
    char path[LS_TEXT_MAX + 16], text[32], *bytes;
    uint64_t count;
    snprintf(path, sizeof path, "%s/incarnation", run);
    *incarnation = 1;
    if (ls_file_exists(path)) {
        const enum ls_status status = ls_file_read(path, sizeof text, &bytes, &count, error);
        if (status != LS_OK)
            return status;
        *incarnation = strtoull(bytes, NULL, 10) + 1;
        free(bytes);
    }
    const int length = snprintf(text, sizeof text, "%" PRIu64 "\n", *incarnation);
    return ls_file_write(path, text, (uint64_t)length, error);
}
