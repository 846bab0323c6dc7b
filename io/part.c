/* Parts of a data set, and what is computed from all their rows. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "io/dataset_internal.h"

enum { PASS_VALUES = 1 << 18 }; /* values read at a time in a pass over all rows */

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

/* One pass over a part's samples: sums per channel of value (mean NULL) or of (value - mean)^2. */
struct pass {
    const struct ls_part *part;
    struct ls_feed_use use;
    int64_t values, channels, block;
    uint64_t *rows;          /* [block] owned */
    float *inputs;           /* [block, values] owned */
    double *sums;            /* [channels] owned */
    float *least, *greatest; /* [channels] owned */
    const double *mean;
    double counted; /* values of a channel */
};

static void add_value(struct pass *pass, int64_t channel, float value) {
    if (pass->mean) {
        const double difference = (double)value - pass->mean[channel];
        pass->sums[channel] += difference * difference;
        return;
    }
    pass->sums[channel] += (double)value;
    pass->least[channel] = fminf(pass->least[channel], value);
    pass->greatest[channel] = fmaxf(pass->greatest[channel], value);
}

static void add_values(void *context, const void *values, int64_t count) {
    struct pass *pass = context;
    const float *x = values;
    LS_ASSERT(count % pass->channels == 0, "%lld values of %lld channels", (long long)count,
              (long long)pass->channels);
    for (int64_t i = 0; i < count; i += pass->channels)
        for (int64_t c = 0; c < pass->channels; c++)
            add_value(pass, c, x[i + c]);
    pass->counted += (double)(count / pass->channels);
}

static enum ls_status run_pass(struct pass *pass, const double *mean, struct ls_error *error) {
    const struct ls_part *part = pass->part;
    pass->mean = mean;
    pass->counted = 0;
    for (int64_t c = 0; c < pass->channels; c++)
        pass->sums[c] = 0;
    if (pass->use.feed->window)
        return ls_dataset_pass(part->dataset, &pass->use, part, add_values, pass, error);
    for (uint64_t first = 0; first < part->count; first += (uint64_t)pass->block) {
        const uint64_t left = part->count - first;
        const int64_t count = left < (uint64_t)pass->block ? (int64_t)left : pass->block;
        for (int64_t i = 0; i < count; i++)
            pass->rows[i] = ls_part_sample(part, first + (uint64_t)i);
        const enum ls_status status =
            ls_dataset_read(part->dataset, &pass->use, pass->rows, count, pass->inputs, error);
        if (status != LS_OK)
            return status;
        add_values(pass, pass->inputs, count * pass->values);
    }
    return LS_OK;
}

enum ls_status ls_part_statistics(const struct ls_part *part, const struct ls_feed_options *options,
                                  int64_t channels, float *mean, float *scale,
                                  struct ls_error *error) {
    struct ls_feed feed;
    enum ls_status status = ls_dataset_describe(part->dataset, options, &feed, error);
    if (status != LS_OK)
        return status;
    const int64_t values = ls_shape_count(feed.shape), block = pass_rows(values, part->count);
    LS_ASSERT(part->count > 0 && values % channels == 0, "%llu rows of %lld values, %lld channels",
              (unsigned long long)part->count, (long long)values, (long long)channels);
    struct pass pass = {
        .part = part,
        .use = {.feed = options, .type = LS_TYPE_REAL},
        .values = values,
        .channels = channels,
        .block = block,
        .rows = ls_calloc((size_t)block, sizeof *pass.rows),
        .inputs = ls_calloc((size_t)(block * values), sizeof *pass.inputs),
        .sums = ls_calloc((size_t)channels, sizeof *pass.sums),
        .least = ls_calloc((size_t)channels, sizeof *pass.least),
        .greatest = ls_calloc((size_t)channels, sizeof *pass.greatest),
    };
    double *exact = ls_calloc((size_t)channels, sizeof *exact);
    for (int64_t c = 0; c < channels; c++) {
        pass.least[c] = INFINITY;
        pass.greatest[c] = -INFINITY;
    }
    status = run_pass(&pass, NULL, error);
    for (int64_t c = 0; c < channels && status == LS_OK; c++)
        exact[c] = pass.sums[c] / pass.counted;
    if (status == LS_OK)
        status = run_pass(&pass, exact, error);
    for (int64_t c = 0; c < channels && status == LS_OK; c++) {
        const bool constant =
            !(pass.least[c] < pass.greatest[c]); /* rounding leaves a tiny variance */
        mean[c] = (float)exact[c];
        scale[c] = constant ? 1.0f : (float)(1.0 / sqrt(pass.sums[c] / pass.counted));
    }
    free(pass.rows);
    free(pass.inputs);
    free(pass.sums);
    free(pass.least);
    free(pass.greatest);
    free(exact);
    return status;
}
