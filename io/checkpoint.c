/* The commit protocol: temporary folder, files (each fsynced), manifest last, fsync of the folder,
 * rename, fsync of the parent. Killed anywhere in between, the newest checkpoint is the old one or
 * the new one, complete. */
#include "io/checkpoint_internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "io/file.h"

void ls_checkpoint_parent(char path[LS_PATH_MAX], const char *run) {
    ls_path_print(path, "%s/checkpoints", run);
}

void ls_checkpoint_final(char path[LS_PATH_MAX], const char *run, uint64_t step) {
    ls_path_print(path, "%s/checkpoints/step-%010" PRIu64, run, step);
}

void ls_checkpoint_temporary(char path[LS_PATH_MAX], const struct ls_checkpoint_write *write) {
    ls_path_print(path, "%s/checkpoints/tmp-%010" PRIu64 "-%" PRIu64, write->run, write->step,
                  write->incarnation);
}

void ls_checkpoint_add(struct ls_checkpoint_arrays *arrays, const char *name, float *data) {
    LS_ASSERT(arrays->count < LS_ARRAYS_MAX, "no room for array %s", name);
    snprintf(arrays->names[arrays->count], LS_ARRAY_NAME_MAX, "%s", name);
    arrays->data[arrays->count++] = data;
}

enum ls_status ls_checkpoint_begin(const struct ls_checkpoint_write *write,
                                   struct ls_error *error) {
    char parent[LS_PATH_MAX], folder[LS_PATH_MAX];
    ls_checkpoint_parent(parent, write->run);
    ls_checkpoint_temporary(folder, write);
    enum ls_status status = ls_folder_add(parent, error);
    if (status == LS_OK)
        status = ls_folder_sync(write->run, error);
    if (status == LS_OK) /* of an attempt of this run that failed and could not clean up */
        status = ls_folder_remove(folder, error);
    if (status == LS_OK && mkdir(folder, 0777))
        status = ls_file_fail(error, "create folder", folder, errno);
    return status;
}

void ls_checkpoint_abandon(const struct ls_checkpoint_write *write) {
    char folder[LS_PATH_MAX];
    ls_checkpoint_temporary(folder, write);
    struct ls_error error;
    if (ls_folder_remove(folder, &error) != LS_OK)
        ls_log(LS_LOG_WARNING, "%s", error.text);
}

/* Rank 0 must see what the others wrote: a run folder that only looks shared is found here. */
static enum ls_status check_shards(const char *folder, const struct ls_checkpoint_file *files,
                                   int count, struct ls_error *error) {
    for (int i = 0; i < count; i++) {
        char path[LS_PATH_MAX];
        struct stat info;
        ls_path_print(path, "%s/%s", folder, files[i].name);
        if (stat(path, &info))
            return ls_fail(error, LS_SYSTEM,
                           "%s was written by rank %d, but rank 0 does not see it: %s\n"
                           "is the run directory on a file system that all hosts share?",
                           path, i, strerror(errno));
        if ((uint64_t)info.st_size != files[i].bytes)
            return ls_fail(error, LS_SYSTEM,
                           "%s: rank %d wrote %" PRIu64 " bytes, rank 0 sees %lld", path, i,
                           files[i].bytes, (long long)info.st_size);
    }
    return LS_OK;
}

/* What has the name of the same step makes room, but is never written over: it is damaged, or the
 * run went on from before it because it could not be read then. */
static enum ls_status make_room(const struct ls_checkpoint_write *write, const char *final,
                                struct ls_error *error) {
    if (!ls_file_exists(final))
        return LS_OK;
    struct ls_checkpoint there;
    const enum ls_status status = ls_checkpoint_open(write->run, write->step, &there, error);
    if (status == LS_OK)
        ls_checkpoint_clear(&there);
    const char *what = status == LS_OK        ? "replaced"
                       : status == LS_DAMAGED ? "damaged"
                                              : "unreadable";
    return ls_checkpoint_set_aside(
        write->run, write->step, what,
        status == LS_OK ? "the run went on from an earlier one" : error->text, error);
}

