/* What a model does with the data of a run: which feeds are read, whether their values fit, and
 * what they are standardised by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/data.h"

int ls_data_uses(const struct ls_data *data, int role, const struct ls_worker *worker,
                 struct ls_feed_use uses[LS_FEEDS_MAX]) {
    for (int i = 0; i < worker->input_count; i++) {
        const struct ls_model_input *input = &worker->inputs[i];
        const bool open = data->feeds[input->feed].shape.rank == LS_FEED_OPEN;
        uses[i] = (struct ls_feed_use){.feed = open ? NULL : &data->options[role][input->feed],
                                       .type = input->value->type,
                                       .limit = input->limit,
                                       .ignores = input->ignores,
                                       .ignored = input->ignored,
                                       .zero_to_one = input->zero_to_one};
    }
    return worker->input_count;
}

/* Labels of a table that do not count from 0 are words to number. */
static void hint_classes(const struct ls_data *data, struct ls_error *error) {
    const struct ls_schema_column *target = ls_schema_role(&data->schema, LS_ROLE_TARGET);
    const size_t used = strlen(error->text);
    if (target && target->kind == LS_CELL_NUMBER && strstr(error->text, "expected a label"))
        snprintf(error->text + used, sizeof error->text - used,
                 "\n(--categorical %s numbers the labels of a table from 0)", target->name);
}

enum ls_status ls_data_check(const struct ls_data *data, const struct ls_worker *worker,
                             struct ls_error *error) {
    struct ls_feed_use uses[LS_FEEDS_MAX];
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++) {
        const int count = ls_data_uses(data, role, worker, uses);
        for (int i = 0; i < count && data->datasets[role] && status == LS_OK; i++)
            if (uses[i].feed && uses[i].limit)
                status = ls_dataset_check(data->datasets[role], &uses[i], error);
    }
    if (status != LS_OK)
        hint_classes(data, error);
    return status;
}

/* Means and scales of the training part's inputs, a pair for each value or each channel. */
struct statistics {
    const struct ls_feed_options *of;
    int64_t count;
    float *values; /* [2][count] owned */
};

static enum ls_status measure(const struct ls_data *data, int feed, struct statistics *statistics,
                              struct ls_error *error) {
    const struct ls_shape shape = data->feeds[feed].shape;
    statistics->of = &data->options[LS_SOURCE_TRAIN][feed];
    statistics->count = data->feeds[feed].scaling == LS_FEED_PER_CHANNEL ? ls_shape_last(shape)
                                                                         : ls_shape_count(shape);
    statistics->values = ls_calloc(2 * (size_t)statistics->count, sizeof *statistics->values);
    return ls_part_statistics(&data->parts[LS_SOURCE_TRAIN], statistics->of, statistics->count,
                              statistics->values, statistics->values + statistics->count, error);
}

static const struct ls_parameter *constant_of(const struct ls_parameter_set *parameters,
                                              const char *feed, const char *which) {
    char scope[LS_FEED_NAME_MAX], name[LS_FEED_NAME_MAX + 8];
    snprintf(name, sizeof name, "%s.%s", ls_feed_scope(feed, scope), which);
    return ls_parameters_find(parameters, name);
}

/* The constants of a feed, if the model has it scaled: all statistics, or those of the channels
 * that it takes. */
static void fill_constants(const struct statistics *statistics, const struct ls_feed_options *to,
                           const struct ls_parameter_set *parameters, float *flat) {
    const struct ls_parameter *mean = constant_of(parameters, to->name, "mean");
    const struct ls_parameter *scale = constant_of(parameters, to->name, "scale");
    if (!mean || !scale)
        return;
    const int64_t first = to->first_channel - statistics->of->first_channel;
    LS_ASSERT(first >= 0 && first + ls_parameter_plain_count(mean) <= statistics->count,
              "channels %lld of %lld", (long long)first, (long long)statistics->count);
    ls_parameter_store(mean, statistics->values + first, flat + mean->offset);
    ls_parameter_store(scale, statistics->values + statistics->count + first, flat + scale->offset);
}

/* The constants of all feeds that are scaled by the statistics of that one. */
static enum ls_status standardise_like(const struct ls_data *data, const char *name,
                                       const struct ls_parameter_set *parameters, float *flat,
                                       struct ls_error *error) {
    const struct ls_feed *of = ls_data_feed(data, name);
    if (!of || of->scaling == LS_FEED_AS_IT_IS)
        return LS_OK;
    struct statistics statistics;
    const enum ls_status status = measure(data, (int)(of - data->feeds), &statistics, error);
    for (int i = 0; i < data->feed_count && status == LS_OK; i++)
        if (data->feeds[i].scaling != LS_FEED_AS_IT_IS && data->feeds[i].restored == of->restored)
            fill_constants(&statistics, &data->options[LS_SOURCE_TRAIN][i], parameters, flat);
    free(statistics.values);
    return status;
}

enum ls_status ls_data_standardise(const struct ls_data *data,
                                   const struct ls_parameter_set *parameters, float *flat,
                                   struct ls_error *error) {
    enum ls_status status = standardise_like(data, "inputs", parameters, flat, error);
    const struct ls_feed *targets = ls_data_feed(data, "targets");
    if (status == LS_OK && targets && targets->restored && !targets->missing)
        status = standardise_like(data, "targets", parameters, flat, error);
    return status;
}
