#include "launcher/worker/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/shuffle.h"
#include "launcher/worker/start.h"
#include "launcher/worker/translations.h"

const char *ls_part_name(int role) {
    static const char *const names[LS_PARTS] = {"train", "validation", "test"};
    return names[role];
}

/* Rows or values that a feed takes of a stream or a ragged column; 0: it takes plain rows. */
static int64_t extent(const struct ls_feed_options *feed) {
    return feed->window ? feed->window : feed->length;
}

static bool has_rows(const struct ls_feed_options *feed, const struct ls_column *column) {
    return extent(feed) && !feed->lengths && !strcmp(column->name + 1, feed->name) &&
           column->shape.rank > 0 && column->shape.dims[0] == extent(feed);
}

/* Of windows cut beforehand the channels that the config names are chosen, unless the column has no
 * others. */
static void take_channels(struct ls_feed_options *feed, const struct ls_column *columns,
                          int column_count) {
    for (int c = 0; c < column_count && feed->channels; c++)
        if (!strcmp(columns[c].name, feed->column) &&
            ls_shape_last(columns[c].shape) == feed->channels) {
            feed->channels_cut = feed->first_channel;
            feed->first_channel = feed->channels = 0;
        }
}

/* Data that has a feed's samples as rows already, /NAME [N, window or length, ...], is taken as it
 * is: then all such feeds are rows of columns called like them. */
static void take_rows(struct ls_feed_options *feeds, int count, const struct ls_column *columns,
                      int column_count) {
    bool rows = false;
    for (int i = 0; i < count; i++)
        for (int c = 0; c < column_count; c++)
            rows = rows || has_rows(&feeds[i], &columns[c]);
    for (int i = 0; i < count && rows; i++) {
        struct ls_feed_options *feed = &feeds[i];
        if (!extent(feed))
            continue;
        snprintf(feed->column, sizeof feed->column, "/%s", feed->masked ? "inputs" : feed->name);
        take_channels(feed, columns, column_count);
        feed->window = feed->offset = 0;
        feed->length = feed->begin = feed->end = 0;
        feed->lengths = false;
        feed->optional = true;
    }
}

/* Columns that a config leaves open are the only one of the file, or /inputs. */
static enum ls_status settle_columns(const struct ls_dataset_options *options,
                                     struct ls_feed_options *feeds, struct ls_error *error) {
    struct ls_columns columns;
    const int count = options->feed_count;
    const enum ls_status status = ls_columns_list(options, false, &columns, error);
    if (status != LS_OK)
        return status;
    const char *stream = columns.count == 1 ? columns.items[0].name : "/inputs";
    take_rows(feeds, count, columns.items, columns.count);
    for (int i = 0; i < count; i++)
        if (!feeds[i].column[0])
            snprintf(feeds[i].column, sizeof feeds[i].column, "%s", stream);
    ls_columns_clear(&columns);
    return LS_OK;
}

/* Opens the columns that the part's feeds need. */
static enum ls_status open_source(struct ls_data *data, const struct ls_config *config,
                                  const struct ls_source *source, enum ls_turn turn,
                                  struct ls_error *error) {
    char path[LS_TEXT_MAX];
    const int role = (int)source->role;
    struct ls_feed_options *feeds = data->options[role];
    const bool training = role == LS_SOURCE_TRAIN, shuffled = training && config->train.shuffle;
    const uint64_t block = ls_config_shuffle_block(config);
    struct ls_dataset_options options = {
        .path = path,
        .feeds = feeds,
        .feed_count = data->feed_count,
        .stride = ls_config_stride(config),
        .group = training && config->data.split.count ? ls_config_split_column(config) : NULL,
        .texts = config->task.kind == LS_TASK_TRANSLATION,
        .links = config->data.links == LS_LINKS_SAME_FOLDER,
        .checked = turn == LS_TURN_AFTER,
        .decode = shuffled && !block ? LS_DECODE_ALL : LS_DECODE_IF_IT_FITS,
        .window_rows = shuffled ? LS_SHUFFLE_WINDOW * block : (uint64_t)config->train.batch,
    };
    enum ls_status status = ls_source_resolve(source, path, error);
    if (status != LS_OK)
        return status;
    status = settle_columns(&options, feeds, error);
    if (status == LS_OK)
        status = ls_data_open_labelled(data, role, source->schema, &options, error);
    if (status == LS_OK)
        status = ls_data_settle_targets(data, config, role, error);
    if (status != LS_OK && !strstr(path, source->text)) /* nobody knows the cache's names */
        return ls_fail_context(error, "%s, imported as ", source->text);
    if (status == LS_OK)
        data->parts[role] =
            (struct ls_part){.dataset = data->datasets[role],
                             .count = ls_dataset_info(data->datasets[role]).samples};
    return status;
}

