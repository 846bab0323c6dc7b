/* Normal noise on an input while training, as denoising autoencoders want it (Vincent et al. 2010);
 * the identity otherwise. The noise depends on (seed, node, step, data row) and the position in the
 * row. */
#include "core/ops/check.h"
#include "core/ops/draw.h"
#include "core/ops/elementwise.h"
#include "core/ops/options.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_gaussian_noise_options *options = node->options;
    if (!(options->deviation >= 0 && options->deviation < (double)INFINITY))
        return ls_fail(error, LS_INVALID,
                       "gaussian_noise: the deviation must be at least 0 and finite, found %g",
                       options->deviation);
    return ls_elementwise_infer(node, 120, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_gaussian_noise_options *options = node->options;
    const int64_t count = ls_shape_row_count(node->output->shape);
    const real deviation = (real)options->deviation;
    const real *x = node->inputs[0]->data;
    real *y = node->output->data; /* may be x */
    if (!run->training || deviation == 0) {
        ls_pass_elements(run->rows * count, x, y, false);
        return;
    }
    for (int64_t n = 0; n < run->rows; n++, x += count, y += count) {
        const struct ls_random_key key = ls_draw_key(node, run, n);
        for (int64_t i = 0; i < count; i += LS_DRAW_BLOCK) {
            const int64_t some = count - i < LS_DRAW_BLOCK ? count - i : LS_DRAW_BLOCK;
            real e[LS_DRAW_BLOCK];
            ls_draw_normal(key, i, some, e);
#pragma GCC ivdep
            for (int64_t k = 0; k < some; k++)
                y[i + k] = ls_fma(deviation, e[k], x[i + k]);
        }
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    if (node->inputs[0]->gradient)
        ls_pass_elements(ls_run_elements(run, node->output), node->output->gradient,
                         node->inputs[0]->gradient, node->accumulate[0]);
}

static const struct ls_op_case cases[] = {
    {.name = "an odd row",
     .options = &(const struct ls_gaussian_noise_options){.deviation = 0.4},
     .options_size = sizeof(struct ls_gaussian_noise_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 7), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "more than a block of draws",
     .options = &(const struct ls_gaussian_noise_options){.deviation = 2},
     .options_size = sizeof(struct ls_gaussian_noise_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 91), .low = -1, .high = 1}}},
    {.name = "evaluation",
     .options = &(const struct ls_gaussian_noise_options){.deviation = 0.4},
     .options_size = sizeof(struct ls_gaussian_noise_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 4), .low = -1, .high = 1}},
     .evaluation = true},
};

const struct ls_op LS_NAME(ls_op_gaussian_noise) = {
    .name = "gaussian_noise",
    .formula = "y = x + deviation e when training, e standard normal, else x",
    LS_ELEMENTWISE_MEMBERS(LS_READS_NEITHER),
};
