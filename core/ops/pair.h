/* Ops of two values a and b, element by element: equal shapes, or b a parameter of a's trailing
 * dimensions ([C], or [T, C] for positions), which is repeated. A file gives its function and how
 * dy becomes the gradients of a and b; they are inlined into the loops here.
 *
 * The gradient of a repeated b is a sum over the vectors of all samples, sample-major (sum.h).
 *
 * In step mode a sequence has one position, and the parameter of all positions gives its row
 * run->position. */
#ifndef LS_OPS_PAIR_H
#define LS_OPS_PAIR_H

#include "core/ops/elementwise.h"
#include "core/ops/sum.h"

typedef real ls_pair_function(real a, real b);

/* What dy brings to one of the two. */
typedef real ls_pair_gradient(real dy, real a, real b);

/* NULL: dy itself. */
struct ls_pair_gradients {
    ls_pair_gradient *a, *b;
    bool reads; /* a and b; else both are passed as 0 */
};

/* b is repeated: a parameter. */
static inline bool ls_pair_repeats(const struct ls_node *node) {
    return !node->inputs[1]->batched;
}

/* b is a row of each position, and a has the one position of a step. */
static inline bool ls_pair_picks(const struct ls_node *node) {
    const struct ls_shape a = node->inputs[0]->shape, b = node->inputs[1]->shape;
    return node->step_positions > 0 && ls_pair_repeats(node) && b.rank > 1 &&
           b.rank == a.rank - 1 && a.dims[1] == 1;
}

/* After how many elements of a the next element of b is the first one again. */
static inline int64_t ls_pair_period(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_count(node->inputs[1]->shape);
    if (ls_pair_picks(node))
        return count / node->inputs[1]->shape.dims[0];
    return ls_pair_repeats(node) ? count : ls_run_elements(run, node->output);
}

static inline bool ls_pair_fits(const struct ls_node *node) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    if (b->batched)
        return ls_shape_equal(a->shape, b->shape);
    const bool picks = ls_pair_picks(node);
    const int first = a->shape.rank - b->shape.rank; /* dimension of a that is b's first */
    if (b->shape.rank < 1 || first < 1)
        return false;
    for (int i = picks ? 1 : 0; i < b->shape.rank; i++)
        if (b->shape.dims[i] != a->shape.dims[first + i])
            return false;
    return true;
}

static inline enum ls_status ls_pair_infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    if (ls_pair_picks(node) && b->shape.dims[0] < node->step_positions)
        return ls_fail(error, LS_INVALID,
                       "%s: the parameter %s has %lld positions, and sequences may have %lld",
                       node->op->name, ls_shape_print(b->shape, second),
                       (long long)b->shape.dims[0], (long long)node->step_positions);
    if (!ls_pair_fits(node) || b->type != LS_TYPE_REAL)
        return ls_fail(
            error, LS_INVALID,
            "%s: the second input must have the first one's shape %s or be a parameter of its last "
            "dimension %lld or of more of its trailing dimensions, found %s %s%s",
            node->op->name, ls_shape_print(a->shape, first), (long long)ls_shape_last(a->shape),
            b->batched ? "a value" : "a parameter", ls_shape_print(b->shape, second),
            b->type == LS_TYPE_REAL ? "" : " of integers");
    ls_infer_like(node);
    node->flops = ls_shape_row_count(a->shape);
    if (ls_pair_repeats(node))
        node->scratch_bytes = ls_column_sums_bytes(ls_shape_count(b->shape), a->shape.dims[0]);
    return LS_OK;
}

/* y = f(a, b); y may be a. */
LS_INLINE void ls_pair_forward(const struct ls_node *node, const struct ls_run *run,
                               ls_pair_function *f) {
    const int64_t count = ls_run_elements(run, node->output), period = ls_pair_period(node, run);
    const real *a = node->inputs[0]->data, *b = node->inputs[1]->data;
    real *y = node->output->data;
    if (ls_pair_picks(node)) {
        const int64_t positions = node->inputs[1]->shape.dims[0];
        LS_ASSERT(run->position >= 0 && run->position < positions,
                  "%s: position %lld, expected 0 to %lld", node->name, (long long)run->position,
                  (long long)positions - 1);
        b += run->position * period;
    }
    for (int64_t i = 0; i < count; i += period)
#pragma GCC ivdep
        for (int64_t c = 0; c < period; c++)
            y[i + c] = f(a[i + c], b[c]);
}

/* to[i] = gradient of one of the two, or added to it; `to` may be dy. */
LS_INLINE void ls_pair_pass(const struct ls_node *node, const struct ls_run *run,
                            ls_pair_gradient *gradient, bool reads, bool accumulate, real *to) {
    const int64_t count = ls_run_elements(run, node->output), period = ls_pair_period(node, run);
    const real *a = node->inputs[0]->data, *b = node->inputs[1]->data, *dy = node->output->gradient;
    for (int64_t i = 0; i < count; i += period)
        if (accumulate)
#pragma GCC ivdep
            for (int64_t c = 0; c < period; c++)
                to[i + c] += gradient(dy[i + c], reads ? a[i + c] : 0, reads ? b[c] : 0);
        else
#pragma GCC ivdep
            for (int64_t c = 0; c < period; c++)
                to[i + c] = gradient(dy[i + c], reads ? a[i + c] : 0, reads ? b[c] : 0);
}

