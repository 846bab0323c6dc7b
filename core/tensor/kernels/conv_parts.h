/* What the files of the convolution share with each other and nobody else. */
#ifndef LS_KERNELS_CONV_PARTS_H
#define LS_KERNELS_CONV_PARTS_H

#include "core/tensor/kernels/conv.h"
#include "core/tensor/kernels/depthwise.h"
#include "core/tensor/kernels/product.h"
#include "core/tensor/kernels/scratch.h"

/* K: elements of a column of the weights. */
static inline int64_t ls_conv_length(const struct ls_conv *c) {
    return c->kernel[0] * c->kernel[1] * (c->in / c->groups);
}

/* Groups that are whole panels lie in the weights as if each had panels of its own. Others do
 * not: the kernels read them packed, per group [ceil(out / groups / 32)][K][32]. */
static inline bool ls_conv_packs(const struct ls_conv *c) {
    return !ls_depthwise(c) && c->groups > 1 && c->out / c->groups % LS_PANEL != 0;
}

static inline int64_t ls_conv_group_elements(const struct ls_conv *c) {
    return ls_panel_elements(ls_conv_length(c), c->out / c->groups);
}

/* The state's arrays. winograd: transformed weights, forward and turned, or empty. packed: see
 * above, or empty. turned: for the input gradient, per phase of the stride and per group the
 * weights as panels of inputs, [ceil(in / groups / 32)][taps][out / groups][32]; see also narrow.h.
 */
struct ls_conv_state {
    real *packed, *turned, *winograd[2];
};

/* Packed weights back into their panels. */
void LS_NAME(ls_conv_unpack)(const struct ls_conv *conv, const real *packed, real *w);

struct ls_conv_state LS_NAME(ls_conv_take_state)(const struct ls_conv *conv,
                                                 struct ls_scratch *state);

size_t LS_NAME(ls_conv_weight_scratch_bytes)(const struct ls_conv *conv);

#endif
