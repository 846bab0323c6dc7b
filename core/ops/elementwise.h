/* Ops that map each element on its own. A file gives its function NAME_value, its derivative
 * NAME_gradient, its example cases and one line LS_ELEMENTWISE_OP; the functions are inlined into
 * the loops here, which then vectorise. */
#ifndef LS_OPS_ELEMENTWISE_H
#define LS_OPS_ELEMENTWISE_H

#include "core/ops/check.h"
#include "core/tensor/math.h"
#include "core/ops/options.h"

/* What an op's options come to (a slope in a, say). */
struct ls_elementwise {
    real a, b;
};

/* An element in, an element out. */
typedef real ls_elementwise_function(real x, struct ls_elementwise options);

/* dx from dy and from x or y, whichever the derivative is written in. */
typedef real ls_elementwise_gradient(real dy, real value, struct ls_elementwise options);

/* Which of the two that is. Of a line it is neither. */
enum ls_elementwise_reads { LS_READS_NEITHER, LS_READS_X, LS_READS_Y };

LS_INLINE struct ls_elementwise ls_elementwise_plain(const void *options) {
    (void)options;
    return (struct ls_elementwise){0};
}

LS_INLINE enum ls_status ls_elementwise_infer(struct ls_node *node, int64_t flops,
                                              struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    ls_infer_like(node);
    node->flops = flops * ls_shape_row_count(node->output->shape);
    return LS_OK;
}

/* y = f(x). The two may be the same memory: ivdep, because restrict would be a lie. */
LS_INLINE void ls_elementwise_forward(const struct ls_node *node, const struct ls_run *run,
                                      ls_elementwise_function *f, struct ls_elementwise options) {
    const int64_t count = ls_run_elements(run, node->output);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++)
        y[i] = f(x[i], options);
}

/* dx = gradient(dy, value); value points at x or y, or at dy where the derivative reads neither. */
LS_INLINE void ls_elementwise_backward(const struct ls_node *node, const struct ls_run *run,
                                       enum ls_elementwise_reads reads,
                                       ls_elementwise_gradient *gradient,
                                       struct ls_elementwise options) {
    const int64_t count = ls_run_elements(run, node->output);
    const real *restrict dy = node->output->gradient;
    const real *restrict value = reads == LS_READS_X   ? node->inputs[0]->data
                                 : reads == LS_READS_Y ? node->output->data
                                                       : node->output->gradient;
    real *restrict dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (node->accumulate[0])
        for (int64_t i = 0; i < count; i++)
            dx[i] += gradient(dy[i], value[i], options);
    else
        for (int64_t i = 0; i < count; i++)
            dx[i] = gradient(dy[i], value[i], options);
}

/* to = from, or added to it; the two may be the same memory. */
static inline void ls_pass_elements(int64_t count, const real *from, real *to, bool accumulate) {
    if (accumulate)
        for (int64_t i = 0; i < count; i++)
            to[i] += from[i];
    else if (to != from)
        memcpy(to, from, (size_t)count * sizeof(real));
}

/* The members of struct ls_op that every one of these ops has alike; `reads_value` as above. */
#define LS_ELEMENTWISE_MEMBERS(reads_value)                                                        \
    .infer = infer, .forward = forward, .backward = backward,                                      \
    .backward_reads_inputs = (reads_value) == LS_READS_X ? 1u << 0 : 0u,                           \
    .backward_reads_output = (reads_value) == LS_READS_Y, .in_place = true, .cases = cases,        \
    .case_count = sizeof cases / sizeof *cases

/* The op itself, from NAME_value, NAME_gradient and cases[]. flops: of one element. options_of
 * gives what struct ls_elementwise takes of the node's options (ls_elementwise_plain: nothing). */
#define LS_ELEMENTWISE_OP(op_name, op_formula, flops_each, reads_value, options_of)                \
    static enum ls_status infer(struct ls_node *node, struct ls_error *error) {                    \
        return ls_elementwise_infer(node, flops_each, error);                                      \
    }                                                                                              \
    static void forward(const struct ls_node *node, const struct ls_run *run) {                    \
        ls_elementwise_forward(node, run, op_name##_value, options_of(node->options));             \
    }                                                                                              \
    static void backward(const struct ls_node *node, const struct ls_run *run) {                   \
        ls_elementwise_backward(node, run, reads_value, op_name##_gradient,                        \
                                options_of(node->options));                                        \
    }                                                                                              \
    const struct ls_op LS_NAME(ls_op_##op_name) = {                                                \
        .name = #op_name, .formula = op_formula, LS_ELEMENTWISE_MEMBERS(reads_value)}

/* A case of one input: what follows the shape are members of struct ls_op_case_input (its range,
 * its kinks). */
#define LS_ELEMENTWISE_INPUT(shape_value, ...)                                                     \
    .input_count = 1, .inputs = {{.shape = shape_value, __VA_ARGS__}}

/* The two cases that say enough of an op without options. */
#define LS_ELEMENTWISE_CASES(...)                                                                  \
    static const struct ls_op_case cases[] = {                                                     \
        {.name = "one number", LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(1, 1), __VA_ARGS__)},            \
        {.name = "a vector remainder",                                                             \
         LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(5, 3, 7), __VA_ARGS__),                                \
         .microbatches = 2},                                                                       \
    }

#endif