static enum ls_status publish(const struct ls_checkpoint_write *write, const char *folder,
                              struct ls_error *error) {
    char parent[LS_PATH_MAX], final[LS_PATH_MAX];
    ls_checkpoint_parent(parent, write->run);
    ls_checkpoint_final(final, write->run, write->step);
    enum ls_status status = make_room(write, final, error);
    if (status == LS_OK && rename(folder, final))
        status =
            ls_fail(error, LS_SYSTEM, "cannot rename %s to %s: %s", folder, final, strerror(errno));
    if (status == LS_OK)
        status = ls_folder_sync(parent, error);
    return status;
}

/* Renamed first: a kill in the middle never leaves half a checkpoint under a checkpoint's name. */
static enum ls_status remove_checkpoint(const char *run, uint64_t step, struct ls_error *error) {
    char final[LS_PATH_MAX], removing[LS_PATH_MAX];
    ls_checkpoint_final(final, run, step);
    ls_path_print(removing, "%s/checkpoints/removing-%010" PRIu64, run, step);
    enum ls_status status = ls_folder_remove(removing, error);
    if (status == LS_OK && rename(final, removing))
        status = ls_file_fail(error, "rename", final, errno);
    return status == LS_OK ? ls_folder_remove(removing, error) : status;
}

/* Removes what is older than the newest `keep` intact ones, but for `kept`; `newest` has just been
 * written. */
static enum ls_status retain(const struct ls_checkpoint_commit *commit, struct ls_error *error) {
    const char *run = commit->write->run;
    const uint64_t newest = commit->write->step;
    uint64_t *steps;
    int count;
    enum ls_status status = ls_checkpoint_list(run, &steps, &count, error);
    int intact = 0;
    for (int i = count - 1; i >= 0 && status == LS_OK; i--) {
        if (steps[i] == newest) {
            intact++;
        } else if (steps[i] == commit->kept) {
            continue;
        } else if (intact >= commit->keep) {
            status = remove_checkpoint(run, steps[i], error);
        } else if (i > 0) { /* the oldest of all stays in any case */
            struct ls_checkpoint checkpoint;
            if (ls_checkpoint_open(run, steps[i], &checkpoint, error) == LS_OK) {
                ls_checkpoint_clear(&checkpoint);
                intact++;
            }
        }
    }
    free(steps);
    return status;
}

enum ls_status ls_checkpoint_commit(const struct ls_checkpoint_commit *commit,
                                    struct ls_error *error) {
    const struct ls_checkpoint_write *write = commit->write;
    LS_ASSERT(commit->keep >= 2, "keep %d checkpoints, at least 2", commit->keep);
    char folder[LS_PATH_MAX];
    ls_checkpoint_temporary(folder, write);
    struct ls_checkpoint_file index;
    enum ls_status status = check_shards(folder, commit->files, write->world_size, error);
    if (status == LS_OK)
        status = ls_checkpoint_write_index(folder, commit, &index, error);
    if (status == LS_OK)
        status = ls_manifest_write(folder, commit, &index, error);
    if (status == LS_OK)
        status = ls_folder_sync(folder, error);
    if (status == LS_OK)
        status = publish(write, folder, error);
    if (status != LS_OK) {
        ls_checkpoint_abandon(write);
        return ls_fail_context(error, "checkpoint of step %" PRIu64 ": ", write->step);
    }
    struct ls_error
        trouble; /* the checkpoint is safe: old ones that stay are worth a line, no more */
    if (retain(commit, &trouble) != LS_OK)
        ls_log(LS_LOG_WARNING, "an old checkpoint could not be removed: %s", trouble.text);
    return LS_OK;
}

static bool leftover(const char *name, uint64_t incarnation) {
    if (strncmp(name, "removing-", 9) == 0)
        return true;
    if (strncmp(name, "tmp-", 4) != 0)
        return false;
    char mine[32];
    snprintf(mine, sizeof mine, "-%" PRIu64, incarnation);
    const char *last = strrchr(name, '-');
    return strcmp(last, mine) != 0;
}

void ls_checkpoint_clean(const char *run, uint64_t incarnation) {
    char parent[LS_PATH_MAX];
    ls_checkpoint_parent(parent, run);
    DIR *folder = opendir(parent);
    if (!folder)
        return; /* no checkpoints yet */
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!leftover(entry->d_name, incarnation))
            continue;
        char path[LS_PATH_MAX];
        struct ls_error error;
        ls_path_print(path, "%s/%s", parent, entry->d_name);
        if (ls_folder_remove(path, &error) != LS_OK)
            ls_log(LS_LOG_WARNING, "%s", error.text);
    }
    closedir(folder);
}
