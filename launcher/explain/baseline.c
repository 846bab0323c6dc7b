/* The baseline that attributions are held against: zeros, the training mean, or training samples;
 * and how far the training data spreads about its mean. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "launcher/explain/explain.h"

enum { STREAM = 0x7000e008 }; /* of the samples that are drawn */

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

/* Each number's mean over the training part, as the model reads it, and its deviation where that is
 * wanted. */
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
        if (subject->deviations)
            subject->deviations[i] = (float)(1 / scale[i % count]);
    }
    free(mean);
    free(scale);
    if (trained->given)
        ls_trained_close(&training);
    return status;
}

/* Samples of the training part, drawn without one twice, as the model reads them; and their mean.
 */
static enum ls_status fill_samples(struct ls_subject *subject, int64_t width, int64_t count,
                                   struct ls_error *error) {
    struct ls_subject training;
    struct ls_sample_block block = {.rows_max = 1};
    enum ls_status status = ls_subject_open_training(subject, &training, error);
    if (status == LS_OK && training.count < (uint64_t)count)
        status = ls_fail(error, LS_INVALID,
                         "--set baseline_samples: the training data has %llu samples, not %lld",
                         (unsigned long long)training.count, (long long)count);
    const struct ls_random_key key = ls_random_key(subject->explainer.seed, STREAM, 0, 0);
    subject->baselines = ls_calloc((size_t)(count * width), sizeof(float));
    subject->baseline_ids = ls_calloc((size_t)count, sizeof *subject->baseline_ids);
    for (int64_t k = 0; k < count && status == LS_OK; k++) {
        const uint64_t place = ls_random_permute(key, (uint64_t)k, training.count);
        status = ls_subject_read(&training, &block, place, 1, error);
        if (status != LS_OK)
            break;
        memcpy(subject->baselines + k * width, block.inputs, (size_t)width * sizeof(float));
        subject->baseline_ids[k] = block.ids[0];
    }
    for (int64_t i = 0; i < width && status == LS_OK; i++) {
        double sum = 0;
        for (int64_t k = 0; k < count; k++)
            sum += (double)subject->baselines[k * width + i];
        subject->baseline_values[i] = (float)(sum / (double)count);
    }
    subject->explainer.baseline_count = count;
    subject->explainer.baselines = subject->baselines;
    ls_sample_block_clear(&block);
    ls_subject_close(&training);
    return status;
}

/* Rows of numbers that are no windows of a stream. */
static bool is_table(const struct ls_subject *subject) {
    return !subject->embedding[0] && subject->trained.data.feeds[subject->feed].shape.rank <= 1 &&
           !subject->trained.data.options[subject->role][subject->feed].window;
}

static enum ls_status make_spread(struct ls_subject *subject, struct ls_error *error) {
    const int64_t width = ls_explainer_width(&subject->explainer);
    subject->baseline = LS_BASELINE_MEAN;
    subject->baseline_values = ls_calloc((size_t)width, sizeof(float));
    subject->deviations = ls_calloc((size_t)width, sizeof(float));
    subject->explainer.baseline = subject->baseline_values;
    subject->explainer.deviations = subject->deviations;
    return fill_means(subject, width, error);
}

enum ls_status ls_subject_make_baseline(struct ls_subject *subject, struct ls_error *error) {
    if (subject->method->spread && subject->trained.data.feeds[subject->feed].shape.rank != 3)
        return make_spread(subject, error);
    if ((!subject->method->baseline && !subject->wanted->faithfulness) || subject->wanted->training)
        return LS_OK;
    const struct ls_baseline_options *options = subject->options;
    const int64_t width = ls_explainer_width(&subject->explainer);
    subject->baseline =
        subject->method->baseline ? (enum ls_baseline)options->baseline : LS_BASELINE_AUTO;
    if (subject->baseline == LS_BASELINE_AUTO)
        subject->baseline = is_table(subject) ? LS_BASELINE_MEAN : LS_BASELINE_ZERO;
    if (subject->baseline == LS_BASELINE_MEAN && subject->embedding[0])
        return ls_fail(error, LS_INVALID,
                       "--set baseline=mean: the embedding of a text has no mean; use zero or "
                       "samples");
    subject->baseline_values = ls_calloc((size_t)width, sizeof(float));
    subject->explainer.baseline = subject->baseline_values;
    if (subject->baseline == LS_BASELINE_SAMPLES)
        return fill_samples(subject, width, options->samples, error);
    if (subject->baseline == LS_BASELINE_MEAN)
        return take_known_means(subject, width) ? LS_OK : fill_means(subject, width, error);
    fill_zeros(subject, width);
    return LS_OK;
}
