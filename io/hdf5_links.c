/* Datasets of foreign files: the links on the way to them, how they are stored, and where what they
 * are made of lies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/field.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/cache.h"
#include "io/file.h"
#include "io/hdf5_support.h"

enum { STEPS_MAX = 16 };
static const hsize_t CHUNK_BYTES_MAX = (hsize_t)1 << 31;

/* On the way from a data file to values that may lie in others. */
struct walk {
    const struct ls_hdf5_file *from; /* the data file itself */
    char *root;                      /* owned: its folder, resolved; NULL: nothing was followed */
    int steps;
    struct ls_hash *linked; /* owned; of the files that were gone to */
    bool left;              /* there are some */
};

/* A place in one of the files. */
struct place {
    hid_t file;
    const char *path, *name;
};

static enum ls_status go(struct walk *walk, const struct place *place, hid_t *dataset,
                         struct ls_error *error);

static enum ls_status refuse_link(const struct walk *walk, const char *part, const char *kind,
                                  struct ls_error *error) {
    return ls_fail(error, LS_INVALID,
                   "%s: '%s' is %s; data sets may only use what lies in the file itself, or, with "
                   "data.links: same_folder, below its folder",
                   walk->from->path, part, kind);
}

static enum ls_status find_root(struct walk *walk, struct ls_error *error) {
    if (walk->root)
        return LS_OK;
    walk->root = realpath(walk->from->path, NULL);
    if (!walk->root)
        return ls_file_fail(error, "read", walk->from->path, errno);
    strrchr(walk->root, '/')[1] = '\0'; /* with the slash */
    return LS_OK;
}

/* The file that a link in `holder` names, resolved; owned by the caller. */
static enum ls_status resolve(struct walk *walk, const char *holder, const char *name, char **path,
                              struct ls_error *error) {
    char *joined;
    enum ls_status status = find_root(walk, error);
    if (status != LS_OK)
        return status;
    const char *slash = strrchr(holder, '/');
    const int folder = name[0] == '/' || !slash ? 0 : (int)(slash - holder) + 1;
    LS_ASSERT(asprintf(&joined, "%.*s%s", folder, holder, name) >= 0, "out of memory: %s", name);
    *path = realpath(joined, NULL);
    if (!*path)
        status = ls_file_fail(error, "read", joined, errno);
    else if (strncmp(*path, walk->root, strlen(walk->root)) != 0)
        status = ls_fail(error, LS_INVALID,
                         "%s: it uses %s, which lies outside of its folder %s: not allowed",
                         walk->from->path, *path, walk->root);
    if (status == LS_OK) {
        walk->left = true;
        status = ls_cache_add_file(walk->linked, *path, error);
    }
    if (status != LS_OK) {
        if (*path)
            free(*path);
        else
            ls_fail_context(error, "%s: it uses another file: ", walk->from->path);
        *path = NULL;
    }
    free(joined);
    return status;
}

static enum ls_status go_to_file(struct walk *walk, const char *holder, const char *file,
                                 const char *name, hid_t *dataset, struct ls_error *error) {
    char *path;
    struct place there = {.name = name};
    enum ls_status status = resolve(walk, holder, file, &path, error);
    if (status != LS_OK)
        return status;
    there.path = path;
    status = ls_hdf5_open_file(path, &there.file, error);
    if (status == LS_OK) {
        status = go(walk, &there, dataset, error);
        H5Fclose(there.file); /* the dataset keeps it open */
    }
    free(path);
    return status;
}

/* Where the soft or external link `part` leads, with `rest` behind it. */
static enum ls_status follow(struct walk *walk, const struct place *place, const char *part,
                             const char *rest, const H5L_info_t *link, hid_t *dataset,
                             struct ls_error *error) {
    const bool soft = link->type == H5L_TYPE_SOFT;
    if (!walk->from->links || (!soft && link->type != H5L_TYPE_EXTERNAL))
        return refuse_link(walk, part, soft ? "a soft link" : "an external link", error);
    if (++walk->steps > STEPS_MAX)
        return ls_fail(error, LS_INVALID, "%s: '%s': links that lead in a circle", walk->from->path,
                       part);
    char *value = ls_calloc(link->u.val_size + 1, 1), *target;
    const char *file = NULL, *object = value;
    enum ls_status status = LS_OK;
    if (H5Lget_val(place->file, part, value, link->u.val_size, H5P_DEFAULT) < 0 ||
        (!soft && H5Lunpack_elink_val(value, link->u.val_size, NULL, &file, &object) < 0))
        status = ls_hdf5_fail(error, LS_INVALID, "%s: cannot follow '%s'", place->path, part);
    if (status == LS_OK) {
        const char *slash = strrchr(part, '/');
        const int folder = object[0] == '/' || !soft || !slash ? 0 : (int)(slash - part) + 1;
        LS_ASSERT(asprintf(&target, "%.*s%s%s", folder, part, object, rest) >= 0,
                  "out of memory: %s", part);
        const struct place there = {place->file, place->path, target};
        status = soft ? go(walk, &there, dataset, error)
                      : go_to_file(walk, place->path, file, target, dataset, error);
        free(target);
    }
    free(value);
    return status;
}

