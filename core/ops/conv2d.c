/* Cross-correlation of NHWC images with a bank of filters. Forward and backward take some images of
 * a microbatch at a time, and with them make the passes of the batch norms before and behind
 * (weave.h). */
#include "core/ops/affine_cases.h"
#include "core/ops/convolution.h"
#include "core/ops/norm_maps.h"

static struct ls_conv conv_of(const struct ls_node *node, const struct ls_run *run) {
    return ls_convolution_of(node, node->options, node->inputs[0]->shape.dims + 1, run);
}

/* Elements of x and y together that images may have which are taken at once: they stay in the
 * second-level cache beside what the kernels need. */
enum { CACHED = 112 * 1024 };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Scratch. x, dy: some images of what nobody stores, or NULL. */
struct room {
    int64_t images; /* taken at once */
    struct ls_norm_maps before, behind;
    real *x, *dy;
    void *kept, *kernels;
};

static struct room take_room(const struct ls_node *node, const struct ls_conv *conv,
                             struct ls_scratch *scratch) {
    const int64_t x = ls_shape_row_count(node->inputs[0]->shape),
                  y = ls_shape_row_count(node->output->shape);
    const int64_t fit = CACHED / (x + y);
    struct room r = {.images = fit < 1 ? 1 : smaller(fit, node->inputs[0]->shape.dims[0])};
    const struct ls_node *before = ls_woven_before(node);
    if (before) {
        r.before = LS_NAME(ls_norm_take_maps)(conv->in, scratch);
        r.x = ls_scratch_take(scratch, ls_weave_stores(before) ? 0 : r.images * x, sizeof(real));
    }
    if (ls_woven_behind(node)) {
        r.behind = LS_NAME(ls_norm_take_maps)(conv->out, scratch);
        r.dy = ls_scratch_take(scratch, r.images * y, sizeof(real));
    }
    r.kept = ls_scratch_take(scratch, (int64_t)LS_NAME(ls_conv_sum_bytes)(conv), 1);
    r.kernels = ls_scratch_take(scratch, (int64_t)LS_NAME(ls_conv_scratch_bytes)(conv), 1);
    return r;
}

static const real *input_images(const struct ls_node *node, struct room r, int64_t first,
                                int64_t count, bool forward) {
    const struct ls_value *x = node->inputs[0];
    const struct ls_node *norm = ls_woven_before(node);
    const bool hidden = norm && !ls_weave_stores(norm);
    real *at = hidden ? r.x : (real *)x->data + first * ls_shape_row_count(x->shape);
    if (norm && (forward || hidden))
        LS_NAME(ls_norm_forward_images)(norm, r.before, first, count, at);
    return at;
}

static const real *output_gradient(const struct ls_node *node, struct room r, int64_t first,
                                   int64_t count) {
    const struct ls_value *y = node->output;
    const struct ls_node *norm = ls_woven_behind(node);
    if (!norm)
        return (const real *)y->gradient + first * ls_shape_row_count(y->shape);
    LS_NAME(ls_norm_backward_images)(norm, r.behind, first, count, false, r.dy);
    return r.dy;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    if (ls_convolution_check(node, node->options,
                             "[kernel height, kernel width, inputs / groups, outputs]",
                             error) != LS_OK)
        return error->status;
    const struct ls_shape weight = node->inputs[1]->shape;
    const int64_t images = node->inputs[0]->shape.dims[0];
    const struct ls_conv conv =
        conv_of(node, &(struct ls_run){.rows = images, .microbatch_rows = images});
    if (ls_convolution_check_groups(node, &conv, conv.in, conv.out, error) != LS_OK)
        return error->status;
    if (weight.dims[2] != conv.in / conv.groups)
        return ls_fail(error, LS_INVALID, "conv2d: expects %lld input channels, found %lld",
                       (long long)(weight.dims[2] * conv.groups), (long long)conv.in);
    if (ls_affine_check(node, weight, conv.out, error) != LS_OK)
        return error->status;
    const int64_t height = ls_conv_out(&conv, 0), width = ls_conv_out(&conv, 1);
    if (height < 1 || width < 1)
        return ls_fail(error, LS_INVALID,
                       "conv2d: a %lldx%lld kernel with dilation %lldx%lld does not fit into "
                       "%lldx%lld pixels with padding %lld,%lld,%lld,%lld",
                       (long long)conv.kernel[0], (long long)conv.kernel[1],
                       (long long)conv.dilation[0], (long long)conv.dilation[1],
                       (long long)conv.height, (long long)conv.width, (long long)conv.padding[0],
                       (long long)conv.padding[1], (long long)conv.padding[2],
                       (long long)conv.padding[3]);
    ls_infer_like(node);
    node->output->shape = LS_SHAPE(images, height, width, conv.out);
    ls_convolution_needs(node, &conv);
    struct ls_scratch scratch = {0};
    take_room(node, &conv, &scratch);
    node->scratch_bytes = scratch.used;
    return LS_OK;
}

