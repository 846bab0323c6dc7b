/* A folder of pictures: FOLDER/CLASS/FILE, the class folders' names are the targets; or files
 * alone, without targets. */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/cache.h"
#include "io/file.h"
#include "io/image.h"
#include "io/import_internal.h"

enum { SIDE_MAX = 1 << 14 };

struct picture {
    char *path;  /* owned */
    char *id;    /* in path, below the folder */
    char *class; /* owned; NULL: there are no class folders */
};

struct listing {
    const char *folder; /* borrowed */
    uint64_t count;
    struct picture *pictures; /* [count] owned */
    bool files, classes;      /* what lies in the folder itself */
    uint64_t last;            /* pictures before the class that is open */
};

static int by_bytes(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool hidden(const FTSENT *entry) {
    return entry->fts_level > 0 && entry->fts_name[0] == '.';
}

/* Calls visit for all below the folder but hidden names, sorted. */
static enum ls_status walk(const char *folder,
                           enum ls_status (*visit)(void *, const FTSENT *, struct ls_error *),
                           void *context, struct ls_error *error) {
    char *roots[] = {(char *)(uintptr_t)folder, NULL};
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_bytes);
    enum ls_status status = walk ? LS_OK : ls_file_fail(error, "read", folder, errno);
    for (FTSENT *entry; status == LS_OK && (errno = 0, entry = fts_read(walk));) {
        if (entry->fts_info == FTS_DC)
            status =
                ls_fail(error, LS_INVALID, "%s: a link to a folder around it", entry->fts_path);
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
                 entry->fts_info == FTS_NS || entry->fts_info == FTS_SLNONE)
            status = ls_file_fail(error, "read", entry->fts_path,
                                  entry->fts_errno ? entry->fts_errno : ENOENT);
        else if (hidden(entry))
            fts_set(walk, entry, FTS_SKIP);
        else
            status = visit(context, entry, error);
    }
    if (status == LS_OK && errno)
        status = ls_file_fail(error, "read", folder, errno);
    if (walk)
        fts_close(walk);
    return status;
}

/* ---- which pictures there are ---- */

static void add_picture(struct listing *listing, const FTSENT *entry) {
    if ((listing->count & (listing->count + 1)) == 0) /* 2^n - 1 are there */
        listing->pictures = ls_realloc(listing->pictures, (size_t)(2 * listing->count + 1),
                                       sizeof *listing->pictures);
    struct picture *picture = &listing->pictures[listing->count++];
    *picture = (struct picture){.path = ls_strdup(entry->fts_path)};
    picture->id = picture->path + strlen(listing->folder);
    picture->id += strspn(picture->id, "/");
    if (entry->fts_level == 2)
        picture->class = ls_strdup(entry->fts_parent->fts_name);
}

static enum ls_status list_entry(void *context, const FTSENT *entry, struct ls_error *error) {
    struct listing *listing = context;
    if (entry->fts_level == 0)
        return entry->fts_info == FTS_F ? ls_file_fail(error, "read", entry->fts_path, ENOTDIR)
                                        : LS_OK;
    if (entry->fts_info == FTS_DP)
        return listing->count > listing->last
                   ? LS_OK
                   : ls_fail(error, LS_INVALID, "%s: a class folder without a picture",
                             entry->fts_path);
    if (entry->fts_info == FTS_DEFAULT)
        return ls_fail(error, LS_INVALID, "%s: neither a file nor a folder", entry->fts_path);
    if (entry->fts_level > 2 || (entry->fts_info == FTS_D && entry->fts_level > 1))
        return ls_fail(error, LS_INVALID,
                       "%s: a folder inside a class folder; expected FOLDER/CLASS/FILE",
                       entry->fts_path);
    if (entry->fts_level == 1) {
        listing->files = listing->files || entry->fts_info == FTS_F;
        listing->classes = listing->classes || entry->fts_info == FTS_D;
        listing->last = listing->count;
    }
    if (listing->files && listing->classes)
        return ls_fail(error, LS_INVALID,
                       "%s: files and class folders side by side in %s; expected one kind",
                       entry->fts_path, listing->folder);
    if (entry->fts_info == FTS_F)
        add_picture(listing, entry);
    return LS_OK;
}

static void listing_clear(struct listing *listing) {
    for (uint64_t i = 0; i < listing->count; i++) {
        free(listing->pictures[i].path);
        free(listing->pictures[i].class);
    }
    free(listing->pictures);
}

static enum ls_status hash_entry(void *context, const FTSENT *entry, struct ls_error *error) {
    return entry->fts_info == FTS_F ? ls_cache_add_file(context, entry->fts_path, error) : LS_OK;
}

