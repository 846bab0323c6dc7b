/* What was learned from the columns of the training data: kept with the run, the same in all of its
 * parts and for all data that its model meets. */
#include "io/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/worker/data.h"

/* Whether all files of a part mean by their columns what the schema says. */
static enum ls_status check_part(const struct ls_data *data, int role, bool targets, const char *of,
                                 struct ls_error *error) {
    const struct ls_dataset *dataset = data->datasets[role];
    enum ls_status status = LS_OK;
    for (int f = 0; dataset && f < ls_dataset_info(dataset).files && status == LS_OK; f++) {
        const char *path = ls_dataset_file(dataset, f);
        struct ls_schema other;
        bool found;
        status = ls_schema_load(&other, path, &found, error);
        if (status == LS_OK && found &&
            ls_schema_compare(&data->schema, &other, targets, error) != LS_OK)
            status = ls_fail_context(
                error, "%s: not the columns of %s (import it with --like): ", path, of);
        ls_schema_clear(&other);
    }
    return status;
}

/* Targets that are texts are a column of words like a table's. */
static bool learn_labels(struct ls_data *data) {
    int count;
    const char *const *labels = ls_dataset_labels(data->datasets[LS_SOURCE_TRAIN], &count);
    if (!count)
        return false;
    ls_schema_create(&data->schema, 1);
    struct ls_schema_column *column = &data->schema.columns[0];
    *column = (struct ls_schema_column){.name = ls_strdup("targets"),
                                        .role = LS_ROLE_TARGET,
                                        .kind = LS_CELL_CATEGORY,
                                        .word_count = count,
                                        .words = ls_calloc((size_t)count, sizeof *column->words),
                                        .fill = (double)NAN};
    for (int i = 0; i < count; i++)
        column->words[i] = ls_strdup(labels[i]);
    return true;
}

enum ls_status ls_data_open_labelled(struct ls_data *data, int role, const char *schema,
                                     struct ls_dataset_options *options, struct ls_error *error) {
    struct ls_schema known = {0};
    enum ls_status status = schema ? ls_schema_parse(&known, schema, "the run", error) : LS_OK;
    const struct ls_schema_column *classes = status == LS_OK ? ls_schema_classes(&known) : NULL;
    if (classes) {
        options->labels = (const char *const *)classes->words;
        options->label_count = classes->word_count;
    }
    if (status == LS_OK)
        status = ls_dataset_open(&data->datasets[role], options, error);
    int count = 0;
    if (status == LS_OK)
        ls_dataset_labels(data->datasets[role], &count);
    if (count && !classes && role != LS_SOURCE_TRAIN)
        status = ls_fail(error, LS_INVALID,
                         "%s: its targets are texts, but those of the training data are numbers",
                         ls_dataset_path(data->datasets[role]));
    ls_schema_clear(&known);
    return status;
}

enum ls_status ls_data_learn_schema(struct ls_data *data, struct ls_error *error) {
    bool found;
    const enum ls_status status = ls_schema_load(
        &data->schema, ls_dataset_path(data->datasets[LS_SOURCE_TRAIN]), &found, error);
    if (status == LS_OK && !found)
        found = learn_labels(data);
    if (status != LS_OK || !found)
        return status;
    data->schema_text = ls_schema_print(&data->schema);
    return check_part(data, LS_SOURCE_TRAIN, true, "its first file", error);
}

enum ls_status ls_data_check_schemas(const struct ls_data *data, struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS && status == LS_OK && data->schema.count;
         role++)
        status = check_part(data, role, true, "the training data", error);
    return status;
}

/* The feed over which missing cells are filled in; NULL: nothing reads them. */
static const struct ls_feed_options *filled_feed(const struct ls_data *data, int role) {
    for (int i = 0; i < data->feed_count; i++) {
        const char *column = data->options[role][i].column;
        column += column[0] == '/';
        if (ls_dataset_column(data->datasets[role], column) &&
            (!strcmp(column, "inputs") || !strcmp(column, "series")))
            return &data->options[role][i];
    }
    return NULL;
}

