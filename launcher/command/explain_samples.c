/* Samples as a method takes them, and the baseline that they are held against. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/command/explain.h"

/* What zero is to a feed whose mean is taken off as it is read. */
static void fill_zeros(const struct ls_subject *subject, int64_t width) {
    const struct ls_feed_options *feed =
        &subject->trained.data.options[subject->role][subject->feed];
    for (int64_t i = 0; i < width; i++)
        subject->baseline_values[i] = feed->centre && !subject->embedding[0]
                                          ? -(float)feed->centre[i % feed->centre_count]
                                          : 0.0f;
}

/* A constant that a feed is standardised by, of so many numbers; NULL: the model has none. */
static float *fetch_constant(const struct ls_subject *subject, const char *name, int64_t count) {
    const struct ls_worker *worker = &subject->trained.worker;
    const struct ls_parameter *parameter = ls_parameters_find(worker->parameters, name);
    float *plain = NULL;
    if (parameter && ls_parameter_plain_count(parameter) == count) {
        plain = ls_calloc((size_t)count, sizeof *plain);
        ls_parameter_fetch(parameter, worker->flat + parameter->offset, plain);
    }
    return plain;
}

/* Where the model standardises each number, it knows the means itself. */
static bool take_known_means(const struct ls_subject *subject, int64_t width) {
    const char *name = subject->trained.data.feeds[subject->feed].name;
    const struct ls_feed_constants names = ls_feed_constants(name);
    float *mean = fetch_constant(subject, names.mean, width);
    if (mean)
        memcpy(subject->baseline_values, mean, (size_t)width * sizeof *mean);
    const bool known = mean != NULL;
    free(mean);
    return known;
}

/* Each number's mean over the training part, as the model reads it. */
static enum ls_status fill_means(struct ls_subject *subject, int64_t width,
                                 struct ls_error *error) {
    struct ls_trained *trained = &subject->trained;
    struct ls_trained training = {0};
    const struct ls_trained_options what = {.run = subject->run, .file = "", .answers = true};
    enum ls_status status = LS_OK;
    if (trained->given)
        status = ls_trained_open(&training, &what, error);
    if (status != LS_OK)
        return ls_fail_context(error, "the mean of the training data is wanted (--set "
                                      "baseline=zero does without): ");
    const struct ls_data *data = trained->given ? &training.data : &trained->data;
    const char *name = trained->data.feeds[subject->feed].name;
    const struct ls_feed *feed = ls_data_feed(data, name);
    const struct ls_feed_options *options = &data->options[LS_SOURCE_TRAIN][feed - data->feeds];
    double *mean = ls_calloc((size_t)width, sizeof *mean);
    double *scale = ls_calloc((size_t)width, sizeof *scale);
    /* Rows of a stream have the same channels wherever a window begins. */
    const int64_t channels = feed->shape.rank > 1 ? ls_shape_last(feed->shape) : 1;
    const int64_t count = options->window ? channels : width;
    status = ls_part_statistics(&data->parts[LS_SOURCE_TRAIN], options, count, mean, scale, error);
    for (int64_t i = 0; i < width && status == LS_OK; i++) {
        const double centre = options->centre ? options->centre[i % options->centre_count] : 0.0;
        subject->baseline_values[i] = (float)(mean[i % count] - centre);
    }
    free(mean);
    free(scale);
    if (trained->given)
        ls_trained_close(&training);
    return status;
}

enum ls_status ls_subject_make_baseline(struct ls_subject *subject, struct ls_error *error) {
    if (!subject->method->baseline && !subject->wanted->faithfulness)
        return LS_OK;
    const struct ls_baseline_options *options = subject->options;
    const int64_t width = ls_explainer_width(&subject->explainer);
    const bool table = !subject->embedding[0] &&
                       subject->trained.data.feeds[subject->feed].shape.rank <= 1 &&
                       !subject->trained.data.options[subject->role][subject->feed].window;
    subject->baseline =
        subject->method->baseline ? (enum ls_baseline)options->baseline : LS_BASELINE_AUTO;
    if (subject->baseline == LS_BASELINE_AUTO)
        subject->baseline = table ? LS_BASELINE_MEAN : LS_BASELINE_ZERO;
    if (subject->baseline == LS_BASELINE_MEAN && subject->embedding[0])
        return ls_fail(error, LS_INVALID,
                       "--set baseline=mean: the embedding of a text has no mean; use zero");
    subject->baseline_values = ls_calloc((size_t)width, sizeof(float));
    subject->explainer.baseline = subject->baseline_values;
    if (subject->baseline == LS_BASELINE_MEAN)
        return take_known_means(subject, width) ? LS_OK : fill_means(subject, width, error);
    fill_zeros(subject, width);
    return LS_OK;
}

static void make_room(const struct ls_subject *subject, struct ls_sample_block *block) {
    const size_t rows = (size_t)block->rows_max;
    if (block->ids)
        return;
    block->ids = ls_calloc(rows, sizeof *block->ids);
    block->inputs =
        ls_calloc(rows * (size_t)ls_explainer_width(&subject->explainer), sizeof(float));
    for (int i = 0; i < subject->model.input_count; i++)
        block->feeds[i] =
            ls_calloc(rows * (size_t)ls_shape_row_count(subject->model.inputs[i].value->shape), 4);
}

