/* The same numbers as a constant: what made them learns nothing from what comes behind. (A copy, or
 * in place; it is no alias, as an alias shares its input's gradient.) */
#include "core/ops/elementwise.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    return ls_elementwise_infer(node, 0, error);
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    ls_pass_elements(ls_run_elements(run, node->output), node->inputs[0]->data, node->output->data,
                     false);
}

static const struct ls_op_case cases[] = {
    {.name = "a matrix", /* its input has no gradient to check */
     LS_ELEMENTWISE_INPUT(LS_CASE_SHAPE(3, 2, 5), .constant = true, .low = -1, .high = 1),
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_stop_gradient) = {
    .name = "stop_gradient",
    .formula = "y = x, and no gradient flows back",
    .infer = infer,
    .forward = forward,
    .in_place = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
