/* The transposed convolution: every pixel of x puts its window of weights on a larger image. It is
 * the input gradient of the mirrored convolution, which goes from our outputs to our inputs, so
 * its three directions are that one's with the roles changed. */
#include "core/ops/affine_cases.h"
#include "core/ops/convolution.h"

/* Height (axis 0) or width of the output. */
static int64_t size_of(const struct ls_node *node, int axis) {
    const struct ls_conv_transpose2d_options *o = node->options;
    const struct ls_conv2d_options *c = &o->convolution;
    const int64_t pixels = node->inputs[0]->shape.dims[1 + axis];
    const int64_t kernel = node->inputs[1]->shape.dims[axis];
    return (pixels - 1) * ls_or_one(c->stride[axis]) - c->padding[2 * axis] -
           c->padding[2 * axis + 1] + ls_or_one(c->dilation[axis]) * (kernel - 1) + 1 +
           o->output_padding[axis];
}

/* The mirrored convolution: its inputs are the outputs here. */
static struct ls_conv mirrored(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv_transpose2d_options *o = node->options;
    const int64_t channels = node->inputs[1]->shape.dims[2] * ls_or_one(o->convolution.groups);
    const int64_t image[3] = {size_of(node, 0), size_of(node, 1), channels};
    return ls_convolution_of(node, &o->convolution, image, run);
}

static enum ls_status check_size(const struct ls_node *node, const struct ls_conv *conv,
                                 struct ls_error *error) {
    const struct ls_conv_transpose2d_options *o = node->options;
    const char *const names[2] = {"height", "width"};
    for (int axis = 0; axis < 2; axis++) {
        const long long padding = o->output_padding[axis], size = size_of(node, axis);
        if (padding < 0 || padding >= conv->stride[axis])
            return ls_fail(error, LS_INVALID,
                           "conv_transpose2d: the output padding must be from 0 to below the "
                           "stride %lld, found %lld in %s",
                           (long long)conv->stride[axis], padding, names[axis]);
        if (size < 1)
            return ls_fail(error, LS_INVALID,
                           "conv_transpose2d: expects padding that leaves an output, found %lld "
                           "and %lld, which leave a %s of %lld",
                           (long long)conv->padding[2 * axis],
                           (long long)conv->padding[2 * axis + 1], names[axis], size);
    }
    return LS_OK;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_conv_transpose2d_options *o = node->options;
    if (ls_convolution_check(node, &o->convolution,
                             "[kernel height, kernel width, outputs / groups, inputs]",
                             error) != LS_OK)
        return error->status;
    const struct ls_shape x = node->inputs[0]->shape, weight = node->inputs[1]->shape;
    const struct ls_conv conv =
        mirrored(node, &(struct ls_run){.rows = x.dims[0], .microbatch_rows = x.dims[0]});
    if (x.dims[3] != conv.out)
        return ls_fail(error, LS_INVALID,
                       "conv_transpose2d: expects %lld input channels, found %lld",
                       (long long)conv.out, (long long)x.dims[3]);
    if (ls_convolution_check_groups(node, &conv, conv.out, conv.in, error) != LS_OK ||
        ls_affine_check(node, weight, conv.in, error) != LS_OK ||
        check_size(node, &conv, error) != LS_OK)
        return error->status;
    ls_infer_like(node);
    node->output->shape = LS_SHAPE(x.dims[0], conv.height, conv.width, conv.in);
    ls_convolution_needs(node, &conv);
    return LS_OK;
}

static void prepare(struct ls_node *node) {
    const struct ls_conv conv = mirrored(node, &(struct ls_run){.rows = 1, .microbatch_rows = 1});
    LS_NAME(ls_conv_prepare)(&conv, node->inputs[1]->data, true, node->state);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv conv = mirrored(node, run);
    const struct ls_epilogue epilogue = {.bias = ls_affine_bias_data(node),
                                         .relu = node->activation == LS_ACTIVATION_RELU};
    LS_NAME(ls_conv_input_gradient)
    (&conv, node->inputs[0]->data, node->inputs[1]->data, node->state, epilogue, node->output->data,
     node->scratch);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_conv conv = mirrored(node, run);
    const struct ls_value *x = node->inputs[0], *weight = node->inputs[1];
    const real *dy = node->output->gradient;
    ls_affine_begin_backward(node, run);
    if (weight->gradient)
        LS_NAME(ls_conv_weight_gradient)(&conv, dy, x->data, weight->gradient, node->scratch);
    if (x->gradient)
        LS_NAME(ls_conv_forward)
    (&conv, dy, weight->data, node->state, (struct ls_epilogue){.add = node->accumulate[0]},
     x->gradient, node->scratch);
}