/* The labels of a sample with positions are those of all; the one position's stays. */
static enum ls_status read_labels(struct ls_subject *subject, struct ls_sample_block *block,
                                  int64_t rows, struct ls_error *error) {
    struct ls_data *data = &subject->trained.data;
    const struct ls_feed *feed = ls_data_feed(data, "targets");
    if (!feed || feed->missing || feed->shape.rank == LS_FEED_OPEN)
        return ls_fail(error, LS_INVALID, "--target label: the data has no targets");
    const int64_t each = ls_shape_count(feed->shape);
    const struct ls_feed_use use = {.feed = &data->options[subject->role][feed - data->feeds],
                                    .type = LS_TYPE_INT32,
                                    .limit =
                                        ls_target_count(&subject->explainer, &subject->target)};
    const int64_t position =
        each > 1 && subject->target.position >= 0 ? subject->target.position : each - 1;
    if (!block->labels)
        block->labels = ls_calloc((size_t)(block->rows_max * each), sizeof *block->labels);
    const enum ls_status status = ls_dataset_read(data->parts[subject->role].dataset, &use,
                                                  block->ids, rows, block->labels, error);
    for (int64_t n = 0; n < rows && each > 1; n++)
        block->labels[n] = block->labels[n * each + position];
    return status;
}

/* The numbers that were wanted, in the units of the model's output. */
static enum ls_status read_targets(struct ls_subject *subject, struct ls_sample_block *block,
                                   int64_t rows, struct ls_error *error) {
    struct ls_data *data = &subject->trained.data;
    const struct ls_feed *feed = ls_data_feed(data, "targets");
    const int64_t width = ls_shape_row_count(subject->model.output->shape);
    if (!feed || feed->missing || feed->shape.rank == LS_FEED_OPEN ||
        ls_shape_count(feed->shape) != width)
        return ls_fail(error, LS_INVALID,
                       "%s: the data has no targets of %lld numbers, as the model gives",
                       subject->method->name, (long long)width);
    const struct ls_feed_use use = {.feed = &data->options[subject->role][feed - data->feeds],
                                    .type = LS_TYPE_REAL};
    block->targets = ls_calloc((size_t)(rows * width), sizeof *block->targets);
    const enum ls_status status = ls_dataset_read(data->parts[subject->role].dataset, &use,
                                                  block->ids, rows, block->targets, error);
    const struct ls_feed_constants names = ls_feed_constants("targets");
    float *mean = fetch_constant(subject, names.mean, width);
    float *scale = fetch_constant(subject, names.scale, width);
    for (int64_t i = 0; i < rows * width && mean && scale; i++)
        block->targets[i] = (block->targets[i] - mean[i % width]) * scale[i % width];
    free(mean);
    free(scale);
    return status;
}

/* The explained feed's numbers, or those of its tokens. */
static void take_inputs(const struct ls_subject *subject, struct ls_sample_block *block,
                        int64_t rows) {
    const int64_t width = ls_explainer_width(&subject->explainer);
    const void *from = block->feeds[subject->input];
    if (!subject->embedding[0]) {
        if (subject->model.explained->type == LS_TYPE_REAL)
            memcpy(block->inputs, from, (size_t)(rows * width) * sizeof(float));
        return;
    }
    const int32_t *tokens = from;
    const int64_t numbers = ls_shape_last(subject->model.explained->shape);
    for (int64_t i = 0; i < rows * width / numbers; i++)
        memcpy(block->inputs + i * numbers, subject->table + tokens[i] * numbers,
               (size_t)numbers * sizeof(float));
}

enum ls_status ls_subject_read(struct ls_subject *subject, struct ls_sample_block *block,
                               uint64_t first, int64_t rows, struct ls_error *error) {
    const struct ls_data *data = &subject->trained.data;
    const struct ls_part *part = &data->parts[subject->role];
    enum ls_status status = LS_OK;
    make_room(subject, block);
    for (int64_t n = 0; n < rows; n++)
        block->ids[n] = ls_part_sample(part, subject->first + first + (uint64_t)n);
    for (int i = 0; i < subject->model.input_count && status == LS_OK; i++) {
        const struct ls_model_input *input = &subject->model.inputs[i];
        const bool open = data->feeds[input->feed].shape.rank == LS_FEED_OPEN;
        const struct ls_feed_use use = {.feed = &data->options[subject->role][input->feed],
                                        .type = input->value->type,
                                        .limit = input->limit,
                                        .ignores = input->ignores,
                                        .ignored = input->ignored,
                                        .zero_to_one = input->zero_to_one};
        if (!open && (i == subject->input || input->value->data))
            status = ls_dataset_read(part->dataset, &use, block->ids, rows, block->feeds[i], error);
    }
    const bool judges = subject->method->judges, classes = subject->target.classifies;
    if (status == LS_OK && (subject->target.kind == LS_TARGET_LABEL || (judges && classes)))
        status = read_labels(subject, block, rows, error);
    if (status == LS_OK && judges && !classes)
        status = read_targets(subject, block, rows, error);
    if (status == LS_OK)
        take_inputs(subject, block, rows);
    return status;
}

void ls_subject_show(struct ls_subject *subject, const struct ls_sample_block *block,
                     int64_t rows) {
    struct ls_explainer *explainer = &subject->explainer;
    explainer->rows = rows;
    explainer->inputs = subject->model.explained->type == LS_TYPE_REAL ? block->inputs : NULL;
    explainer->ids = block->ids;
    explainer->labels = block->labels;
    explainer->targets = block->targets;
    explainer->explained = NULL;
    subject->target.labels = block->labels;
    for (int i = 0; i < subject->model.input_count; i++)
        explainer->feeds[i] = block->feeds[i];
}

void ls_sample_block_clear(struct ls_sample_block *block) {
    for (int i = 0; i < LS_FEEDS_MAX; i++)
        free(block->feeds[i]);
    free(block->inputs);
    free(block->ids);
    free(block->labels);
    free(block->targets);
    *block = (struct ls_sample_block){0};
}
