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

enum ls_status ls_data_check(const struct ls_data *data, const struct ls_worker *worker,
                             struct ls_error *error) {
    struct ls_feed_use uses[LS_FEEDS_MAX];
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS; role++) {
        const int count = ls_data_uses(data, role, worker, uses);
        for (int i = 0; i < count && data->datasets[role] && status == LS_OK; i++)
            if (uses[i].feed && uses[i].limit)
                status = ls_dataset_check(data->datasets[role], &uses[i], error);
    }
    return status;
}

/* The constants of feed `to`, from the statistics of feed `of` (both of the training part): all of
 * them, or those of the channels that `to` takes. */
static enum ls_status fill_constants(const struct ls_data *data, int of, int to,
                                     const struct ls_parameter_set *parameters, float *flat,
                                     struct ls_error *error) {
    const struct ls_feed_options *options = data->options[LS_SOURCE_TRAIN];
    char scope[LS_FEED_NAME_MAX], name[LS_FEED_NAME_MAX + 8];
    ls_feed_scope(options[to].name, scope);
    snprintf(name, sizeof name, "%s.mean", scope);
    const struct ls_parameter *mean = ls_parameters_find(parameters, name);
    snprintf(name, sizeof name, "%s.scale", scope);
    const struct ls_parameter *scale = ls_parameters_find(parameters, name);
    if (!mean || !scale)
        return LS_OK;
    const struct ls_shape shape = data->feeds[of].shape;
    const int64_t count = data->feeds[of].scaling == LS_FEED_PER_CHANNEL ? ls_shape_last(shape)
                                                                         : ls_shape_count(shape);
    float *values = ls_calloc(2 * (size_t)count, sizeof *values);
    const enum ls_status status = ls_part_statistics(&data->parts[LS_SOURCE_TRAIN], &options[of],
                                                     count, values, values + count, error);
    if (status == LS_OK) {
        const int64_t first = options[to].first_channel - options[of].first_channel;
        LS_ASSERT(first >= 0 && first + ls_parameter_plain_count(mean) <= count,
                  "channels %lld of %lld", (long long)first, (long long)count);
        ls_parameter_store(mean, values + first, flat + mean->offset);
        ls_parameter_store(scale, values + count + first, flat + scale->offset);
    }
    free(values);
    return status;
}

enum ls_status ls_data_standardise(const struct ls_data *data,
                                   const struct ls_parameter_set *parameters, float *flat,
                                   struct ls_error *error) {
    int inputs = -1;
    for (int i = 0; i < data->feed_count; i++)
        if (!strcmp(data->feeds[i].name, "inputs"))
            inputs = i;
    enum ls_status status = LS_OK;
    for (int i = 0; i < data->feed_count && status == LS_OK && inputs >= 0; i++)
        if (data->feeds[i].scaling != LS_FEED_AS_IT_IS)
            status = fill_constants(data, inputs, i, parameters, flat, error);
    return status;
}
