#include "core/tensor/kernels/conv_parts.h"
#include "core/tensor/kernels/narrow.h"
#include "core/tensor/kernels/stencil.h"
#include "core/tensor/kernels/winograd.h"

enum { PIXELS = 512 }; /* pixels whose addresses are listed at once */

/* Pixels of `images` images on a canvas times weights: one group, one phase. */
struct sweep {
    int64_t images;
    const real *from; /* the canvas at the group's first channel */
    int64_t from_image, from_step[2];
    int64_t results[2];
    real *to; /* the first result */
    int64_t to_image, to_step[2];
};

static void flush(struct ls_product *product, int64_t *listed) {
    product->rows = *listed;
    LS_NAME(ls_product)(product);
    *listed = 0;
}

/* Lists whole rows of pixels while they fit, so that a run of `results[1]` pixels stays together.
 */
static void run_sweep(const struct sweep *s, struct ls_product *product) {
    const real *x[PIXELS];
    real *y[PIXELS];
    int64_t listed = 0;
    product->x = x;
    product->y = y;
    product->run = s->results[1] <= PIXELS ? s->results[1] : 0;
    product->step = s->from_step[1];
    for (int64_t n = 0; n < s->images; n++)
        for (int64_t i = 0; i < s->results[0]; i++) {
            const real *from = s->from + n * s->from_image + i * s->from_step[0];
            real *to = s->to + n * s->to_image + i * s->to_step[0];
            if (product->run > 0 && listed + product->run > PIXELS)
                flush(product, &listed);
            for (int64_t j = 0; j < s->results[1]; j++) {
                x[listed] = from + j * s->from_step[1];
                y[listed] = to + j * s->to_step[1];
                if (++listed == PIXELS)
                    flush(product, &listed);
            }
        }
    flush(product, &listed);
}

