/* What a feed is, given its column. */
#include "io/feed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/fill.h"

static bool has_planes(const struct ls_feed_options *options, struct ls_shape row) {
    return options->channels_first && row.rank == 3;
}

/* A row as a sample has it: channels are the last dimension. */
static struct ls_shape sample_shape(const struct ls_feed_options *options, struct ls_shape row) {
    if (options->one_hot)
        return (struct ls_shape){0};
    if (!has_planes(options, row))
        return row;
    return LS_SHAPE(row.dims[1], row.dims[2], row.dims[0]);
}

static enum ls_status check_channels(const struct ls_feed_options *options,
                                     const struct ls_column *column, struct ls_error *error) {
    const int64_t all = ls_shape_last(sample_shape(options, column->shape));
    if (options->first_channel >= 0 && options->channels >= 0 && options->first_channel < all &&
        options->channels <= all - options->first_channel)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "feed '%s': channels %lld to %lld of %s, which has %lld (counted from 0)",
                   options->name, (long long)options->first_channel,
                   (long long)(options->first_channel + options->channels) - 1, column->name,
                   (long long)all);
}

/* What a feed says about lengths, against what the column has. */
static enum ls_status check_ragged(const struct ls_feed_options *options,
                                   const struct ls_column *column, struct ls_error *error) {
    const int64_t token = options->begin > options->end ? options->begin : options->end;
    if (!column->ragged && (options->length || token))
        return ls_fail(error, LS_INVALID,
                       "feed '%s': length, begin and end are for rows of different lengths, but %s "
                       "has none (there is no %s.ends)",
                       options->name, column->name, column->name);
    if (column->ragged && !options->length)
        return ls_fail(error, LS_INVALID,
                       "feed '%s': the rows of %s have different lengths: expected a length that "
                       "they are cut or padded to, found none",
                       options->name, column->name);
    if (column->ragged && column->vocabulary && token >= column->vocabulary)
        return ls_fail(
            error, LS_INVALID, "feed '%s': begin and end are tokens of %s, 0 to %lld; found %lld",
            options->name, column->name, (long long)column->vocabulary - 1, (long long)token);
    return LS_OK;
}

enum ls_status ls_dataset_describe(const struct ls_dataset *dataset,
                                   const struct ls_feed_options *options, struct ls_feed *feed,
                                   struct ls_error *error) {
    const struct ls_column *column = ls_dataset_column(dataset, options->column);
    if (!column)
        return ls_fail(error, LS_INVALID, "%s: there is no dataset '%s' in it for the feed '%s'",
                       ls_dataset_path(dataset), options->column, options->name);
    enum ls_status status = check_channels(options, column, error);
    if (status == LS_OK)
        status = check_ragged(options, column, error);
    if (status != LS_OK)
        return status;
    struct ls_shape shape = sample_shape(options, column->shape);
    if (shape.rank > 0 && (options->channels || options->first_channel))
        shape.dims[shape.rank - 1] =
            options->channels ? options->channels : ls_shape_last(shape) - options->first_channel;
    if (options->window) {
        struct ls_shape row = shape;
        if (row.rank == LS_RANK_MAX - 1)
            return ls_fail(error, LS_INVALID, "feed '%s': a window over %s has too many dimensions",
                           options->name, column->name);
        shape = (struct ls_shape){.rank = row.rank + 1, .dims = {options->window}};
        memcpy(shape.dims + 1, row.dims, (size_t)row.rank * sizeof *row.dims);
    }
    if (options->length && !options->lengths)
        shape = LS_SHAPE(options->length);
    snprintf(feed->name, sizeof feed->name, "%s", options->name);
    feed->shape = shape;
    feed->gaps = options->masked;
    feed->integer = column->type != LS_DATA_REAL || options->lengths;
    feed->limit = options->lengths ? 0 : column->vocabulary;
    return LS_OK;
}

struct ls_cut_of_rows ls_dataset_cut(const struct ls_array *array, const struct ls_feed_use *use) {
    const struct ls_feed_options *feed = use->feed;
    const bool planes = has_planes(feed, array->shape);
    const int64_t width = planes ? array->shape.dims[0] : ls_shape_last(array->shape);
    struct ls_cut_of_rows cut = {
        .use = use,
        .planes = planes,
        .lines = array->row_values / width,
        .width = width,
        .first = feed->first_channel,
        .channels = feed->channels ? feed->channels : width - feed->first_channel,
    };
    cut.values = feed->one_hot ? 1 : cut.lines * cut.channels;
    return cut;
}