/* The training data's file, if it has a vocabulary: other parts are read with it. */
static const char *training_text(const struct ls_data *data) {
    const struct ls_dataset *dataset = data->datasets[LS_SOURCE_TRAIN];
    const struct ls_dataset_info info =
        dataset ? ls_dataset_info(dataset) : (struct ls_dataset_info){0};
    for (int i = 0; i < info.column_count; i++)
        if (info.columns[i].vocabulary)
            return ls_dataset_path(dataset);
    return NULL;
}

static enum ls_status open_part(struct ls_data *data, const struct ls_config *config, int role,
                                enum ls_turn turn, struct ls_error *error) {
    const char *const texts[LS_PARTS] = {config->data.train, config->data.validation,
                                         config->data.test};
    if (!texts[role][0])
        return LS_OK;
    struct ls_source source = {.text = texts[role],
                               .role = (enum ls_source_role)role,
                               .folder = ls_data_folder(),
                               .import = turn == LS_TURN_FIRST};
    if (role != LS_SOURCE_TRAIN) {
        source.vocabulary = training_text(data);
        source.schema = data->schema_text;
    } else if (data->vocabulary[0]) {
        source.vocabulary = data->vocabulary;
    }
    enum ls_status status = open_source(data, config, &source, turn, error);
    if (status == LS_OK && role == LS_SOURCE_TRAIN)
        status = ls_data_learn_schema(data, error);
    if (status != LS_OK) {
        const size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, "\n(data.%s of %s)",
                 ls_part_name(role), config->path);
    }
    return status;
}

static void miss_feed(struct ls_data *data, int feed, const struct ls_feed_options *options,
                      const struct ls_dataset *dataset) {
    LS_ASSERT(asprintf(&data->missing[feed],
                       "%s: there is no dataset '%s' in it: the data has no feed '%s'",
                       ls_dataset_path(dataset), options->column, options->name) >= 0,
              "out of memory: feed %d", feed);
    data->feeds[feed] =
        (struct ls_feed){.shape.rank = LS_FEED_OPEN, .missing = data->missing[feed]};
    memcpy(data->feeds[feed].name, options->name, sizeof options->name);
}

/* Targets that have numbers of their own, which answers are freed of. */
static bool is_restored(const struct ls_config *config, const char *feed) {
    return config->data.standardise_targets && !strcmp(feed, "targets");
}

/* Several numbers that are predicted of each row. */
static bool is_apart(const struct ls_config *config, const struct ls_feed *feed) {
    return config->task.kind == LS_TASK_REGRESSION && !strcmp(feed->name, "targets") &&
           feed->shape.rank == 1;
}

/* Inputs are scaled as the config says; and what is predicted behind them, by the same numbers. */
static enum ls_feed_scaling scaling_of(const struct ls_config *config, const char *feed) {
    if (is_restored(config, feed))
        return LS_FEED_PER_VALUE;
    static const enum ls_feed_scaling scalings[] = {
        [LS_STANDARDISE_NONE] = LS_FEED_AS_IT_IS,
        [LS_STANDARDISE_FEATURE] = LS_FEED_PER_VALUE,
        [LS_STANDARDISE_CHANNEL] = LS_FEED_PER_CHANNEL,
    };
    const bool forecast = config->data.window && !strcmp(feed, "targets");
    return forecast || !strcmp(feed, "inputs") ? scalings[config->data.standardise]
                                               : LS_FEED_AS_IT_IS;
}

void ls_data_mark_feed(const struct ls_config *config, struct ls_feed *feed) {
    feed->scaling = scaling_of(config, feed->name);
    feed->restored = is_restored(config, feed->name);
    feed->apart = is_apart(config, feed);
}

/* Statistics are of the values of a row, or of channels: of a window there is no value that is
 * always the same one, and a stream of single values has no channels. */