static enum ls_status check_filters(hid_t properties, const char *path, const char *name,
                                    struct ls_error *error) {
    const int count = H5Pget_nfilters(properties);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        char title[64] = "";
        const H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL,
                                                   sizeof title, title, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            return ls_fail(
                error, LS_INVALID,
                "%s: %s uses the filter %d (%s); expected deflate, shuffle or fletcher32 only\n"
                "write it again with compression='gzip', or none (h5py: "
                "new.create_dataset(name, data=old[name][()], compression='gzip'))",
                path, name, (int)filter, title);
    }
    if (count < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read the filters of %s", path, name);
    return LS_OK;
}

static enum ls_status check_chunks(hid_t dataset, hid_t properties, const char *path,
                                   const char *name, struct ls_error *error) {
    hsize_t dims[H5S_MAX_RANK];
    const int rank = H5Pget_chunk(properties, H5S_MAX_RANK, dims);
    const hid_t type = H5Dget_type(dataset);
    hsize_t bytes = H5Tget_size(type);
    H5Tclose(type);
    bool fits = rank >= 0 && bytes > 0;
    for (int i = 0; i < rank && fits; i++)
        fits = !__builtin_mul_overflow(bytes, dims[i], &bytes) && bytes <= CHUNK_BYTES_MAX;
    if (!fits)
        return ls_fail(error, LS_INVALID, "%s: %s has chunks of more than 2^31 bytes", path, name);
    return LS_OK;
}

/* A part of a virtual dataset takes a box of its source, or all of it. */
static bool takes_what_is_there(hid_t source, hid_t properties, size_t index) {
    const hid_t space = H5Dget_space(source), mapped = H5Pget_virtual_srcspace(properties, index);
    const hid_t part = H5Pget_virtual_vspace(properties, index);
    hsize_t dims[H5S_MAX_RANK] = {0}, first[H5S_MAX_RANK], last[H5S_MAX_RANK];
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    bool inside = H5Sget_simple_extent_npoints(space) == H5Sget_select_npoints(part);
    if (H5Sget_select_type(mapped) == H5S_SEL_HYPERSLABS) {
        inside = H5Sget_simple_extent_ndims(mapped) == rank &&
                 H5Sget_select_bounds(mapped, first, last) >= 0;
        for (int i = 0; i < rank && inside; i++)
            inside = last[i] < dims[i];
    }
    H5Sclose(part);
    H5Sclose(mapped);
    H5Sclose(space);
    return inside;
}

/* A source of a virtual dataset: there, with values, as many as are mapped. */
static enum ls_status check_source(struct walk *walk, const struct place *place, hid_t properties,
                                   size_t index, struct ls_error *error) {
    char file[LS_TEXT_MAX], name[LS_TEXT_MAX];
    if (H5Pget_virtual_filename(properties, index, file, sizeof file) < 0 ||
        H5Pget_virtual_dsetname(properties, index, name, sizeof name) < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read what %s is made of", place->path,
                            place->name);
    if (strchr(file, '%') || strchr(name, '%'))
        return ls_fail(error, LS_INVALID,
                       "%s: %s is made of files with a pattern for a name ('%s'), which is not "
                       "allowed; name each",
                       place->path, place->name, file);
    hid_t source;
    const struct place there = {place->file, place->path, name};
    const enum ls_status status = strcmp(file, ".") != 0
                                      ? go_to_file(walk, place->path, file, name, &source, error)
                                      : go(walk, &there, &source, error);
    if (status != LS_OK)
        return status;
    if (ls_hdf5_check_allocated(source, file, name, error) != LS_OK) {
        H5Dclose(source);
        return ls_fail_context(error, "%s: %s is made of ", place->path, place->name);
    }
    const bool inside = takes_what_is_there(source, properties, index);
    H5Dclose(source);
    if (inside)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: %s takes more of %s in %s than is there: the rest would be fill values",
                   place->path, place->name, name, file);
}