static enum ls_status bad_value(const struct ls_block_of_rows *block, bool ragged, int64_t index,
                                const char *expected, struct ls_error *error) {
    const struct ls_array *array = block->array;
    if (ragged)
        return ls_fail(error, LS_INVALID, "%s: %s: value %llu (from 0) is %.9g; expected %s",
                       array->path, array->name,
                       (unsigned long long)block->first + (unsigned long long)index,
                       ls_kind_value(array->kind, block->raw, index), expected);
    char place[32] = "";
    if (array->row_values > 1)
        snprintf(place, sizeof place, "value %lld ", (long long)(index % array->row_values));
    const uint64_t row = block->first + (uint64_t)(index / array->row_values);
    return ls_fail(error, LS_INVALID, "%s: %s: row %llu (from 0): %sis %.9g; expected %s",
                   array->path, array->name, (unsigned long long)row, place,
                   ls_kind_value(array->kind, block->raw, index), expected);
}

static bool allowed(const struct ls_feed_use *use, double value) {
    if (use->ignores && value == (double)use->ignored)
        return true;
    if (use->limit && !(value >= 0 && value < (double)use->limit && value == floor(value)))
        return false;
    return !use->zero_to_one || (value >= 0 && value <= 1);
}

/* Index of the first value that the limits forbid; -1: none. */
static int64_t beyond_limit(const struct ls_feed_use *use, const void *values, int64_t count) {
    const int32_t *integers = values;
    const float *reals = values;
    const bool limited = use->limit || use->zero_to_one;
    LS_ASSERT(!limited || !use->exact, "limits of the doubles of %s", use->feed->name);
    for (int64_t i = 0; limited && i < count; i++)
        if (!allowed(use, use->type == LS_TYPE_INT32 ? (double)integers[i] : (double)reals[i]))
            return i;
    return -1;
}

/* Which value of its sample the row's value `at` is. */
static int64_t place_of(const struct ls_cut_of_rows *cut, int64_t at) {
    if (cut->planes)
        return at % cut->lines * cut->channels + at / cut->lines - cut->first;
    return at / cut->width * cut->channels + at % cut->width - cut->first;
}

/* The values without the feed's centre. */
static int64_t convert_centred(const struct ls_cut_of_rows *cut,
                               const struct ls_block_of_rows *block, int64_t index, int64_t count,
                               float divisor, float *to) {
    enum { PIECE = 512 };
    double piece[PIECE];
    const struct ls_feed_options *feed = cut->use->feed;
    const enum ls_kind kind = block->array->kind;
    const int64_t place = place_of(cut, index % block->array->row_values);
    const int64_t step = cut->planes ? cut->channels : 1;
    for (int64_t at = 0; at < count; at += PIECE) {
        const int64_t left = count - at, some = left < PIECE ? left : PIECE;
        const char *raw = block->raw + (size_t)(index + at) * ls_kind_bytes(kind);
        const int64_t bad = ls_kind_to_double(kind, raw, some, divisor, piece);
        if (bad >= 0)
            return at + bad;
        for (int64_t i = 0; i < some; i++)
            to[at + i] = (float)(piece[i] - ls_feed_centre(feed, place + (at + i) * step));
    }
    return -1;
}

/* Index of the first value that cannot be had as the use wants it; -1: all can. */
static int64_t convert_values(const struct ls_cut_of_rows *cut,
                              const struct ls_block_of_rows *block, int64_t index, int64_t count,
                              void *to) {
    const struct ls_feed_use *use = cut->use;
    const enum ls_kind kind = block->array->kind;
    const char *raw = block->raw + (size_t)index * ls_kind_bytes(kind);
    const bool whole = use->feed->whole_bytes || use->limit; /* labels are no shades of grey */
    const float divisor = whole ? 1 : ls_array_divisor(block->array);
    if (use->type == LS_TYPE_INT32)
        return ls_kind_to_integer(kind, raw, count, to);
    if (use->exact)
        return ls_kind_to_double(kind, raw, count, divisor, to);
    if (use->feed->centre)
        return convert_centred(cut, block, index, count, divisor, to);
    return ls_kind_to_real(kind, raw, count, divisor, to);
}

/* Values index .. index + count - 1 of the block, which lie side by side. */
static enum ls_status convert_run(const struct ls_cut_of_rows *cut,
                                  const struct ls_block_of_rows *block, int64_t index,
                                  int64_t count, void *to, struct ls_error *error) {
    const struct ls_feed_use *use = cut->use;
    const bool integers = use->type == LS_TYPE_INT32, labels = !strcmp(use->feed->name, "targets");
    const bool ragged = use->feed->length > 0;
    const int64_t bad = convert_values(cut, block, index, count, to);
    if (bad >= 0)
        return bad_value(block, ragged, index + bad,
                         !integers              ? "a finite 32-bit number"
                         : labels && use->limit ? "a class label"
                                                : "a 32-bit integer",
                         error);
    const int64_t beyond = beyond_limit(use, to, count);
    if (beyond < 0)
        return LS_OK;
    if (!use->limit)
        return bad_value(block, ragged, index + beyond, "a number from 0 to 1", error);
    char expected[64];
    snprintf(expected, sizeof expected, "%s from 0 to %lld", labels ? "a label" : "an index",
             (long long)use->limit - 1);
    return bad_value(block, ragged, index + beyond, expected, error);
}