static enum ls_status check_scaling(const struct ls_feed *feed,
                                    const struct ls_feed_options *options, struct ls_error *error) {
    if (feed->scaling == LS_FEED_AS_IT_IS || !(options->window || options->length))
        return LS_OK;
    if (options->length)
        return ls_fail(
            error, LS_INVALID,
            "data.standardise: the rows of the feed '%s' have different lengths: there is "
            "nothing to standardise by; expected none",
            feed->name);
    if (feed->scaling == LS_FEED_PER_VALUE)
        return ls_fail(error, LS_INVALID,
                       "data.standardise: the feed '%s' takes windows, which have channels but no "
                       "features: expected channel, found feature",
                       feed->name);
    if (feed->shape.rank < 2)
        return ls_fail(
            error, LS_INVALID,
            "data.standardise: channel needs a stream of channels, [rows, channels], but "
            "%s of the feed '%s' is a stream of single values",
            options->column, feed->name);
    return LS_OK;
}

/* Channels are turned in rows that have them; where none has, the key says something else. */
static enum ls_status check_layout(const struct ls_config *config, const struct ls_feed *feed,
                                   const struct ls_feed_options *options, struct ls_error *error) {
    char shape[LS_SHAPE_TEXT_MAX];
    const int rank = options->window ? 4 : 3;
    if (config->data.layout != LS_CHANNELS_FIRST || feed->shape.rank == rank)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "data.layout: channels_first is for samples of three dimensions (channels, "
                   "height, width), but those of %s are %s",
                   options->column, ls_sample_print(feed->shape, shape));
}

/* What the data set of a part has for each feed. */
static enum ls_status offer_feeds(struct ls_data *data, const struct ls_config *config, int role,
                                  struct ls_error *error) {
    const struct ls_dataset *dataset = data->datasets[role];
    enum ls_status status = LS_OK;
    for (int i = 0; i < data->feed_count && status == LS_OK; i++) {
        const struct ls_feed_options *options = &data->options[role][i];
        struct ls_feed *feed = &data->feeds[i];
        if (options->optional && !ls_dataset_column(dataset, options->column)) {
            miss_feed(data, i, options, dataset);
            continue;
        }
        status = ls_dataset_describe(dataset, options, feed, error);
        ls_data_mark_feed(config, feed);
        if (status == LS_OK)
            status = check_scaling(feed, options, error);
        if (status == LS_OK && !strcmp(feed->name, "inputs"))
            status = check_layout(config, feed, options, error);
    }
    return status;
}

/* All parts must be of one kind: a model is made for one shape of each feed. */
static enum ls_status check_shapes(const struct ls_data *data, struct ls_error *error) {
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS; role++)
        for (int i = 0; i < data->feed_count && data->datasets[role]; i++) {
            if (data->missing[i])
                continue;
            struct ls_feed other;
            const struct ls_feed *feed = &data->feeds[i];
            const enum ls_status status =
                ls_dataset_describe(data->datasets[role], &data->options[role][i], &other, error);
            if (status != LS_OK)
                return ls_fail_context(error, "data.%s: ", ls_part_name(role));
            char expected[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX];
            const bool targets = !strcmp(feed->name, "targets");
            if (targets ? ls_feed_differs(feed, other.shape)
                        : !ls_shape_equal(feed->shape, other.shape))
                return ls_fail(
                    error, LS_INVALID, "data.%s: its %s are %s, those of data.train %s",
                    ls_part_name(role), strcmp(feed->name, "inputs") ? feed->name : "samples",
                    ls_sample_print(other.shape, found), ls_sample_print(feed->shape, expected));
        }
    return LS_OK;
}

enum ls_status ls_data_open(struct ls_data *data, const struct ls_config *config,
                            const struct ls_data_request *request, struct ls_error *error) {
    *data = (struct ls_data){0};
    if (!ls_start_vocabulary(config, request->run, data->vocabulary))
        data->vocabulary[0] = '\0';
    for (int role = 0; role < LS_PARTS; role++)
        data->feed_count = ls_config_feeds(config, data->options[role]);
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++)
        status = open_part(data, config, role, request->turn, error);
    if (status == LS_OK && !data->datasets[LS_SOURCE_TRAIN])
        status = ls_fail(error, LS_INVALID, "data.train names no data");
    if (status == LS_OK)
        status = offer_feeds(data, config, LS_SOURCE_TRAIN, error);
    if (status == LS_OK)
        status = check_shapes(data, error);
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++)
        if (data->datasets[role])
            status = ls_data_check_vocabularies(data, role, (struct ls_meaning){0}, error);
    if (status == LS_OK)
        status = ls_data_check_schemas(data, error);
    if (status == LS_OK && config->augment.mask > 0)
        status = ls_data_check_specials(data, error);
    if (status == LS_OK && config->data.split.count)
        status = ls_data_split(data, config, error);
    if (status == LS_OK)
        ls_data_sort_parts(data, config);
    if (status == LS_OK)
        status = ls_translations_check(config, data, error);
    if (status != LS_OK)
        ls_data_close(data);
    return status;
}

