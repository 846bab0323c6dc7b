/* What the values and shapes of data tell about it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/worker/data.h"

static struct ls_feed_options *targets_of(struct ls_data *data, int role) {
    for (int i = 0; i < data->feed_count; i++)
        if (!strcmp(data->options[role][i].name, "targets"))
            return &data->options[role][i];
    return NULL;
}

enum ls_status ls_data_settle_targets(struct ls_data *data, const struct ls_config *config,
                                      int role, struct ls_error *error) {
    struct ls_feed_options *targets = targets_of(data, role);
    const struct ls_dataset *dataset = data->datasets[role];
    const struct ls_column *column = targets ? ls_dataset_column(dataset, targets->column) : NULL;
    const bool plain = targets && !targets->window && !targets->length && !targets->masked;
    if (!column || !plain || config->task.kind != LS_TASK_CLASSIFICATION ||
        column->shape.rank != 1 || column->shape.dims[0] < 2)
        return LS_OK;
    return ls_dataset_is_one_hot(data->datasets[role], targets, &targets->one_hot, error);
}

static int by_number(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void ls_data_sort_parts(struct ls_data *data, const struct ls_config *config) {
    for (int role = 0; role < LS_PARTS && config->data.shuffle == LS_SHUFFLE_BLOCKS; role++) {
        struct ls_part *part = &data->parts[role];
        if (!part->permuted)
            continue;
        uint64_t *samples = data->samples[role] = ls_calloc(part->count, sizeof *samples);
        for (uint64_t i = 0; i < part->count; i++)
            samples[i] = ls_part_sample(part, i);
        qsort(samples, part->count, sizeof *samples, by_number);
        part->samples = samples;
        part->permuted = false;
    }
}

/* Few planes in front and many values behind: the usual shape of images of other programs. */
static bool planes_first(struct ls_shape shape) {
    const int64_t first = shape.dims[0], last = ls_shape_last(shape);
    return shape.rank == 3 && (first == 1 || first == 3 || first == 4) && last > 4 &&
           shape.dims[1] > 4;
}

static bool planes_last(struct ls_shape shape) {
    const int64_t first = shape.dims[0], last = ls_shape_last(shape);
    return shape.rank == 3 && (last == 1 || last == 3 || last == 4) && first > 4 &&
           shape.dims[1] > 4;
}

/* Columns of a table of which a model sees little, because float rounds their numbers. */
static void note_digits(const struct ls_data *data, const char *feed, int role, const char *cure) {
    static const double ROUNDED = 0x1p-24, MUCH = 1e-3; /* of a number; of a deviation */
    const struct ls_feed *taken = ls_data_feed(data, feed);
    const struct ls_schema *schema = &data->schema;
    bool exact = false;
    for (int c = 0; c < schema->count; c++)
        exact = exact || (schema->columns[c].exact && schema->columns[c].role == role);
    if (!exact || !taken || taken->missing)
        return;
    const struct ls_feed_options *options = &data->options[LS_SOURCE_TRAIN][taken - data->feeds];
    const char *column = options->column; /* a feed may be called inputs and read another */
    if (options->length || (strcmp(column, "/inputs") != 0 && strcmp(column, "/series") != 0 &&
                            strcmp(column, "/targets") != 0))
        return;
    const int64_t count =
        options->window ? ls_shape_last(taken->shape) : ls_shape_count(taken->shape);
    double *mean = ls_calloc((size_t)count, sizeof *mean);
    double *scale = ls_calloc((size_t)count, sizeof *scale);
    struct ls_error ignored;
    const bool known = ls_part_statistics(&data->parts[LS_SOURCE_TRAIN], options, count, mean,
                                          scale, &ignored) == LS_OK;
    int64_t place = -options->first_channel;
    for (int c = 0; c < schema->count && known; c++) {
        const bool input = role == LS_ROLE_INPUT, its = schema->columns[c].role == role;
        const int64_t width = input ? ls_schema_width(schema, c) : its;
        const bool taken_here = place >= 0 && place < count;
        const double rounded = taken_here ? fabs(mean[place]) * ROUNDED : 0;
        if (its && schema->columns[c].exact && taken_here && rounded * scale[place] > MUCH)
            ls_log(LS_LOG_WARNING,
                   "column '%s': a model gets its numbers rounded by up to %.2g, but they deviate "
                   "by %.2g only; %s keeps their digits",
                   schema->columns[c].name, rounded, 1 / scale[place], cure);
        place += width;
    }
    free(mean);
    free(scale);
}

/* Rows that are too long for a feed. */
static void note_cuts(const struct ls_data *data) {
    struct ls_dataset *dataset = data->datasets[LS_SOURCE_TRAIN];
    for (int i = 0; i < data->feed_count; i++) {
        const struct ls_feed_options *feed = &data->options[LS_SOURCE_TRAIN][i];
        struct ls_error ignored; /* whoever reads the rows says it */
        uint64_t cut;
        if (feed->lengths || ls_dataset_count_cut(dataset, feed, &cut, &ignored) != LS_OK || !cut)
            continue;
        ls_log(LS_LOG_INFO,
               "feed '%s': %llu of %llu rows of %s do not fit into its length %lld and are cut",
               feed->name, (unsigned long long)cut,
               (unsigned long long)ls_dataset_info(dataset).samples, feed->column,
               (long long)feed->length);
    }
}

void ls_data_note(const struct ls_data *data, const struct ls_config *config) {
    note_cuts(data);
    if (config->data.standardise == LS_STANDARDISE_NONE)
        note_digits(data, "inputs", LS_ROLE_INPUT,
                    config->data.window ? "data.standardise: channel"
                                        : "data.standardise: feature");
    if (!config->data.standardise_targets && !config->data.window)
        note_digits(data, "targets", LS_ROLE_TARGET, "data.standardise_targets: true");
    const struct ls_feed *inputs = ls_data_feed(data, "inputs");
    if (!inputs || inputs->shape.rank != 3)
        return;
    const struct ls_shape shape = inputs->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (config->data.layout == LS_CHANNELS_LAST && planes_first(shape))
        ls_log(LS_LOG_WARNING,
               "samples are %s, so each has %lld channels (the last dimension); if it is the first "
               "that counts them, set data.layout: channels_first",
               ls_sample_print(shape, text), (long long)ls_shape_last(shape));
    const struct ls_shape stored = LS_SHAPE(ls_shape_last(shape), shape.dims[0], shape.dims[1]);
    if (config->data.layout == LS_CHANNELS_FIRST && planes_last(stored))
        ls_log(LS_LOG_WARNING,
               "data.layout is channels_first, but samples are %s in the file: each has %lld "
               "channels then; the default, channels_last, takes the last dimension",
               ls_sample_print(stored, text), (long long)stored.dims[0]);
}
