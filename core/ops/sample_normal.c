/* A sample of a normal distribution, as a function of its mean and variance (Kingma & Welling 2014,
 * section 2.4): y = mean + exp(v / 2) e with v the log of the variance. e depends on (seed, node,
 * step, data row) and the position in the row; backward draws it again. Where a run says mean_only,
 * y is the mean. */
#include "core/ops/check.h"
#include "core/ops/draw.h"
#include "core/ops/elementwise.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *mean = node->inputs[0], *variance = node->inputs[1];
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    enum ls_status status = ls_check_batched(node, 0, 1, error);
    if (status == LS_OK)
        status = ls_check_batched(node, 1, 1, error);
    if (status != LS_OK)
        return status;
    if (!ls_shape_equal(mean->shape, variance->shape))
        return ls_fail(
            error, LS_INVALID,
            "sample_normal: means of shape %s need log variances of that shape, found %s",
            ls_shape_print(mean->shape, first), ls_shape_print(variance->shape, second));
    ls_infer_like(node);
    node->flops = 140 * ls_shape_row_count(mean->shape);
    return LS_OK;
}

/* Where a row's draws begin. In step mode dimension 1 of a sequence has one position, which draws
 * what it would draw among all of them. */
static int64_t first_draw(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shape shape = node->output->shape;
    return node->step_positions > 0 && shape.rank > 2 ? run->position * ls_shape_row_count(shape)
                                                      : 0;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_row_count(node->output->shape), from = first_draw(node, run);
    const real *mean = node->inputs[0]->data, *v = node->inputs[1]->data;
    real *y = node->output->data; /* may be mean */
    if (run->mean_only) {
        ls_pass_elements(run->rows * count, mean, y, false);
        return;
    }
    for (int64_t n = 0; n < run->rows; n++, mean += count, v += count, y += count) {
        const struct ls_random_key key = ls_draw_key(node, run, n);
        for (int64_t i = 0; i < count; i += LS_DRAW_BLOCK) {
            const int64_t some = count - i < LS_DRAW_BLOCK ? count - i : LS_DRAW_BLOCK;
            real e[LS_DRAW_BLOCK];
            ls_draw_normal(key, from + i, some, e);
#pragma GCC ivdep
            for (int64_t k = 0; k < some; k++)
                y[i + k] = ls_fma(ls_math_exp((real)0.5 * v[i + k]), e[k], mean[i + k]);
        }
    }
}

/* d y / d v = e exp(v / 2) / 2; 0 where y is the mean. */
static void backward_variance(const struct ls_node *node, const struct ls_run *run) {
    const int64_t count = ls_shape_row_count(node->output->shape), from = first_draw(node, run);
    const real *restrict v = node->inputs[1]->data;
    const real *restrict dy = node->output->gradient;
    real *restrict dv = node->inputs[1]->gradient;
    const bool accumulate = node->accumulate[1];
    if (run->mean_only) {
        if (!accumulate)
            memset(dv, 0, (size_t)(run->rows * count) * sizeof(real));
        return;
    }
    for (int64_t n = 0; n < run->rows; n++, v += count, dy += count, dv += count) {
        const struct ls_random_key key = ls_draw_key(node, run, n);
        for (int64_t i = 0; i < count; i += LS_DRAW_BLOCK) {
            const int64_t some = count - i < LS_DRAW_BLOCK ? count - i : LS_DRAW_BLOCK;
            real e[LS_DRAW_BLOCK];
            ls_draw_normal(key, from + i, some, e);
            for (int64_t k = 0; k < some; k++)
                e[k] *= (real)0.5 * ls_math_exp((real)0.5 * v[i + k]);
            if (accumulate)
                for (int64_t k = 0; k < some; k++)
                    dv[i + k] += dy[i + k] * e[k];
            else
                for (int64_t k = 0; k < some; k++)
                    dv[i + k] = dy[i + k] * e[k];
        }
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    if (node->inputs[0]->gradient)
        ls_pass_elements(ls_run_elements(run, node->output), node->output->gradient,
                         node->inputs[0]->gradient, node->accumulate[0]);
    if (node->inputs[1]->gradient)
        backward_variance(node, run);
}

static const struct ls_op_case cases[] = {
    {.name = "an odd row",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 7), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(5, 7), .low = -3, .high = 1}},
     .microbatches = 2},
    {.name = "more than a block of draws",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 91), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 3, 91), .low = -3, .high = 1}}},
    {.name = "evaluation",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4), .low = -2, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 4), .low = -3, .high = 1}},
     .evaluation = true},
};

const struct ls_op LS_NAME(ls_op_sample_normal) = {
    .name = "sample_normal",
    .formula = "y = mean + exp(v / 2) e, e standard normal; mean_only: y = mean",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 1,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