/* Whether only losses take the feed, which answers do without. */
static bool only_judges(const struct ls_config *config, const char *feed) {
    return strcmp(feed, "inputs") && ls_losses_take(&config->losses, feed) &&
           !ls_networks_take(&config->model, feed);
}

/* The config's feeds, in the order in which they are on offer: those that are read, then those that
 * stay open. Returns how many are read. */
static int choose_feeds(struct ls_data *data, const struct ls_config *config, bool targets,
                        int *all) {
    struct ls_feed_options feeds[LS_FEEDS_MAX], *chosen = data->options[LS_SOURCE_TRAIN];
    *all = ls_config_feeds(config, feeds);
    int count = 0, read = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < *all; i++)
            if ((targets || !only_judges(config, feeds[i].name)) == (pass == 0))
                chosen[count++] = feeds[i];
        if (pass == 0)
            read = count;
    }
    return read;
}

enum ls_status ls_data_open_given(struct ls_data *data, const struct ls_config *config,
                                  const struct ls_given_data *given, struct ls_error *error) {
    *data = (struct ls_data){0};
    int all;
    data->feed_count = choose_feeds(data, config, given->targets, &all);
    memcpy(data->options[LS_SOURCE_TEST], data->options[LS_SOURCE_TRAIN],
           (size_t)data->feed_count * sizeof data->options[0][0]);
    char vocabulary[LS_TEXT_MAX];
    const bool worded = ls_file_exists(ls_vocabulary_path(given->run, vocabulary));
    const struct ls_source source = {
        .text = given->file,
        .role = LS_SOURCE_TEST,
        .folder = ls_data_folder(),
        .import = true,
        .vocabulary = worded ? vocabulary : NULL,
        .schema = given->schema,
        .no_targets = !given->targets,
        .cache = given->cache,
    };
    enum ls_status status = open_source(data, config, &source, LS_TURN_FIRST, error);
    if (status == LS_OK)
        status = offer_feeds(data, config, LS_SOURCE_TEST, error);
    if (status == LS_OK)
        status = ls_data_check_vocabularies(data, LS_SOURCE_TEST,
                                            (struct ls_meaning){given->run, false}, error);
    if (status == LS_OK && given->schema)
        status = ls_data_take_schema(data, given->schema, LS_SOURCE_TEST, given->targets, error);
    for (; status == LS_OK && data->feed_count < all; data->feed_count++) {
        const char *name = data->options[LS_SOURCE_TRAIN][data->feed_count].name;
        struct ls_feed *feed = &data->feeds[data->feed_count];
        *feed = (struct ls_feed){.shape.rank = LS_FEED_OPEN,
                                 .scaling = scaling_of(config, name),
                                 .restored = is_restored(config, name)};
        memcpy(feed->name, name, sizeof feed->name);
    }
    if (status == LS_OK && worded)
        status = ls_data_take_vocabularies(data, vocabulary, error);
    if (status != LS_OK)
        ls_data_close(data);
    return status;
}

const struct ls_feed *ls_data_feed(const struct ls_data *data, const char *name) {
    for (int i = 0; i < data->feed_count; i++)
        if (!strcmp(data->feeds[i].name, name))
            return &data->feeds[i];
    return NULL;
}

void ls_data_close(struct ls_data *data) {
    for (int role = 0; role < LS_PARTS; role++)
        if (data->datasets[role])
            ls_dataset_close(data->datasets[role]);
    for (int i = 0; i < LS_FEEDS_MAX; i++) {
        free(data->missing[i]);
        free(data->centres[i]);
    }
    for (int role = 0; role < LS_PARTS; role++)
        free(data->samples[role]);
    ls_schema_clear(&data->schema);
    free(data->schema_text);
    *data = (struct ls_data){0};
}
