#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/memory.h"

/* Length of the shortest leading part of path ("a", "a/b", ...) that is not a folder; 0 if all are.
 * The last component is left out: it is the file itself. */
static size_t part_in_the_way(const char *path, bool *missing) {
    char *part = ls_strdup(path);
    size_t found = 0;
    for (char *at = strchr(part + 1, '/'); *part && at && !found; at = strchr(at + 1, '/')) {
        struct stat info;
        *at = '\0';
        *missing = stat(part, &info) != 0;
        if (*missing || !S_ISDIR(info.st_mode))
            found = (size_t)(at - part);
        *at = '/';
    }
    free(part);
    return found;
}

enum ls_status ls_file_fail(struct ls_error *error, const char *action, const char *path,
                            int number) {
    if (number != ENOENT && number != ENOTDIR)
        return ls_fail(error, number == EISDIR ? LS_INVALID : LS_SYSTEM, "cannot %s %s: %s%s",
                       action, path, strerror(number),
                       number == ENOSPC   ? "; make room on its disk"
                       : number == EDQUOT ? "; remove files of yours, or ask for a larger quota"
                                          : "");
    bool missing = false;
    const size_t length = part_in_the_way(path, &missing);
    if (!length)
        return ls_fail(error, LS_INVALID, "cannot %s %s: %s", action, path, strerror(number));
    return ls_fail(error, LS_INVALID, "cannot %s %s: '%.*s' %s", action, path, (int)length, path,
                   missing ? "does not exist" : "is a file, not a folder");
}

enum ls_status ls_folder_temporary(char *path, size_t size, struct ls_error *error) {
    const char *base = getenv("TMPDIR");
    snprintf(path, size, "%s/lockstep-XXXXXX", base && *base ? base : "/tmp");
    if (mkdtemp(path))
        return LS_OK;
    const enum ls_status status = ls_file_fail(error, "create folder", path, errno);
    path[0] = '\0';
    return status;
}

bool ls_file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

void ls_path_free(char *path, size_t size) {
    struct stat info;
    const size_t length = strlen(path);
    for (int number = 2; lstat(path, &info) == 0; number++)
        if ((size_t)snprintf(path + length, size - length, "-%d", number) >= size - length)
            return; /* whoever renames to that is told that something is there */
}

/* The folder that path lies in; owned by the caller. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ls_strdup(".");
    char *folder = ls_strdup(path);
    folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

/* A number for this host and, as containers may share its name, the table of process ids that ours
 * is from. */
static unsigned place_of_ids(void) {
    char place[HOST_NAME_MAX + 64] = "";
    gethostname(place, HOST_NAME_MAX);
    const size_t length = strlen(place);
    const ssize_t more = readlink("/proc/self/ns/pid", place + length, sizeof place - length);
    return (unsigned)ls_hash_bytes(place, length + (size_t)(more > 0 ? more : 0));
}

/* Creates PATH.tmp-PLACE-PID-N for the first N that is free. */
static int create_temporary(const char *path, char *temporary, size_t size) {
    int file = -1;
    for (int number = 0; number < 1000; number++) {
        snprintf(temporary, size, "%s.tmp-%u-%ld-%d", path, place_of_ids(), (long)getpid(), number);
        file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST)
            break;
    }
    return file;
}

/* Temporaries of path whose process was killed. Those of other hosts are left alone: nobody knows
 * here whether their processes live. */
static void remove_left(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = folder_of(path), start[NAME_MAX + 1];
    const int length =
        snprintf(start, sizeof start, "%.200s.tmp-%u-", slash ? slash + 1 : path, place_of_ids());
    DIR *open_folder = opendir(folder);
    for (const struct dirent *entry; open_folder && (entry = readdir(open_folder));) {
        if (strncmp(entry->d_name, start, (size_t)length) != 0)
            continue;
        const long pid = strtol(entry->d_name + length, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH)
            unlinkat(dirfd(open_folder), entry->d_name, 0);
    }
    if (open_folder)
        closedir(open_folder);
    free(folder);
}

/* Creates it empty; what is there and no regular file is refused. */
static enum ls_status make_temporary(const char *path, char **temporary, struct ls_error *error) {
    struct stat info; /* a device or a pipe must not be replaced by a file */
    *temporary = NULL;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return ls_file_fail(error, "write", path, EISDIR);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return ls_fail(error, LS_INVALID, "cannot write %s: it is not a regular file", path);
    const size_t size = strlen(path) + 64;
    *temporary = ls_calloc(size, 1);
    const int file = create_temporary(path, *temporary, size);
    if (file >= 0) {
        close(file);
        return LS_OK;
    }
    const int number = errno;
    free(*temporary);
    *temporary = NULL;
    return ls_file_fail(error, "write", path, number);
}

enum ls_status ls_file_temporary(const char *path, char **temporary, struct ls_error *error) {
    remove_left(path);
    return make_temporary(path, temporary, error);
}

