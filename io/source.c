/* Where data comes from: a name that we know, HDF5 files, or raw files that are imported into the
 * cache. */
#include "io/source.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/cache.h"
#include "io/file.h"
#include "io/import_internal.h"

/* Part of every cached file's key: raise it when an import writes something else than before. */
enum { IMPORT_VERSION = 5, WORDS_MAX = 128 };

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
    static const char *const endings[] = {".h5", ".hdf5", ".hdf", ".he5", ".nc"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ls_path_ends(name, endings[i]))
            return true;
    return false;
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
    const bool here = name[0] == '/' || !folder || exists(name);
    const int length = here ? snprintf(path, LS_TEXT_MAX, "%s", name)
                            : snprintf(path, LS_TEXT_MAX, "%s/%s", folder, name);
    if (length >= LS_TEXT_MAX)
        return ls_fail(error, LS_INVALID, "%s: a path of more than %d bytes", name,
                       (int)LS_TEXT_MAX - 1);
    errno = 0;
    return exists(path) ? LS_OK : missing(path, folder, error);
}

static void add_text(struct ls_hash *hash, const char *text) {
    ls_hash_add(hash, text, strlen(text) + 1);
}

/* One file as it is now: another size or time is another import. */
static enum ls_status add_file(struct ls_hash *hash, const char *path, const char *folder,
                               struct ls_error *error) {
    if (ls_file_exists(path))
        return ls_cache_add_file(hash, path, error);
    return missing(path, folder, error);
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
    for (int i = 0; i < import->file_count && status == LS_OK; i++) {
        status = add_file(hash, import->files[i], folder, error);
        if (status == LS_OK && import->format == LS_IMPORT_IMAGES)
            status = ls_import_hash_folder(hash, import->files[i], error);
    }
    const char *const others[] = {import->vocabulary, import->target_file, import->like};
    for (size_t i = 0; i < sizeof others / sizeof *others && status == LS_OK; i++)
        if (others[i][0])
            status = add_file(hash, others[i], folder, error);
    *key = ls_hash_value(hash);
    ls_hash_destroy(hash);
    return status;
}

/* An import that is not there, or damaged, is made. */
static enum ls_status fill_cache(const struct ls_import *import, const char *folder,
                                 const char *path, struct ls_error *error) {
    int lock;
    if (ls_file_exists(path) && ls_cache_intact(path))
        return LS_OK;
    enum ls_status status = ls_cache_enter(folder, &lock, error);
    if (status != LS_OK)
        return status;
    status = ls_import_run(import, path, error);
    ls_cache_leave(lock);
    if (status == LS_OK)
        ls_log(LS_LOG_INFO, "imported %s%s into %s", import->files[0],
               import->file_count > 1 ? " ..." : "", path);
    return status;
}

static enum ls_status resolve_raw(int count, char *const *words, const struct ls_source *source,
                                  char path[LS_TEXT_MAX], struct ls_error *error) {
    const char *folder = source->folder;
    struct ls_import import;
    uint64_t key = 0;
    enum ls_status status = ls_import_parse(&import, count, words, folder, error);
    if (status != LS_OK)
        return status;
    const unsigned tokens = 1u << LS_IMPORT_TEXT | 1u << LS_IMPORT_PAIRS | 1u << LS_IMPORT_CSV;
    if ((tokens >> import.format & 1u) && !import.vocabulary[0] && source->vocabulary)
        snprintf(import.vocabulary, sizeof import.vocabulary, "%s", source->vocabulary);
    if (import.format == LS_IMPORT_CSV && !import.like[0])
        import.schema = source->schema;
    import.no_targets = import.format == LS_IMPORT_CSV && source->no_targets;
    import.sealed = true;
    status = cache_key(&import, folder, &key, error);
    /* The name is that of the first file, for people who look there. */
    const struct ls_cache_entry entry = {source->cache, import.files[0], "h5", key};
    if (status == LS_OK)
        status = ls_cache_path(&entry, path, error);
    if (status == LS_OK && source->import)
        status = fill_cache(&import, source->cache, path, error);
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

/* A file that lies below one of the folders, or a pattern that matches some there; owned by the
 * caller. */
static char *locate(const char *name, const char *const *folders) {
    char *found = NULL;
    for (int i = 0; name[0] != '/' && folders[i] && !found; i++) {
        char *joined, *folder = realpath(folders[i], NULL);
        if (!folder)
            continue;
        LS_ASSERT(asprintf(&joined, "%s/%s", folder, name) >= 0, "out of memory: %s", name);
        free(folder);
        if (exists(joined))
            found = joined;
        else
            free(joined);
    }
    return found ? found : ls_strdup(name);
}

/* Quoted where split_words would cut it. */
static size_t add_word(char located[LS_TEXT_MAX], size_t used, const char *word) {
    const char *quote = !word[strcspn(word, " \t\n'")] ? "" : strchr(word, '"') ? "'" : "\"";
    const int length = snprintf(located + used, LS_TEXT_MAX - used, "%s%s%s%s", used ? " " : "",
                                quote, word, quote);
    return used + (size_t)length < LS_TEXT_MAX ? used + (size_t)length : LS_TEXT_MAX;
}

enum ls_status ls_source_locate(const char *text, const char *const *folders,
                                char located[LS_TEXT_MAX], struct ls_error *error) {
    char copy[LS_TEXT_MAX], *words[WORDS_MAX];
    snprintf(copy, sizeof copy, "%s", text);
    const int count = split_words(copy, words);
    const bool known = count == 1 && !strcmp(words[0], "fashion-mnist");
    snprintf(located, LS_TEXT_MAX, "%s", text);
    if (count < 1 || known) /* what is wrong with it is said where it is opened */
        return LS_OK;
    size_t used = 0;
    bool found = false;
    for (int i = 0; i < count && used < LS_TEXT_MAX; i++) {
        const int at = ls_import_file_in(count, words, i), front = at < 0 ? 0 : at;
        char *word, *file = at < 0 ? ls_strdup(words[i]) : locate(words[i] + at, folders);
        LS_ASSERT(asprintf(&word, "%.*s%s", front, words[i], file) >= 0, "out of memory: %s", file);
        found = found || strcmp(word, words[i]) != 0;
        used = add_word(located, used, word);
        free(word);
        free(file);
    }
    if (!found)
        snprintf(located, LS_TEXT_MAX, "%s", text);
    return used < LS_TEXT_MAX
               ? LS_OK
               : ls_fail(error, LS_INVALID, "'%s': with absolute names it has more than %d bytes",
                         text, (int)LS_TEXT_MAX - 1);
}
