/* The feeds of a config's data: the section's `feeds`, and what stands for them in short. */
#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* Inputs are a window of the stream; targets the same one row later, or the horizon behind it. */
static int window_feeds(const struct ls_data_options *data, struct ls_feed_options *feeds) {
    const bool named = data->inputs[0] && strcmp(data->inputs, "/inputs");
    feeds[0] = feeds[1] = feed_of("inputs", named ? data->inputs : "");
    snprintf(feeds[1].name, sizeof feeds[1].name, "targets");
    feeds[0].window = data->window;
    feeds[1].window = data->horizon ? data->horizon : data->window;
    feeds[1].offset = data->horizon ? data->window : 1;
    if (data->target_channels.count) {
        feeds[1].first_channel = (int64_t)data->target_channels.values[0];
        feeds[1].channels = data->target_channels.count;
    }
    return 2;
}

int ls_config_feeds(const struct ls_config *config, struct ls_feed_options *feeds) {
    const struct ls_data_options *data = &config->data;
    if (data->window)
        return window_feeds(data, feeds);
    if (!data->feeds.count)
        return default_feeds(data, feeds);
    memcpy(feeds, data->feeds.items, (size_t)data->feeds.count * sizeof *feeds);
    return data->feeds.count;
}

/* Rows of the first window that the config cuts; 0: samples are rows. */
static int64_t first_window(const struct ls_data_options *data) {
    int64_t window = data->window;
    for (int i = 0; i < data->feeds.count && !window; i++)
        window = data->feeds.items[i].window;
    return window;
}

int64_t ls_config_stride(const struct ls_config *config) {
    const struct ls_data_options *data = &config->data;
    const int64_t window = first_window(data);
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

/* Keys that say something about windows, where there are none. */
static enum ls_status check_windowless(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    static const char *const keys[] = {"data.stride", "data.horizon", "data.target_channels"};
    const bool given[] = {data->stride != 0 && !first_window(data), data->horizon != 0,
                          data->target_channels.count != 0};
    for (int i = 0; i < 3; i++)
        if (given[i])
            return ls_reader_fail(reader, *ls_reader_origin(reader, keys[i]),
                                  "%s is about windows, but data.window is not given", keys[i]);
    return LS_OK;
}

/* Datasets that nothing would be read from, since the feeds are named in another way. */
static enum ls_status check_columns(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    const bool inputs = strcmp(data->inputs, "/inputs") != 0 && data->feeds.count;
    const bool targets =
        strcmp(data->targets, "/targets") != 0 && (data->feeds.count || data->window);
    if (!inputs && !targets)
        return LS_OK;
    const char *key = inputs ? "data.inputs" : "data.targets";
    char place[240];
    const struct ls_origin other =
        data->feeds.count ? reader->feeds : *ls_reader_origin(reader, "data.window");
    return ls_reader_fail(reader, *ls_reader_origin(reader, key),
                          "%s is given, but %s (%s) says what is read: leave it out", key,
                          data->feeds.count ? "data.feeds" : "data.window",
                          ls_origin_print(other, place, sizeof place));
}

enum ls_status ls_reader_check_feeds(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    const struct ls_real_list *channels = &data->target_channels;
    char place[240];
    const enum ls_status status = check_columns(reader);
    if (status != LS_OK)
        return status;
    if (!data->window)
        return check_windowless(reader);
    const struct ls_origin window = *ls_reader_origin(reader, "data.window");
    if (data->feeds.count)
        return ls_reader_fail(
            reader, window, "data.window and data.feeds (%s) both say what a sample is: choose one",
            ls_origin_print(reader->feeds, place, sizeof place));
    if (data->standardise == LS_STANDARDISE_FEATURE)
        return ls_reader_fail(reader, *ls_reader_origin(reader, "data.standardise"),
                              "data.standardise: windows of a series take channel, not feature");
    for (int i = 0; i < channels->count; i++) {
        const double value = channels->values[i];
        const bool neighbour = i == 0 || fabs(value - channels->values[i - 1] - 1) < 0.5;
        if (value < 0 || fabs(value - floor(value)) > 0 || !neighbour)
            return ls_reader_fail(
                reader, *ls_reader_origin(reader, "data.target_channels"),
                "data.target_channels: expected neighbours like [6] or [2, 3, 4], counted from 0, "
                "found %g",
                value);
    }
    return LS_OK;
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
