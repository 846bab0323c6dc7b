/* Winograd's minimal filtering for 3x3 convolutions of stride 1 (Lavin & Gray 2016): F(m x m, 3 x
 * 3) makes m x m outputs from a tile of (m + 2)^2 inputs with (m + 2)^2 products per pair of
 * channels instead of 9 m^2. With d a tile of the input, g the weights, Y the outputs:
 *
 *     Y = A^T [ (G g G^T) .* (B^T d B) ] A        (.* per element, summed over input channels)
 *
 * and for the weight gradient, dY a tile of the output gradient:
 *
 *     dg = G^T [ sum over tiles of (B^T d B) .* (A dY A^T) ] G
 *
 * The input gradient is the convolution of dY with the weights turned by 180 degrees.
 *
 * Chains: every frequency's sum over input channels is one chain of fused multiply-adds,
 * ascending, from +0, of at most LS_CHAIN_MAX channels; the weight gradient's is one over the tiles
 * (image, row, column) of a microbatch, ascending, cut at every LS_CHAIN_MAX tiles
 * (tensor/chain.h), transformed back chain by chain, microbatches along the fixed tree. The
 * transforms are those of plain_winograd.c, operation by operation. So a result depends on its own
 * image (or microbatch) alone. */
#ifndef LS_KERNELS_WINOGRAD_H
#define LS_KERNELS_WINOGRAD_H

#include "core/tensor/chain.h"
#include "core/tensor/kernels/conv.h"

enum { LS_WINOGRAD_CHANNELS_MIN = 16 };

/* Whether this convolution goes by Winograd: 3x3, stride 1, dense, from 16 channels on. Sums over
 * channels are not cut: with very many it is done directly. */
static inline bool ls_winograd_applies(const struct ls_conv *c) {
    return c->winograd != LS_WINOGRAD_OFF && c->groups == 1 && c->kernel[0] == 3 &&
           c->kernel[1] == 3 && c->stride[0] == 1 && c->stride[1] == 1 && c->dilation[0] == 1 &&
           c->dilation[1] == 1 && c->in >= LS_WINOGRAD_CHANNELS_MIN &&
           c->out >= LS_WINOGRAD_CHANNELS_MIN && c->in <= LS_CHAIN_MAX && c->out <= LS_CHAIN_MAX;
}

/* m of F(m x m, 3 x 3), and the side of an input tile. */
static inline int ls_winograd_outputs(const struct ls_conv *c) {
    return c->winograd == LS_WINOGRAD_F4 ? 4 : 2;
}

static inline int ls_winograd_side(const struct ls_conv *c) {
    return ls_winograd_outputs(c) + 2;
}

/* Elements of the transformed weights, for y and (turned) for dx: per frequency the panels
 * [ceil(columns / 32)][length][32] of a product. */
int64_t LS_NAME(ls_winograd_weight_elements)(const struct ls_conv *conv, bool turned);

/* G g G^T of weights in panels [9 in, out]; `turned`: of those that conv.h makes for the input
 * gradient, panels [9 out, in]. */
void LS_NAME(ls_winograd_transform_weights)(const struct ls_conv *conv, bool turned, const real *w,
                                            real *transformed);

/* As the functions of conv.h; `transformed` as made above. */
void LS_NAME(ls_winograd_forward)(const struct ls_conv *conv, const real *x,
                                  const real *transformed, struct ls_epilogue epilogue, real *y,
                                  void *scratch);
void LS_NAME(ls_winograd_input_gradient)(const struct ls_conv *conv, const real *dy,
                                         const real *transformed, struct ls_epilogue epilogue,
                                         real *dx, void *scratch);

/* A microbatch's weight gradient: starts (`fresh`) or continues the sums of the frequencies with
 * some tiles, and transforms them back. */
void LS_NAME(ls_winograd_sum)(const struct ls_conv *conv, bool fresh, struct ls_conv_stretch tiles,
                              const real *x, const real *dy, real *sums, void *scratch);
/* Tiles of an image. */
int64_t LS_NAME(ls_winograd_tiles)(const struct ls_conv *conv);
void LS_NAME(ls_winograd_sum_back)(const struct ls_conv *conv, const real *sums, real *dw);
int64_t LS_NAME(ls_winograd_sum_elements)(const struct ls_conv *conv);

/* For each of these. */
size_t LS_NAME(ls_winograd_scratch_bytes)(const struct ls_conv *conv);

#endif
