/* Whether the keys of the section data that say what a sample is go together. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "launcher/config/reader.h"

/* Two keys that each say alone what a sample is. */
static enum ls_status check_one_way(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    const struct {
        bool given;
        const char *key;
        struct ls_origin origin;
    } ways[] = {{data->window != 0, "data.window", *ls_reader_origin(reader, "data.window")},
                {data->length != 0, "data.length", *ls_reader_origin(reader, "data.length")},
                {data->feeds.count != 0, "data.feeds", reader->feeds}};
    char place[240];
    for (int i = 0; i < 3; i++)
        for (int k = i + 1; k < 3; k++)
            if (ways[i].given && ways[k].given)
                return ls_reader_fail(
                    reader, ways[i].origin, "%s and %s (%s) both say what a sample is: choose one",
                    ways[i].key, ways[k].key, ls_origin_print(ways[k].origin, place, sizeof place));
    return LS_OK;
}

/* Datasets that nothing would be read from, since the feeds are named in another way. */
static enum ls_status check_columns(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    const char *way = data->feeds.count ? "data.feeds"
                      : data->window    ? "data.window"
                                        : "data.length";
    const bool inputs = strcmp(data->inputs, "/inputs") != 0 && data->feeds.count;
    const bool targets = strcmp(data->targets, "/targets") != 0 &&
                         (data->feeds.count || data->window || data->length);
    const bool masked = strcmp(data->targets, "/targets") != 0 && reader->config->augment.mask > 0;
    if (!inputs && !targets && !masked)
        return LS_OK;
    if (!inputs && !targets)
        way = "augment.mask";
    const char *key = inputs ? "data.inputs" : "data.targets";
    char place[240];
    const struct ls_origin other =
        data->feeds.count ? reader->feeds : *ls_reader_origin(reader, way);
    return ls_reader_fail(reader, *ls_reader_origin(reader, key),
                          "%s is given, but %s (%s) says what is read: leave it out", key, way,
                          ls_origin_print(other, place, sizeof place));
}

/* Keys that say something about windows. */
static enum ls_status check_windows(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    static const char *const keys[] = {"data.stride", "data.horizon", "data.target_channels"};
    const bool given[] = {data->stride != 0 && !ls_data_window(data), data->horizon != 0,
                          data->target_channels.count != 0};
    for (int i = 0; i < 3 && !data->window; i++)
        if (given[i])
            return ls_reader_fail(reader, *ls_reader_origin(reader, keys[i]),
                                  "%s is about windows, but data.window is not given", keys[i]);
    if (data->window && data->standardise == LS_STANDARDISE_FEATURE)
        return ls_reader_fail(reader, *ls_reader_origin(reader, "data.standardise"),
                              "data.standardise: windows of a series take channel, not feature");
    return LS_OK;
}

static enum ls_status check_target_channels(const struct ls_config_reader *reader) {
    const struct ls_real_list *channels = &reader->config->data.target_channels;
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

/* Masks make the feed targets from the feed inputs. */
static enum ls_status check_masks(const struct ls_config_reader *reader) {
    const struct ls_config *config = reader->config;
    const struct ls_origin mask = *ls_reader_origin(reader, "augment.mask");
    struct ls_feed_list feeds = config->data.feeds;
    if (!(config->augment.mask > 0))
        return LS_OK;
    if (config->augment.flip || config->augment.shift)
        return ls_reader_fail(reader, mask,
                              "augment.mask is for tokens, flip and shift are for images");
    if (config->data.horizon)
        return ls_reader_fail(reader, mask,
                              "augment.mask: the targets are the hidden tokens, so data.horizon "
                              "says nothing");
    if (feeds.count && !ls_feeds_find(feeds.items, feeds.count, "inputs"))
        return ls_reader_fail(reader, mask,
                              "augment.mask hides tokens of the feed 'inputs', which data.feeds "
                              "does not have");
    if (feeds.count && ls_feeds_find(feeds.items, feeds.count, "targets"))
        return ls_reader_fail(reader, mask,
                              "augment.mask makes the feed 'targets', but data.feeds has one, too");
    return LS_OK;
}

/* The feeds that come with ragged ones need names and room. */
static enum ls_status check_lengths(const struct ls_config_reader *reader) {
    struct ls_feed_list feeds = reader->config->data.feeds;
    int all = feeds.count + (reader->config->augment.mask > 0);
    for (int i = 0; i < feeds.count; i++) {
        const struct ls_feed_options *feed = &feeds.items[i];
        char name[2 * LS_FEED_NAME_MAX];
        snprintf(name, sizeof name, "%s%s", feed->name, LS_LENGTH_ENDING);
        const bool twin = /* the targets that masks make have lengths, too */
            feed->length && reader->config->augment.mask > 0 && !strcmp(feed->name, "inputs");
        all += (feed->length > 0) + twin;
        if (feed->length && strlen(name) >= LS_FEED_NAME_MAX)
            return ls_reader_fail(reader, reader->feeds,
                                  "data.feeds: a feed with a length has a name of at most %d "
                                  "letters, found '%s'",
                                  LS_FEED_NAME_MAX - (int)sizeof LS_LENGTH_ENDING, feed->name);
        if (feed->length && ls_feeds_find(feeds.items, feeds.count, name))
            return ls_reader_fail(reader, reader->feeds,
                                  "data.feeds: '%s' is how long the feed '%s' is: give the other "
                                  "feed another name",
                                  name, feed->name);
    }
    if (ls_feeds_find(feeds.items, feeds.count, "targets" LS_LENGTH_ENDING) &&
        reader->config->augment.mask > 0)
        return ls_reader_fail(reader, reader->feeds,
                              "data.feeds: augment.mask makes 'targets" LS_LENGTH_ENDING
                              "': give the other feed another name");
    if (all > LS_FEEDS_MAX)
        return ls_reader_fail(reader, reader->feeds,
                              "data.feeds: %d feeds with the lengths of ragged ones; at most %d",
                              all, LS_FEEDS_MAX);
    return LS_OK;
}

/* What only says something about a split of rows. */
static enum ls_status check_split_keys(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    const bool stratified = data->stratify[0] && strcmp(data->stratify, "false") != 0;
    const struct {
        const char *key;
        bool given;
    } keys[] = {{"data.group", data->group[0] != '\0'}, {"data.stratify", stratified}};
    for (int i = 0; i < 2; i++) {
        const struct ls_origin origin = *ls_reader_origin(reader, keys[i].key);
        if (keys[i].given && !data->split.count)
            return ls_reader_fail(reader, origin, "%s is about data.split, but that is not given",
                                  keys[i].key);
        if (keys[i].given && ls_data_window(data))
            return ls_reader_fail(reader, origin,
                                  "%s: windows are split in the order of time, not by groups",
                                  keys[i].key);
    }
    if (data->standardise_targets && (ls_data_window(data) || data->length))
        return ls_reader_fail(reader, *ls_reader_origin(reader, "data.standardise_targets"),
                              "data.standardise_targets is for rows; targets behind a window are "
                              "scaled as its inputs: data.standardise: channel");
    if (!stratified || !data->group[0])
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, "data.stratify"),
                          "data.stratify and data.group both say which samples a part gets: choose "
                          "one");
}

enum ls_status ls_reader_check_feeds(const struct ls_config_reader *reader) {
    static enum ls_status (*const checks[])(const struct ls_config_reader *) = {
        check_one_way, check_columns, check_windows,   check_target_channels,
        check_masks,   check_lengths, check_split_keys};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const enum ls_status status = checks[i](reader);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}