enum ls_status ls_import_hash_folder(struct ls_hash *key, const char *folder,
                                     struct ls_error *error) {
    return walk(folder, hash_entry, key, error);
}

/* ---- their sizes ---- */

/* "48" or "48x64"; height and width stay 0 where nothing was said. */
static enum ls_status parse_size(const char *text, struct ls_image *shape, struct ls_error *error) {
    int used = 0;
    long long height, width;
    if (!text[0])
        return LS_OK;
    if (sscanf(text, "%lldx%lld%n", &height, &width, &used) < 2) {
        used = 0;
        width = sscanf(text, "%lld%n", &height, &used) == 1 ? height : 0;
    }
    if (!used || text[used] || height < 1 || width < 1 || height > SIDE_MAX || width > SIDE_MAX)
        return ls_fail(error, LS_INVALID,
                       "--size: expected a height and a width of 1 to %d like 48x64, or one number "
                       "for both, found '%s'",
                       (int)SIDE_MAX, text);
    shape->height = height;
    shape->width = width;
    return LS_OK;
}

/* What all have in common: the size that was asked for or the one that all have; grey if all
 * are. */
static enum ls_status measure(const struct listing *listing, const char *size,
                              struct ls_image *shape, struct ls_error *error) {
    *shape = (struct ls_image){.channels = 1};
    enum ls_status status = parse_size(size, shape, error);
    for (uint64_t i = 0; i < listing->count && status == LS_OK; i++) {
        struct ls_image image;
        status = ls_image_measure(listing->pictures[i].path, &image, error);
        if (status != LS_OK)
            break;
        if (image.channels == 3)
            shape->channels = 3;
        if (!shape->height) {
            shape->height = image.height;
            shape->width = image.width;
        } else if (!size[0] && (image.height != shape->height || image.width != shape->width)) {
            status = ls_fail(error, LS_INVALID,
                             "%s: %lldx%lld pixels (height x width), but %s has %lldx%lld; --size "
                             "HxW scales and cuts them to one size",
                             listing->pictures[i].path, (long long)image.height,
                             (long long)image.width, listing->pictures[0].path,
                             (long long)shape->height, (long long)shape->width);
        }
    }
    return status;
}

/* ---- to the file ---- */

static enum ls_status copy_pixels(const struct listing *listing, const struct ls_image *shape,
                                  struct ls_writer *writer, int to, struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (uint64_t i = 0; i < listing->count && status == LS_OK; i++) {
        struct ls_image image;
        status = ls_image_read(listing->pictures[i].path, &image, error);
        if (status != LS_OK)
            break;
        if (shape->channels == 3)
            ls_image_colour(&image);
        ls_image_resize(&image, shape->height, shape->width);
        status = ls_writer_put(writer, to, i, 1, image.pixels, error);
        ls_image_clear(&image);
    }
    return status;
}

static enum ls_status write_texts(const struct listing *listing, struct ls_writer *writer,
                                  struct ls_error *error) {
    char **texts = ls_calloc((size_t)listing->count, sizeof *texts);
    for (uint64_t i = 0; i < listing->count; i++)
        texts[i] = listing->pictures[i].id;
    enum ls_status status = ls_writer_strings(writer, "/table/ids", listing->count, texts, error);
    for (uint64_t i = 0; i < listing->count; i++)
        texts[i] = listing->pictures[i].class;
    if (status == LS_OK && listing->classes)
        status = ls_writer_strings(writer, "/targets", listing->count, texts, error);
    free(texts);
    return status;
}

static enum ls_status import_folder(const struct ls_import *import, struct listing *listing,
                                    struct ls_writer *writer, struct ls_error *error) {
    struct ls_image shape;
    enum ls_status status = walk(listing->folder, list_entry, listing, error);
    if (status == LS_OK && !listing->count)
        status = ls_fail(error, LS_INVALID, "%s: no picture in it", listing->folder);
    if (status == LS_OK)
        status = measure(listing, import->size, &shape, error);
    if (status != LS_OK)
        return status;
    int to;
    status = ls_writer_add(writer, "/inputs", LS_KIND_U8, listing->count,
                           LS_SHAPE(shape.height, shape.width, shape.channels), &to, error);
    if (status == LS_OK)
        status = copy_pixels(listing, &shape, writer, to, error);
    return status == LS_OK ? write_texts(listing, writer, error) : status;
}

enum ls_status ls_import_images(const struct ls_import *import, struct ls_writer *writer,
                                struct ls_error *error) {
    if (import->file_count > 1)
        return ls_fail(error, LS_INVALID, "images: expected one folder, found %d names",
                       import->file_count);
    struct listing listing = {.folder = import->files[0]};
    const enum ls_status status = import_folder(import, &listing, writer, error);
    listing_clear(&listing);
    return status;
}
