/* Losses of a value x against a target t, element by element, averaged over a sample's elements (or
 * summed: options.sum). A file gives the loss of one element and its derivatives as static inline
 * functions, its example cases and one line LS_LOSS_OP. Each loss is [N, 2]: the weighted loss of
 * the sample and its weight; backward starts from the gradient of column 0.
 *
 * One more input may say which elements count: lengths, int32 [N], of dimension 1 of x; or weights
 * in the shape of x without some of its last dimensions. A sample's weight is then the share of its
 * elements that count, and column 0 is (as without) the sum of their losses times 1 / elements.
 * What does not count gets a gradient of exact 0. */
#ifndef LS_OPS_LOSS_H
#define LS_OPS_LOSS_H

#include "core/ops/check.h"
#include "core/tensor/math.h"
#include "core/ops/options.h"
#include "core/ops/row.h"

/* Of x, t and the op's option (a delta, say). A loss of x alone finds x in t; a loss of three
 * inputs finds the third in `third`. */
typedef real ls_loss_function(real x, real t, real third);

enum { LS_LOSS_BLOCK = 256 }; /* elements whose losses are written down before they are summed */

/* What of a sample counts. */
struct ls_loss_valid {
    int64_t count;       /* its first elements */
    const real *weights; /* one for every `each` elements; NULL: all 1 */
    int64_t each;
    real weight; /* of the sample */
};

static inline void ls_loss_output(struct ls_node *node) {
    node->output->shape = LS_SHAPE(node->inputs[0]->shape.dims[0], 2);
    node->output->batched = true;
    node->output->type = LS_TYPE_REAL;
}

/* Inputs 0 and i have as many elements in a sample. */
static inline enum ls_status ls_loss_check_pair(const struct ls_node *node, int i, const char *what,
                                                struct ls_error *error) {
    const struct ls_value *x = node->inputs[0], *t = node->inputs[i];
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    const enum ls_status status = ls_check_batched(node, i, 1, error);
    if (status != LS_OK || ls_shape_row_count(x->shape) == ls_shape_row_count(t->shape))
        return status;
    return ls_fail(error, LS_INVALID,
                   "%s: outputs of shape %s need as many %s per sample (%lld), found "
                   "%s of shape %s",
                   node->op->name, ls_shape_print(x->shape, first), what,
                   (long long)ls_shape_row_count(x->shape), what, ls_shape_print(t->shape, second));
}

/* Whether `inner`, without dimensions of 1 at its end, is how `outer` begins; or it has as many
 * elements. */
static inline bool ls_loss_begins(struct ls_shape outer, struct ls_shape inner) {
    if (ls_shape_row_count(outer) == ls_shape_row_count(inner))
        return true;
    while (inner.rank > 1 && inner.dims[inner.rank - 1] == 1)
        inner.rank--;
    for (int i = 1; i < inner.rank; i++)
        if (i >= outer.rank || outer.dims[i] != inner.dims[i])
            return false;
    return true;
}

/* Input i, if it is given, says which elements of input 0 count. */
static inline enum ls_status ls_loss_check_valid(const struct ls_node *node, int i,
                                                 struct ls_error *error) {
    const struct ls_value *x = node->inputs[0];
    const struct ls_value *valid = node->input_count > i ? node->inputs[i] : NULL;
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    if (!valid)
        return LS_OK;
    if (valid->wants_gradient)
        return ls_fail(error, LS_INVALID,
                       "%s: lengths and weights come with the data, found some that are trained",
                       node->op->name);
    const bool lengths = valid->type == LS_TYPE_INT32;
    const bool fits = lengths ? ls_shape_row_count(valid->shape) == 1 && x->shape.rank > 1
                              : ls_loss_begins(x->shape, valid->shape);
    if (valid->batched && fits)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: outputs of shape %s take a length per sample, or weights in the shape of "
                   "their first dimensions; found %s of shape %s%s",
                   node->op->name, ls_shape_print(x->shape, first), lengths ? "lengths" : "weights",
                   ls_shape_print(valid->shape, second), valid->batched ? "" : " for all samples");
}

