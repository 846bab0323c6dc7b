/* Where the data of a config, and the run that it starts from, lie: files that it names are looked
 * for beside it, then below $LOCKSTEP_DATA; those of the command line in the current folder first.
 * They stand in the config under absolute names from then on, so that a run's own copy means the
 * same from anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/source.h"
#include "launcher/config/reader.h"

const char *ls_data_folder(void) {
    const char *folder = getenv("LOCKSTEP_DATA");
    return folder && *folder ? folder : NULL;
}

static enum ls_status settle(const struct ls_config_reader *reader, const char *key, char *text) {
    const struct ls_origin origin = *ls_reader_origin(reader, key);
    char *folder = ls_strdup(reader->path), located[LS_TEXT_MAX];
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    const char *first = origin.assignment || !slash ? "." : folder;
    const char *const folders[] = {first, ls_data_folder(), NULL};
    struct ls_error why;
    const enum ls_status status = ls_source_locate(text, folders, located, &why);
    free(folder);
    if (status != LS_OK)
        return ls_reader_fail(reader, origin, "%s: %s", key, why.text);
    memcpy(text, located, LS_TEXT_MAX);
    return LS_OK;
}

/* A run lies where commands look for it, in the current folder, or beside the config. */
static void settle_start(const struct ls_config_reader *reader) {
    char *from = reader->config->start.from, path[2 * LS_TEXT_MAX];
    const char *slash = strrchr(reader->path, '/');
    if (!from[0])
        return;
    snprintf(path, sizeof path, "%s", from);
    if (!ls_file_exists(path) && slash && from[0] != '/')
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - reader->path), reader->path, from);
    char *full = realpath(path, NULL);
    if (full && strlen(full) < LS_TEXT_MAX)
        strcpy(from, full);
    free(full);
}

enum ls_status ls_reader_settle_paths(const struct ls_config_reader *reader) {
    struct ls_data_options *data = &reader->config->data;
    settle_start(reader);
    enum ls_status status = settle(reader, "data.train", data->train);
    if (status == LS_OK)
        status = settle(reader, "data.validation", data->validation);
    return status == LS_OK ? settle(reader, "data.test", data->test) : status;
}
