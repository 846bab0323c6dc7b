/* The feeds of a config's data: the section's `feeds`, and what stands for them in short. */
#include <stdio.h>
#include <string.h>

#include "io/vocabulary.h"
#include "launcher/config/reader.h"

#define FEED(member) offsetof(struct ls_feed_options, member)
static const struct ls_field feed_items[] = {
    {.name = "column",
     .kind = LS_FIELD_TEXT,
     .offset = FEED(column),
     .help = "the dataset of the files that it is cut out of"},
    {.name = "window",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(window),
     .initial = "0",
     .max = 1 << 30,
     .unit = "rows",
     .help = "rows of a stream that make a sample; 0: a sample is one row"},
    {.name = "offset",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(offset),
     .initial = "0",
     .max = 1 << 30,
     .unit = "rows",
     .help = "of the window, from where the sample begins"},
    {.name = "first_channel",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(first_channel),
     .initial = "0",
     .max = 1 << 30,
     .help = "of the last dimension, counted from 0"},
    {.name = "channels",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(channels),
     .initial = "0",
     .max = 1 << 30,
     .help = "how many from there on; 0: all"},
    {.name = "length",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(length),
     .initial = "0",
     .max = 1 << 24,
     .unit = "values",
     .help = "of rows of different lengths: they are cut or padded with zeros to it; the feed "
             "NAME_length counts the values"},
    {.name = "begin",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(begin),
     .initial = "0",
     .max = 1 << 24,
     .help = "with length: the token in front of a row's (1: <begin>); 0: none"},
    {.name = "end",
     .kind = LS_FIELD_INTEGER,
     .offset = FEED(end),
     .initial = "0",
     .max = 1 << 24,
     .help = "with length: the token behind a row's (2: <end>), where it is not cut; 0: none"},
};
const struct ls_fields ls_feed_fields = {feed_items, (int)(sizeof feed_items / sizeof *feed_items)};

/* Bytes are pictures, but targets are numbers as they are; windows of one series are of one unit.
 */
static struct ls_feed_options feed_of(const char *name, const char *column) {
    struct ls_feed_options feed = {.whole_bytes = !strcmp(name, "targets")};
    snprintf(feed.name, sizeof feed.name, "%s", name);
    snprintf(feed.column, sizeof feed.column, "%s", column);
    return feed;
}

static int default_feeds(const struct ls_data_options *data, struct ls_feed_options *feeds) {
    int count = 0;
    feeds[count++] = feed_of("inputs", data->inputs[0] ? data->inputs : "/inputs");
    if (data->targets[0]) {
        feeds[count] = feed_of("targets", data->targets);
        feeds[count++].optional = true; /* predict needs none; a loss that does says so */
    }
    return count;
}

/* Inputs and targets of one column: the one that is named, or the only one of the file. */
static void twin_feeds(const struct ls_data_options *data, struct ls_feed_options *feeds) {
    const bool named = data->inputs[0] && strcmp(data->inputs, "/inputs");
    feeds[0] = feeds[1] = feed_of("inputs", named ? data->inputs : "");
    snprintf(feeds[1].name, sizeof feeds[1].name, "targets");
}

/* Inputs are a window of the stream; targets the same one row later, or the horizon behind it. */
static int window_feeds(const struct ls_data_options *data, struct ls_feed_options *feeds) {
    twin_feeds(data, feeds);
    feeds[0].window = data->window;
    feeds[1].window = data->horizon ? data->horizon : data->window;
    feeds[1].offset = data->horizon ? data->window : 1;
    if (data->target_channels.count) {
        feeds[1].first_channel = (int64_t)data->target_channels.values[0];
        feeds[1].channels = data->target_channels.count;
    }
    return 2;
}

/* Inputs are a row's tokens with <begin> in front; targets the same with <end> behind. */
static int length_feeds(const struct ls_data_options *data, struct ls_feed_options *feeds) {
    twin_feeds(data, feeds);
    feeds[0].length = feeds[1].length = data->length;
    feeds[0].begin = LS_TOKEN_BEGIN;
    feeds[1].end = LS_TOKEN_END;
    return 2;
}

struct ls_feed_options *ls_feeds_find(struct ls_feed_options *feeds, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (!strcmp(feeds[i].name, name))
            return &feeds[i];
    return NULL;
}

/* With masks the targets are the inputs as they are without. */
static int mask_feeds(struct ls_feed_options *feeds, int count) {
    const struct ls_feed_options *inputs = ls_feeds_find(feeds, count, "inputs");
    struct ls_feed_options *targets = ls_feeds_find(feeds, count, "targets");
    if (!inputs || (!targets && count == LS_FEEDS_MAX))
        return count;
    if (!targets)
        targets = &feeds[count++];
    *targets = *inputs;
    targets->masked = true;
    snprintf(targets->name, sizeof targets->name, "targets");
    return count;
}

/* NAME_length for every ragged feed NAME, while there is room. */
static int add_lengths(struct ls_feed_options *feeds, int count) {
    const int given = count;
    for (int i = 0; i < given && count < LS_FEEDS_MAX; i++)
        if (feeds[i].length) {
            struct ls_feed_options lengths = feeds[i];
            lengths.lengths = lengths.optional = true;
            lengths.masked = false;
            snprintf(lengths.name, sizeof lengths.name, "%.*s%s",
                     LS_FEED_NAME_MAX - (int)sizeof LS_LENGTH_ENDING, feeds[i].name,
                     LS_LENGTH_ENDING);
            feeds[count++] = lengths;
        }
    return count;
}