static struct ls_conv_state state_of(const struct ls_conv *c, const void *state) {
    return LS_NAME(ls_conv_take_state)(c, &(struct ls_scratch){.memory = (void *)(uintptr_t)state});
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

void LS_NAME(ls_conv_forward)(const struct ls_conv *c, const real *x, const real *w,
                              const void *state, struct ls_epilogue e, real *y, void *scratch) {
    if (ls_depthwise(c)) {
        LS_NAME(ls_depthwise_forward)(c, x, w, e, y);
        return;
    }
    if (ls_winograd_applies(c)) {
        LS_NAME(ls_winograd_forward)
        (c, x, state_of(c, state).winograd[0], e, y, scratch);
        return;
    }
    const int64_t ig = c->in / c->groups, og = c->out / c->groups;
    struct ls_scratch memory = {.memory = scratch};
    struct ls_stencil_axis axes[2];
    int64_t *stretches = LS_NAME(ls_stencil_take)(c, axes, &memory);
    struct ls_canvas canvas = LS_NAME(ls_stencil_input_canvas)(c);
    canvas.memory = ls_scratch_take(&memory, ls_canvas_elements(&canvas), sizeof(real));
    ls_canvas_clear(&canvas, c->images);
    for (int axis = 0; axis < 2; axis++)
        LS_NAME(ls_stencil_forward)(c, axis, &axes[axis]);
    struct ls_product product = {.columns = og, .taps = stretches, .relu = e.relu, .add = e.add};
    LS_NAME(ls_stencil_stretches)(axes, &canvas, ig, stretches, &product.depth);
    product.length = c->kernel[0] * c->kernel[1] * ig;
    product.panel_stride = product.length * LS_PANEL;
    const real *weights = ls_conv_packs(c) ? state_of(c, state).packed : w;
    const int64_t line = axes[1].results * c->out, image = axes[0].results * line;
    for (int64_t n = 0; n < c->images; n += canvas.images) {
        struct sweep sweep = {
            .images = smaller(canvas.images, c->images - n),
            .from_image = ls_canvas_image(&canvas),
            .from_step = {c->stride[0] * ls_canvas_line(&canvas), c->stride[1] * c->in},
            .results = {axes[0].results, axes[1].results},
            .to_image = image,
            .to_step = {line, c->out}};
        const real *from =
            ls_canvas_place(&canvas, sweep.images, x + n * c->height * c->width * c->in);
        for (int64_t g = 0; g < c->groups; g++) {
            sweep.from = from + g * ig;
            sweep.to = y + n * image + g * og;
            product.w = weights + g * ls_panel_elements(product.length, og);
            product.bias = e.bias ? e.bias + g * og : NULL;
            run_sweep(&sweep, &product);
        }
    }
}

/* Some phase of the stride meets no tap: its inputs, which have no part in any output, are cleared
 * beforehand. */
static bool leaves_gaps(const struct ls_conv *c, struct ls_epilogue e) {
    if (e.add || e.bias)
        return false; /* every input gets something */
    for (int axis = 0; axis < 2; axis++)
        if (c->dilation[axis] * (c->kernel[axis] - 1) + 1 < c->stride[axis])
            return true;
    return false;
}

/* One phase of the input gradient: the inputs (phase[0] + i * stride, phase[1] + j * stride) of
 * the images on the canvas. Returns the weights behind this phase's. */
static const real *run_phase(const struct ls_conv *c, const struct ls_canvas *canvas,
                             struct ls_stencil_axis axes[2], int64_t *stretches,
                             const int64_t phase[2], int64_t images, const real *from,
                             const real *w, struct ls_epilogue e, real *dx) {
    const int64_t ig = c->in / c->groups, og = c->out / c->groups;
    struct ls_product product = {.columns = ig, .taps = stretches, .relu = e.relu, .add = e.add};
    for (int axis = 0; axis < 2; axis++)
        LS_NAME(ls_stencil_backward)(c, axis, phase[axis], &axes[axis]);
    LS_NAME(ls_stencil_stretches)(axes, canvas, og, stretches, &product.depth);
    product.length = axes[0].count * axes[1].count * og;
    product.panel_stride = product.length * LS_PANEL;
    if (product.length == 0 && leaves_gaps(c, e))
        return w;
    const int64_t line = c->width * c->in;
    struct sweep sweep = {.images = images,
                          .from_image = ls_canvas_image(canvas),
                          .from_step = {ls_canvas_line(canvas), c->out},
                          .results = {axes[0].results, axes[1].results},
                          .to_image = c->height * line,
                          .to_step = {c->stride[0] * line, c->stride[1] * c->in}};
    for (int64_t g = 0; g < c->groups; g++) {
        sweep.from = from + g * og;
        sweep.to = dx + phase[0] * line + phase[1] * c->in + g * ig;
        product.w = w;
        product.bias = e.bias ? e.bias + g * ig : NULL;
        run_sweep(&sweep, &product);
        w += ls_panel_elements(product.length, ig);
    }
    return w;
}

void LS_NAME(ls_conv_input_gradient)(const struct ls_conv *c, const real *dy, const real *w,
                                     const void *state, struct ls_epilogue e, real *dx,
                                     void *scratch) {
    if (ls_depthwise(c)) {
        LS_NAME(ls_depthwise_input_gradient)(c, dy, w, e, dx);
        return;
    }
    if (ls_winograd_applies(c)) {
        LS_NAME(ls_winograd_input_gradient)
        (c, dy, state_of(c, state).winograd[1], e, dx, scratch);
        return;
    }
    if (ls_narrow(c)) {
        LS_NAME(ls_narrow_input_gradient)(c, dy, state_of(c, state).turned, e, dx, scratch);
        return;
    }
    struct ls_scratch memory = {.memory = scratch};
    struct ls_stencil_axis axes[2];
    int64_t *stretches = LS_NAME(ls_stencil_take)(c, axes, &memory);
    struct ls_canvas canvas = LS_NAME(ls_stencil_output_canvas)(c);
    canvas.memory = ls_scratch_take(&memory, ls_canvas_elements(&canvas), sizeof(real));
    ls_canvas_clear(&canvas, c->images);
    const int64_t dy_image = canvas.height * canvas.width * c->out;
    for (int64_t n = 0; n < c->images; n += canvas.images) {
        const int64_t images = smaller(canvas.images, c->images - n);
        const real *from = ls_canvas_place(&canvas, images, dy + n * dy_image);
        real *to = dx + n * c->height * c->width * c->in;
        if (leaves_gaps(c, e))
            memset(to, 0, (size_t)(images * c->height * c->width * c->in) * sizeof(real));
        const real *phase_w = state_of(c, state).turned;
        int64_t phase[2];
        for (phase[0] = 0; phase[0] < smaller(c->stride[0], c->height); phase[0]++)
            for (phase[1] = 0; phase[1] < smaller(c->stride[1], c->width); phase[1]++)
                phase_w =
                    run_phase(c, &canvas, axes, stretches, phase, images, from, phase_w, e, to);
    }
}

size_t LS_NAME(ls_conv_scratch_bytes)(const struct ls_conv *c) {
    const size_t weights = LS_NAME(ls_conv_weight_scratch_bytes)(c);
    if (ls_winograd_applies(c))
        return weights; /* needs what the other directions do, and more */
    const struct ls_canvas input = LS_NAME(ls_stencil_input_canvas)(c);
    const struct ls_canvas output = LS_NAME(ls_stencil_output_canvas)(c);
    const int64_t in = ls_canvas_elements(&input), out = ls_canvas_elements(&output);
    struct ls_stencil_axis axes[2];
    struct ls_scratch pixels = {0};
    LS_NAME(ls_stencil_take)(c, axes, &pixels);
    ls_scratch_take(&pixels, in > out ? in : out, sizeof(real));
    const size_t narrow = ls_narrow(c) ? LS_NAME(ls_narrow_scratch_bytes)(c) : 0;
    const size_t most = pixels.used > weights ? pixels.used : weights;
    return most > narrow ? most : narrow;
}
