/* What tokens were made of. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/ragged.h"

/* The column of the texts of another one; -1: there is none of bytes. */
static int find_texts(const struct ls_dataset *dataset, const char *column) {
    char name[LS_TEXT_MAX + sizeof LS_COLUMN_TEXT];
    snprintf(name, sizeof name, "%s%s", column, LS_COLUMN_TEXT);
    const int found = ls_dataset_find_column(dataset, name);
    const bool texts =
        found >= 0 && dataset->ends[found] && dataset->columns[found].type == LS_DATA_UINT8;
    return texts ? found : -1;
}

bool ls_dataset_has_text(const struct ls_dataset *dataset, const char *column) {
    return find_texts(dataset, column) >= 0;
}

enum ls_status ls_dataset_text(struct ls_dataset *dataset, const char *column, uint64_t sample,
                               char **text, struct ls_error *error) {
    const int at = find_texts(dataset, column);
    *text = NULL;
    if (at < 0)
        return LS_OK;
    LS_ASSERT(sample < dataset->info.samples && !dataset->reach, "the text of sample %llu",
              (unsigned long long)sample);
    int f = dataset->count - 1;
    while (dataset->files[f].first > sample)
        f--;
    const struct ls_dataset_file *file = &dataset->files[f];
    const struct ls_array *bytes = &file->arrays[at];
    uint64_t first, count = 0;
    pthread_mutex_lock(&dataset->mutex);
    enum ls_status status =
        ls_ragged_row(bytes, &file->ends[at], sample - file->first, &first, &count, error);
    if (status == LS_OK) {
        *text = ls_calloc(count + 1, 1);
        if (count)
            status = ls_array_read(bytes, first, count, *text, error);
    }
    pthread_mutex_unlock(&dataset->mutex);
    if (status != LS_OK) {
        free(*text);
        *text = NULL;
    }
    return status;
}
