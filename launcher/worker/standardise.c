/* What feeds are standardised by: means and scales of the training part. A model has them as float
 * constants. Where float would not keep the digits of a feed's numbers (Unix timestamps), the mean
 * is taken off in double when they are read (struct ls_feed_options), and the constant says what is
 * left of it. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/layers/layer.h"
#include "launcher/worker/data.h"

/* Of the training part: a pair for each value or each channel. */
struct statistics {
    const struct ls_feed_options *of;
    int64_t count;
    double *mean, *scale; /* [count] owned */
};

/* How many pairs a feed of known shape has. */
static int64_t pairs_of(const struct ls_feed *feed) {
    return feed->scaling == LS_FEED_PER_CHANNEL ? ls_shape_last(feed->shape)
                                                : ls_shape_count(feed->shape);
}

static enum ls_status measure(const struct ls_data *data, int feed, struct statistics *statistics,
                              struct ls_error *error) {
    statistics->of = &data->options[LS_SOURCE_TRAIN][feed];
    statistics->count = pairs_of(&data->feeds[feed]);
    statistics->mean = ls_calloc((size_t)statistics->count, sizeof *statistics->mean);
    statistics->scale = ls_calloc((size_t)statistics->count, sizeof *statistics->scale);
    return ls_part_statistics(&data->parts[LS_SOURCE_TRAIN], statistics->of, statistics->count,
                              statistics->mean, statistics->scale, error);
}

/* All parts read the feed without it; goes over to data. */
static void set_centre(struct ls_data *data, int feed, double *centre, int64_t count) {
    free(data->centres[feed]);
    data->centres[feed] = centre;
    for (int role = 0; role < LS_PARTS; role++) {
        data->options[role][feed].centre = centre;
        data->options[role][feed].centre_count = count;
    }
}

static void store(const struct ls_parameter *parameter, const double *values, float *flat) {
    const int64_t count = ls_parameter_plain_count(parameter);
    float *plain = ls_calloc((size_t)count, sizeof *plain);
    for (int64_t i = 0; i < count; i++)
        plain[i] = (float)values[i];
    ls_parameter_store(parameter, plain, flat + parameter->offset);
    free(plain);
}

/* The constants of a feed, if the model has it scaled: all statistics, or those of the channels
 * that it takes. */
static void settle_feed(struct ls_data *data, int feed, const struct statistics *statistics,
                        const struct ls_worker *worker) {
    const struct ls_feed_options *to = &data->options[LS_SOURCE_TRAIN][feed];
    const struct ls_feed_constants names = ls_feed_constants(to->name);
    const struct ls_parameter *mean = ls_parameters_find(worker->parameters, names.mean);
    const struct ls_parameter *scale = ls_parameters_find(worker->parameters, names.scale);
    /* Black is 0 to those who change images. */
    const bool whole = ls_augment_active(&worker->config->augment) && !strcmp(to->name, "inputs");
    if (!mean || !scale)
        return;
    const int64_t first = to->channels_cut + to->first_channel - statistics->of->first_channel;
    const int64_t count = ls_parameter_plain_count(mean);
    LS_ASSERT(first >= 0 && first + count <= statistics->count, "channels %lld of %lld",
              (long long)first, (long long)statistics->count);
    double *centre = ls_calloc((size_t)count, sizeof *centre);
    double *left = ls_calloc((size_t)count, sizeof *left);
    bool centred = false;
    for (int64_t i = 0; i < count; i++) {
        const double all = statistics->mean[first + i];
        if (!whole && ls_mean_needs_double(all, statistics->scale[first + i]))
            centre[i] = all;
        centred = centred || centre[i] != 0;
        left[i] = all - centre[i];
    }
    store(mean, left, worker->flat);
    store(scale, statistics->scale + first, worker->flat);
    free(left);
    if (centred)
        set_centre(data, feed, centre, count);
    else
        free(centre);
}

