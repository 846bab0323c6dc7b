/* What a file holds that could be columns of a data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset_internal.h"
#include "io/hdf5_support.h"
#include "io/ragged.h"
#include "io/trial.h"

struct listing {
    struct ls_hdf5_file file;
    bool deep;
    struct ls_columns *columns;
};

static void add_other(struct ls_columns *columns, const char *name, const char *why,
                      const char *path) {
    const size_t length = strlen(path);
    if (!strncmp(why, path, length) && !strncmp(why + length, ": ", 2))
        why += length + 2;
    columns->others =
        ls_realloc(columns->others, (size_t)columns->other_count + 1, sizeof *columns->others);
    LS_ASSERT(asprintf(&columns->others[columns->other_count++], "/%s: %.*s", name,
                       (int)strcspn(why, "\n"), why) >= 0,
              "out of memory: %s", name);
}

static void add_column(struct listing *listing, const char *name, struct ls_array *array) {
    struct ls_columns *columns = listing->columns;
    struct ls_array ends = {0};
    struct ls_error ignored;
    char *slashed, *ends_name = ls_ragged_ends(listing->file.id, name);
    const bool ragged =
        ends_name && ls_array_open(&ends, &listing->file, ends_name, &ignored) == LS_OK;
    LS_ASSERT(asprintf(&slashed, "/%s", name) >= 0, "out of memory: %s", name);
    columns->items = ls_realloc(columns->items, (size_t)columns->count + 1, sizeof *columns->items);
    struct ls_column *column = &columns->items[columns->count++];
    ls_array_describe(array, column);
    column->name = slashed;
    column->rows = ragged ? ends.rows : array->rows;
    column->ragged = ragged;
    ls_array_close(&ends);
    free(ends_name);
}

static bool is_group(hid_t file, const char *name, const H5L_info_t *info) {
    H5O_info_t object;
    return info->type == H5L_TYPE_HARD &&
           H5Oget_info_by_name2(file, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           object.type == H5O_TYPE_GROUP;
}

static herr_t list_one(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct listing *listing = context;
    struct ls_array array;
    struct ls_error why;
    (void)group;
    if (is_group(listing->file.id, name, info) || ls_ragged_is_ends(listing->file.id, name))
        return 0;
    const enum ls_status status = ls_array_open(&array, &listing->file, name, &why);
    if (status == LS_OK && array.text) {
        add_other(listing->columns, name, "texts: may be the targets of a classification", "");
        ls_array_close(&array);
        return 0;
    }
    if (status != LS_OK) {
        add_other(listing->columns, name, why.text, listing->file.path);
        return 0;
    }
    add_column(listing, name, &array);
    ls_array_close(&array);
    return 0;
}

static enum ls_status list(struct listing *listing, struct ls_error *error) {
    const enum ls_status status = ls_hdf5_open_file(listing->file.path, &listing->file.id, error);
    if (status != LS_OK)
        return status;
    if (listing->deep)
        H5Lvisit(listing->file.id, H5_INDEX_NAME, H5_ITER_INC, list_one, listing);
    else
        H5Literate(listing->file.id, H5_INDEX_NAME, H5_ITER_INC, NULL, list_one, listing);
    H5Fclose(listing->file.id);
    return LS_OK;
}

static enum ls_status try_list(void *context, int part, struct ls_error *error) {
    (void)part;
    return list(context, error);
}

enum ls_status ls_columns_list(const struct ls_dataset_options *options, bool deep,
                               struct ls_columns *columns, struct ls_error *error) {
    struct ls_dataset found = {0};
    struct listing listing = {.file.links = options->links, .deep = deep, .columns = columns};
    *columns = (struct ls_columns){0};
    enum ls_status status = ls_dataset_find_files(&found, options->path, error);
    if (status == LS_OK) {
        listing.file.path = found.files[0].path;
        const struct ls_trial trial = {
            .work = try_list, .context = &listing, .path = listing.file.path};
        status = ls_trial_run(&trial, error);
    }
    if (status == LS_OK)
        status = list(&listing, error);
    for (int i = 0; i < found.count; i++)
        free(found.files[i].path);
    free(found.files);
    return status;
}

void ls_columns_clear(struct ls_columns *columns) {
    for (int i = 0; i < columns->count; i++)
        free((char *)(uintptr_t)columns->items[i].name);
    for (int i = 0; i < columns->other_count; i++)
        free(columns->others[i]);
    free(columns->items);
    free(columns->others);
    *columns = (struct ls_columns){0};
}