static void prepare(struct ls_node *node) {
    const struct ls_conv conv = conv_of(node, &(struct ls_run){.rows = 1, .microbatch_rows = 1});
    LS_NAME(ls_conv_prepare)
    (&conv, node->inputs[1]->data, node->inputs[0]->wants_gradient, node->state);
}

/* y of one microbatch, and the sums that the norm behind needs. */
static void forward_microbatch(const struct ls_node *node, const struct ls_run *run, int m,
                               struct ls_conv conv, struct room r) {
    const struct ls_value *weight = node->inputs[1];
    const struct ls_node *before = ls_woven_before(node), *behind = ls_woven_behind(node);
    const struct ls_epilogue epilogue = {.bias = ls_affine_bias_data(node),
                                         .relu = node->activation == LS_ACTIVATION_RELU};
    const int64_t row = ls_shape_row_count(node->output->shape);
    const int64_t end = ls_run_microbatch_first(run, m) + ls_run_microbatch_rows(run, m);
    real *y = (real *)node->output->data + ls_run_microbatch_first(run, m) * row;
    const bool measures = behind && !ls_norm_frozen(behind, run, ls_norm_values(behind, run, m));
    struct ls_norm_saved sums = {0};
    const real *centre = y;
    if (measures) {
        sums = ls_norm_saved(behind, m);
        memset(sums.sum, 0, (size_t)conv.out * sizeof *sums.sum);
        memset(sums.product, 0, (size_t)conv.out * sizeof *sums.product);
    }
    if (before)
        LS_NAME(ls_norm_forward_map)(before, m, r.before);
    for (int64_t n = ls_run_microbatch_first(run, m); n < end; n += conv.images) {
        conv.images = smaller(r.images, end - n);
        LS_NAME(ls_conv_forward)
        (&conv, input_images(node, r, n, conv.images, true), weight->data, node->state, epilogue, y,
         r.kernels);
        if (measures)
            ls_norm_sums(LS_NORM_FORWARD,
                         (struct ls_norm_terms){.x = y,
                                                .centre = centre,
                                                .scale = centre,
                                                .shift = centre,
                                                .images = conv.images,
                                                .pixels = row / conv.out,
                                                .channels = conv.out},
                         sums.sum, sums.product);
        y += conv.images * row;
    }
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv conv = conv_of(node, run);
    const struct room r = take_room(node, &conv, &(struct ls_scratch){.memory = node->scratch});
    for (int m = 0; m < run->microbatches; m++)
        forward_microbatch(node, run, m, conv, r);
}

/* Both gradients of one microbatch, and the sums that the norm before needs. */
static void backward_microbatch(const struct ls_node *node, const struct ls_run *run, int m,
                                struct ls_conv conv, struct room r, struct ls_conv_sum *sum) {
    const struct ls_value *x = node->inputs[0], *weight = node->inputs[1];
    const struct ls_node *before = ls_woven_before(node), *behind = ls_woven_behind(node);
    const int64_t row = ls_shape_row_count(x->shape);
    const int64_t end = ls_run_microbatch_first(run, m) + ls_run_microbatch_rows(run, m);
    if (before)
        LS_NAME(ls_norm_backward_begin)(before, m, r.before);
    if (behind)
        LS_NAME(ls_norm_backward_map)(behind, run, m, r.behind, NULL);
    for (int64_t n = ls_run_microbatch_first(run, m); n < end; n += conv.images) {
        conv.images = smaller(r.images, end - n);
        const real *dy = output_gradient(node, r, n, conv.images);
        if (weight->gradient)
            LS_NAME(ls_conv_sum_add)
        (sum, conv.images, input_images(node, r, n, conv.images, false), dy, r.kernels);
        if (x->gradient)
            LS_NAME(ls_conv_input_gradient)
        (&conv, dy, weight->data, node->state, (struct ls_epilogue){.add = node->accumulate[0]},
         (real *)x->gradient + n * row, r.kernels);
        if (before)
            LS_NAME(ls_norm_backward_sums)(before, m, r.before, n, conv.images);
    }
    if (weight->gradient)
        LS_NAME(ls_conv_sum_push)(sum);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv conv = conv_of(node, run);
    const struct room r = take_room(node, &conv, &(struct ls_scratch){.memory = node->scratch});
    const struct ls_value *weight = node->inputs[1];
    struct ls_conv_sum sum;
    ls_affine_begin_backward(node, run);
    if (weight->gradient)
        LS_NAME(ls_conv_sum_begin)(&sum, &conv, weight->gradient, r.kept);
    for (int m = 0; m < run->microbatches; m++)
        backward_microbatch(node, run, m, conv, r, &sum);
    if (weight->gradient)
        LS_NAME(ls_conv_sum_finish)(&sum);
}

