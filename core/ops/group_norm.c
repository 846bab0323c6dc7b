/* Group normalisation (Wu & He 2018): the C channels of a sample are cut into groups, and each
 * group of C / groups neighbouring channels, with all positions, gets mean 0 and variance 1; then a
 * gain and an offset per channel. Saved: mean, what was rounded off it, and 1 / deviation of each
 * group of each sample. */
#include "core/ops/normalise.h"

enum { SAVED = 3 }; /* numbers of a group */

/* Positions of a sample (pixels, or 1), channels, groups, and channels of a group. */
struct parts {
    int64_t positions, channels, groups, width;
};

static struct parts parts_of(const struct ls_node *node) {
    const struct ls_group_norm_options *options = node->options;
    const struct ls_shape x = node->inputs[0]->shape;
    const int64_t channels = ls_shape_last(x), groups = options->groups ? options->groups : 1;
    return (struct parts){ls_shape_row_count(x) / channels, channels, groups, channels / groups};
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shape x = node->inputs[0]->shape;
    enum ls_status status = ls_normalise_check(node, error);
    if (status == LS_OK && x.rank == 3)
        status = ls_check_whole(node, error);
    if (status != LS_OK)
        return status;
    const struct parts p = parts_of(node);
    if (p.groups < 1 || p.channels % p.groups)
        return ls_fail(error, LS_INVALID,
                       "group_norm: expected a number of groups that divides the %lld channels, "
                       "found %lld",
                       (long long)p.channels, (long long)p.groups);
    ls_infer_like(node);
    node->saved_bytes = (size_t)(SAVED * p.groups * x.dims[0]) * sizeof(real);
    node->scratch_bytes =
        ls_normalise_scratch_bytes(p.positions * p.channels, p.channels, x.dims[0]);
    node->flops = 8 * ls_shape_row_count(x);
    return LS_OK;
}

/* One group of one sample. */
static void normalise(const struct parts *p, const real *x, const real *gain, const real *offset,
                      real epsilon, real *y, real saved[SAVED]) {
    const double count = (double)(p->positions * p->width);
    const real mean = (real)(ls_block_sum(p->positions, p->width, x, p->channels) / count);
    for (int64_t i = 0; i < p->positions; i++)
#pragma GCC ivdep /* y may be x */
        for (int64_t c = i * p->channels; c < i * p->channels + p->width; c++)
            y[c] = x[c] - mean;
    real rest, inverse;
    ls_norm_finish_sums(ls_block_sum(p->positions, p->width, y, p->channels),
                        ls_block_dot(p->positions, p->width, y, y, p->channels), count, epsilon,
                        &rest, &inverse);
    for (int64_t i = 0; i < p->positions; i++, y += p->channels)
        for (int64_t c = 0; c < p->width; c++)
            y[c] = ls_fma((y[c] - rest) * inverse, gain[c], offset[c]);
    saved[0] = mean;
    saved[1] = rest;
    saved[2] = inverse;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_group_norm_options *options = node->options;
    const struct parts p = parts_of(node);
    const real epsilon = ls_norm_epsilon(options->epsilon);
    const real *x = node->inputs[0]->data;
    const real *gain = node->inputs[1]->data, *offset = node->inputs[2]->data;
    real *y = node->output->data, *saved = node->saved;
    for (int64_t n = 0; n < run->rows; n++)
        for (int64_t group = 0; group < p.groups; group++, saved += SAVED) {
            const int64_t first = n * p.positions * p.channels + group * p.width;
            normalise(&p, x + first, gain + group * p.width, offset + group * p.width, epsilon,
                      y + first, saved);
        }
}

/* One group of one sample; n is its first position. */
static void backward_group(const struct parts *p, struct ls_normalised n, bool accumulate,
                           real *dx) {
    const struct ls_normalised first = n;
    for (int64_t i = 0; i < p->positions; i++) {
        ls_normalise_again(&n);
        n.x += p->channels, n.dy += p->channels, n.h += p->channels, n.g += p->channels;
    }
    if (!dx)
        return;
    const double count = (double)(p->positions * p->width);
    n = first;
    const real shift = (real)(ls_block_sum(p->positions, p->width, n.g, p->channels) / count);
    const real tilt = (real)(ls_block_dot(p->positions, p->width, n.g, n.h, p->channels) / count);
    for (int64_t i = 0; i < p->positions; i++, dx += p->channels) {
        ls_normalise_gradient(&n, shift, tilt, accumulate, dx);
        n.h += p->channels, n.g += p->channels;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_value *x = node->inputs[0], *gain = node->inputs[1], *offset = node->inputs[2];
    const struct parts p = parts_of(node);
    const int64_t row = p.positions * p.channels;
    const real *saved = node->saved;
    real *dy = node->output->gradient, *dx = x->gradient, *h = node->scratch;
    void *sums = (char *)node->scratch + ls_normalise_sums_at(row);
    if (offset->gradient)
        ls_column_sums(run, p.positions, p.channels, dy, offset->gradient, sums);
    for (int64_t n = 0; n < run->rows; n++)
        for (int64_t group = 0; group < p.groups; group++, saved += SAVED) {
            const int64_t inside = group * p.width, first = n * row + inside;
            const struct ls_normalised start = {.columns = p.width,
                                                .x = (const real *)x->data + first,
                                                .gain = (const real *)gain->data + inside,
                                                .mean = saved[0],
                                                .rest = saved[1],
                                                .inverse = saved[2],
                                                .dy = dy + first,
                                                .h = h + inside,
                                                .g = h + row + inside};
            backward_group(&p, start, node->accumulate[0], dx ? dx + first : NULL);
        }
    if (gain->gradient)
        ls_column_sums(run, p.positions, p.channels, dy, gain->gradient, sums);
}

#define OPTIONS(...)                                                                               \
    .options = &(const struct ls_group_norm_options){__VA_ARGS__},                                 \
    .options_size = sizeof(struct ls_group_norm_options), .input_count = 3
#define CHANNELS(count)                                                                            \
    {.shape = LS_CASE_SHAPE(count), .parameter = true, .low = 0.5, .high = 2}, {                   \
        .shape = LS_CASE_SHAPE(count), .parameter = true, .low = -1, .high = 1                     \
    }

static const struct ls_op_case cases[] = {
    {.name = "images",
     OPTIONS(.groups = 3),
     .inputs = {{.shape = LS_CASE_SHAPE(5, 2, 3, 12), .low = -2, .high = 2}, CHANNELS(12)},
     .microbatches = 2},
    {.name = "sequences, groups wider than the lanes",
     OPTIONS(.groups = 2, .epsilon = 1e-3),
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4, 42), .low = -2, .high = 2}, CHANNELS(42)},
     .microbatches = 3},
    {.name = "one position, one group",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(19, 6), .low = -2, .high = 2}, CHANNELS(6)},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_group_norm) = {
    .name = "group_norm",
    .formula =
        "y = gain (x - mean) / sqrt(variance + epsilon) + offset over each group of channels",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
