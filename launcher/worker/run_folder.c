#include "launcher/worker/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"

enum { PATH_SIZE = 4096 };

static enum ls_status take(const char *path, int flags, int *lock) {
    *lock = open(path, flags | O_CLOEXEC, 0666);
    if (*lock < 0)
        return LS_SYSTEM;
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return LS_OK;
    const int number = errno;
    close(*lock);
    *lock = -1;
    errno = number;
    return number == EWOULDBLOCK ? LS_LOCKED : LS_SYSTEM;
}

/* Two locks: that of the folder itself, which nobody can remove from under us; and that of a file
 * in it, because network file systems lock files for all hosts, but folders for one. */
enum ls_status ls_run_claim(const char *run, struct ls_run_lock *lock, struct ls_error *error) {
    char path[PATH_SIZE];
    *lock = LS_RUN_UNLOCKED;
    enum ls_status status = ls_folder_create(run, error);
    if (status != LS_OK)
        return status;
    snprintf(path, sizeof path, "%s/LOCK", run);
    status = take(run, O_RDONLY | O_DIRECTORY, &lock->folder);
    if (status != LS_LOCKED) /* a folder that cannot be locked has its file */
        status = take(path, O_RDWR | O_CREAT, &lock->file);
    if (status == LS_OK)
        return LS_OK;
    const int number = errno;
    ls_run_release(lock);
    if (status == LS_LOCKED)
        return ls_fail(error, LS_LOCKED,
                       "%s is in use by another lockstep; wait for it, or choose another --out",
                       run);
    return ls_fail(error, LS_SYSTEM, "cannot lock %s: %s", path, strerror(number));
}

void ls_run_release(struct ls_run_lock *lock) {
    if (lock->folder >= 0)
        close(lock->folder);
    if (lock->file >= 0)
        close(lock->file);
    *lock = LS_RUN_UNLOCKED;
}

/* *incarnation 0: there is no such file. */
static enum ls_status read_number(const char *run, uint64_t *incarnation, struct ls_error *error) {
    char path[PATH_SIZE], *bytes;
    uint64_t count;
    *incarnation = 0;
    snprintf(path, sizeof path, "%s/incarnation", run);
    if (!ls_file_exists(path))
        return LS_OK;
    const enum ls_status status = ls_file_read(path, 64, &bytes, &count, error);
    if (status != LS_OK)
        return status;
    *incarnation = strtoull(bytes, NULL, 10);
    free(bytes);
    return LS_OK;
}

enum ls_status ls_run_number(const char *run, uint64_t *incarnation, struct ls_error *error) {
    const enum ls_status status = read_number(run, incarnation, error);
    if (status != LS_OK)
        return status;
    char path[PATH_SIZE], text[32];
    snprintf(path, sizeof path, "%s/incarnation", run);
    /* The first of a folder is the time: another folder of that name, later, has other numbers. */
    *incarnation = *incarnation ? *incarnation + 1 : (uint64_t)time(NULL);
    const int length = snprintf(text, sizeof text, "%" PRIu64 "\n", *incarnation);
    return ls_file_write(path, text, (uint64_t)length, error);
}

enum ls_status ls_run_check(const char *run, uint64_t incarnation, struct ls_error *error) {
    uint64_t found;
    if (!ls_file_exists(run))
        return ls_fail(error, LS_SYSTEM,
                       "%s was deleted or renamed while it was training: nothing more can be saved "
                       "there\nif it has another name now, --out with that name continues it",
                       run);
    struct ls_error trouble; /* with the disk proves nothing: whoever writes next says it */
    if (read_number(run, &found, &trouble) != LS_OK || found == incarnation || found == 0)
        return LS_OK;
    return ls_fail(error, LS_LOCKED,
                   "%s has been taken over by a later start of lockstep (number %" PRIu64
                   ", this is number %" PRIu64 "): this one ends",
                   run, found, incarnation);
}
