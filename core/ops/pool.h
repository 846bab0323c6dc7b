/* Windows over images, for max_pool and average_pool. */
#ifndef LS_OPS_POOL_H
#define LS_OPS_POOL_H

#include "core/ops/check.h"
#include "core/ops/options.h"
#include "core/tensor/variant.h"

/* One axis (0 height, 1 width) of a pooling: output pixel o looks at input pixels [first, end). */
struct ls_pool_axis {
    int64_t size, window, stride, padding, out;
};

static inline struct ls_pool_axis ls_pool_axis_of(const struct ls_node *node, int axis) {
    const struct ls_pool_options *options = node->options;
    struct ls_pool_axis a = {.size = node->inputs[0]->shape.dims[1 + axis],
                             .window = options->window[axis],
                             .stride = options->stride[axis] ? options->stride[axis]
                                                             : options->window[axis],
                             .padding = options->padding[axis]};
    a.out = a.window > 0 && a.stride > 0 ? (a.size + 2 * a.padding - a.window) / a.stride + 1 : 0;
    return a;
}

static inline int64_t ls_pool_first(struct ls_pool_axis a, int64_t o) {
    const int64_t first = o * a.stride - a.padding;
    return first > 0 ? first : 0;
}

static inline int64_t ls_pool_end(struct ls_pool_axis a, int64_t o) {
    const int64_t end = o * a.stride - a.padding + a.window;
    return end < a.size ? end : a.size;
}

static inline enum ls_status ls_pool_infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_shape x = node->inputs[0]->shape;
    const char *const names[2] = {"height", "width"};
    char text[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    if (x.rank != 4)
        return ls_fail(error, LS_INVALID,
                       "%s: expected images (samples, height, width, channels), found %s",
                       node->op->name, ls_shape_print(x, text));
    ls_infer_like(node);
    for (int axis = 0; axis < 2; axis++) {
        const struct ls_pool_axis a = ls_pool_axis_of(node, axis);
        if (a.window < 1 || a.stride < 1 || a.padding < 0 || a.padding >= a.window)
            return ls_fail(
                error, LS_INVALID,
                "%s: expected a window and a stride of at least 1 and a padding below the window, "
                "found window %lld, stride %lld, padding %lld in %s",
                node->op->name, (long long)a.window, (long long)a.stride, (long long)a.padding,
                names[axis]);
        if (a.size + 2 * a.padding < a.window)
            return ls_fail(error, LS_INVALID,
                           "%s: a window of %lld does not fit a %s of %lld with padding %lld",
                           node->op->name, (long long)a.window, names[axis], (long long)a.size,
                           (long long)a.padding);
        node->output->shape.dims[1 + axis] = a.out;
    }
    const struct ls_pool_options *options = node->options;
    node->flops = ls_shape_row_count(node->output->shape) * options->window[0] * options->window[1];
    return LS_OK;
}

/* The cases of both poolings. */
static const struct ls_op_case ls_pool_cases[] = {
    {.name = "windows side by side",
     .options = &(const struct ls_pool_options){.window = {2, 2}},
     .options_size = sizeof(struct ls_pool_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4, 6, 5),
                 .low = -3,
                 .high = 3,
                 .gap = 0.005,
                 .distinct = true}},
     .microbatches = 2},
    {.name = "overlap and padding, more channels than a block",
     .options =
         &(const struct ls_pool_options){.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}},
     .options_size = sizeof(struct ls_pool_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 5, 4, 35),
                 .low = -8,
                 .high = 8,
                 .gap = 0.005,
                 .distinct = true}}},
    {.name = "pixels left over",
     .options = &(const struct ls_pool_options){.window = {2, 3}, .stride = {3, 2}},
     .options_size = sizeof(struct ls_pool_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 6, 8, 1),
                 .low = -3,
                 .high = 3,
                 .gap = 0.005,
                 .distinct = true}}},
    {.name = "a window of more than 256 pixels",
     .options = &(const struct ls_pool_options){.window = {17, 17}},
     .options_size = sizeof(struct ls_pool_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 17, 17, 2),
                 .low = -8,
                 .high = 8,
                 .gap = 0.005,
                 .distinct = true}}},
};
enum { LS_POOL_CASES = sizeof ls_pool_cases / sizeof *ls_pool_cases };

#endif
