/* Which checkpoints a run has, and which of them are what was written. */
#include "io/checkpoint_internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"

void ls_checkpoint_clear(struct ls_checkpoint *checkpoint) {
    free(checkpoint->state);
    free(checkpoint->files);
    *checkpoint = (struct ls_checkpoint){0};
}

static bool parse_step(const char *name, uint64_t *step) {
    const size_t prefix = 5;
    const size_t digits = strlen(name) - (strlen(name) < prefix ? strlen(name) : prefix);
    if (strncmp(name, "step-", prefix) != 0 || digits < 10 || digits > 19 ||
        strspn(name + prefix, "0123456789") != digits)
        return false;
    *step = strtoull(name + prefix, NULL, 10);
    return true;
}

static int compare_steps(const void *a, const void *b) {
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

enum ls_status ls_checkpoint_list(const char *run, uint64_t **steps, int *count,
                                  struct ls_error *error) {
    *steps = NULL;
    *count = 0;
    char parent[LS_PATH_MAX];
    ls_checkpoint_parent(parent, run);
    DIR *folder = opendir(parent);
    if (!folder)
        return errno == ENOENT ? LS_OK : ls_file_fail(error, "read folder", parent, errno);
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)); errno = 0) {
        uint64_t step;
        if (!parse_step(entry->d_name, &step))
            continue;
        *steps = ls_realloc(*steps, (size_t)*count + 1, sizeof **steps);
        (*steps)[(*count)++] = step;
    }
    const int number = errno;
    closedir(folder);
    if (number) {
        free(*steps);
        *steps = NULL;
        *count = 0;
        return ls_file_fail(error, "read folder", parent, number);
    }
    if (*count)
        qsort(*steps, (size_t)*count, sizeof **steps, compare_steps);
    return LS_OK;
}

enum ls_status ls_checkpoint_unreadable(struct ls_error *error) {
    return error->status = error->status == LS_SYSTEM ? LS_SYSTEM : LS_DAMAGED;
}

enum ls_status ls_checkpoint_stat(const char *path, struct stat *info, struct ls_error *error) {
    if (stat(path, info)) {
        const bool proof = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
        return errno == ENOENT ? ls_fail(error, LS_DAMAGED, "%s: the file is missing", path)
                               : ls_fail(error, proof ? LS_DAMAGED : LS_SYSTEM, "%s: %s", path,
                                         strerror(errno));
    }
    if (!S_ISREG(info->st_mode))
        return ls_fail(error, LS_DAMAGED, "%s: it is not a regular file", path);
    return LS_OK;
}

static enum ls_status verify_file(const char *folder, const struct ls_checkpoint_file *file,
                                  struct ls_error *error) {
    char path[LS_PATH_MAX];
    ls_path_print(path, "%s/%s", folder, file->name);
    struct stat info;
    if (ls_checkpoint_stat(path, &info, error) != LS_OK)
        return error->status;
    if ((uint64_t)info.st_size != file->bytes)
        return ls_fail(error, LS_DAMAGED, "%s: expected %" PRIu64 " bytes, found %lld", path,
                       file->bytes, (long long)info.st_size);
    uint64_t bytes, digest;
    if (ls_file_digest(path, &bytes, &digest, error) != LS_OK)
        return ls_checkpoint_unreadable(error);
    if (bytes != file->bytes || digest != file->digest)
        return ls_fail(error, LS_DAMAGED,
                       "%s: its bytes changed: digest expected %016" PRIx64 ", found %016" PRIx64,
                       path, file->digest, digest);
    return LS_OK;
}

static enum ls_status fill(struct ls_checkpoint *checkpoint, const struct ls_manifest *manifest,
                           uint64_t step, struct ls_error *error) {
    if (manifest->step != step)
        return ls_fail(error, LS_DAMAGED, "%s: the manifest is of step %" PRIu64, checkpoint->path,
                       manifest->step);
    checkpoint->step = step;
    checkpoint->world_size = manifest->world_size;
    checkpoint->state = json_dumps(manifest->state, JSON_COMPACT);
    checkpoint->file_count = (int)json_array_size(manifest->files);
    checkpoint->files = ls_calloc((size_t)checkpoint->file_count, sizeof *checkpoint->files);
    enum ls_status status = LS_OK;
    for (int i = 0; i < checkpoint->file_count && status == LS_OK; i++) {
        checkpoint->files[i] = ls_manifest_file(manifest, i);
        status = verify_file(checkpoint->path, &checkpoint->files[i], error);
    }
    return status;
}

