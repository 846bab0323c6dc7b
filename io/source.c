/* Where data comes from: a name that we know, HDF5 files, or raw files that are imported into the
 * cache. */
#include "io/source.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "io/import_internal.h"

/* Part of every cached file's key: raise it when an import writes something else than before. */
enum { IMPORT_VERSION = 3, WORDS_MAX = 128 };

/* Cuts text into words at blanks, in place; '...' and "..." keep blanks. -1: too many, or an open
 * quote. */
static int split_words(char *text, char *words[WORDS_MAX]) {
    int count = 0;
    char *to = text;
    for (const char *from = text + strspn(text, " \t\n"); *from; from += strspn(from, " \t\n")) {
        if (count == WORDS_MAX)
            return -1;
        words[count++] = to;
        for (char quote = 0; *from && (quote || !strchr(" \t\n", *from)); from++) {
            if (quote ? *from == quote : *from == '\'' || *from == '"')
                quote = quote ? 0 : *from;
            else
                *to++ = *from;
            if (quote && !from[1])
                return -1;
        }
        if (*from)
            from++;
        *to++ = '\0';
    }
    return count;
}

static bool is_hdf5_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0);
}

static bool exists(const char *path) {
    glob_t found;
    if (ls_file_exists(path))
        return true;
    if (!strpbrk(path, "*?[") || glob(path, 0, NULL, &found) != 0)
        return false;
    globfree(&found);
    return true;
}

/* The system's reason, and where relative names would have been looked for. */
static enum ls_status missing(const char *path, const char *folder, struct ls_error *error) {
    const enum ls_status status = ls_file_fail(error, "read", path, errno ? errno : ENOENT);
    const size_t length = strlen(error->text);
    if (!folder && path[0] != '/')
        snprintf(
            error->text + length, sizeof error->text - length,
            "\n(LOCKSTEP_DATA, the folder that relative data files are taken from, is not set)");
    return status;
}

static enum ls_status resolve_hdf5(const char *name, const char *folder, char path[LS_TEXT_MAX],
                                   struct ls_error *error) {
    int length = -1;
    if (folder && name[0] != '/') {
        length = snprintf(path, LS_TEXT_MAX, "%s/%s", folder, name);
        if (length < LS_TEXT_MAX && exists(path))
            return LS_OK;
    }
    if (length < 0 || exists(name))
        length = snprintf(path, LS_TEXT_MAX, "%s", name);
    if (length >= LS_TEXT_MAX)
        return ls_fail(error, LS_INVALID, "%s: a path of more than %d bytes", name,
                       (int)LS_TEXT_MAX - 1);
    errno = 0;
    return exists(path) ? LS_OK : missing(path, folder, error);
}

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

static void add_text(struct ls_hash *hash, const char *text) {
    ls_hash_add(hash, text, strlen(text) + 1);
}

