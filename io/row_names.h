/* What an imported table knows of its rows: the texts of its id column, and where they stood in the
 * file if others were left out. */
#ifndef LS_IO_ROW_NAMES_H
#define LS_IO_ROW_NAMES_H

#include "io/dataset.h"

enum { LS_ROW_NAME_BYTES_MAX = 1024 };

struct ls_row_names {
    uint64_t count;   /* samples of the data set */
    char **ids;       /* [count] owned; NULL: there is no such column */
    int64_t *numbers; /* [count] owned, from 0; NULL: each row's own number */
};

/* Of samples that are rows; of windows nothing is known. */
LS_MUST_USE enum ls_status ls_row_names_load(struct ls_row_names *names,
                                             const struct ls_dataset *dataset,
                                             struct ls_error *error);
void ls_row_names_clear(struct ls_row_names *names); /* also of zeroed ones */

#endif
