#include "core/tensor/kernels/conv_parts.h"
#include "core/tensor/kernels/narrow.h"
#include "core/tensor/kernels/stencil.h"
#include "core/tensor/kernels/transpose.h"
#include "core/tensor/kernels/winograd.h"

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void pack(const struct ls_conv *c, const real *w, real *packed) {
    const int64_t og = c->out / c->groups, length = ls_conv_length(c);
    for (int64_t o = 0; o < c->out; o++) {
        real *to = packed + o / og * ls_conv_group_elements(c);
        for (int64_t k = 0; k < length; k++)
            to[ls_panel_index(length, k, o % og)] = w[ls_panel_index(length, k, o)];
    }
}

void LS_NAME(ls_conv_unpack)(const struct ls_conv *c, const real *packed, real *w) {
    const int64_t og = c->out / c->groups, length = ls_conv_length(c);
    memset(w, 0, (size_t)ls_panel_elements(length, c->out) * sizeof(real));
    for (int64_t o = 0; o < c->out; o++) {
        const real *from = packed + o / og * ls_conv_group_elements(c);
        for (int64_t k = 0; k < length; k++)
            w[ls_panel_index(length, k, o)] = from[ls_panel_index(length, k, o % og)];
    }
}

/* One tap of one group: to[panel of inputs][at + output][input] = w[tap][input][output]. */
static void turn_tap(const struct ls_conv *c, const real *w, int64_t group, int64_t tap, int64_t at,
                     int64_t length, real *to) {
    const int64_t ig = c->in / c->groups, og = c->out / c->groups;
    for (int64_t i = 0; i < ig; i += LS_PANEL, to += length * LS_PANEL)
        for (int64_t o = 0, some; o < og; o += some) {
            const int64_t column = group * og + o;
            some = smaller(og - o, LS_PANEL - column % LS_PANEL);
            ls_transpose(smaller(LS_PANEL, ig - i), some,
                         w + ls_panel_index(ls_conv_length(c), tap * ig + i, column), LS_PANEL,
                         to + (at + o) * LS_PANEL, LS_PANEL);
        }
}

/* The convolution whose only tap are all of c's taps, as more inputs. */
static struct ls_conv one_tap(const struct ls_conv *c) {
    struct ls_conv flat = *c;
    flat.in = ls_conv_length(c);
    flat.kernel[0] = flat.kernel[1] = 1;
    return flat;
}

/* The weights of one phase; returns where the next phase's go. */
static real *turn_phase(const struct ls_conv *c, const struct ls_stencil_axis axes[2],
                        const real *w, real *turned) {
    const int64_t og = c->out / c->groups, columns = axes[1].count;
    const int64_t taps = axes[0].count * columns;
    for (int64_t g = 0; g < c->groups; g++) {
        for (int64_t t = 0; t < taps; t++)
            turn_tap(c, w, g, axes[0].tap[t / columns] * c->kernel[1] + axes[1].tap[t % columns],
                     t * og, taps * og, turned);
        turned += ls_panel_elements(taps * og, c->in / c->groups);
    }
    return turned;
}

static real *take_winograd(const struct ls_conv *c, bool turned, struct ls_scratch *state) {
    return ls_scratch_take(
        state, ls_winograd_applies(c) ? LS_NAME(ls_winograd_weight_elements)(c, turned) : 0,
        sizeof(real));
}

struct ls_conv_state LS_NAME(ls_conv_take_state)(const struct ls_conv *c,
                                                 struct ls_scratch *state) {
    const struct ls_conv turns = ls_narrow(c) ? one_tap(c) : *c;
    const int64_t turned_length = turns.kernel[0] * turns.kernel[1] * (c->out / c->groups);
    const int64_t turned = c->groups * ls_panel_elements(turned_length, turns.in / c->groups);
    const int64_t packed = c->groups * ls_conv_group_elements(c);
    return (struct ls_conv_state){
        .packed = ls_scratch_take(state, ls_conv_packs(c) ? packed : 0, sizeof(real)),
        .turned = ls_scratch_take(state, ls_depthwise(c) ? 0 : turned, sizeof(real)),
        .winograd = {take_winograd(c, false, state), take_winograd(c, true, state)},
    };
}

size_t LS_NAME(ls_conv_state_bytes)(const struct ls_conv *c) {
    struct ls_scratch state = {0};
    struct ls_stencil_axis axes[2];
    LS_NAME(ls_conv_take_state)(c, &state);
    LS_NAME(ls_stencil_take)(c, axes, &state);
    return state.used;
}

void LS_NAME(ls_conv_prepare)(const struct ls_conv *c, const real *w, bool gradients, void *state) {
    struct ls_scratch memory = {.memory = state};
    const struct ls_conv_state to = LS_NAME(ls_conv_take_state)(c, &memory);
    if (ls_conv_packs(c))
        pack(c, w, to.packed);
    if (ls_winograd_applies(c))
        LS_NAME(ls_winograd_transform_weights)(c, false, w, to.winograd[0]);
    if (!gradients || ls_depthwise(c))
        return;
    if (ls_narrow(c)) {
        const struct ls_conv flat = one_tap(c);
        turn_tap(&flat, w, 0, 0, 0, c->out, to.turned);
        return;
    }
    struct ls_stencil_axis axes[2];
    LS_NAME(ls_stencil_take)(c, axes, &memory);
    real *turned = to.turned;
    for (int64_t py = 0; py < smaller(c->stride[0], c->height); py++)
        for (int64_t px = 0; px < smaller(c->stride[1], c->width); px++) {
            LS_NAME(ls_stencil_backward)(c, 0, py, &axes[0]);
            LS_NAME(ls_stencil_backward)(c, 1, px, &axes[1]);
            turned = turn_phase(c, axes, w, turned);
        }
    if (ls_winograd_applies(c))
        LS_NAME(ls_winograd_transform_weights)(c, true, to.turned, to.winograd[1]);
}
