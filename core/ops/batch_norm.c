/* Batch normalisation (Ioffe & Szegedy 2015) per channel C, over each microbatch on its own
 * ("ghost" statistics), with an optional residual added and an optional ReLU behind it. x [N, C] or
 * [N, ..., C].
 *
 * Inputs: x, gain, offset, running mean, running variance, and perhaps a residual r as large as x
 * (fused from an add by the planner). When training, each microbatch is normalised by its mean and
 * biased variance, and the gradient slots of the running statistics take the sum over microbatches
 * of (mean - running mean) and (unbiased variance - running variance). In evaluation, and for a
 * microbatch with fewer than two values per channel, the running statistics are constants and
 * nothing is learned about them.
 *
 * Both directions are one affine map per channel and element. With i = 1 / sqrt(variance +
 * epsilon), h = (x - mean) i, n values, S = sum dy and T = sum dy h = i sum dy (x - mean):
 *
 *     y  = (gain i) x + (offset - mean gain i) [+ r]
 *     dx = gain i (dy - S / n - h T / n), without the sums where the statistics are constants
 */
#include "core/ops/check.h"
#include "core/ops/math.h"
#include "core/ops/norm_passes.h"
#include "core/ops/norm_sums.h"
#include "core/ops/ops.h"
#include "core/ops/sum.h"

enum { X, GAIN, OFFSET, MEAN, VARIANCE, RESIDUAL };

static const struct ls_value *residual_of(const struct ls_node *node) {
    return node->input_count > RESIDUAL ? node->inputs[RESIDUAL] : NULL;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const char *const names[] = {"input", "gain", "offset", "running mean", "running variance"};
    const struct ls_shape x = node->inputs[X]->shape;
    enum ls_status status = ls_check_batched(node, X, 2, error);
    for (int i = GAIN; i <= VARIANCE && status == LS_OK; i++)
        status = ls_check_parameter(node, i, names[i], LS_SHAPE(ls_shape_last(x)), error);
    if (status != LS_OK)
        return status;
    if (residual_of(node) && !ls_shape_equal(residual_of(node)->shape, x))
        return ls_fail(error, LS_INVALID, "batch_norm: the residual must be as large as the input");
    ls_infer_like(node);
    node->saved_bytes = (size_t)(2 * x.dims[0] * ls_shape_last(x)) * sizeof(double);
    node->scratch_bytes = ls_norm_room_bytes(ls_shape_last(x), x.dims[0]);
    node->flops = 6 * ls_shape_row(x);
    return LS_OK;
}

static double epsilon_of(const struct ls_node *node) {
    const struct ls_norm_options *options = node->options;
    return options->epsilon > 0 ? options->epsilon : 1e-5;
}

/* Values per channel in microbatch m, and whether its statistics are constants. */
static int64_t values_of(const struct ls_node *node, const struct ls_run *run, int m) {
    const struct ls_shape shape = node->output->shape;
    return ls_run_microbatch_rows(run, m) * (ls_shape_row(shape) / ls_shape_last(shape));
}

static bool frozen(const struct ls_run *run, int64_t values) {
    return !run->training || values < 2;
}

static void clear_sums(struct ls_norm_room r, int64_t channels) {
    memset(r.sum, 0, (size_t)channels * sizeof *r.sum);
    memset(r.product, 0, (size_t)channels * sizeof *r.product);
}

/* Sums of x - centre and of its square; the centre is the microbatch's first pixel. */
static void take_sums(const struct ls_node *node, const struct ls_run *run, int m,
                      struct ls_norm_room r, const real *x) {
    const struct ls_norm_statistics saved = ls_norm_saved(node, m);
    const int64_t channels = ls_shape_last(node->output->shape);
    memcpy(r.centre, x, (size_t)channels * sizeof(real));
    if (node->measured) {
        memcpy(r.sum, saved.mean, (size_t)channels * sizeof *r.sum);
        memcpy(r.product, saved.inverse, (size_t)channels * sizeof *r.product);
        return;
    }
    clear_sums(r, channels);
    ls_norm_sums(LS_NORM_FORWARD,
                 (struct ls_norm_terms){.x = x,
                                        .centre = r.centre,
                                        .scale = r.centre,
                                        .shift = r.centre,
                                        .images = ls_run_microbatch_rows(run, m),
                                        .pixels = ls_shape_row(node->output->shape) / channels,
                                        .channels = channels},
                 r.sum, r.product);
}

