/* Open MPI leaves its shared-memory files behind when it is killed. Ours lie in one folder for each
 * job, locked by the launcher as long as it lives, so that whoever comes next can tell a dead job's
 * folder and remove it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/file.h"
#include "launcher/supervisor/internal.h"

/* What Open MPI maps before any memory of ours: of each rank for messages, and of the job. A write
 * into such a file on a full file system is SIGBUS, or a rank that waits for ever. */
enum { RANK_BYTES = 6 << 20, JOB_BYTES = 6 << 20 };

static const char *temporary_base(void) {
    const char *given = getenv("TMPDIR");
    return given && *given ? given : "/tmp";
}

/* The first folder with room for these ranks; *base NULL: none that we may write to, Open MPI finds
 * its own. */
static enum ls_status find_base(int ranks, const char **base, struct ls_error *error) {
    const char *const bases[] = {"/dev/shm", temporary_base()};
    const double needed = JOB_BYTES + (double)ranks * RANK_BYTES;
    char found[300] = "";
    *base = NULL;
    for (int i = 0; i < 2 && !*base; i++) {
        struct statvfs info;
        if (strlen(bases[i]) >= 128 || access(bases[i], W_OK | X_OK) || statvfs(bases[i], &info))
            continue;
        const double room = (double)info.f_bavail * (double)info.f_frsize;
        if (room >= needed)
            *base = bases[i];
        const size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s has %.1f MB free", used ? ", " : "",
                 bases[i], room * 1e-6);
    }
    if (*base || !found[0])
        return LS_OK;
    return ls_fail(
        error, LS_SYSTEM,
        "MPI needs files of %.0f MB for %d ranks to exchange messages, but %s\n"
        "make room there (in a container: docker run --shm-size=1g), or let TMPDIR name a "
        "folder that has it",
        needed * 1e-6, ranks, found);
}

/* Whether the folder's owner is gone. Without a lock file its owner is about to make one. */
static bool abandoned(const char *path) {
    char lock_path[600];
    snprintf(lock_path, sizeof lock_path, "%s/lock", path);
    const int lock = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0)
        return false;
    const bool free_to_take = flock(lock, LOCK_EX | LOCK_NB) == 0;
    close(lock);
    return free_to_take;
}

static void remove_abandoned(const char *base, const char *prefix) {
    DIR *folder = opendir(base);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[256 + 256];
        struct ls_error ignored; /* housekeeping: the next start tries again */
        snprintf(path, sizeof path, "%s/%s", base, entry->d_name);
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && abandoned(path))
            (void)!ls_folder_remove(path, &ignored);
    }
    closedir(folder);
}

/* Made under another name and locked before it is called "lock": so a file of that name without a
 * lock on it has no owner any more. */
static int create_lock(const char *path) {
    char early[300], final[300];
    snprintf(early, sizeof early, "%s/lock.new", path);
    snprintf(final, sizeof final, "%s/lock", path);
    const int lock = open(early, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (lock >= 0 && (flock(lock, LOCK_EX | LOCK_NB) || rename(early, final))) {
        close(lock);
        return -1;
    }
    return lock;
}

enum ls_status ls_scratch_open(struct ls_scratch *scratch, int ranks, struct ls_error *error) {
    *scratch = (struct ls_scratch){.lock = -1};
    char prefix[64];
    snprintf(prefix, sizeof prefix, "lockstep-%u-", (unsigned)geteuid());
    remove_abandoned("/dev/shm", prefix);
    remove_abandoned(temporary_base(), prefix);
    const char *base;
    const enum ls_status status = find_base(ranks, &base, error);
    if (status != LS_OK || !base)
        return status;
    snprintf(scratch->path, sizeof scratch->path, "%s/%sXXXXXX", base, prefix);
    if (!mkdtemp(scratch->path) || (scratch->lock = create_lock(scratch->path)) < 0)
        ls_scratch_close(scratch);
    return LS_OK;
}

void ls_scratch_close(struct ls_scratch *scratch) {
    struct ls_error ignored;
    if (scratch->path[0])
        (void)!ls_folder_remove(scratch->path, &ignored);
    if (scratch->lock >= 0)
        close(scratch->lock);
    *scratch = (struct ls_scratch){.lock = -1};
}