/* Inputs x, t and perhaps what counts. */
static inline enum ls_status ls_loss_infer(struct ls_node *node, struct ls_error *error) {
    enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status == LS_OK && node->input_count > 1)
        status = ls_loss_check_pair(node, 1, "targets", error);
    if (status == LS_OK)
        status = ls_loss_check_valid(node, 2, error);
    if (status != LS_OK)
        return status;
    ls_loss_output(node);
    node->flops = 4 * ls_shape_row_count(node->inputs[0]->shape);
    return LS_OK;
}

/* Inputs x, t and perhaps what counts; an option `what` that must be above 0. */
static inline enum ls_status ls_loss_infer_positive(struct ls_node *node, const char *what,
                                                    double value, struct ls_error *error) {
    if (!(value > 0))
        return ls_fail(error, LS_INVALID, "%s: the %s must be above 0, found %g", node->op->name,
                       what, value);
    return ls_loss_infer(node, error);
}

/* Inputs x, a log variance and perhaps a target: as many of each. */
static inline enum ls_status ls_loss_check_normal(const struct ls_node *node,
                                                  struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    return status == LS_OK ? ls_loss_check_pair(node, 1, "log variances", error) : status;
}

/* As input i says of sample n. */
static inline struct ls_loss_valid ls_loss_valid(const struct ls_node *node, int i, int64_t n) {
    const struct ls_value *x = node->inputs[0];
    const struct ls_value *valid = node->input_count > i ? node->inputs[i] : NULL;
    const int64_t count = ls_shape_row_count(x->shape);
    if (!valid)
        return (struct ls_loss_valid){.count = count, .each = 1, .weight = 1};
    if (valid->type == LS_TYPE_INT32) {
        const int64_t positions = x->shape.dims[1], length = ls_length_of(node, i, n, positions);
        return (struct ls_loss_valid){.count = length * (count / positions),
                                      .each = 1,
                                      .weight = (real)((double)length / (double)positions)};
    }
    const int64_t weights = ls_shape_row_count(valid->shape);
    const real *from = (const real *)valid->data + n * weights;
    return (struct ls_loss_valid){.count = count,
                                  .weights = from,
                                  .each = count / weights,
                                  .weight = ls_row_sum(from, weights) / (real)weights};
}

/* What a sum over a sample's elements is multiplied with. */
static inline real ls_loss_share(const struct ls_node *node) {
    const struct ls_loss_options *options = node->options;
    return options && options->sum
               ? (real)1
               : (real)(1.0 / (double)ls_shape_row_count(node->inputs[0]->shape));
}

/* to[k] = weight of element first + k times to[k]; 0 where that is 0, whatever to[k] is. */
static inline void ls_loss_weigh(const struct ls_loss_valid *valid, int64_t first, int64_t count,
                                 real *to) {
    for (int64_t k = 0; valid->weights && k < count; k++) {
        const real weight = valid->weights[(first + k) / valid->each];
        to[k] = weight == 0 ? 0 : weight * to[k];
    }
}

/* to[k] = f of element first + k of the run; `values`: how many inputs it is a function of. */
LS_INLINE void ls_loss_map(const struct ls_node *node, int64_t first, int64_t count, int values,
                           ls_loss_function *f, real option, real *restrict to) {
    const real *x = (const real *)node->inputs[0]->data + first;
    const real *t = node->input_count > 1 ? (const real *)node->inputs[1]->data + first : x;
    if (values < 3) {
        for (int64_t k = 0; k < count; k++)
            to[k] = f(x[k], t[k], option);
        return;
    }
    const real *u = (const real *)node->inputs[2]->data + first;
    for (int64_t k = 0; k < count; k++)
        to[k] = f(x[k], t[k], u[k]);
}

