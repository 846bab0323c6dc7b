/* What conv2d and conv_transpose2d share. */
#ifndef LS_OPS_CONVOLUTION_H
#define LS_OPS_CONVOLUTION_H

#include "core/ops/affine.h"
#include "core/ops/options.h"
#include "core/tensor/kernels/conv.h"

static inline int64_t ls_or_one(int64_t value) {
    return value == 0 ? 1 : value;
}

/* A convolution of images of that height, width and number of channels with inputs[1]. */
static inline struct ls_conv ls_convolution_of(const struct ls_node *node,
                                               const struct ls_conv2d_options *o,
                                               const int64_t image[3], const struct ls_run *run) {
    const struct ls_shape weight = node->inputs[1]->shape;
    struct ls_conv conv = {.images = run->rows,
                           .height = image[0],
                           .width = image[1],
                           .in = image[2],
                           .out = weight.dims[3],
                           .groups = ls_or_one(o->groups),
                           .kernel = {weight.dims[0], weight.dims[1]},
                           .stride = {ls_or_one(o->stride[0]), ls_or_one(o->stride[1])},
                           .dilation = {ls_or_one(o->dilation[0]), ls_or_one(o->dilation[1])},
                           .microbatch_images = run->microbatch_rows,
                           .winograd = node->kernels->winograd};
    memcpy(conv.padding, o->padding, sizeof conv.padding);
    return conv;
}

/* x holds images, the weight has four dimensions (`weight_what`), no option is negative. */
static inline enum ls_status ls_convolution_check(const struct ls_node *node,
                                                  const struct ls_conv2d_options *o,
                                                  const char *weight_what, struct ls_error *error) {
    if (ls_check_batched(node, 0, 2, error) != LS_OK)
        return error->status;
    const struct ls_shape x = node->inputs[0]->shape, weight = node->inputs[1]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (x.rank != 4)
        return ls_fail(error, LS_INVALID,
                       "%s: expects images of height x width x channels, found %s", node->op->name,
                       ls_shape_print(ls_shape_of_row(x), text));
    if (weight.rank != 4)
        return ls_fail(error, LS_INVALID, "%s: the weight must be %s, found %s", node->op->name,
                       weight_what, ls_shape_print(weight, text));
    for (int i = 0; i < 4; i++)
        if (o->padding[i] < 0 || o->stride[i / 2] < 0 || o->dilation[i / 2] < 0 || o->groups < 0)
            return ls_fail(error, LS_INVALID,
                           "%s: stride, padding, dilation and groups must not be negative",
                           node->op->name);
    return LS_OK;
}

static inline enum ls_status ls_convolution_check_groups(const struct ls_node *node,
                                                         const struct ls_conv *conv, int64_t in,
                                                         int64_t out, struct ls_error *error) {
    if (in % conv->groups == 0 && out % conv->groups == 0)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: %lld groups must divide the %lld input and %lld output channels",
                   node->op->name, (long long)conv->groups, (long long)in, (long long)out);
}

/* What the planner has to know; conv->images is the largest run. */
static inline void ls_convolution_needs(struct ls_node *node, const struct ls_conv *conv) {
    const size_t bias = ls_column_sums_bytes(ls_shape_last(node->output->shape), conv->images);
    const size_t kernels = LS_NAME(ls_conv_scratch_bytes)(conv);
    node->scratch_bytes = bias > kernels ? bias : kernels;
    node->state_bytes = LS_NAME(ls_conv_state_bytes)(conv);
    node->flops =
        2 * ls_conv_out(conv, 0) * ls_conv_out(conv, 1) * ls_shape_count(node->inputs[1]->shape);
}

#endif
