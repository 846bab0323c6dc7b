/* The dimensions of the samples in another order. */
#include "core/ops/axis.h"

enum { DIMENSIONS = LS_RANK_MAX - 1 };

/* The output's dimensions without the sample's, filled up in front with 1, and how far apart the
 * elements of x are along each. */
struct walk {
    int64_t dims[DIMENSIONS], steps[DIMENSIONS];
};

static struct walk walk_of(const struct ls_node *node) {
    const struct ls_transpose_options *options = node->options;
    const struct ls_shape x = node->inputs[0]->shape;
    const int rank = x.rank - 1;
    int64_t step = 1, steps[LS_RANK_MAX];
    struct walk walk;
    for (int i = rank; i > 0; i--) {
        steps[i] = step;
        step *= x.dims[i];
    }
    for (int i = 0; i < DIMENSIONS; i++) {
        const int from = i < DIMENSIONS - rank ? 0 : options->order[i - (DIMENSIONS - rank)];
        walk.dims[i] = from ? x.dims[from] : 1;
        walk.steps[i] = from ? steps[from] : 0;
    }
    return walk;
}

static bool is_order(const struct ls_transpose_options *options, int rank) {
    unsigned seen = 0;
    for (int i = 0; i < rank; i++)
        if (options->order[i] < 1 || options->order[i] > rank)
            return false;
        else
            seen |= 1u << options->order[i];
    return seen == (2u << rank) - 2;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_transpose_options *options = node->options;
    const enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape x = node->inputs[0]->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (options->count != x.rank - 1 || !is_order(options, x.rank - 1))
        return ls_fail(error, LS_INVALID,
                       "transpose: the order must name each of the dimensions 1 to %d of %s once",
                       x.rank - 1, ls_shape_print(x, text));
    if (options->order[0] != 1 && ls_check_whole(node, error) != LS_OK)
        return error->status;
    ls_infer_like(node);
    for (int i = 1; i < x.rank; i++)
        node->output->shape.dims[i] = x.dims[options->order[i - 1]];
    return LS_OK;
}

/* Goes on to the next stretch along the output's last dimension: an odometer over the dimensions
 * before it. Returns where the stretch begins in x; behind the last one that is 0 again. */
static int64_t advance(const struct walk *walk, int64_t at[DIMENSIONS], int64_t offset) {
    for (int i = DIMENSIONS - 2; i >= 0; i--) {
        offset += walk->steps[i];
        if (++at[i] < walk->dims[i])
            return offset;
        offset -= walk->dims[i] * walk->steps[i];
        at[i] = 0;
    }
    return offset;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct walk walk = walk_of(node);
    const int64_t row = ls_shape_row_count(node->output->shape);
    const int64_t wide = walk.dims[DIMENSIONS - 1], step = walk.steps[DIMENSIONS - 1];
    const real *restrict x = node->inputs[0]->data;
    real *restrict y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++, x += row) {
        int64_t at[DIMENSIONS] = {0}, offset = 0;
        for (int64_t i = 0; i < row; i += wide, y += wide, offset = advance(&walk, at, offset))
            for (int64_t c = 0; c < wide; c++)
                y[c] = x[offset + c * step];
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct walk walk = walk_of(node);
    const int64_t row = ls_shape_row_count(node->output->shape);
    const int64_t wide = walk.dims[DIMENSIONS - 1], step = walk.steps[DIMENSIONS - 1];
    const real *restrict dy = node->output->gradient;
    real *restrict dx = node->inputs[0]->gradient;
    for (int64_t n = 0; dx && n < run->rows; n++, dx += row) {
        int64_t at[DIMENSIONS] = {0}, offset = 0;
        for (int64_t i = 0; i < row; i += wide, dy += wide, offset = advance(&walk, at, offset))
            if (node->accumulate[0])
                for (int64_t c = 0; c < wide; c++)
                    dx[offset + c * step] += dy[c];
            else
                for (int64_t c = 0; c < wide; c++)
                    dx[offset + c * step] = dy[c];
    }
}

static const struct ls_op_case cases[] = {
    {.name = "two dimensions",
     .options = &(const struct ls_transpose_options){.count = 2, .order = {2, 1}},
     .options_size = sizeof(struct ls_transpose_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(3, 2, 5), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "heads before positions",
     .options = &(const struct ls_transpose_options){.count = 3, .order = {2, 1, 3}},
     .options_size = sizeof(struct ls_transpose_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 2, 4), .low = -1, .high = 1}}},
    {.name = "five dimensions in a circle",
     .options = &(const struct ls_transpose_options){.count = 5, .order = {4, 5, 1, 2, 3}},
     .options_size = sizeof(struct ls_transpose_options),
     .input_count = 1,
     .inputs = {{.shape = LS_CASE_SHAPE(2, 2, 3, 2, 3, 2), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_transpose) = {
    .name = "transpose",
    .formula = "y = x with the dimensions of a sample in another order",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
