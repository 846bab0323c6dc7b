#include "io/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "io/source.h"

/* The last bytes of a sealed file. */
struct seal {
    char magic[16];
    uint64_t bytes, digest; /* of all before the seal */
};
_Static_assert(sizeof(struct seal) == LS_SEAL_BYTES, "a seal");
static const char magic[16] = "lockstep sealed";

enum ls_status ls_cache_folder(char *path, size_t size, struct ls_error *error) {
    const char *own = getenv("LOCKSTEP_CACHE"), *user = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    int length;
    if (own && *own)
        length = snprintf(path, size, "%s", own);
    else if (user && *user)
        length = snprintf(path, size, "%s/lockstep", user);
    else if (home && *home)
        length = snprintf(path, size, "%s/.cache/lockstep", home);
    else
        return ls_fail(error, LS_INVALID,
                       "no folder for imported data: set LOCKSTEP_CACHE (or HOME)");
    if ((size_t)length >= size)
        return ls_fail(error, LS_INVALID, "the cache folder's path has more than %zu bytes",
                       size - 1);
    return LS_OK;
}

enum ls_status ls_cache_add_file(struct ls_hash *key, const char *path, struct ls_error *error) {
    struct stat info;
    char *absolute = realpath(path, NULL), text[96];
    if (!absolute || stat(absolute, &info)) {
        const enum ls_status status = ls_file_fail(error, "read", path, errno);
        free(absolute);
        return status;
    }
    const int length = snprintf(text, sizeof text, "%lld %lld.%09ld", (long long)info.st_size,
                                (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    ls_hash_add(key, absolute, strlen(absolute) + 1);
    ls_hash_add(key, text, (size_t)length + 1);
    free(absolute);
    return LS_OK;
}

/* The folder that is asked for. */
static enum ls_status find_folder(const char *given, char folder[LS_TEXT_MAX],
                                  struct ls_error *error) {
    if (!given)
        return ls_cache_folder(folder, LS_TEXT_MAX, error);
    snprintf(folder, LS_TEXT_MAX, "%s", given);
    return LS_OK;
}

enum ls_status ls_cache_path(const struct ls_cache_entry *entry, char path[LS_TEXT_MAX],
                             struct ls_error *error) {
    char folder[LS_TEXT_MAX], digits[LS_HASH_TEXT_MAX];
    const enum ls_status status = find_folder(entry->folder, folder, error);
    if (status != LS_OK)
        return status;
    const char *slash = strrchr(entry->of, '/'), *name = slash ? slash + 1 : entry->of;
    ls_hash_text(entry->key, digits);
    if (snprintf(path, LS_TEXT_MAX, "%s/%.*s-%s.%s", folder, (int)strcspn(name, "."), name, digits,
                 entry->ending) >= LS_TEXT_MAX)
        return ls_fail(error, LS_INVALID, "the cache folder's path is too long: %s", folder);
    return LS_OK;
}

static bool is_temporary(const char *name) {
    const char *at = strstr(name, ".tmp-");
    return at && at[5 + strspn(at + 5, "0123456789-")] == '\0';
}

static void remove_temporaries(const char *folder) {
    DIR *open_folder = opendir(folder);
    if (!open_folder)
        return;
    for (const struct dirent *entry; (entry = readdir(open_folder));)
        if (is_temporary(entry->d_name))
            unlinkat(dirfd(open_folder), entry->d_name, 0);
    closedir(open_folder);
}

/* Whoever writes shares the lock; a temporary that is there while nobody holds it belongs to a
 * process that was killed. A file system without locks is cleaned by nobody. */
enum ls_status ls_cache_enter(const char *given, int *lock, struct ls_error *error) {
    char folder[LS_TEXT_MAX], path[LS_TEXT_MAX + 8];
    *lock = -1;
    enum ls_status status = find_folder(given, folder, error);
    if (status == LS_OK)
        status = ls_folder_create(folder, error);
    if (status != LS_OK)
        return status;
    snprintf(path, sizeof path, "%s/.lock", folder);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        return ls_file_fail(error, "write", path, errno);
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        remove_temporaries(folder);
    while (flock(*lock, LOCK_SH) && errno == EINTR)
        ;
    return LS_OK;
}

void ls_cache_leave(int lock) {
    if (lock >= 0)
        close(lock);
}

enum ls_status ls_cache_seal(const char *path, struct ls_error *error) {
    struct seal seal = {0};
    memcpy(seal.magic, magic, sizeof magic);
    const enum ls_status status = ls_file_digest(path, &seal.bytes, &seal.digest, error);
    if (status != LS_OK)
        return status;
    const int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0)
        return ls_file_fail(error, "write", path, errno);
    const ssize_t put = write(file, &seal, sizeof seal);
    const int number = put < 0 ? errno : put < (ssize_t)sizeof seal ? ENOSPC : 0;
    if (close(file) || number)
        return ls_file_fail(error, "write", path, number ? number : errno);
    return LS_OK;
}

static bool is_sealed(int file, uint64_t size) {
    struct seal seal;
    if (size <= sizeof seal ||
        pread(file, &seal, sizeof seal, (off_t)(size - sizeof seal)) != (ssize_t)sizeof seal)
        return false;
    if (memcmp(seal.magic, magic, sizeof magic) != 0 || seal.bytes != size - sizeof seal)
        return false;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return false;
    madvise(bytes, size, MADV_SEQUENTIAL);
    const bool same = ls_hash_bytes(bytes, seal.bytes) == seal.digest;
    munmap(bytes, size);
    return same;
}

bool ls_cache_intact(const char *path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    struct stat info;
    const bool intact =
        fstat(file, &info) == 0 && S_ISREG(info.st_mode) && is_sealed(file, (uint64_t)info.st_size);
    close(file);
    if (!intact) /* it stays until a new one takes its place: others may be reading it */
        ls_log(LS_LOG_WARNING, "%s is damaged: it is made again from the data", path);
    return intact;
}
