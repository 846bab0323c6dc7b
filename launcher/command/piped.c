#include "launcher/command/piped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

/* Where the word "-" stands; NULL: nowhere. */
static const char *find_dash(const char *source) {
    for (const char *at = strchr(source, '-'); at; at = strchr(at + 1, '-'))
        if ((at == source || at[-1] == ' ') && (!at[1] || at[1] == ' '))
            return at;
    return NULL;
}

static enum ls_status copy_input(const char *path, struct ls_error *error) {
    static char bytes[1 << 16];
    FILE *to = fopen(path, "wb");
    bool good = to != NULL;
    for (size_t count; good && (count = fread(bytes, 1, sizeof bytes, stdin)) > 0;)
        good = fwrite(bytes, 1, count, to) == count;
    good = !ferror(stdin) && good;
    if (to)
        good = !fclose(to) && good;
    return good ? LS_OK : ls_file_fail(error, "write", path, errno);
}

enum ls_status ls_piped_take(struct ls_piped *piped, const char *source, struct ls_error *error) {
    const char *dash = find_dash(source);
    *piped = (struct ls_piped){0};
    snprintf(piped->source, sizeof piped->source, "%s", source);
    if (!dash)
        return LS_OK;
    const enum ls_status status = ls_folder_temporary(piped->folder, sizeof piped->folder, error);
    if (status != LS_OK)
        return status;
    char path[LS_TEXT_MAX + 16];
    snprintf(path, sizeof path, "%s/input", piped->folder);
    if (snprintf(piped->source, sizeof piped->source, "%s%.*s'%s'%s", dash == source ? "csv " : "",
                 (int)(dash - source), source, path, dash + 1) >= (int)sizeof piped->source)
        return ls_fail(error, LS_INVALID, "a data source of more than %d bytes", (int)LS_TEXT_MAX);
    return copy_input(path, error);
}

void ls_piped_remove(struct ls_piped *piped) {
    struct ls_error ignored;
    if (piped->folder[0])
        (void)!ls_folder_remove(piped->folder, &ignored);
    piped->folder[0] = '\0';
}