#define OPTIONS(...)                                                                               \
    .options = &(const struct ls_conv2d_options){__VA_ARGS__},                                     \
    .options_size = sizeof(struct ls_conv2d_options)
static const struct ls_op_case cases[] = {
    {.name = "1x1 on one image",
     OPTIONS(.groups = 1),
     .input_count = 3,
     .inputs = {X(1, 3, 2, 4), W(1, 1, 4, 3), B(3)}},
    {.name = "3x3 with padding, three microbatches, the last shorter",
     OPTIONS(.padding = {1, 1, 1, 1}),
     .input_count = 3,
     .inputs = {X(5, 4, 5, 3), W(3, 3, 3, 5), B(5)},
     .microbatches = 3},
    {.name = "stride, uneven padding, no bias",
     OPTIONS(.stride = {2, 3}, .padding = {1, 0, 2, 1}),
     .input_count = 3,
     .inputs = {X(2, 6, 7, 2), W(3, 2, 2, 4), {.absent = true}}},
    {.name = "dilation",
     OPTIONS(.dilation = {2, 3}, .padding = {2, 2, 1, 0}),
     .input_count = 3,
     .inputs = {X(2, 6, 9, 2), W(3, 3, 2, 3), B(3)}},
    {.name = "groups",
     OPTIONS(.groups = 2, .padding = {1, 0, 0, 1}),
     .input_count = 3,
     .inputs = {X(3, 4, 3, 4), W(2, 2, 2, 6), B(6)},
     .microbatches = 2},
    {.name = "depthwise with stride",
     OPTIONS(.groups = 5, .stride = {2, 1}, .padding = {1, 1, 1, 1}),
     .input_count = 3,
     .inputs = {X(3, 5, 4, 5), W(3, 3, 1, 5), B(5)},
     .microbatches = 3},
    {.name = "Winograd F(4x4, 3x3)",
     OPTIONS(.padding = {1, 1, 1, 1}),
     .winograd = LS_WINOGRAD_F4,
     .input_count = 3,
     .inputs = {X(2, 3, 5, 16), W(3, 3, 16, 16), B(16)},
     .microbatches = 2},
    {.name = "Winograd F(2x2, 3x3)",
     OPTIONS(.padding = {0, 1, 2, 0}),
     .winograd = LS_WINOGRAD_F2,
     .input_count = 3,
     .inputs = {X(1, 3, 2, 16), W(3, 3, 16, 17), B(17)}},
    /* One weight per output, none near 0, so that no result is near the kink. */
    {.name = "fused ReLU",
     OPTIONS(.stride = {1, 2}),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 3, 4, 1), .low = -1, .high = 1, .gap = 0.1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(1, 1, 1, 6),
                 .parameter = true,
                 .layout = LS_LAYOUT_PANELS,
                 .low = -1,
                 .high = 1,
                 .gap = 0.1,
                 .kink = 1e9},
                {.absent = true}},
     .microbatches = 2,
     .activation = LS_ACTIVATION_RELU},
};

const struct ls_op LS_NAME(ls_op_conv2d) = {
    .name = "conv2d",
    .formula = "y[n,i,j,o] = b[o] + sum over (ky,kx,c) of "
               "x[n, i*stride-pad+ky*dilation, ..., c] W[ky,kx,c,o]",
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .fuses = true,
    .cases = cases,
    .case_count = (int)(sizeof cases / sizeof *cases),
};
