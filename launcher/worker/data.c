#include "launcher/worker/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

const char *ls_data_folder(void) {
    const char *folder = getenv("LOCKSTEP_DATA");
    return folder && *folder ? folder : NULL;
}

bool ls_config_takes_indices(const struct ls_config *config) {
    return config->model.count > 0 && strcmp(config->model.items[0].layer->name, "embedding") == 0;
}

const char *ls_part_name(int role) {
    static const char *const names[LS_PARTS] = {"train", "validation", "test"};
    return names[role];
}

static enum ls_status open_part(struct ls_data *data, const struct ls_config *config, int role,
                                bool import, struct ls_error *error) {
    const char *const texts[LS_PARTS] = {config->data.train, config->data.validation,
                                         config->data.test};
    if (!texts[role][0])
        return LS_OK;
    char path[LS_TEXT_MAX];
    enum ls_status status = ls_source_resolve(texts[role], (enum ls_source_role)role,
                                              ls_data_folder(), import, path, error);
    const struct ls_dataset_options options = {
        .path = path,
        .inputs = config->data.inputs[0] ? config->data.inputs : NULL,
        .targets = config->data.targets[0] ? config->data.targets : NULL,
    };
    if (status == LS_OK)
        status = ls_dataset_open(&data->datasets[role], &options, error);
    if (status != LS_OK) {
        const size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, "\n(data.%s of %s)",
                 ls_part_name(role), config->path);
        return status;
    }
    const struct ls_dataset_info info = ls_dataset_info(data->datasets[role]);
    data->parts[role] = (struct ls_part){.dataset = data->datasets[role], .count = info.rows};
    return LS_OK;
}

static const char *print_row(struct ls_shape shape, char text[LS_SHAPE_TEXT_MAX]) {
    return shape.rank ? ls_shape_print(shape, text) : "single values";
}

/* All parts must be of one kind: a model is made for one shape of inputs and of targets. */
static enum ls_status check_shapes(const struct ls_data *data, struct ls_error *error) {
    const struct ls_dataset_info train = ls_dataset_info(data->datasets[LS_SOURCE_TRAIN]);
    for (int role = 0; role < LS_PARTS; role++) {
        if (!data->datasets[role])
            continue;
        const struct ls_dataset_info info = ls_dataset_info(data->datasets[role]);
        char expected[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX];
        if (!ls_shape_equal(info.input_shape, train.input_shape))
            return ls_fail(error, LS_INVALID, "data.%s: its samples are %s, those of data.train %s",
                           ls_part_name(role), print_row(info.input_shape, found),
                           print_row(train.input_shape, expected));
        if (ls_shape_count(info.target_shape) != ls_shape_count(train.target_shape))
            return ls_fail(error, LS_INVALID, "data.%s: its targets are %s, those of data.train %s",
                           ls_part_name(role), print_row(info.target_shape, found),
                           print_row(train.target_shape, expected));
    }
    return LS_OK;
}

enum ls_status ls_check_targets(const struct ls_dataset *dataset, const struct ls_config *config,
                                const struct ls_model *model, struct ls_error *error) {
    const struct ls_dataset_info info = ls_dataset_info(dataset);
    if (!info.has_targets ||
        ls_shape_count(info.target_shape) == ls_shape_row_count(model->target->shape))
        return LS_OK;
    const struct ls_layer_spec *last = &config->model.items[config->model.count - 1];
    char output[LS_SHAPE_TEXT_MAX], expected[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX];
    ls_fail(error, LS_INVALID,
            "layer %s: the model ends in %s for a sample and takes targets of %s; the data has %s",
            last->name, print_row(ls_shape_of_row(model->output->shape), output),
            print_row(ls_shape_of_row(model->target->shape), expected),
            print_row(info.target_shape, found));
    return ls_config_layer_error(config, last, error);
}

/* Cuts data.train by a permutation of the seed: shares of the rows, train taking what rounding
 * leaves. */
static enum ls_status split(struct ls_data *data, const struct ls_config *config,
                            struct ls_error *error) {
    const uint64_t rows = data->parts[LS_SOURCE_TRAIN].count;
    uint64_t counts[LS_PARTS] = {0}, held_out = 0;
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS; role++) {
        counts[role] = (uint64_t)(config->data.split.values[role] * (double)rows + 0.5);
        held_out += counts[role];
        if (config->data.split.values[role] > 0 && !counts[role])
            return ls_fail(
                error, LS_INVALID, "data.split: a share of %g of %llu rows is no row for %s",
                config->data.split.values[role], (unsigned long long)rows, ls_part_name(role));
    }
    if (held_out >= rows)
        return ls_fail(error, LS_INVALID, "data.split leaves no rows of %llu for training",
                       (unsigned long long)rows);
    counts[LS_SOURCE_TRAIN] = rows - held_out;
    uint64_t first = 0;
    for (int role = 0; role < LS_PARTS; role++) {
        if (counts[role])
            data->parts[role] = (struct ls_part){.dataset = data->datasets[LS_SOURCE_TRAIN],
                                                 .first = first,
                                                 .count = counts[role],
                                                 .permuted = true,
                                                 .seed = (uint64_t)config->seed};
        first += counts[role];
    }
    return LS_OK;
}

enum ls_status ls_data_open(struct ls_data *data, const struct ls_config *config, bool import,
                            struct ls_error *error) {
    *data = (struct ls_data){0};
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++)
        status = open_part(data, config, role, import, error);
    if (status == LS_OK && !data->datasets[LS_SOURCE_TRAIN])
        status = ls_fail(error, LS_INVALID, "data.train names no data");
    if (status == LS_OK) {
        const struct ls_dataset_info info = ls_dataset_info(data->datasets[LS_SOURCE_TRAIN]);
        data->input_shape = info.input_shape;
        data->input_integer = ls_config_takes_indices(config);
        status = check_shapes(data, error);
    }
    if (status == LS_OK && config->data.split.count)
        status = split(data, config, error);
    if (status != LS_OK)
        ls_data_close(data);
    return status;
}

void ls_data_close(struct ls_data *data) {
    for (int role = 0; role < LS_PARTS; role++)
        if (data->datasets[role])
            ls_dataset_close(data->datasets[role]);
    *data = (struct ls_data){0};
}

enum ls_status ls_data_check_labels(const struct ls_data *data, int64_t classes,
                                    struct ls_error *error) {
    enum { CHUNK = 65536 };
    uint64_t *rows = ls_calloc(CHUNK, sizeof *rows);
    int32_t *labels = ls_calloc(CHUNK, sizeof *labels);
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS; role++) {
        if (!data->datasets[role])
            continue;
        const uint64_t count = ls_dataset_info(data->datasets[role]).rows;
        for (uint64_t first = 0; status == LS_OK && first < count; first += CHUNK) {
            const int64_t n = (int64_t)(count - first < CHUNK ? count - first : CHUNK);
            for (int64_t i = 0; i < n; i++)
                rows[i] = first + (uint64_t)i;
            status = ls_dataset_read_labels(data->datasets[role], rows, n, classes, labels, error);
        }
    }
    free(rows);
    free(labels);
    return status;
}
