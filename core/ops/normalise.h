/* What norms over parts of a row share: h = (x - mean) inverse, y = gain h + offset, and its
 * gradient. The mean is a real and the rest that was rounded off it, so that values which are far
 * from 0 for their deviation keep their digits. */
#ifndef LS_OPS_NORMALISE_H
#define LS_OPS_NORMALISE_H

#include "core/ops/check.h"
#include "core/tensor/math.h"
#include "core/ops/options.h"
#include "core/ops/row.h"
#include "core/ops/sum.h"

/* In backward, elements beside each other that have one mean and one deviation. */
struct ls_normalised {
    int64_t columns;
    const real *x, *gain;
    real mean, rest, inverse; /* inverse: of the deviation */
    real *dy;
    real *h, *g; /* room for `columns` elements each */
};

/* Inputs x, gain and perhaps offset, one number of each per element of the last dimension. */
static inline enum ls_status ls_normalise_check(const struct ls_node *node,
                                                struct ls_error *error) {
    const struct ls_shape columns = LS_SHAPE(ls_shape_last(node->inputs[0]->shape));
    enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status == LS_OK)
        status = ls_check_parameter(node, 1, "gain", columns, error);
    if (status == LS_OK && node->input_count > 2)
        status = ls_check_parameter(node, 2, "offset", columns, error);
    return status;
}

static inline real ls_norm_epsilon(double epsilon) {
    return (real)(epsilon > 0 ? epsilon : 1e-5);
}

/* From the sums of y = x - mean and of y^2 over `count` elements: what is left of the mean, and 1 /
 * sqrt(variance + epsilon). */
static inline void ls_norm_finish_sums(double sum, double square, double count, real epsilon,
                                       real *rest, real *inverse) {
    const double left = sum / count, variance = square / count - left * left;
    *rest = (real)left;
    *inverse = 1 / ls_math_sqrt((real)(variance > 0 ? variance : 0) + epsilon);
}

/* Scratch of backward: h and g of so many elements, then that of the sums over samples. */
static inline size_t ls_normalise_sums_at(int64_t elements) {
    return ls_round_up((size_t)(2 * elements) * sizeof(real), LS_ALIGNMENT);
}

static inline size_t ls_normalise_scratch_bytes(int64_t elements, int64_t columns, int64_t rows) {
    return ls_normalise_sums_at(elements) + ls_column_sums_bytes(columns, rows);
}

/* Makes h and g = dy gain, and leaves dy h in dy. */
LS_INLINE void ls_normalise_again(const struct ls_normalised *n) {
    const real *restrict x = n->x, *restrict gain = n->gain;
    real *restrict dy = n->dy, *restrict h = n->h, *restrict g = n->g;
    const real mean = n->mean, rest = n->rest, inverse = n->inverse;
    for (int64_t c = 0; c < n->columns; c++) {
        h[c] = ((x[c] - mean) - rest) * inverse;
        g[c] = dy[c] * gain[c];
        dy[c] *= h[c];
    }
}

/* dx = inverse (g - shift - h tilt), or added to it; shift is the mean of g and tilt that of g h,
 * over all elements that have this mean and deviation. */
LS_INLINE void ls_normalise_gradient(const struct ls_normalised *n, real shift, real tilt,
                                     bool accumulate, real *restrict dx) {
    const real *restrict h = n->h, *restrict g = n->g;
    const real inverse = n->inverse;
    if (accumulate)
        for (int64_t c = 0; c < n->columns; c++)
            dx[c] += inverse * ls_fma(-tilt, h[c], g[c] - shift);
    else
        for (int64_t c = 0; c < n->columns; c++)
            dx[c] = inverse * ls_fma(-tilt, h[c], g[c] - shift);
}

#endif
