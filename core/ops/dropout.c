/* Dropout (Srivastava et al. 2014), scaled when training so that evaluation is the identity. The
 * mask is never stored: both directions draw it from (seed, node, step, data row) and the position
 * in the row, so neither ranks nor pieces nor the order of rows change it. One Threefry block gives
 * two positions. */
#include "core/ops/check.h"
#include "core/ops/options.h"
#include "core/tensor/variant.h"

enum { BLOCK = 128 }; /* random blocks that are drawn at once */

static double rate_of(const struct ls_node *node) {
    const struct ls_dropout_options *options = node->options;
    return options->rate;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status != LS_OK)
        return status;
    if (!(rate_of(node) >= 0 && rate_of(node) < 1))
        return ls_fail(error, LS_INVALID,
                       "dropout: the rate must be at least 0 and below 1, found %g", rate_of(node));
    ls_infer_like(node);
    node->flops = 40 * ls_shape_row_count(node->output->shape);
    return LS_OK;
}

/* factors[k] = 0 or scale for positions first .. first + 2 * BLOCK - 1 of a row (first is even).
 * The 24 upper bits of a draw, as an integer, decide: the same in float and double. */
static void draw(struct ls_random_key key, int64_t first, uint32_t threshold, real scale,
                 real factors[restrict 2 * BLOCK]) {
    uint32_t even[BLOCK], odd[BLOCK];
    const uint32_t block = (uint32_t)(first / 2);
    for (uint32_t k = 0; k < BLOCK; k++) {
        const struct ls_random_pair pair = ls_random_block(key, block + k, 0);
        even[k] = pair.word[0] >> 8;
        odd[k] = pair.word[1] >> 8;
    }
    for (int k = 0; k < BLOCK; k++) {
        factors[2 * k] = even[k] >= threshold ? scale : 0;
        factors[2 * k + 1] = odd[k] >= threshold ? scale : 0;
    }
}

/* to = from * mask, or added to it; the two may be the same memory. */
static void apply(const struct ls_node *node, const struct ls_run *run, const real *from, real *to,
                  bool accumulate) {
    const double rate = rate_of(node);
    const int64_t count = ls_shape_row_count(node->output->shape);
    const uint32_t threshold = (uint32_t)ceil(rate * 0x1p24); /* bits * 2^-24 >= rate */
    const real scale = (real)(1 / (1 - rate));
    LS_ASSERT(run->row_ids, "dropout %s trains without row numbers", node->name);
    for (int64_t n = 0; n < run->rows; n++, from += count, to += count) {
        const struct ls_random_key key =
            ls_random_key(run->seed, node->ordinal, run->step, run->row_ids[n]);
        for (int64_t i = 0; i < count; i += 2 * BLOCK) {
            const int64_t some = count - i < 2 * BLOCK ? count - i : 2 * BLOCK;
            real factors[2 * BLOCK];
            draw(key, i, threshold, scale, factors);
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

/* Without a mask. */
static void copy(int64_t count, const real *from, real *to, bool accumulate) {
    if (accumulate)
        for (int64_t i = 0; i < count; i++)
            to[i] += from[i];
    else if (to != from)
        memcpy(to, from, (size_t)count * sizeof(real));
}

static void pass(const struct ls_node *node, const struct ls_run *run, const real *from, real *to,
                 bool accumulate) {
    if (run->training && rate_of(node) > 0)
        apply(node, run, from, to, accumulate);
    else
        copy(ls_run_elements(run, node->output), from, to, accumulate);
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
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