/* Statistics of microbatch m: saves them, and writes to mean_leaf and variance_leaf (may be NULL)
 * how far they are from the running ones. */
static void measure(const struct ls_node *node, const struct ls_run *run, int m,
                    struct ls_norm_room r, real *mean_leaf, real *variance_leaf) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t row = ls_shape_row(node->output->shape);
    const real *x = (const real *)node->inputs[X]->data + ls_run_microbatch_first(run, m) * row;
    const real *running_mean = node->inputs[MEAN]->data;
    const real *running_variance = node->inputs[VARIANCE]->data;
    const struct ls_norm_statistics saved = ls_norm_saved(node, m);
    const int64_t values = values_of(node, run, m);
    const bool constant = frozen(run, values);
    const double n = (double)values, epsilon = epsilon_of(node);
    if (!constant)
        take_sums(node, run, m, r, x);
    for (int64_t c = 0; c < channels; c++) {
        double mean = (double)running_mean[c], variance = (double)running_variance[c];
        double unbiased = variance;
        if (!constant) {
            const double from_centre = r.sum[c] / n;
            mean = (double)r.centre[c] + from_centre;
            variance = r.product[c] / n - from_centre * from_centre;
            variance = variance < 0 ? 0 : variance;
            unbiased = variance * (n / (n - 1));
        }
        if (mean_leaf)
            mean_leaf[c] = (real)(mean - (double)running_mean[c]) + (real)0;
        if (variance_leaf)
            variance_leaf[c] = (real)(unbiased - (double)running_variance[c]) + (real)0;
        saved.mean[c] = mean;
        saved.inverse[c] = 1 / __builtin_sqrt(variance + epsilon);
    }
}

/* Fills scale and shift of microbatch m. */
static void affine(const struct ls_node *node, int m, struct ls_norm_room r) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const real *gain = node->inputs[GAIN]->data, *offset = node->inputs[OFFSET]->data;
    const struct ls_norm_statistics saved = ls_norm_saved(node, m);
    for (int64_t c = 0; c < channels; c++) {
        const double scale = (double)gain[c] * saved.inverse[c];
        r.scale[c] = (real)scale;
        r.shift[c] = (real)((double)offset[c] - saved.mean[c] * scale);
    }
    ls_norm_repeat(r.scale, channels);
    ls_norm_repeat(r.shift, channels);
}

static void apply_microbatch(const struct ls_node *node, const struct ls_run *run, int m,
                             struct ls_norm_room r) {
    const int64_t row = ls_shape_row(node->output->shape);
    const int64_t first = ls_run_microbatch_first(run, m) * row;
    const int64_t count = ls_run_microbatch_rows(run, m) * row;
    const int64_t wide = ls_norm_pattern(ls_shape_last(node->output->shape));
    const real *x = (const real *)node->inputs[X]->data + first;
    real *y = (real *)node->output->data + first;
    const struct ls_value *residual = residual_of(node);
    const bool relu = node->activation == LS_ACTIVATION_RELU;
    if (residual)
        ls_norm_apply(count, wide, r, x, (const real *)residual->data + first, y, relu);
    else
        ls_norm_apply(count, wide, r, x, NULL, y, relu);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_norm_room r = ls_norm_room_of(node);
    const int64_t channels = ls_shape_last(node->output->shape);
    const bool learns =
        run->training && node->inputs[MEAN]->gradient && node->inputs[VARIANCE]->gradient;
    struct ls_tree_stack means =
        ls_tree_stack_begin(node->inputs[MEAN]->gradient, r.stacks[0], channels);
    struct ls_tree_stack variances =
        ls_tree_stack_begin(node->inputs[VARIANCE]->gradient, r.stacks[1], channels);
    for (int m = 0; m < run->microbatches; m++) {
        measure(node, run, m, r, learns ? ls_tree_stack_leaf(&means) : NULL,
                learns ? ls_tree_stack_leaf(&variances) : NULL);
        affine(node, m, r);
        apply_microbatch(node, run, m, r);
        if (learns) {
            ls_tree_stack_push(&means);
            ls_tree_stack_push(&variances);
        }
    }
    if (learns) {
        ls_tree_stack_finish(&means);
        ls_tree_stack_finish(&variances);
    }
}