int ls_config_feeds(const struct ls_config *config, struct ls_feed_options *feeds) {
    const struct ls_data_options *data = &config->data;
    int count = data->feeds.count;
    if (data->window)
        count = window_feeds(data, feeds);
    else if (data->length)
        count = length_feeds(data, feeds);
    else if (!count)
        count = default_feeds(data, feeds);
    else
        memcpy(feeds, data->feeds.items, (size_t)count * sizeof *feeds);
    if (config->augment.mask > 0)
        count = mask_feeds(feeds, count);
    for (int i = 0; i < count; i++)
        feeds[i].channels_first = data->layout == LS_CHANNELS_FIRST && !feeds[i].length;
    return add_lengths(feeds, count);
}

int64_t ls_data_window(const struct ls_data_options *data) {
    int64_t window = data->window;
    for (int i = 0; i < data->feeds.count && !window; i++)
        window = data->feeds.items[i].window;
    return window;
}

const char *ls_config_split_column(const struct ls_config *config) {
    const struct ls_data_options *data = &config->data;
    const char *stratify = data->stratify;
    if (data->group[0])
        return data->group;
    if (!stratify[0] || !strcmp(stratify, "false"))
        return NULL;
    struct ls_feed_options feeds[LS_FEEDS_MAX];
    const int count = ls_config_feeds(config, feeds);
    const struct ls_feed_options *targets = ls_feeds_find(feeds, count, "targets");
    if (strcmp(stratify, "true") != 0)
        return stratify;
    return targets && data->feeds.count ? data->feeds.items[targets - feeds].column
           : data->targets[0]           ? data->targets
                                        : "/targets";
}

int64_t ls_config_stride(const struct ls_config *config) {
    const struct ls_data_options *data = &config->data;
    const int64_t window = ls_data_window(data);
    return !window ? 1 : data->stride ? data->stride : window;
}

static enum ls_status read_name(const struct ls_config_reader *reader, const yaml_node_t *node,
                                struct ls_feed_list *list, struct ls_feed_options **feed) {
    const char *name = ls_yaml_text(node);
    if (!ls_name_good(name, LS_FEED_NAME_MAX, false))
        return ls_reader_fail(reader, ls_origin_of(node),
                              "name of a feed: expected 1 to %d letters, digits, _ or -",
                              LS_FEED_NAME_MAX - 1);
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return ls_reader_fail(reader, ls_origin_of(node), "two feeds are called '%s'", name);
    if (list->count == LS_FEEDS_MAX)
        return ls_reader_fail(reader, ls_origin_of(node), "more than %d feeds", LS_FEEDS_MAX);
    *feed = &list->items[list->count++];
    **feed = feed_of(name, "");
    ls_fields_reset(ls_feed_fields, *feed);
    return LS_OK;
}

/* Behind a feed's name: its column alone, or a mapping of keys. */
static enum ls_status read_feed(const struct ls_config_reader *reader, const yaml_node_t *value,
                                struct ls_feed_options *feed) {
    char scope[LS_FEED_NAME_MAX + 16];
    snprintf(scope, sizeof scope, "data.feeds.%s", feed->name);
    if (value->type == YAML_SCALAR_NODE && !ls_yaml_empty(value))
        return ls_reader_set(reader, &feed_items[0], scope, value, feed);
    const struct ls_mapping mapping = {
        .scope = scope, .fields = ls_feed_fields, .target = feed, .help = "feeds"};
    const enum ls_status status = ls_reader_mapping(reader, &mapping, value);
    if (status == LS_OK && !feed->column[0])
        return ls_reader_fail(reader, ls_origin_of(value), "%s: 'column' is missing: %s", scope,
                              feed_items[0].help);
    feed->whole_bytes = feed->whole_bytes && !feed->window;
    return status;
}

enum ls_status ls_reader_feeds(struct ls_config_reader *reader, const yaml_node_t *key_node,
                               const yaml_node_t *node) {
    struct ls_feed_list *list = &reader->config->data.feeds;
    char found[80], before[64];
    if (reader->feeds.line)
        return ls_reader_fail(reader, ls_origin_of(key_node),
                              "data.feeds is given twice; first on %s",
                              ls_origin_print(reader->feeds, before, sizeof before));
    reader->feeds = ls_origin_of(key_node);
    if (node->type != YAML_MAPPING_NODE)
        return ls_reader_fail(reader, ls_origin_of(node),
                              "data.feeds: expected names with a column or keys each, found %s",
                              ls_yaml_describe(node, found, sizeof found));
    enum ls_status status = LS_OK;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && status == LS_OK; pair++) {
        struct ls_feed_options *feed = NULL;
        status =
            read_name(reader, yaml_document_get_node(reader->document, pair->key), list, &feed);
        if (status == LS_OK)
            status = read_feed(reader, yaml_document_get_node(reader->document, pair->value), feed);
    }
    return status;
}

void ls_config_print_feeds(FILE *out, const struct ls_feed_list *list, int indent) {
    if (list->count)
        fprintf(out, "%*sfeeds:\n", indent, "");
    for (int i = 0; i < list->count; i++) {
        fprintf(out, "%*s%s:\n", indent + 2, "", list->items[i].name);
        for (int f = 0; f < ls_feed_fields.count; f++)
            ls_config_print_field(out, &ls_feed_fields.items[f], &list->items[i], indent + 4);
    }
}
