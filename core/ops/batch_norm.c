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
 * A convolution before it may take the sums and make dx, one behind it may make y and take
 * backward's sums (the planner decides): then that is left to them. The maps of both directions:
 * norm_maps.h. */
#include "core/ops/check.h"
#include "core/ops/norm_maps.h"
#include "core/ops/options.h"
#include "core/ops/sum.h"

struct room {
    struct ls_norm_maps maps;
    real *stacks[2]; /* of two sums over microbatches */
};

static struct room take_room(const struct ls_node *node, struct ls_scratch *scratch) {
    const int64_t channels = ls_shape_last(node->inputs[LS_NORM_X]->shape);
    const int slots = ls_tree_slots(node->inputs[LS_NORM_X]->shape.dims[0]) - 1;
    struct room r = {.maps = LS_NAME(ls_norm_take_maps)(channels, scratch)};
    for (int i = 0; i < 2; i++)
        r.stacks[i] = ls_scratch_take(scratch, slots * channels, sizeof(real));
    return r;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const char *const names[] = {"input", "gain", "offset", "running mean", "running variance"};
    const struct ls_shape x = node->inputs[LS_NORM_X]->shape;
    enum ls_status status = ls_check_batched(node, LS_NORM_X, 2, error);
    for (int i = LS_NORM_GAIN; i <= LS_NORM_VARIANCE && status == LS_OK; i++)
        status = ls_check_parameter(node, i, names[i], LS_SHAPE(ls_shape_last(x)), error);
    if (status != LS_OK)
        return status;
    if (node->input_count > LS_NORM_RESIDUAL &&
        !ls_shape_equal(node->inputs[LS_NORM_RESIDUAL]->shape, x))
        return ls_fail(error, LS_INVALID, "batch_norm: the residual must be as large as the input");
    ls_infer_like(node);
    node->saved_bytes = ls_norm_saved_bytes(ls_shape_last(x), x.dims[0]);
    struct ls_scratch scratch = {0};
    take_room(node, &scratch);
    node->scratch_bytes = scratch.used;
    node->flops = 6 * ls_shape_row_count(x);
    return LS_OK;
}

static double epsilon_of(const struct ls_node *node) {
    const struct ls_norm_options *options = node->options;
    return options->epsilon > 0 ? options->epsilon : 1e-5;
}

/* Sums of x - centre and of its square; the centre is the microbatch's first pixel. */
static void take_sums(const struct ls_node *node, const struct ls_run *run, int m,
                      const real *centre, const real *x) {
    const struct ls_norm_saved saved = ls_norm_saved(node, m);
    const int64_t channels = ls_shape_last(node->output->shape);
    for (int64_t c = 0; c < channels; c++)
        saved.sum[c] = saved.product[c] = 0;
    ls_norm_sums(
        LS_NORM_FORWARD,
        (struct ls_norm_terms){.x = x,
                               .centre = centre,
                               .scale = centre,
                               .shift = centre,
                               .images = ls_run_microbatch_rows(run, m),
                               .pixels = ls_shape_row_count(node->output->shape) / channels,
                               .channels = channels},
        saved.sum, saved.product);
}

/* Statistics of microbatch m: saves them, and writes to mean_leaf and variance_leaf (may be NULL)
 * how far they are from the running ones. */
