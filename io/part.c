/* Parts of a data set, and what is computed from all their rows. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "io/dataset.h"

enum { PASS_VALUES = 1 << 18 }; /* values read at a time in a pass over all rows */

uint64_t ls_part_row(const struct ls_part *part, uint64_t position) {
    const uint64_t rows = ls_dataset_info(part->dataset).rows, at = part->first + position;
    LS_ASSERT(position < part->count && at < rows, "position %llu of %llu, %llu rows",
              (unsigned long long)position, (unsigned long long)part->count,
              (unsigned long long)rows);
    if (!part->permuted)
        return at;
    return ls_random_permute(ls_random_key(part->seed, LS_STREAM_SPLIT, 0, 0), at, rows);
}

/* Rows of a pass that fit its block, at least one. */
static int64_t pass_rows(int64_t values, uint64_t count) {
    const int64_t rows = values < PASS_VALUES ? PASS_VALUES / values : 1;
    return (uint64_t)rows < count ? rows : (int64_t)count;
}

enum ls_status ls_dataset_classes(struct ls_dataset *dataset, int64_t *classes,
                                  struct ls_error *error) {
    const struct ls_dataset_info info = ls_dataset_info(dataset);
    const int64_t values = ls_shape_count(info.target_shape), block = pass_rows(values, info.rows);
    uint64_t *rows = ls_calloc((size_t)block, sizeof *rows);
    int32_t *labels = ls_calloc((size_t)(block * values), sizeof *labels);
    enum ls_status status = LS_OK;
    *classes = 0;
    for (uint64_t first = 0; first < info.rows && status == LS_OK; first += (uint64_t)block) {
        const uint64_t left = info.rows - first;
        const int64_t count = left < (uint64_t)block ? (int64_t)left : block;
        for (int64_t i = 0; i < count; i++)
            rows[i] = first + (uint64_t)i;
        status = ls_dataset_read_labels(dataset, rows, count, INT32_MAX, labels, error);
        for (int64_t i = 0; i < count * values && status == LS_OK; i++)
            *classes = labels[i] >= *classes ? (int64_t)labels[i] + 1 : *classes;
    }
    free(rows);
    free(labels);
    return status;
}

/* One pass over a part's inputs: sums per channel of value (mean NULL) or of (value - mean)^2. */
struct pass {
    const struct ls_part *part;
    int64_t values, channels, block;
    uint64_t *rows;          /* [block] owned */
    float *inputs;           /* [block, values] owned */
    double *sums;            /* [channels] owned */
    float *least, *greatest; /* [channels] owned */
};

static void add_value(struct pass *pass, int64_t channel, float value, const double *mean) {
    if (mean) {
        const double difference = (double)value - mean[channel];
        pass->sums[channel] += difference * difference;
        return;
    }
    pass->sums[channel] += (double)value;
    pass->least[channel] = fminf(pass->least[channel], value);
    pass->greatest[channel] = fmaxf(pass->greatest[channel], value);
}

static enum ls_status run_pass(struct pass *pass, const double *mean, struct ls_error *error) {
    for (int64_t c = 0; c < pass->channels; c++)
        pass->sums[c] = 0;
    for (uint64_t first = 0; first < pass->part->count; first += (uint64_t)pass->block) {
        const uint64_t left = pass->part->count - first;
        const int64_t count = left < (uint64_t)pass->block ? (int64_t)left : pass->block;
        for (int64_t i = 0; i < count; i++)
            pass->rows[i] = ls_part_row(pass->part, first + (uint64_t)i);
        const enum ls_status status =
            ls_dataset_read_inputs(pass->part->dataset, pass->rows, count, pass->inputs, error);
        if (status != LS_OK)
            return status;
        for (int64_t i = 0; i < count * pass->values; i += pass->channels)
            for (int64_t c = 0; c < pass->channels; c++)
                add_value(pass, c, pass->inputs[i + c], mean);
    }
    return LS_OK;
}

enum ls_status ls_part_statistics(const struct ls_part *part, int64_t channels, float *mean,
                                  float *scale, struct ls_error *error) {
    const struct ls_shape shape = ls_dataset_info(part->dataset).input_shape;
    const int64_t values = ls_shape_count(shape), block = pass_rows(values, part->count);
    LS_ASSERT(part->count > 0 && values % channels == 0, "%llu rows of %lld values, %lld channels",
              (unsigned long long)part->count, (long long)values, (long long)channels);
    struct pass pass = {
        .part = part,
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
    const double n = (double)part->count * (double)(values / channels);
    for (int64_t c = 0; c < channels; c++) {
        pass.least[c] = INFINITY;
        pass.greatest[c] = -INFINITY;
    }
    enum ls_status status = run_pass(&pass, NULL, error);
    for (int64_t c = 0; c < channels && status == LS_OK; c++)
        exact[c] = pass.sums[c] / n;
    if (status == LS_OK)
        status = run_pass(&pass, exact, error);
    for (int64_t c = 0; c < channels && status == LS_OK; c++) {
        const bool constant =
            !(pass.least[c] < pass.greatest[c]); /* rounding leaves a tiny variance */
        mean[c] = (float)exact[c];
        scale[c] = constant ? 1.0f : (float)(1.0 / sqrt(pass.sums[c] / n));
    }
    free(pass.rows);
    free(pass.inputs);
    free(pass.sums);
    free(pass.least);
    free(pass.greatest);
    free(exact);
    return status;
}