/* One file as it is now: another size or time is another import. */
static enum ls_status add_file(struct ls_hash *hash, const char *path, const char *folder,
                               struct ls_error *error) {
    struct stat info;
    errno = 0;
    char *absolute = realpath(path, NULL);
    if (!absolute || stat(absolute, &info)) {
        free(absolute);
        return missing(path, folder, error);
    }
    char text[96];
    snprintf(text, sizeof text, "%lld %lld.%09ld", (long long)info.st_size,
             (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    add_text(hash, absolute);
    add_text(hash, text);
    free(absolute);
    return LS_OK;
}

static enum ls_status cache_key(const struct ls_import *import, const char *folder, uint64_t *key,
                                struct ls_error *error) {
    struct ls_hash *hash = ls_hash_create();
    char version[16], *all = ls_import_print(import);
    snprintf(version, sizeof version, "%d", (int)IMPORT_VERSION);
    add_text(hash, version);
    add_text(hash, all);
    free(all);
    enum ls_status status = LS_OK;
    for (int i = 0; i < import->file_count && status == LS_OK; i++)
        status = add_file(hash, import->files[i], folder, error);
    const char *const others[] = {import->vocabulary, import->target_file, import->like};
    for (size_t i = 0; i < sizeof others / sizeof *others && status == LS_OK; i++)
        if (others[i][0])
            status = add_file(hash, others[i], folder, error);
    *key = ls_hash_value(hash);
    ls_hash_destroy(hash);
    return status;
}

/* CACHE/NAME-KEY.h5, NAME being the first file's, for people who look into the cache. */
static enum ls_status cache_path(const struct ls_import *import, const struct ls_source *source,
                                 char path[LS_TEXT_MAX], char cache[LS_TEXT_MAX],
                                 struct ls_error *error) {
    uint64_t key = 0;
    enum ls_status status = cache_key(import, source->folder, &key, error);
    if (status == LS_OK && source->cache)
        snprintf(cache, LS_TEXT_MAX, "%s", source->cache);
    else if (status == LS_OK)
        status = ls_cache_folder(cache, LS_TEXT_MAX, error);
    if (status != LS_OK)
        return status;
    const char *slash = strrchr(import->files[0], '/'),
               *name = slash ? slash + 1 : import->files[0];
    char digits[LS_HASH_TEXT_MAX];
    ls_hash_text(key, digits);
    if (snprintf(path, LS_TEXT_MAX, "%s/%.*s-%s.h5", cache, (int)strcspn(name, "."), name,
                 digits) >= LS_TEXT_MAX)
        return ls_fail(error, LS_INVALID, "the cache folder's path is too long: %s", cache);
    return LS_OK;
}

static enum ls_status resolve_raw(int count, char *const *words, const struct ls_source *source,
                                  char path[LS_TEXT_MAX], struct ls_error *error) {
    const char *folder = source->folder;
    struct ls_import import;
    char cache[LS_TEXT_MAX];
    enum ls_status status = ls_import_parse(&import, count, words, folder, error);
    if (status != LS_OK)
        return status;
    const bool tokens = import.format == LS_IMPORT_TEXT || import.format == LS_IMPORT_PAIRS;
    if (tokens && !import.vocabulary[0] && source->vocabulary)
        snprintf(import.vocabulary, sizeof import.vocabulary, "%s", source->vocabulary);
    if (import.format == LS_IMPORT_CSV && !import.like[0])
        import.schema = source->schema;
    import.no_targets = import.format == LS_IMPORT_CSV && source->no_targets;
    status = cache_path(&import, source, path, cache, error);
    if (status == LS_OK && source->import && !ls_file_exists(path)) {
        status = ls_folder_create(cache, error);
        if (status == LS_OK)
            status = ls_import_run(&import, path, error);
        if (status == LS_OK)
            ls_log(LS_LOG_INFO, "imported %s%s into %s", import.files[0],
                   import.file_count > 1 ? " ..." : "", path);
    }
    ls_import_clear(&import);
    return status;
}

static enum ls_status resolve_fashion(const struct ls_source *source, char path[LS_TEXT_MAX],
                                      struct ls_error *error) {
    static char *const train[] = {"idx", LS_FASHION_FOLDER "/train-images-idx3-ubyte.gz",
                                  LS_FASHION_FOLDER "/train-labels-idx1-ubyte.gz"};
    static char *const test[] = {"idx", LS_FASHION_FOLDER "/t10k-images-idx3-ubyte.gz",
                                 LS_FASHION_FOLDER "/t10k-labels-idx1-ubyte.gz"};
    if (source->role == LS_SOURCE_VALIDATION)
        return ls_fail(
            error, LS_INVALID,
            "fashion-mnist has a training and a test part only; data.split: [0.9, 0.1, 0] cuts a "
            "validation part off data.train");
    if (!ls_file_exists(LS_FASHION_FOLDER))
        return ls_fail(error, LS_INVALID,
                       "fashion-mnist: there is no " LS_FASHION_FOLDER
                       "; Debian's package dataset-fashion-mnist "
                       "puts it there");
    const struct ls_source anywhere = {.import = source->import};
    return resolve_raw(3, source->role == LS_SOURCE_TRAIN ? train : test, &anywhere, path, error);
}

enum ls_status ls_source_resolve(const struct ls_source *source, char path[LS_TEXT_MAX],
                                 struct ls_error *error) {
    const char *text = source->text;
    char copy[LS_TEXT_MAX + 1], *words[WORDS_MAX];
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return ls_fail(error, LS_INVALID, "a data source of more than %d bytes", (int)LS_TEXT_MAX);
    const int count = split_words(copy, words);
    if (count < 1)
        return ls_fail(error, LS_INVALID, "'%s': %s", text,
                       count ? "a quote is not closed, or too many words"
                             : "no data source is named");
    if (count == 1 && strcmp(words[0], "fashion-mnist") == 0)
        return resolve_fashion(source, path, error);
    if (count == 1 && is_hdf5_name(words[0]))
        return resolve_hdf5(words[0], source->folder, path, error);
    return resolve_raw(count, words, source, path, error);
}
