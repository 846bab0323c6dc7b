/* Leaky ReLU (Maas et al. 2013). */
#include "core/ops/elementwise.h"
#include "core/ops/options.h"

LS_INLINE real leaky_relu_value(real x, real slope) {
    return x > 0 ? x : slope * x;
}

LS_INLINE real leaky_relu_gradient(real dy, real x, real slope) {
    return x > 0 ? dy : slope * dy;
}

static real slope_of(const struct ls_node *node) {
    const struct ls_leaky_relu_options *options = node->options;
    return (real)options->slope;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 2, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_forward(node, run, leaky_relu_value, slope_of(node));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    ls_elementwise_backward(node, run, node->inputs[0]->data, leaky_relu_gradient, slope_of(node));
}

static const struct ls_op_case cases[] = {
    {.name = "usual slope",
     .options = &(const struct ls_leaky_relu_options){.slope = 0.01},
     .options_size = sizeof(struct ls_leaky_relu_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(4, 33), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9}},
     .microbatches = 2},
    {.name = "negative slope",
     .options = &(const struct ls_leaky_relu_options){.slope = -0.5},
     .options_size = sizeof(struct ls_leaky_relu_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(1, 2, 3), .low = -3, .high = 3, .gap = 0.01, .kink = 1e9}}},
};

const struct ls_op LS_NAME(ls_op_leaky_relu) = {
    .name = "leaky_relu",
    .formula = "y = x > 0 ? x : slope x",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
