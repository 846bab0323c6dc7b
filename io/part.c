/* Parts of a data set, and what is computed from all their rows. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "io/dataset_internal.h"

enum { PASS_VALUES = 1 << 18 }; /* values read at a time in a pass over all rows */
static const double SMALLEST_VARIANCE =
    (double)FLT_MIN * (double)FLT_MIN; /* that floats can tell */

uint64_t ls_part_sample(const struct ls_part *part, uint64_t position) {
    const uint64_t rows = ls_dataset_info(part->dataset).samples, at = part->first + position;
    LS_ASSERT(position < part->count && at < rows, "position %llu of %llu, %llu rows",
              (unsigned long long)position, (unsigned long long)part->count,
              (unsigned long long)rows);
    if (part->samples)
        return part->samples[position];
    if (!part->permuted)
        return at;
    return ls_random_permute(ls_random_key(part->seed, LS_STREAM_SPLIT, 0, 0), at, rows);
}

/* Rows of a pass that fit its block, at least one. */
static int64_t pass_rows(int64_t values, uint64_t count) {
    const int64_t rows = values < PASS_VALUES ? PASS_VALUES / values : 1;
    return (uint64_t)rows < count ? rows : (int64_t)count;
}

enum ls_status ls_part_pass(const struct ls_part *part, const struct ls_feed_use *use,
                            ls_dataset_look *look, void *context, struct ls_error *error) {
    struct ls_feed feed;
    if (use->feed->window)
        return ls_dataset_pass(part->dataset, use, part, look, context, error);
    enum ls_status status = ls_dataset_describe(part->dataset, use->feed, &feed, error);
    if (status != LS_OK)
        return status;
    const int64_t values = ls_shape_count(feed.shape), block = pass_rows(values, part->count);
    uint64_t *samples = ls_calloc((size_t)block, sizeof *samples);
    void *read = ls_calloc((size_t)(block * values), ls_use_bytes(use));
    for (uint64_t first = 0; first < part->count && status == LS_OK; first += (uint64_t)block) {
        const uint64_t left = part->count - first;
        const int64_t count = left < (uint64_t)block ? (int64_t)left : block;
        for (int64_t i = 0; i < count; i++)
            samples[i] = ls_part_sample(part, first + (uint64_t)i);
        status = ls_dataset_read(part->dataset, use, samples, count, read, error);
        if (status == LS_OK)
            look(context, read, count * values);
    }
    free(samples);
    free(read);
    return status;
}

/* One pass over a part's samples: sums per channel of value (mean NULL) or of (value - mean)^2. */
struct sums {
    int64_t channels;
    double *sums, *least, *greatest; /* [channels] owned */
    const double *mean;
    double counted; /* values of a channel */
};

static void add_value(struct sums *sums, int64_t channel, double value) {
    if (sums->mean) {
        const double difference = value - sums->mean[channel];
        sums->sums[channel] += difference * difference;
        return;
    }
    sums->sums[channel] += value;
    sums->least[channel] = fmin(sums->least[channel], value);
    sums->greatest[channel] = fmax(sums->greatest[channel], value);
}

static void add_values(void *context, const void *values, int64_t count) {
    struct sums *sums = context;
    const double *x = values;
    LS_ASSERT(count % sums->channels == 0, "%lld values of %lld channels", (long long)count,
              (long long)sums->channels);
    for (int64_t i = 0; i < count; i += sums->channels)
        for (int64_t c = 0; c < sums->channels; c++)
            add_value(sums, c, x[i + c]);
    sums->counted += (double)(count / sums->channels);
}

/* Adds everything up, about the mean if there is one. */
static enum ls_status add_part(struct sums *sums, const struct ls_part *part,
                               const struct ls_feed_options *feed, const double *mean,
                               struct ls_error *error) {
    const struct ls_feed_use use = {.feed = feed, .type = LS_TYPE_REAL, .exact = true};
    sums->mean = mean;
    sums->counted = 0;
    for (int64_t c = 0; c < sums->channels; c++)
        sums->sums[c] = 0;
    return ls_part_pass(part, &use, add_values, sums, error);
}

enum ls_status ls_part_statistics(const struct ls_part *part, const struct ls_feed_options *feed,
                                  int64_t channels, double *mean, double *scale,
                                  struct ls_error *error) {
    LS_ASSERT(part->count > 0, "no rows of %lld channels", (long long)channels);
    struct sums sums = {
        .channels = channels,
        .sums = ls_calloc((size_t)channels, sizeof *sums.sums),
        .least = ls_calloc((size_t)channels, sizeof *sums.least),
        .greatest = ls_calloc((size_t)channels, sizeof *sums.greatest),
    };
    for (int64_t c = 0; c < channels; c++) {
        sums.least[c] = HUGE_VAL;
        sums.greatest[c] = -HUGE_VAL;
    }
    enum ls_status status = add_part(&sums, part, feed, NULL, error);
    for (int64_t c = 0; c < channels && status == LS_OK; c++)
        mean[c] = sums.least[c] < sums.greatest[c] ? sums.sums[c] / sums.counted : sums.least[c];
    if (status == LS_OK)
        status = add_part(&sums, part, feed, mean, error);
    for (int64_t c = 0; c < channels && status == LS_OK; c++) {
        const double variance = sums.sums[c] / sums.counted;
        const bool constant = !(sums.least[c] < sums.greatest[c]) || variance < SMALLEST_VARIANCE;
        scale[c] = constant ? 1 : 1 / sqrt(variance);
    }
    free(sums.sums);
    free(sums.least);
    free(sums.greatest);
    return status;
}

bool ls_mean_needs_double(double mean, double scale) {
    return fabs(mean) * scale * 0x1p-24 > 1e-6;
}
