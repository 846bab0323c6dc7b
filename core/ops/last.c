/* The last valid position of each sequence. A sequence of length 0 has none and gives zeros. */
#include "core/ops/axis.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    enum ls_status status = ls_axis_check_whole(node, 1, error);
    if (status == LS_OK)
        status = ls_check_lengths(node, 1, error);
    if (status == LS_OK)
        ls_axis_drop(node, 1);
    return status;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_axis axis = ls_axis_of(node->inputs[0]->shape, 1);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, x += axis.size * axis.behind, y += axis.behind) {
        const int64_t length = ls_length_of(node, 1, n, axis.size);
        if (length)
            memcpy(y, x + (length - 1) * axis.behind, (size_t)axis.behind * sizeof(real));
        else
            memset(y, 0, (size_t)axis.behind * sizeof(real));
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_axis axis = ls_axis_of(node->inputs[0]->shape, 1);
    const real *dy = node->output->gradient;
    real *dx = node->inputs[0]->gradient;
    if (!dx)
        return;
    if (!node->accumulate[0])
        memset(dx, 0, (size_t)(run->rows * axis.size * axis.behind) * sizeof(real));
    for (int64_t n = 0; n < run->rows; n++, dx += axis.size * axis.behind, dy += axis.behind) {
        const int64_t length = ls_length_of(node, 1, n, axis.size);
        if (length)
            ls_pass_elements(axis.behind, dy, dx + (length - 1) * axis.behind, true);
    }
}

static const struct ls_op_case cases[] = {
    {.name = "whole sequences",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 4, 5), .low = -1, .high = 1}, {.absent = true}},
     .microbatches = 2},
    {.name = "lengths from 0 on",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(9, 3, 2, 2), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(9), .integer = true, .constant = true, .high = 3}},
     .microbatches = 3},
};

const struct ls_op LS_NAME(ls_op_last) = {
    .name = "last",
    .formula = "y[n,...] = x[n, length[n] - 1, ...]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 1,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
