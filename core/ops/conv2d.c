/* Cross-correlation of NHWC images with a bank of filters. */
#include "core/ops/affine_cases.h"
#include "core/ops/convolution.h"
#include "core/ops/norm_sums.h"

static struct ls_conv conv_of(const struct ls_node *node, const struct ls_run *run) {
    return ls_convolution_of(node, node->options, node->inputs[0]->shape.dims + 1, run);
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
    return LS_OK;
}

static void prepare(struct ls_node *node) {
    const struct ls_conv conv = conv_of(node, &(struct ls_run){.rows = 1, .microbatch_rows = 1});
    LS_NAME(ls_conv_prepare)
    (&conv, node->inputs[1]->data, node->inputs[0]->wants_gradient, node->state);
}

/* Images first .. first+count-1. */
static void run_images(const struct ls_node *node, struct ls_conv conv, int64_t first,
                       int64_t count) {
    const struct ls_epilogue epilogue = {.bias = ls_affine_bias_data(node),
                                         .relu = node->activation == LS_ACTIVATION_RELU};
    const struct ls_value *x = node->inputs[0], *y = node->output;
    conv.images = count;
    LS_NAME(ls_conv_forward)
    (&conv, (const real *)x->data + first * ls_shape_row(x->shape), node->inputs[1]->data,
     node->state, epilogue, (real *)y->data + first * ls_shape_row(y->shape), node->scratch);
}

enum { CACHED = 64 * 1024 }; /* elements of y that are measured before they leave the cache */

/* One microbatch, and the sums that the batch norm behind takes of it, a few images at a time. */
static void run_and_measure(const struct ls_node *node, struct ls_conv conv, int m,
                            const struct ls_run *run) {
    const int64_t row = ls_shape_row(node->output->shape), rows = ls_run_microbatch_rows(run, m);
    const int64_t first = ls_run_microbatch_first(run, m), fit = CACHED / row;
    const struct ls_norm_statistics sums = ls_norm_saved(node->norm, m);
    const real *y = (const real *)node->output->data + first * row;
    struct ls_norm_terms terms = {
        .centre = y, .scale = y, .shift = y, .pixels = row / conv.out, .channels = conv.out};
    memset(sums.mean, 0, (size_t)conv.out * sizeof(double));
    memset(sums.inverse, 0, (size_t)conv.out * sizeof(double));
    for (int64_t n = 0; n < rows; n += terms.images) {
        terms.images = fit < 1 ? 1 : fit < rows - n ? fit : rows - n;
        terms.x = y + n * row;
        run_images(node, conv, first + n, terms.images);
        ls_norm_sums(LS_NORM_FORWARD, terms, sums.mean, sums.inverse);
    }
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv conv = conv_of(node, run);
    if (!node->norm || !run->training) {
        run_images(node, conv, 0, run->rows);
        return;
    }
    for (int m = 0; m < run->microbatches; m++)
        run_and_measure(node, conv, m, run);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv conv = conv_of(node, run);
    const struct ls_value *x = node->inputs[0], *weight = node->inputs[1];
    const real *dy = node->output->gradient;
    ls_affine_begin_backward(node, run);
    if (weight->gradient)
        LS_NAME(ls_conv_weight_gradient)(&conv, x->data, dy, weight->gradient, node->scratch);
    if (x->gradient)
        LS_NAME(ls_conv_input_gradient)
    (&conv, dy, weight->data, node->state, (struct ls_epilogue){.add = node->accumulate[0]},
     x->gradient, node->scratch);
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