/* One value of 4 or 8 bytes. */
static void put_value(char *to, int64_t at, const void *from, int64_t index, size_t bytes) {
    if (bytes == 4)
        memcpy(to + at * 4, (const char *)from + index * 4, 4);
    else
        memcpy(to + at * 8, (const char *)from + index * 8, 8);
}

/* Channel by channel into every channels-th place. */
static enum ls_status convert_planes(const struct ls_cut_of_rows *cut,
                                     const struct ls_block_of_rows *block, char *to,
                                     struct ls_error *error) {
    enum { PIECE = 512 };
    double piece[PIECE]; /* or floats, or integers */
    const size_t bytes = ls_use_bytes(cut->use);
    enum ls_status status = LS_OK;
    for (int64_t plane = 0; plane < block->count * cut->channels; plane++) {
        const int64_t row = plane / cut->channels, channel = plane % cut->channels;
        const int64_t from = (row * cut->width + cut->first + channel) * cut->lines;
        char *target = to + (size_t)(row * cut->values + channel) * bytes;
        for (int64_t pixel = 0; pixel < cut->lines && status == LS_OK; pixel += PIECE) {
            const int64_t left = cut->lines - pixel, count = left < PIECE ? left : PIECE;
            status = convert_run(cut, block, from + pixel, count, piece, error);
            for (int64_t i = 0; i < count && status == LS_OK; i++)
                put_value(target, (pixel + i) * cut->channels, piece, i, bytes);
        }
    }
    return status;
}

static enum ls_status not_one_hot(const struct ls_block_of_rows *block, int64_t row,
                                  struct ls_error *error) {
    const struct ls_array *array = block->array;
    return ls_fail(error, LS_INVALID,
                   "%s: %s: row %llu (from 0): expected one 1 among %lld values, the others 0, as "
                   "in the rows before",
                   array->path, array->name, (unsigned long long)block->first + (uint64_t)row,
                   (long long)array->row_values);
}

int64_t ls_row_hot(const struct ls_block_of_rows *block, int64_t row) {
    const int64_t width = block->array->row_values;
    int64_t hot = -1;
    for (int64_t i = 0; i < width; i++) {
        const double value = ls_kind_value(block->array->kind, block->raw, row * width + i);
        if (value != 0 && (value != 1 || hot >= 0))
            return -1;
        if (value == 1)
            hot = i;
    }
    return hot;
}

static enum ls_status convert_one_hot(const struct ls_cut_of_rows *cut,
                                      const struct ls_block_of_rows *block, void *to,
                                      struct ls_error *error) {
    for (int64_t row = 0; row < block->count; row++) {
        const int64_t hot = ls_row_hot(block, row);
        if (hot < 0)
            return not_one_hot(block, row, error);
        if (cut->use->limit && hot >= cut->use->limit)
            return ls_fail(
                error, LS_INVALID,
                "%s: %s: row %llu (from 0): its 1 is at place %lld; expected a label from 0 "
                "to %lld",
                block->array->path, block->array->name,
                (unsigned long long)block->first + (uint64_t)row, (long long)hot,
                (long long)cut->use->limit - 1);
        if (cut->use->type == LS_TYPE_INT32)
            ((int32_t *)to)[row] = (int32_t)hot;
        else if (cut->use->exact)
            ((double *)to)[row] = (double)hot;
        else
            ((float *)to)[row] = (float)hot;
    }
    return LS_OK;
}

enum ls_status ls_dataset_convert(const struct ls_cut_of_rows *cut,
                                  const struct ls_block_of_rows *block, void *to,
                                  struct ls_error *error) {
    if (cut->use->feed->one_hot)
        return convert_one_hot(cut, block, to, error);
    if (cut->planes)
        return convert_planes(cut, block, to, error);
    enum ls_status status = LS_OK;
    const struct ls_fill *fill = block->array->fill;
    const bool whole = cut->channels == cut->width; /* all of it: one run */
    if (whole)
        status = convert_run(cut, block, 0, block->count * cut->values, to, error);
    for (int64_t line = 0; line < block->count * cut->lines && status == LS_OK && !whole; line++)
        status = convert_run(cut, block, line * cut->width + cut->first, cut->channels,
                             (char *)to + (size_t)(line * cut->channels) * ls_use_bytes(cut->use),
                             error);
    if (status == LS_OK && fill && fill->values && cut->use->type == LS_TYPE_REAL)
        ls_fill_apply(fill, cut, block, to);
    return status;
}