/* Fills the coefficients of dx, and the leaves of the gradients of gain and offset (may be NULL),
 * from the sums of dy and dy (x - centre). */
static void derive(const struct ls_node *node, const struct ls_run *run, int m,
                   struct ls_norm_room r, real *gain_leaf, real *offset_leaf) {
    const int64_t channels = ls_shape_last(node->output->shape), values = values_of(node, run, m);
    const real *gain = node->inputs[GAIN]->data;
    const struct ls_norm_statistics saved = ls_norm_saved(node, m);
    const double share = frozen(run, values) ? 0 : 1 / (double)values;
    for (int64_t c = 0; c < channels; c++) {
        const double scale = (double)gain[c] * saved.inverse[c];
        const double from_centre = saved.mean[c] - (double)r.centre[c];
        const double along = saved.inverse[c] * (r.product[c] - from_centre * r.sum[c]); /* T */
        const double tilt = saved.inverse[c] * along * share;
        r.steep[c] = (real)scale;
        r.tilt[c] = (real)(-scale * tilt);
        r.offset[c] = (real)(scale * (saved.mean[c] * tilt - r.sum[c] * share));
        if (gain_leaf)
            gain_leaf[c] = (real)along + (real)0; /* sums over samples are never -0 */
        if (offset_leaf)
            offset_leaf[c] = (real)r.sum[c] + (real)0;
    }
    ls_norm_repeat(r.steep, channels);
    ls_norm_repeat(r.tilt, channels);
    ls_norm_repeat(r.offset, channels);
}

/* A ReLU's mask is worked out from x again, unless a residual had its say: then y is asked, dy is
 * masked in place, and the residual gets it as well. */
static void sum_microbatch(const struct ls_node *node, int m, struct ls_norm_room r,
                           const struct ls_norm_terms *terms) {
    const struct ls_value *residual = residual_of(node);
    const struct ls_norm_statistics saved = ls_norm_saved(node, m);
    for (int64_t c = 0; c < terms->channels; c++)
        r.centre[c] = (real)saved.mean[c];
    clear_sums(r, terms->channels);
    if (residual) {
        ls_norm_sums(LS_NORM_BEHIND_SUM, *terms, r.sum, r.product);
    } else if (terms->relu) {
        affine(node, m, r);
        ls_norm_sums(LS_NORM_BEHIND_RELU, *terms, r.sum, r.product);
    } else {
        ls_norm_sums(LS_NORM_BACKWARD, *terms, r.sum, r.product);
    }
}

static void backward_microbatch(const struct ls_node *node, const struct ls_run *run, int m,
                                struct ls_norm_room r, real *gain_leaf, real *offset_leaf) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t row = ls_shape_row(node->output->shape), rows = ls_run_microbatch_rows(run, m);
    const int64_t first = ls_run_microbatch_first(run, m) * row;
    const struct ls_value *residual = residual_of(node);
    const struct ls_norm_terms terms = {
        .images = rows,
        .pixels = row / channels,
        .channels = channels,
        .x = (const real *)node->inputs[X]->data + first,
        .y = (const real *)node->output->data + first,
        .centre = r.centre,
        .scale = r.scale,
        .shift = r.shift,
        .dy = (real *)node->output->gradient + first,
        .residual = residual && residual->gradient ? (real *)residual->gradient + first : NULL,
        .relu = node->activation == LS_ACTIVATION_RELU,
        .residual_adds = residual && node->accumulate[RESIDUAL],
    };
    sum_microbatch(node, m, r, &terms);
    derive(node, run, m, r, gain_leaf, offset_leaf);
    if (!node->inputs[X]->gradient)
        return;
    real *dx = (real *)node->inputs[X]->gradient + first;
    const int64_t count = rows * row, wide = ls_norm_pattern(channels);
    const bool masked = terms.relu && !residual, accumulate = node->accumulate[X];
    if (masked && accumulate)
        ls_norm_write_dx(count, wide, r, terms.x, terms.dy, dx, true, true);
    else if (masked)
        ls_norm_write_dx(count, wide, r, terms.x, terms.dy, dx, true, false);
    else if (accumulate)
        ls_norm_write_dx(count, wide, r, terms.x, terms.dy, dx, false, true);
    else
        ls_norm_write_dx(count, wide, r, terms.x, terms.dy, dx, false, false);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_norm_room r = ls_norm_room_of(node);
    const int64_t channels = ls_shape_last(node->output->shape);
    real *gain = node->inputs[GAIN]->gradient, *offset = node->inputs[OFFSET]->gradient;
    struct ls_tree_stack gains = ls_tree_stack_begin(gain, r.stacks[0], channels);
    struct ls_tree_stack offsets = ls_tree_stack_begin(offset, r.stacks[1], channels);
    for (int m = 0; m < run->microbatches; m++) {
        backward_microbatch(node, run, m, r, gain ? ls_tree_stack_leaf(&gains) : NULL,
                            offset ? ls_tree_stack_leaf(&offsets) : NULL);
        if (gain)
            ls_tree_stack_push(&gains);
        if (offset)
            ls_tree_stack_push(&offsets);
    }
    if (gain)
        ls_tree_stack_finish(&gains);
    if (offset)
        ls_tree_stack_finish(&offsets);
}