#define OPTIONS(output_padding_pair, ...)                                                          \
    .options = &(const struct ls_conv_transpose2d_options){.convolution = {__VA_ARGS__},           \
                                                           .output_padding = output_padding_pair}, \
    .options_size = sizeof(struct ls_conv_transpose2d_options)
#define PAIR(a, b)                                                                                 \
    { a, b }
static const struct ls_op_case cases[] = {
    {.name = "1x1 on one image",
     OPTIONS(PAIR(0, 0), .groups = 1),
     .input_count = 3,
     .inputs = {X(1, 3, 2, 4), W(1, 1, 3, 4), B(3)}},
    {.name = "stride 2, uneven padding, three microbatches, the last shorter",
     OPTIONS(PAIR(0, 0), .stride = {2, 2}, .padding = {1, 0, 2, 1}),
     .input_count = 3,
     .inputs = {X(5, 3, 4, 3), W(3, 4, 6, 3), B(6)},
     .microbatches = 3},
    {.name = "output padding, no bias",
     OPTIONS(PAIR(1, 2), .stride = {2, 3}, .padding = {1, 1, 0, 0}),
     .input_count = 3,
     .inputs = {X(2, 3, 2, 2), W(3, 2, 5, 2), {.absent = true}}},
    {.name = "dilation, more padding than window",
     OPTIONS(PAIR(0, 0), .dilation = {2, 3}, .padding = {2, 0, 1, 7}),
     .input_count = 3,
     .inputs = {X(2, 4, 6, 2), W(2, 2, 3, 2), B(3)}},
    {.name = "groups",
     OPTIONS(PAIR(0, 1), .groups = 2, .stride = {1, 2}, .padding = {1, 0, 0, 1}),
     .input_count = 3,
     .inputs = {X(3, 4, 3, 6), W(2, 2, 2, 6), B(4)},
     .microbatches = 2},
    {.name = "depthwise",
     OPTIONS(PAIR(0, 0), .groups = 5, .stride = {2, 1}, .padding = {1, 1, 1, 1}),
     .input_count = 3,
     .inputs = {X(3, 3, 4, 5), W(3, 3, 1, 5), B(5)},
     .microbatches = 3},
    {.name = "narrow: one channel comes out",
     OPTIONS(PAIR(0, 0), .stride = {2, 2}, .padding = {1, 1, 1, 1}),
     .input_count = 3,
     .inputs = {X(3, 3, 2, 9), W(4, 4, 1, 9), B(1)},
     .microbatches = 2},
    {.name = "Winograd F(4x4, 3x3)",
     OPTIONS(PAIR(0, 0), .padding = {1, 1, 1, 1}),
     .winograd = LS_WINOGRAD_F4,
     .input_count = 3,
     .inputs = {X(2, 3, 5, 16), W(3, 3, 16, 16), B(16)},
     .microbatches = 2},
    {.name = "Winograd F(2x2, 3x3)",
     OPTIONS(PAIR(0, 0), .padding = {0, 1, 2, 0}),
     .winograd = LS_WINOGRAD_F2,
     .input_count = 3,
     .inputs = {X(1, 3, 2, 16), W(3, 3, 17, 16), B(17)}},
    /* One weight per output, none near 0, so that no result is near the kink. */
    {.name = "fused ReLU",
     OPTIONS(PAIR(0, 0), .groups = 1),
     .input_count = 3,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 3, 4, 1), .low = -1, .high = 1, .gap = 0.1, .kink = 1e9},
                {.shape = LS_CASE_SHAPE(1, 1, 6, 1),
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

const struct ls_op LS_NAME(ls_op_conv_transpose2d) = {
    .name = "conv_transpose2d",
    .formula = "y[n, i*stride-pad+ky*dilation, ..., o] = b[o] + sum over (i,ky,j,kx,c) of "
               "x[n,i,j,c] W[ky,kx,o,c]",
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .fuses = true,
    .cases = cases,
    .case_count = (int)(sizeof cases / sizeof *cases),
};