static enum ls_status sync_at(const char *path, int flags, struct ls_error *error) {
    const int file = open(path, flags | O_CLOEXEC);
    if (file < 0)
        return ls_file_fail(error, "sync", path, errno);
    const int number = fsync(file) ? errno : 0;
    close(file);
    if (number &&
        number != EINVAL) /* EINVAL: some file systems cannot sync a folder, and need not */
        return ls_file_fail(error, "sync", path, number);
    return LS_OK;
}

enum ls_status ls_folder_sync(const char *path, struct ls_error *error) {
    return sync_at(path, O_RDONLY | O_DIRECTORY, error);
}

enum ls_status ls_file_replace(const char *temporary, const char *path, struct ls_error *error) {
    enum ls_status status = sync_at(temporary, O_RDONLY, error);
    if (status != LS_OK)
        return status;
    if (rename(temporary, path))
        return ls_file_fail(error, "write", path, errno);
    char *folder = folder_of(path);
    status = ls_folder_sync(folder, error);
    free(folder);
    return status;
}

/* 0 or errno; a close that fails is a write that failed (NFS, quotas). */
static int write_fully(const char *path, const char *bytes, uint64_t count) {
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int number = 0;
    for (uint64_t done = 0; done < count && !number;) {
        const ssize_t put = write(file, bytes + done, (size_t)(count - done));
        if (put >= 0)
            done += (uint64_t)put;
        else if (errno != EINTR)
            number = errno;
    }
    if (close(file) && !number)
        number = errno;
    return number;
}

enum ls_status ls_file_write(const char *path, const void *bytes, uint64_t count,
                             struct ls_error *error) {
    char *temporary;
    enum ls_status status = make_temporary(path, &temporary, error);
    if (status != LS_OK)
        return status;
    const int number = write_fully(temporary, bytes, count);
    status = number ? ls_file_fail(error, "write", path, number)
                    : ls_file_replace(temporary, path, error);
    if (status != LS_OK)
        unlink(temporary);
    free(temporary);
    return status;
}

enum ls_status ls_file_make(const char *path, ls_file_maker *write, const void *context,
                            struct ls_error *error) {
    char *temporary;
    enum ls_status status = ls_file_temporary(path, &temporary, error);
    if (status != LS_OK)
        return status;
    errno = 0;
    FILE *out = fopen(temporary, "wb");
    bool good = out && write(out, context);
    int number = errno;
    if (out && fclose(out) && good) {
        good = false;
        number = errno;
    }
    status = good ? ls_file_replace(temporary, path, error)
                  : ls_file_fail(error, "write", path, number ? number : EIO);
    if (status != LS_OK)
        unlink(temporary);
    free(temporary);
    return status;
}

/* A new folder outlives a power cut once its parent is synced; a parent that may not be read is
 * none of ours. */
static void sync_parent(const char *path) {
    struct ls_error ignored;
    char *parent = folder_of(path);
    (void)!ls_folder_sync(parent, &ignored);
    free(parent);
}

enum ls_status ls_folder_create(const char *path, struct ls_error *error) {
    char *part = ls_strdup(path);
    enum ls_status status = LS_OK;
    for (char *at = part; *at && status == LS_OK; at++) {
        if (at[1] != '/' && at[1] != '\0')
            continue;
        const char saved = at[1];
        at[1] = '\0';
        struct stat info;
        const int number = mkdir(part, 0777) ? errno : 0;
        if (!number)
            sync_parent(part);
        if (number && number != EEXIST)
            status = ls_file_fail(error, "create folder", path, number);
        else if (stat(part, &info) || !S_ISDIR(info.st_mode))
            status = ls_fail(error, LS_INVALID,
                             "cannot create folder %s: '%s' is a file, not a folder", path, part);
        at[1] = saved;
    }
    free(part);
    return status;
}

enum ls_status ls_folder_add(const char *path, struct ls_error *error) {
    struct stat info;
    if (mkdir(path, 0777) == 0) {
        sync_parent(path);
        return LS_OK;
    }
    const int number = errno;
    if (number != EEXIST)
        return ls_file_fail(error, "create folder", path, number);
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return ls_fail(error, LS_INVALID, "cannot create folder %s: it is a file, not a folder",
                       path);
    return LS_OK;
}

enum ls_status ls_folder_remove(const char *path, struct ls_error *error) {
    struct stat info;
    if (lstat(path, &info))
        return errno == ENOENT ? LS_OK : ls_file_fail(error, "remove", path, errno);
    char *root = ls_strdup(path);
    char *const roots[] = {root, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    LS_ASSERT(walk, "out of memory: walking %s", path);
    enum ls_status status = LS_OK;
    for (FTSENT *entry; status == LS_OK && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_D) /* visited again after its contents */
            continue;
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            status = ls_file_fail(error, "remove", entry->fts_path, entry->fts_errno);
        else if (remove(entry->fts_accpath) && errno != ENOENT)
            status = ls_file_fail(error, "remove", entry->fts_path, errno);
    }
    fts_close(walk);
    free(root);
    return status;
}

bool ls_path_ends(const char *path, const char *ending) {
    const size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && !strcmp(path + length - tail, ending);
}
