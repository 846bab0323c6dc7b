#include "launcher/worker/class_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/column_names.h"

static char **copy_words(const struct ls_schema_column *words) {
    char **names = ls_calloc((size_t)words->word_count, sizeof *names);
    for (int k = 0; k < words->word_count; k++)
        names[k] = ls_strdup(words->words[k]);
    return names;
}

/* The columns that are targets, if there are as many. */
static char **copy_targets(const struct ls_schema *schema, int count) {
    char **names = ls_calloc((size_t)count, sizeof *names);
    int found = 0;
    for (int c = 0; c < schema->count; c++)
        if (schema->columns[c].role == LS_ROLE_TARGET && found++ < count)
            names[found - 1] = ls_strdup(schema->columns[c].name);
    if (found == count)
        return names;
    ls_schema_free_names(names, found < count ? found : count);
    return NULL;
}

/* The attribute of the feed's dataset, in the first part that has it. */
static char **read_columns(const struct ls_data *data, const char *target, int count) {
    const struct ls_feed *feed = ls_data_feed(data, target);
    for (int role = 0; role < LS_PARTS && feed && !feed->missing; role++) {
        char **names = NULL;
        int found = 0;
        struct ls_error ignored; /* a file that cannot say it */
        if (!data->parts[role].dataset || feed->shape.rank == LS_FEED_OPEN ||
            ls_column_names(ls_dataset_path(data->parts[role].dataset),
                            data->options[role][feed - data->feeds].column, &names, &found,
                            &ignored) != LS_OK)
            continue;
        if (found == count)
            return names;
        ls_schema_free_names(names, found);
    }
    return NULL;
}

static char **count_up(int count) {
    char **names = ls_calloc((size_t)count, sizeof *names), number[16];
    for (int k = 0; k < count; k++) {
        snprintf(number, sizeof number, "%d", k);
        names[k] = ls_strdup(number);
    }
    return names;
}

/* A table has its targets in the column of that name. */
static bool is_of_table(const struct ls_data *data, const char *target) {
    const struct ls_feed *feed = target ? ls_data_feed(data, target) : NULL;
    const char *column = feed ? data->options[LS_SOURCE_TRAIN][feed - data->feeds].column : "";
    return data->schema.count && (!feed || !strcmp(column + (*column == '/'), "targets"));
}

char **ls_class_names(const struct ls_data *data, const char *target, int count, bool *named) {
    const struct ls_schema *schema = data && is_of_table(data, target) ? &data->schema : NULL;
    const struct ls_schema_column *words = schema ? ls_schema_classes(schema) : NULL;
    char **names = words && words->word_count == count ? copy_words(words)
                   : schema                            ? copy_targets(schema, count)
                                                       : NULL;
    if (!names && data && target)
        names = read_columns(data, target, count);
    if (named)
        *named = names != NULL;
    return names ? names : count_up(count);
}
