/* Where the files of an import lie. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/import_internal.h"

static enum ls_status add_file(struct ls_import *import, const char *path, struct ls_error *error) {
    if (import->file_count == LS_IMPORT_FILES_MAX)
        return ls_fail(error, LS_INVALID,
                       "more than %d files; import them in parts and join them with a pattern",
                       (int)LS_IMPORT_FILES_MAX);
    import->files[import->file_count++] = ls_strdup(path);
    return LS_OK;
}

/* Adds the file, or all that match a pattern; false: there is none. */
static bool add_existing(struct ls_import *import, const char *path, enum ls_status *status,
                         struct ls_error *error) {
    glob_t found;
    if (ls_file_exists(path)) {
        *status = add_file(import, path, error);
        return true;
    }
    if (!strpbrk(path, "*?[") || glob(path, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc && *status == LS_OK; i++)
        *status = add_file(import, found.gl_pathv[i], error);
    globfree(&found);
    return true;
}

enum ls_status ls_import_locate(struct ls_import *import, const char *name, const char *folder,
                                struct ls_error *error) {
    enum ls_status status = LS_OK;
    char *below = NULL;
    if (folder && name[0] != '/')
        LS_ASSERT(asprintf(&below, "%s/%s", folder, name) >= 0, "out of memory: %s", name);
    if (!add_existing(import, name, &status, error) &&
        !(below && add_existing(import, below, &status, error)))
        status = add_file(import, below ? below : name, error);
    free(below);
    return status;
}

enum ls_status ls_import_locate_option(char *path, const char *option, const char *folder,
                                       struct ls_error *error) {
    char below[LS_TEXT_MAX];
    if (!path[0] || path[0] == '/' || !folder)
        return LS_OK;
    if (snprintf(below, sizeof below, "%s/%s", folder, path) >= (int)sizeof below)
        return ls_fail(error, LS_INVALID, "--%s: a path of more than %d bytes", option,
                       (int)LS_TEXT_MAX - 1);
    if (!ls_file_exists(path))
        snprintf(path, LS_TEXT_MAX, "%s", below);
    return LS_OK;
}
