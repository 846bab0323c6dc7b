/* How far apart two vectors of each sample are: the squared Euclidean distance, or 1 minus the
 * cosine of the angle between them. A vector of (almost) no length has no direction: its cosine is
 * 0 and has no slope. */
#include "core/ops/check.h"
#include "core/tensor/math.h"
#include "core/ops/options.h"
#include "core/ops/row.h"

/* Saved of a cosine: 1 / (|a| |b|), or 0 without a direction; cosine / |a|^2; cosine / |b|^2. */
enum { SAVED = 3 };

static bool by_cosine(const struct ls_node *node) {
    const struct ls_distance_options *options = node->options;
    return options->kind == LS_DISTANCE_COSINE;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status == LS_OK)
        status = ls_check_batched(node, 1, 2, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape a = node->inputs[0]->shape, b = node->inputs[1]->shape;
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    if (a.rank != 2 || !ls_shape_equal(a, b))
        return ls_fail(
            error, LS_INVALID,
            "distance: expected two vectors of the same size per sample, found %s and %s",
            ls_shape_print(a, first), ls_shape_print(b, second));
    ls_infer_like(node);
    node->output->shape.dims[1] = 1;
    node->flops = (by_cosine(node) ? 6 : 3) * a.dims[1];
    if (by_cosine(node))
        node->saved_bytes = (size_t)(SAVED * a.dims[0]) * sizeof(real);
    return LS_OK;
}

static real cosine(int64_t columns, const real *a, const real *b, real saved[SAVED]) {
    const real aa = ls_row_dot(a, a, columns), bb = ls_row_dot(b, b, columns);
    const real lengths = ls_math_sqrt(aa) * ls_math_sqrt(bb);
    if (!(lengths > (real)1e-20)) {
        memset(saved, 0, SAVED * sizeof(real));
        return 1;
    }
    const real value = ls_row_dot(a, b, columns) / lengths;
    saved[0] = 1 / lengths;
    saved[1] = value / aa;
    saved[2] = value / bb;
    return 1 - value;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->inputs[0]->shape);
    const real *a = node->inputs[0]->data, *b = node->inputs[1]->data;
    real *y = node->output->data, *saved = node->saved;
    for (int64_t n = 0; n < run->rows; n++, a += columns, b += columns)
        y[n] = by_cosine(node) ? cosine(columns, a, b, saved + SAVED * n)
                               : ls_row_squared_distance(a, b, columns);
}

/* to = own * x + others * other, or added to it. */
static void combine(int64_t columns, const real factors[2], const real *restrict x,
                    const real *restrict other, real *restrict to, bool accumulate) {
    const real own = factors[0], others = factors[1];
    if (accumulate)
        for (int64_t c = 0; c < columns; c++)
            to[c] += ls_fma(own, x[c], others * other[c]);
    else
        for (int64_t c = 0; c < columns; c++)
            to[c] = ls_fma(own, x[c], others * other[c]);
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t columns = ls_shape_last(node->inputs[0]->shape);
    const real *dy = node->output->gradient, *saved = node->saved;
    for (int k = 0; k < 2; k++) {
        const real *x = node->inputs[k]->data, *other = node->inputs[1 - k]->data;
        real *to = node->inputs[k]->gradient;
        for (int64_t n = 0; to && n < run->rows; n++) {
            const real *s = by_cosine(node) ? saved + SAVED * n : NULL;
            const real factors[2] = {dy[n] * (s ? s[1 + k] : 2), -dy[n] * (s ? s[0] : 2)};
            combine(columns, factors, x + n * columns, other + n * columns, to + n * columns,
                    node->accumulate[k]);
        }
    }
}

#define CASE(kind_value)                                                                           \
    .options = &(const struct ls_distance_options){.kind = LS_DISTANCE_##kind_value},              \
    .options_size = sizeof(struct ls_distance_options), .input_count = 2

static const struct ls_op_case cases[] = {
    {.name = "squared",
     CASE(SQUARED),
     .inputs = {{.shape = LS_CASE_SHAPE(3, 19), .low = -1, .high = 1},
                {.shape = LS_CASE_SHAPE(3, 19), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "cosine",
     CASE(COSINE),
     .inputs = {{.shape = LS_CASE_SHAPE(3, 19), .low = -1, .high = 2},
                {.shape = LS_CASE_SHAPE(3, 19), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "cosine in two dimensions",
     CASE(COSINE),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 2), .low = 0.5, .high = 2},
                {.shape = LS_CASE_SHAPE(2, 2), .low = -2, .high = -0.5}}},
};

const struct ls_op LS_NAME(ls_op_distance) = {
    .name = "distance",
    .formula = "y = sum of (a - b)^2, or 1 - a b / (|a| |b|)",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