/* What dy brings to input k, which wants a gradient and is not repeated. */
LS_INLINE void ls_pair_give(const struct ls_node *node, const struct ls_run *run, int k,
                            ls_pair_gradient *gradient, bool reads) {
    real *to = node->inputs[k]->gradient;
    if (gradient)
        ls_pair_pass(node, run, gradient, reads, node->accumulate[k], to);
    else
        ls_pass_elements(ls_run_elements(run, node->output), node->output->gradient, to,
                         node->accumulate[k]);
}

LS_INLINE void ls_pair_backward(const struct ls_node *node, const struct ls_run *run,
                                struct ls_pair_gradients gradients) {
    const struct ls_value *a = node->inputs[0], *b = node->inputs[1];
    real *dy = node->output->gradient;
    if (a->gradient)
        ls_pair_give(node, run, 0, gradients.a, gradients.reads);
    if (!b->gradient)
        return;
    if (!ls_pair_repeats(node)) {
        ls_pair_give(node, run, 1, gradients.b, gradients.reads);
        return;
    }
    if (gradients.b)
        ls_pair_pass(node, run, gradients.b, gradients.reads, false, dy);
    const int64_t columns = ls_shape_count(b->shape);
    ls_column_sums(run, ls_shape_row_count(a->shape) / columns, columns, dy, b->gradient,
                   node->scratch);
}

/* Example cases of every one of these ops. a, b: members of their struct ls_op_case_input, in
 * parentheses. */
#define LS_PAIR_UNWRAP(...) __VA_ARGS__
#define LS_PAIR_CASES(a, b)                                                                        \
    {.name = "equal shapes",                                                                       \
     .input_count = 2,                                                                             \
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 5), LS_PAIR_UNWRAP a},                               \
                {.shape = LS_CASE_SHAPE(3, 2, 5), LS_PAIR_UNWRAP b}},                              \
     .microbatches = 2},                                                                           \
        {.name = "a parameter for every vector",                                                   \
         .input_count = 2,                                                                         \
         .inputs = {{.shape = LS_CASE_SHAPE(7, 3, 9), LS_PAIR_UNWRAP a},                           \
                    {.shape = LS_CASE_SHAPE(9), .parameter = true, LS_PAIR_UNWRAP b}},             \
         .microbatches = 3},                                                                       \
        {.name = "more rows than lanes",                                                           \
         .input_count = 2,                                                                         \
         .inputs = {{.shape = LS_CASE_SHAPE(41, 1), LS_PAIR_UNWRAP a},                             \
                    {.shape = LS_CASE_SHAPE(1), .parameter = true, LS_PAIR_UNWRAP b}},             \
         .microbatches = 2},                                                                       \
        {.name = "a parameter of positions",                                                       \
         .input_count = 2,                                                                         \
         .inputs = {{.shape = LS_CASE_SHAPE(19, 3, 4), LS_PAIR_UNWRAP a},                          \
                    {.shape = LS_CASE_SHAPE(3, 4), .parameter = true, LS_PAIR_UNWRAP b}},          \
         .microbatches = 2},                                                                       \
    {                                                                                              \
        .name = "a parameter of two of three dimensions", .input_count = 2,                        \
        .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 2, 5), LS_PAIR_UNWRAP a},                         \
                   {.shape = LS_CASE_SHAPE(2, 5), .parameter = true, LS_PAIR_UNWRAP b}},           \
        .microbatches = 2                                                                          \
    }

/* The op itself, from NAME_value and cases[]. What follows reads_inputs are the members .a and .b
 * of struct ls_pair_gradients; one that is left out passes dy itself. */
#define LS_PAIR_OP(op_name, op_formula, reads_inputs, ...)                                         \
    static void forward(const struct ls_node *node, const struct ls_run *run) {                    \
        ls_pair_forward(node, run, op_name##_value);                                               \
    }                                                                                              \
    static void backward(const struct ls_node *node, const struct ls_run *run) {                   \
        ls_pair_backward(node, run,                                                                \
                         (struct ls_pair_gradients){.reads = (reads_inputs), __VA_ARGS__});        \
    }                                                                                              \
    const struct ls_op LS_NAME(ls_op_##op_name) = {.name = #op_name,                               \
                                                   .formula = op_formula,                          \
                                                   .infer = ls_pair_infer,                         \
                                                   .forward = forward,                             \
                                                   .backward = backward,                           \
                                                   .backward_reads_inputs =                        \
                                                       (reads_inputs) ? 1u << 0 | 1u << 1 : 0u,    \
                                                   .in_place = true,                               \
                                                   .cases = cases,                                 \
                                                   .case_count = sizeof cases / sizeof *cases}

#endif