static void measure(const struct ls_node *node, const struct ls_run *run, int m, real *centre,
                    real *mean_leaf, real *variance_leaf) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t row = ls_shape_row_count(node->output->shape);
    const real *x =
        (const real *)node->inputs[LS_NORM_X]->data + ls_run_microbatch_first(run, m) * row;
    const real *running_mean = node->inputs[LS_NORM_MEAN]->data;
    const real *running_variance = node->inputs[LS_NORM_VARIANCE]->data;
    const struct ls_norm_saved saved = ls_norm_saved(node, m);
    const int64_t values = ls_norm_values(node, run, m);
    const bool constant = ls_norm_frozen(node, run, values);
    const double n = (double)values, epsilon = epsilon_of(node);
    memcpy(centre, x, (size_t)channels * sizeof(real));
    if (!constant && !ls_woven_before(node))
        take_sums(node, run, m, centre, x);
    for (int64_t c = 0; c < channels; c++) {
        double mean = (double)running_mean[c], variance = (double)running_variance[c];
        double unbiased = variance;
        if (!constant) {
            const double from_centre = saved.sum[c] / n;
            mean = (double)centre[c] + from_centre;
            variance = saved.product[c] / n - from_centre * from_centre;
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

/* What a frozen partner keeps from learning has learned nothing. */
static void learn_nothing(const struct ls_value *statistic, int64_t channels) {
    if (statistic->gradient)
        memset(statistic->gradient, 0, (size_t)channels * sizeof(real));
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct room r = take_room(node, &(struct ls_scratch){.memory = node->scratch});
    const struct ls_value *mean = node->inputs[LS_NORM_MEAN];
    const struct ls_value *variance = node->inputs[LS_NORM_VARIANCE];
    const int64_t channels = ls_shape_last(node->output->shape);
    const int64_t row = ls_shape_row_count(node->output->shape);
    const bool learns = run->training && mean->gradient && variance->gradient;
    if (run->training && !learns) {
        learn_nothing(mean, channels);
        learn_nothing(variance, channels);
    }
    struct ls_tree_stack means = ls_tree_stack_begin(mean->gradient, r.stacks[0], channels);
    struct ls_tree_stack variances = ls_tree_stack_begin(variance->gradient, r.stacks[1], channels);
    for (int m = 0; m < run->microbatches; m++) {
        measure(node, run, m, r.maps.centre, learns ? ls_tree_stack_leaf(&means) : NULL,
                learns ? ls_tree_stack_leaf(&variances) : NULL);
        if (!ls_woven_behind(node)) {
            const int64_t first = ls_run_microbatch_first(run, m);
            LS_NAME(ls_norm_forward_map)(node, m, r.maps);
            LS_NAME(ls_norm_forward_images)
            (node, r.maps, first, ls_run_microbatch_rows(run, m),
             (real *)node->output->data + first * row);
        }
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

/* Leaves of the gradients of gain and offset: may be NULL. */
static void backward_microbatch(const struct ls_node *node, const struct ls_run *run, int m,
                                struct ls_norm_maps maps, real *gain_leaf, real *offset_leaf) {
    const int64_t first = ls_run_microbatch_first(run, m), rows = ls_run_microbatch_rows(run, m);
    const struct ls_norm_saved saved = ls_norm_saved(node, m);
    const struct ls_value *x = node->inputs[LS_NORM_X];
    if (!ls_woven_behind(node)) {
        LS_NAME(ls_norm_backward_begin)(node, m, maps);
        LS_NAME(ls_norm_backward_sums)(node, m, maps, first, rows);
    }
    for (int64_t c = 0; offset_leaf && c < ls_shape_last(x->shape); c++)
        offset_leaf[c] = (real)saved.sum[c] + (real)0; /* sums over samples are never -0 */
    LS_NAME(ls_norm_backward_map)(node, run, m, maps, gain_leaf);
    if (x->gradient && !ls_woven_before(node))
        LS_NAME(ls_norm_backward_images)
    (node, maps, first, rows, node->accumulate[LS_NORM_X],
     (real *)x->gradient + first * ls_shape_row_count(x->shape));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct room r = take_room(node, &(struct ls_scratch){.memory = node->scratch});
    const int64_t channels = ls_shape_last(node->output->shape);
    real *gain = node->inputs[LS_NORM_GAIN]->gradient;
    real *offset = node->inputs[LS_NORM_OFFSET]->gradient;
    struct ls_tree_stack gains = ls_tree_stack_begin(gain, r.stacks[0], channels);
    struct ls_tree_stack offsets = ls_tree_stack_begin(offset, r.stacks[1], channels);
    for (int m = 0; m < run->microbatches; m++) {
        backward_microbatch(node, run, m, r.maps, gain ? ls_tree_stack_leaf(&gains) : NULL,
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
         .statistic = true,                                                                        \
         .low = -1,                                                                                \
         .high = 1},                                                                               \
    {                                                                                              \
        .shape = LS_CASE_SHAPE(count), .parameter = true, .constant = true, .statistic = true,     \
        .low = 0.5, .high = 2                                                                      \
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
    .backward_reads_inputs = 1u << LS_NORM_X | 1u << LS_NORM_GAIN,
    .passes_gradient = 1u << LS_NORM_RESIDUAL,
    .in_place = true,
    .fuses = true,
    .over_microbatch = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