enum ls_status ls_checkpoint_open(const char *run, uint64_t step, struct ls_checkpoint *checkpoint,
                                  struct ls_error *error) {
    *checkpoint = (struct ls_checkpoint){0};
    ls_checkpoint_final(checkpoint->path, run, step);
    struct ls_manifest manifest;
    enum ls_status status = ls_manifest_read(checkpoint->path, &manifest, error);
    if (status == LS_OK) {
        status = fill(checkpoint, &manifest, step, error);
        ls_manifest_clear(&manifest);
    }
    if (status != LS_OK)
        ls_checkpoint_clear(checkpoint);
    return status;
}

enum ls_status ls_checkpoint_set_aside(const char *run, uint64_t step, const char *what,
                                       const char *reason, struct ls_error *error) {
    char from[LS_PATH_MAX], aside[LS_PATH_MAX], parent[LS_PATH_MAX];
    ls_checkpoint_parent(parent, run);
    ls_checkpoint_final(from, run, step);
    ls_path_print(aside, "%s/%s-step-%010" PRIu64, parent, what, step);
    ls_path_free(aside, sizeof aside);
    ls_log(LS_LOG_WARNING, "the checkpoint of step %" PRIu64 " is %s and set aside as %s: %s", step,
           what, strrchr(aside, '/') + 1, reason);
    if (rename(from, aside))
        return ls_file_fail(error, "rename", from, errno);
    return ls_folder_sync(parent, error);
}

static enum ls_status open_checked(const struct ls_checkpoint_search *search, uint64_t step,
                                   struct ls_checkpoint *checkpoint, struct ls_error *error) {
    enum ls_status status = ls_checkpoint_open(search->run, step, checkpoint, error);
    if (status == LS_OK && search->check && (status = search->check(checkpoint, error)) != LS_OK)
        ls_checkpoint_clear(checkpoint);
    return status;
}

/* What is proven damaged gets another name; what only could not be read now may be intact. */
static enum ls_status pass_over(const char *run, uint64_t step, const struct ls_error *reason,
                                struct ls_error *error) {
    if (reason->status == LS_DAMAGED)
        return ls_checkpoint_set_aside(run, step, "damaged", reason->text, error);
    ls_log(LS_LOG_WARNING,
           "the checkpoint of step %" PRIu64 " cannot be read and is passed over: %s", step,
           reason->text);
    return LS_OK;
}

enum ls_status ls_checkpoint_newest(const struct ls_checkpoint_search *search,
                                    struct ls_checkpoint *checkpoint, bool *found,
                                    struct ls_error *error) {
    const char *run = search->run;
    *found = false;
    *checkpoint = (struct ls_checkpoint){0};
    uint64_t *steps;
    int count;
    enum ls_status status = ls_checkpoint_list(run, &steps, &count, error);
    if (status != LS_OK || count == 0)
        return status;
    /* Nothing is renamed before an intact one is found: if there is none, the next call must fail
     * too. */
    struct ls_error *reasons = ls_calloc((size_t)count, sizeof *reasons);
    int at = count - 1;
    for (; at >= 0; at--) {
        status = open_checked(search, steps[at], checkpoint, &reasons[at]);
        if (status != LS_DAMAGED && status != LS_SYSTEM)
            break;
    }
    if (at < 0)
        status =
            ls_fail(error, LS_DAMAGED, "%s has %d checkpoints, but none is intact; the newest: %s",
                    run, count, reasons[count - 1].text);
    else if (status != LS_OK)
        *error = reasons[at];
    else
        *found = true;
    for (int i = count - 1; i > at && status == LS_OK && search->set_aside; i--)
        status = pass_over(run, steps[i], &reasons[i], error);
    if (status != LS_OK) {
        ls_checkpoint_clear(checkpoint);
        *found = false;
    }
    free(reasons);
    free(steps);
    return status;
}