/* The constants of all feeds that are scaled by the statistics of that one. */
static enum ls_status standardise_like(struct ls_data *data, const char *name,
                                       const struct ls_worker *worker, struct ls_error *error) {
    const struct ls_feed *of = ls_data_feed(data, name);
    if (!of || of->scaling == LS_FEED_AS_IT_IS)
        return LS_OK;
    struct statistics statistics;
    const enum ls_status status = measure(data, (int)(of - data->feeds), &statistics, error);
    for (int i = 0; i < data->feed_count && status == LS_OK; i++)
        if (data->feeds[i].scaling != LS_FEED_AS_IT_IS && data->feeds[i].restored == of->restored)
            settle_feed(data, i, &statistics, worker);
    free(statistics.mean);
    free(statistics.scale);
    return status;
}

enum ls_status ls_data_standardise(struct ls_data *data, const struct ls_worker *worker,
                                   struct ls_error *error) {
    enum ls_status status = standardise_like(data, "inputs", worker, error);
    const struct ls_feed *targets = ls_data_feed(data, "targets");
    if (status == LS_OK && targets && targets->restored && !targets->missing)
        status = standardise_like(data, "targets", worker, error);
    return status;
}

/* {"inputs": {"count": 3, "values": [[0, 1700000000.25]]}}: places that are not 0. */
char *ls_data_print_centres(const struct ls_data *data) {
    json_t *all = json_object();
    for (int i = 0; i < data->feed_count; i++) {
        const double *centre = data->centres[i];
        const int64_t count = data->options[LS_SOURCE_TRAIN][i].centre_count;
        json_t *values = json_array();
        for (int64_t k = 0; centre && k < count; k++)
            if (centre[k] != 0)
                json_array_append_new(values, json_pack("[I f]", (json_int_t)k, centre[k]));
        if (centre)
            json_object_set_new(
                all, data->feeds[i].name,
                json_pack("{s:I s:O}", "count", (json_int_t)count, "values", values));
        json_decref(values);
    }
    char *text = json_object_size(all) ? json_dumps(all, JSON_SORT_KEYS) : NULL;
    json_decref(all);
    return text;
}

/* Adds what the text says of a feed to its values; *there: whether it says something. False: it is
 * about other values. */
static bool add_centre(const json_t *all, const char *feed, int64_t count, double *values,
                       bool *there) {
    const json_t *object = json_object_get(all, feed);
    const json_t *list = json_object_get(object, "values");
    *there = object != NULL;
    bool good = !object || json_integer_value(json_object_get(object, "count")) == count;
    for (size_t i = 0; i < json_array_size(list) && good; i++) {
        const json_t *pair = json_array_get(list, i), *value = json_array_get(pair, 1);
        const json_int_t place = json_integer_value(json_array_get(pair, 0));
        good = place >= 0 && place < count && json_is_number(value);
        if (good)
            values[place] += json_number_value(value);
    }
    return good;
}

enum ls_status ls_centres_add(const char *text, const char *feed, int64_t count, double *values,
                              bool *there, struct ls_error *error) {
    json_t *all = text ? json_loads(text, 0, NULL) : NULL;
    const bool good = add_centre(all, feed, count, values, there);
    json_decref(all);
    return good ? LS_OK
                : ls_fail(error, LS_INVALID,
                          "feed '%s': expected as many values as the run was trained with, found "
                          "%lld",
                          feed, (long long)count);
}

enum ls_status ls_data_take_centres(struct ls_data *data, const char *text,
                                    struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int i = 0; i < data->feed_count && status == LS_OK; i++) {
        const struct ls_feed *feed = &data->feeds[i];
        if (feed->scaling == LS_FEED_AS_IT_IS || feed->shape.rank == LS_FEED_OPEN)
            continue;
        bool there;
        const int64_t count = pairs_of(feed);
        double *centre = ls_calloc((size_t)count, sizeof *centre);
        status = ls_centres_add(text, feed->name, count, centre, &there, error);
        if (status == LS_OK && there)
            set_centre(data, i, centre, count);
        else
            free(centre);
        if (status == LS_OK && !there) /* nor one that was learned before others were taken over */
            set_centre(data, i, NULL, 0);
    }
    return status;
}