/* Losses of a sample: blocks, each summed in 16 lanes, added in order in double. */
LS_INLINE void ls_loss_forward_of(const struct ls_node *node, const struct ls_run *run, int values,
                                  ls_loss_function *loss, real option) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real share = ls_loss_share(node);
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++) {
        const struct ls_loss_valid valid = ls_loss_valid(node, values, n);
        double sum = 0;
        for (int64_t i = 0; i < valid.count; i += LS_LOSS_BLOCK) {
            const int64_t left = valid.count - i;
            const int64_t some = left < LS_LOSS_BLOCK ? left : LS_LOSS_BLOCK;
            real losses[LS_LOSS_BLOCK];
            ls_loss_map(node, n * count + i, some, values, loss, option, losses);
            ls_loss_weigh(&valid, i, some, losses);
            sum += (double)ls_row_sum(losses, some);
        }
        y[2 * n] = (real)sum * share;
        y[2 * n + 1] = valid.weight;
    }
}

/* The gradient of one input, from the derivative with respect to it. */
LS_INLINE void ls_loss_backward_of(const struct ls_node *node, const struct ls_run *run, int values,
                                   int input, ls_loss_function *derivative, real option) {
    const int64_t count = ls_shape_row_count(node->inputs[0]->shape);
    const real share = ls_loss_share(node);
    const real *dy = node->output->gradient;
    const bool accumulate = node->accumulate[input];
    real *restrict to = node->inputs[input]->gradient;
    for (int64_t n = 0; to && n < run->rows; n++, to += count) {
        const struct ls_loss_valid valid = ls_loss_valid(node, values, n);
        const real scale = dy[2 * n] * share;
        for (int64_t i = 0; i < valid.count; i += LS_LOSS_BLOCK) {
            const int64_t left = valid.count - i;
            const int64_t some = left < LS_LOSS_BLOCK ? left : LS_LOSS_BLOCK;
            real slopes[LS_LOSS_BLOCK];
            ls_loss_map(node, n * count + i, some, values, derivative, option, slopes);
            for (int64_t k = 0; k < some; k++)
                slopes[k] *= scale;
            ls_loss_weigh(&valid, i, some, slopes);
            if (accumulate)
                for (int64_t k = 0; k < some; k++)
                    to[i + k] += slopes[k];
            else
                memcpy(to + i, slopes, (size_t)some * sizeof(real));
        }
        for (int64_t i = valid.count; i < count && !accumulate; i++)
            to[i] = 0;
    }
}

/* Of losses of x, or of x and t. */
LS_INLINE void ls_loss_forward(const struct ls_node *node, const struct ls_run *run,
                               ls_loss_function *loss, real option) {
    ls_loss_forward_of(node, run, 2, loss, option);
}

LS_INLINE void ls_loss_backward(const struct ls_node *node, const struct ls_run *run, int input,
                                ls_loss_function *derivative, real option) {
    ls_loss_backward_of(node, run, 2, input, derivative, option);
}

/* What a loss takes of its options, which may be NULL. */
static inline real ls_loss_plain(const struct ls_loss_options *options) {
    (void)options;
    return 0;
}

static inline real ls_loss_margin(const struct ls_loss_options *options) {
    return (real)options->margin;
}

/* The members of struct ls_op that all of these losses have alike. */
#define LS_LOSS_MEMBERS                                                                            \
    .forward = forward, .backward = backward,                                                      \
    .backward_reads_inputs = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3, .loss = true, .cases = cases,  \
    .case_count = sizeof cases / sizeof *cases

/* The op itself, from loss(), by_x(), by_t() and cases[]. option_of gives their third argument from
 * the node's options. */
#define LS_LOSS_OP(op_name, op_formula, infer_function, option_of)                                 \
    static void forward(const struct ls_node *node, const struct ls_run *run) {                    \
        ls_loss_forward(node, run, loss, option_of(node->options));                                \
    }                                                                                              \
    static void backward(const struct ls_node *node, const struct ls_run *run) {                   \
        ls_loss_backward(node, run, 0, by_x, option_of(node->options));                            \
        ls_loss_backward(node, run, 1, by_t, option_of(node->options));                            \
    }                                                                                              \
    const struct ls_op LS_NAME(ls_op_##op_name) = {                                                \
        .name = #op_name, .formula = op_formula, .infer = infer_function, LS_LOSS_MEMBERS}

#endif