static void note_fill(struct ls_schema *schema, const double *fill) {
    int place = 0;
    for (int c = 0; c < schema->count; c++) {
        const int width = ls_schema_width(schema, c);
        if (width && schema->columns[c].kind != LS_CELL_CATEGORY)
            schema->columns[c].fill = fill[place];
        place += width;
    }
}

static enum ls_status check_fill(const struct ls_schema *schema, struct ls_error *error) {
    for (int c = 0; c < schema->count; c++) {
        const struct ls_schema_column *column = &schema->columns[c];
        if (column->role == LS_ROLE_INPUT && column->kind != LS_CELL_CATEGORY &&
            isnan(column->fill))
            return ls_fail(error, LS_INVALID,
                           "column '%s' has no value in the training part: there is nothing to "
                           "fill missing cells in with; leave it out with --drop",
                           column->name);
    }
    return LS_OK;
}

/* Missing cells of all parts are what the schema says. */
static void apply_fill(struct ls_data *data) {
    char **names;
    double *fill;
    const int count = ls_schema_inputs(&data->schema, &names, &fill);
    for (int role = 0; role < LS_PARTS; role++)
        if (data->datasets[role] && ls_dataset_has_missing(data->datasets[role]))
            ls_dataset_fill(data->datasets[role], fill, count);
    ls_schema_free_names(names, count);
    free(fill);
}

enum ls_status ls_data_learn_fill(struct ls_data *data, struct ls_error *error) {
    struct ls_schema *schema = &data->schema;
    const struct ls_feed_options *feed = filled_feed(data, LS_SOURCE_TRAIN);
    const bool median = schema->missing == LS_MISSING_MEDIAN;
    if (!schema->count || !feed || !(median || schema->missing == LS_MISSING_MEAN))
        return LS_OK;
    const struct ls_column *column =
        ls_dataset_column(data->datasets[LS_SOURCE_TRAIN], feed->column);
    int64_t places = 0;
    for (int c = 0; c < schema->count; c++)
        places += ls_schema_width(schema, c);
    if (places != ls_shape_count(column->shape))
        return ls_fail(error, LS_INVALID, "%s: its schema has %lld inputs, but %s has %lld",
                       ls_dataset_path(data->datasets[LS_SOURCE_TRAIN]), (long long)places,
                       column->name, (long long)ls_shape_count(column->shape));
    double *fill = ls_calloc((size_t)places, sizeof *fill);
    enum ls_status status = ls_part_fill(&data->parts[LS_SOURCE_TRAIN], feed, median, fill, error);
    if (status == LS_OK) {
        note_fill(schema, fill);
        status = check_fill(schema, error);
    }
    free(fill);
    if (status == LS_OK)
        apply_fill(data);
    return status;
}

enum ls_status ls_data_adopt_schema(struct ls_data *data, const char *text,
                                    struct ls_error *error) {
    ls_schema_clear(&data->schema);
    const enum ls_status status = ls_schema_parse(&data->schema, text, "the run", error);
    if (status == LS_OK)
        apply_fill(data);
    return status;
}

enum ls_status ls_data_take_schema(struct ls_data *data, const char *text, int role, bool targets,
                                   struct ls_error *error) {
    const enum ls_status status = ls_data_adopt_schema(data, text, error);
    return status == LS_OK ? check_part(data, role, targets, "the run's training data", error)
                           : status;
}

enum ls_status ls_data_save_schema(const struct ls_data *data, const char *run,
                                   struct ls_error *error) {
    char path[LS_TEXT_MAX + 16];
    if (!data->schema.count)
        return LS_OK;
    snprintf(path, sizeof path, "%s/schema.json", run);
    char *text = ls_schema_print(&data->schema);
    const size_t length = strlen(text);
    text[length] = '\n'; /* instead of the NUL */
    const enum ls_status status = ls_file_write(path, text, length + 1, error);
    free(text);
    return status;
}
