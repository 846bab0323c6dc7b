/* Standard input as a data source: kept in a folder of its own while it is used. */
#ifndef LS_LAUNCHER_PIPED_H
#define LS_LAUNCHER_PIPED_H

#include "core/base/field.h"
#include "core/base/status.h"

struct ls_piped {
    char source[LS_TEXT_MAX]; /* the data source, with a file in place of "-" */
    char folder[LS_TEXT_MAX]; /* "": standard input is not read */
};

/* source: as a user wrote it. Where a word of it is "-", standard input is read to its end; "-"
 * alone is a table, csv. */
LS_MUST_USE enum ls_status ls_piped_take(struct ls_piped *piped, const char *source,
                                         struct ls_error *error);
void ls_piped_remove(struct ls_piped *piped); /* also of a zeroed one */

#endif