#define OPTIONS(...)                                                                               \
    .options = &(const struct ls_norm_options){__VA_ARGS__},                                       \
    .options_size = sizeof(struct ls_norm_options), .input_count = 5
#define RESIDUAL_OPTIONS                                                                           \
    .options = &(const struct ls_norm_options){0}, .options_size = sizeof(struct ls_norm_options), \
    .input_count = 6
#define CHANNELS(count)                                                                            \
    {.shape = LS_CASE_SHAPE(count), .parameter = true, .low = 0.5, .high = 2},                     \
        {.shape = LS_CASE_SHAPE(count), .parameter = true, .low = -1, .high = 1},                  \
        {.shape = LS_CASE_SHAPE(count),                                                            \
         .parameter = true,                                                                        \
         .constant = true,                                                                         \
         .low = -1,                                                                                \
         .high = 1},                                                                               \
    {                                                                                              \
        .shape = LS_CASE_SHAPE(count), .parameter = true, .constant = true, .low = 0.5, .high = 2  \
    }

static const struct ls_op_case cases[] = {
    {.name = "vectors, one sample in the last microbatch",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(13, 19), .low = -2, .high = 2}, CHANNELS(19)},
     .microbatches = 4},
    {.name = "images",
     OPTIONS(.epsilon = 1e-3),
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3, 2, 33), .low = -2, .high = 2}, CHANNELS(33)},
     .microbatches = 2},
    {.name = "few channels with ReLU",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(4, 2, 3, 2), .low = -2, .high = 2}, CHANNELS(2)},
     .activation = LS_ACTIVATION_RELU,
     .microbatches = 2},
    {.name = "a block of channels with ReLU",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(4, 2, 2, 16), .low = -2, .high = 2}, CHANNELS(16)},
     .activation = LS_ACTIVATION_RELU},
    {.name = "a residual with ReLU",
     RESIDUAL_OPTIONS,
     .inputs = {{.shape = LS_CASE_SHAPE(4, 3, 3, 20), .low = -2, .high = 2},
                CHANNELS(20),
                {.shape = LS_CASE_SHAPE(4, 3, 3, 20), .low = -2, .high = 2}},
     .activation = LS_ACTIVATION_RELU,
     .microbatches = 2},
    {.name = "a residual",
     RESIDUAL_OPTIONS,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 3), .low = -2, .high = 2},
                CHANNELS(3),
                {.shape = LS_CASE_SHAPE(5, 3), .low = -2, .high = 2}}},
    {.name = "more pixels than a block",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 9, 11, 3), .low = -2, .high = 2}, CHANNELS(3)},
     .activation = LS_ACTIVATION_RELU,
     .microbatches = 2},
    {.name = "evaluation",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 2, 5), .low = -2, .high = 2}, CHANNELS(5)},
     .microbatches = 2,
     .evaluation = true},
    {.name = "one sample per microbatch",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(3, 5), .low = -2, .high = 2}, CHANNELS(5)},
     .microbatches = 3},
};

const struct ls_op LS_NAME(ls_op_batch_norm) = {
    .name = "batch_norm",
    .formula =
        "y = gain (x - mean) / sqrt(variance + epsilon) + offset per channel of a microbatch",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << X | 1u << GAIN,
    .in_place = true,
    .fuses = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
