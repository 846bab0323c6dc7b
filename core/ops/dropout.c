/* Dropout (Srivastava et al. 2014), scaled when training so that evaluation is the identity. The
 * mask is never stored: both directions draw it from (seed, node, step, data row) and the position
 * in the row (tensor/kernels/drop.h), so neither ranks nor pieces nor the order of rows change it.
 */
#include "core/ops/check.h"
#include "core/ops/draw.h"
#include "core/ops/elementwise.h"
#include "core/ops/options.h"
#include "core/tensor/kernels/drop.h"
#include "core/tensor/variant.h"

static double rate_of(const struct ls_node *node) {
    const struct ls_dropout_options *options = node->options;
    return options->rate;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    if (!(rate_of(node) >= 0 && rate_of(node) < 1))
        return ls_fail(error, LS_INVALID,
                       "dropout: the rate must be at least 0 and below 1, found %g", rate_of(node));
    return ls_elementwise_infer(node, 40, error);
}

/* to = from * mask, or added to it; the two may be the same memory. */
static void apply(const struct ls_node *node, const struct ls_run *run, const real *from, real *to,
                  bool accumulate) {
    const int64_t count = ls_shape_row_count(node->output->shape);
    const struct ls_drop drop = ls_drop(rate_of(node));
    for (int64_t n = 0; n < run->rows; n++, from += count, to += count) {
        const struct ls_random_key key = ls_draw_key(node, run, n);
        for (int64_t i = 0; i < count; i += LS_DROP_MAX) {
            const int64_t some = count - i < LS_DROP_MAX ? count - i : LS_DROP_MAX;
            real factors[LS_DROP_MAX];
            ls_drop_draw(drop, key, i, some, factors);
            if (accumulate)
                for (int64_t k = 0; k < some; k++)
                    to[i + k] += from[i + k] * factors[k];
            else
#pragma GCC ivdep
                for (int64_t k = 0; k < some; k++)
                    to[i + k] = from[i + k] * factors[k];
        }
    }
}

static void pass(const struct ls_node *node, const struct ls_run *run, const real *from, real *to,
                 bool accumulate) {
    if (run->training && rate_of(node) > 0)
        apply(node, run, from, to, accumulate);
    else
        ls_pass_elements(ls_run_elements(run, node->output), from, to, accumulate);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    pass(node, run, node->inputs[0]->data, node->output->data, false);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    if (node->inputs[0]->gradient)
        pass(node, run, node->output->gradient, node->inputs[0]->gradient, node->accumulate[0]);
}

static const struct ls_op_case cases[] = {
    {.name = "an odd row",
     .options = &(const struct ls_dropout_options){.rate = 0.4},
     .options_size = sizeof(struct ls_dropout_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 7), .low = 1, .high = 2}},
     .microbatches = 2},
    {.name = "a row longer than a block",
     .options = &(const struct ls_dropout_options){.rate = 0.25},
     .options_size = sizeof(struct ls_dropout_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 91), .low = 1, .high = 2}}},
    {.name = "rate 0",
     .options = &(const struct ls_dropout_options){.rate = 0},
     .options_size = sizeof(struct ls_dropout_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4), .low = -1, .high = 1}}},
    {.name = "evaluation",
     .options = &(const struct ls_dropout_options){.rate = 0.5},
     .options_size = sizeof(struct ls_dropout_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4), .low = -1, .high = 1}},
     .evaluation = true},
};

const struct ls_op LS_NAME(ls_op_dropout) = {
    .name = "dropout",
    .formula = "y = keep ? x / (1 - rate) : 0 when training, else x",
    LS_ELEMENTWISE_MEMBERS(LS_READS_NEITHER),
};
