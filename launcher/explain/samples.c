/* Samples as a method takes them. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/explain/explain.h"
#include "launcher/config/reader.h"

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

/* The positions of the output that are no padding, where rows of different lengths were padded:
 * those of the targets or, where the data has none, of the explained feed. */
static enum ls_status read_lengths(struct ls_subject *subject, struct ls_sample_block *block,
                                   int64_t rows, struct ls_error *error) {
    struct ls_data *data = &subject->trained.data;
    const char *const of[] = {"targets", data->feeds[subject->feed].name};
    const struct ls_shape output = ls_shape_of_row(subject->model.output->shape);
    const int64_t positions = ls_shape_count(output) / ls_shape_last(output);
    for (int i = 0; i < 2 && subject->target.classifies && positions > 1; i++) {
        char name[LS_FEED_NAME_MAX + sizeof LS_LENGTH_ENDING];
        snprintf(name, sizeof name, "%s" LS_LENGTH_ENDING, of[i]);
        const struct ls_feed *lengths = ls_data_feed(data, name), *feed = ls_data_feed(data, of[i]);
        if (!lengths || lengths->missing || lengths->shape.rank == LS_FEED_OPEN ||
            ls_shape_count(feed->shape) != positions)
            continue;
        const struct ls_feed_use use = {
            .feed = &data->options[subject->role][lengths - data->feeds], .type = LS_TYPE_INT32};
        if (!block->lengths)
            block->lengths = ls_calloc((size_t)block->rows_max, sizeof *block->lengths);
        subject->target.lengths = block->lengths;
        return ls_dataset_read(data->parts[subject->role].dataset, &use, block->ids, rows,
                               block->lengths, error);
    }
    return LS_OK;
}

/* The labels of a sample with positions are those of all; the one position's stays. */
static enum ls_status read_labels(struct ls_subject *subject, struct ls_sample_block *block,
                                  int64_t rows, struct ls_error *error) {
    struct ls_data *data = &subject->trained.data;
    const struct ls_feed *feed = ls_data_feed(data, "targets");
    if (!feed || feed->missing || feed->shape.rank == LS_FEED_OPEN)
        return ls_fail(error, LS_INVALID, "--target label: the data has no targets");
    const int64_t each = ls_shape_count(feed->shape);
    const struct ls_shape output = ls_shape_of_row(subject->model.output->shape);
    const int64_t positions = ls_shape_count(output) / ls_shape_last(output);
    if (each != positions)
        return ls_fail(error, LS_INVALID,
                       "--target label: expected a label for each of a sample's %lld answers, but "
                       "its targets are %lld values",
                       (long long)positions, (long long)each);
    const struct ls_feed_use use = {.feed = &data->options[subject->role][feed - data->feeds],
                                    .type = LS_TYPE_INT32,
                                    .limit =
                                        ls_target_count(&subject->explainer, &subject->target)};
    if (!block->labels)
        block->labels = ls_calloc((size_t)(block->rows_max * each), sizeof *block->labels);
    const enum ls_status status = ls_dataset_read(data->parts[subject->role].dataset, &use,
                                                  block->ids, rows, block->labels, error);
    for (int64_t n = 0; n < rows && each > 1; n++)
        block->labels[n] = block->labels[n * each + ls_target_position(&subject->target, n, each)];
    return status;
}

void ls_subject_read_labels(struct ls_subject *subject, struct ls_sample_block *block,
                            int64_t rows) {
    struct ls_error ignored;
    if (!subject->target.classifies || block->labels)
        return;
    if (read_labels(subject, block, rows, &ignored) != LS_OK) {
        free(block->labels);
        block->labels = NULL;
    }
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
    const struct ls_units *units = &subject->units;
    for (int64_t i = 0; i < rows * width && units->scales; i++)
        block->targets[i] = (float)(((double)block->targets[i] - units->means[i % width]) *
                                    (double)units->scales[i % width]);
    return status;
}

/* The explained feed's numbers, or those of its tokens. */
static void take_inputs(const struct ls_subject *subject, struct ls_sample_block *block,
                        int64_t rows) {
    const int64_t width = ls_explainer_width(&subject->explainer);
    const void *from = block->feeds[subject->input];
    if (subject->cut[0])
        return; /* the model makes them */
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
    const struct ls_part *part = &subject->trained.data.parts[subject->role];
    uint64_t *ids = ls_calloc((size_t)rows + 1, sizeof *ids);
    for (int64_t n = 0; n < rows; n++)
        ids[n] = ls_part_sample(part, subject->first + first + (uint64_t)n);
    const enum ls_status status = ls_subject_read_rows(subject, block, ids, rows, error);
    free(ids);
    return status;
}

enum ls_status ls_subject_read_rows(struct ls_subject *subject, struct ls_sample_block *block,
                                    const uint64_t *ids, int64_t rows, struct ls_error *error) {
    const struct ls_data *data = &subject->trained.data;
    const struct ls_part *part = &data->parts[subject->role];
    enum ls_status status = LS_OK;
    make_room(subject, block);
    memcpy(block->ids, ids, (size_t)rows * sizeof *ids);
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
    if (status == LS_OK)
        status = read_lengths(subject, block, rows, error);
    if (status == LS_OK && (subject->target.kind == LS_TARGET_LABEL || (judges && classes) ||
                            (subject->method->concepts && subject->concepts.judged)))
        status = read_labels(subject, block, rows, error);
    if (status == LS_OK && judges && !classes)
        status = read_targets(subject, block, rows, error);
    if (status == LS_OK && subject->concepts.true_ones) {
        if (!block->truths)
            block->truths = ls_calloc((size_t)(block->rows_max * subject->concepts.count),
                                      sizeof *block->truths);
        status = ls_subject_read_truths(subject, block->ids, rows, block->truths, error);
    }
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
    subject->target.lengths = block->lengths;
    subject->concepts.truths = block->truths;
    for (int i = 0; i < subject->model.input_count; i++)
        explainer->feeds[i] = block->feeds[i];
}

void ls_sample_block_clear(struct ls_sample_block *block) {
    for (int i = 0; i < LS_FEEDS_MAX; i++)
        free(block->feeds[i]);
    free(block->inputs);
    free(block->ids);
    free(block->lengths);
    free(block->labels);
    free(block->targets);
    free(block->truths);
    *block = (struct ls_sample_block){0};
}