/* Every value comes from a source below the folder. */
static enum ls_status check_virtual(struct walk *walk, const struct place *place, hid_t dataset,
                                    hid_t properties, struct ls_error *error) {
    if (!walk->from->links)
        return refuse_link(walk, place->name, "a virtual dataset, made of other files", error);
    const char *prefix = getenv("HDF5_VDS_PREFIX");
    if (prefix && *prefix)
        return ls_fail(error, LS_INVALID,
                       "HDF5_VDS_PREFIX is set: HDF5 would look for the files of virtual datasets "
                       "there, not below %s; unset it",
                       walk->root ? walk->root : "their folder");
    if (++walk->steps > STEPS_MAX)
        return ls_fail(error, LS_INVALID, "%s: %s: virtual datasets that lead in a circle",
                       place->path, place->name);
    size_t count = 0;
    const hid_t space = H5Dget_space(dataset);
    const hssize_t all = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    hssize_t mapped = 0;
    enum ls_status status = LS_OK;
    if (H5Pget_virtual_count(properties, &count) < 0)
        status = ls_hdf5_fail(error, LS_INVALID, "%s: cannot read what %s is made of", place->path,
                              place->name);
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        const hid_t part = H5Pget_virtual_vspace(properties, i);
        const hssize_t points = H5Sget_select_npoints(part);
        H5Sclose(part);
        mapped = points < 0 || points > all - mapped ? all + 1 : mapped + points;
        const int steps = walk->steps;
        status = mapped > all ? LS_OK : check_source(walk, place, properties, i, error);
        walk->steps = steps;
    }
    if (status == LS_OK && mapped != all)
        status = ls_fail(error, LS_INVALID,
                         "%s: the parts of the virtual dataset %s do not make up the whole: others "
                         "would be fill values",
                         place->path, place->name);
    return status;
}

static enum ls_status check_storage(struct walk *walk, const struct place *place, hid_t dataset,
                                    struct ls_error *error) {
    const hid_t properties = H5Dget_create_plist(dataset);
    if (properties < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read how %s is stored", place->path,
                            place->name);
    const H5D_layout_t layout = H5Pget_layout(properties);
    enum ls_status status = LS_OK;
    if (layout == H5D_VIRTUAL)
        status = check_virtual(walk, place, dataset, properties, error);
    else if (H5Pget_external_count(properties) != 0)
        status = ls_fail(error, LS_INVALID,
                         "%s: %s keeps its values in other files, which is not allowed",
                         place->path, place->name);
    else
        status = check_filters(properties, place->path, place->name, error);
    if (status == LS_OK && layout == H5D_CHUNKED)
        status = check_chunks(dataset, properties, place->path, place->name, error);
    H5Pclose(properties);
    return status;
}

static enum ls_status open_here(struct walk *walk, const struct place *place, hid_t *dataset,
                                struct ls_error *error) {
    H5O_info_t object;
    if (H5Oget_info_by_name2(place->file, place->name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read '%s'", place->path, place->name);
    if (object.type != H5O_TYPE_DATASET)
        return ls_fail(error, LS_INVALID, "%s: '%s' is not a dataset", place->path, place->name);
    *dataset = H5Dopen2(place->file, place->name, H5P_DEFAULT);
    if (*dataset < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot open %s", place->path, place->name);
    const enum ls_status status = check_storage(walk, place, *dataset, error);
    if (status != LS_OK)
        H5Dclose(*dataset);
    return status;
}

struct names {
    char text[512];
    size_t used;
};

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct names *names = context;
    (void)group, (void)info;
    if (names->used + strlen(name) + 8 > sizeof names->text) {
        strcpy(names->text + names->used, ", ...");
        return 1;
    }
    names->used +=
        (size_t)sprintf(names->text + names->used, "%s/%s", names->used ? ", " : "", name);
    return 0;
}

static enum ls_status missing(const struct place *place, struct ls_error *error) {
    struct names names = {0};
    H5Literate(place->file, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, &names);
    return ls_fail(error, LS_INVALID, "%s: there is no dataset '%s' in it%s%s", place->path,
                   place->name, names.used ? "; it has " : "; it is empty", names.text);
}

/* Every link on the way is looked at before HDF5 may follow it. */
static enum ls_status go(struct walk *walk, const struct place *place, hid_t *dataset,
                         struct ls_error *error) {
    char *part = ls_strdup(place->name);
    enum ls_status status = LS_OK;
    bool followed = false;
    for (size_t i = 1; status == LS_OK && !followed && part[0] && part[i - 1]; i++) {
        if ((part[i] != '/' && part[i] != '\0') || part[i - 1] == '/')
            continue;
        const char saved = part[i];
        part[i] = '\0';
        H5L_info_t link;
        if (H5Lexists(place->file, part, H5P_DEFAULT) <= 0)
            status = missing(place, error);
        else if (H5Lget_info(place->file, part, &link, H5P_DEFAULT) < 0)
            status = ls_hdf5_fail(error, LS_INVALID, "%s: cannot follow '%s'", place->path, part);
        else if ((followed = link.type != H5L_TYPE_HARD))
            status = follow(walk, place, part, place->name + i, &link, dataset, error);
        part[i] = saved;
    }
    free(part);
    return status == LS_OK && !followed ? open_here(walk, place, dataset, error) : status;
}

enum ls_status ls_hdf5_open_dataset(const struct ls_hdf5_file *file, const char *name,
                                    struct ls_hdf5_dataset *dataset, struct ls_error *error) {
    struct walk walk = {.from = file, .linked = ls_hash_create()};
    const struct place place = {file->id, file->path, name};
    const enum ls_status status = go(&walk, &place, &dataset->id, error);
    dataset->linked = walk.left ? ls_hash_value(walk.linked) : 0;
    ls_hash_destroy(walk.linked);
    free(walk.root);
    return status;
}
