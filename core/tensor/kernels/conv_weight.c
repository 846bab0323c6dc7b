#include "core/tensor/kernels/conv_parts.h"
#include "core/tensor/kernels/depthwise.h"
#include "core/tensor/kernels/outer.h"
#include "core/tensor/kernels/stencil.h"
#include "core/tensor/kernels/winograd.h"

/* Pixels that a register tile adds up before it goes back to memory: their gradients stay in the
 * first-level cache while all tiles pass over them. */
enum { PIXELS = 256 };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* What one call needs, in scratch. */
struct job {
    const struct ls_conv *conv;
    struct ls_stencil_axis axes[2];
    int64_t *stretches;
    struct ls_canvas canvas;
    const real **lines; /* of x, for the results' rows of one block of images */
    real *packed;       /* for ls_outer */
};

/* Rows of y that are taken at once. */
static int64_t lines_at_once(const struct ls_conv *c) {
    const int64_t columns = ls_conv_out(c, 1);
    return columns >= PIXELS ? 1 : smaller(PIXELS / columns, c->images * ls_conv_out(c, 0));
}

/* Elements of one partial gradient. */
static int64_t leaf_elements(const struct ls_conv *c) {
    return ls_depthwise(c) ? ls_panel_elements(ls_conv_length(c), c->out)
                           : c->groups * ls_conv_group_elements(c);
}

static struct job take_job(const struct ls_conv *c, struct ls_scratch *scratch) {
    const int64_t rows = ls_conv_out(c, 0);
    struct job job = {.conv = c, .canvas = LS_NAME(ls_stencil_input_canvas)(c)};
    job.stretches = LS_NAME(ls_stencil_take)(c, job.axes, scratch);
    job.canvas.memory = ls_scratch_take(scratch, ls_canvas_elements(&job.canvas), sizeof(real));
    job.lines = ls_scratch_take(scratch, job.canvas.images * rows, sizeof *job.lines);
    job.packed = ls_scratch_take(scratch, lines_at_once(c) * ls_conv_out(c, 1) * LS_TILE_COLUMNS,
                                 sizeof(real));
    return job;
}

/* Continues (or, with `fresh`, starts) the chains of one group over the `images` images on the
 * canvas. */
static void add_images(const struct job *job, int64_t group, int64_t images, const real *from,
                       const real *dy, bool fresh, real *to) {
    const struct ls_conv *c = job->conv;
    const int64_t ig = c->in / c->groups, og = c->out / c->groups;
    const int64_t rows = job->axes[0].results, columns = job->axes[1].results;
    for (int64_t n = 0; n < images; n++)
        for (int64_t i = 0; i < rows; i++)
            job->lines[n * rows + i] = from + n * ls_canvas_image(&job->canvas) +
                                       i * c->stride[0] * ls_canvas_line(&job->canvas) + group * ig;
    struct ls_outer outer = {.count = columns,
                             .last_count = columns,
                             .x_step = c->stride[1] * c->in,
                             .taps = job->stretches,
                             .length = ls_conv_length(c),
                             .g_step = c->out,
                             .columns = og,
                             .add = !fresh,
                             .to = to,
                             .packed = job->packed};
    LS_NAME(ls_stencil_stretches)(job->axes, &job->canvas, ig, job->stretches, &outer.depth);
    for (int64_t line = 0; line < images * rows; line += outer.lines) {
        outer.lines = smaller(lines_at_once(c), images * rows - line);
        outer.x = job->lines + line;
        outer.g = dy + line * columns * c->out + group * og;
        LS_NAME(ls_outer)(&outer);
        outer.add = true;
    }
}

/* Continues (or starts) a microbatch's chains, in a leaf of the tree. */
static void add_to_leaf(const struct ls_conv *c, bool fresh, int64_t count, const real *x,
                        const real *dy, real *leaf, void *scratch) {
    struct job job = take_job(c, &(struct ls_scratch){.memory = scratch});
    for (int axis = 0; axis < 2; axis++)
        LS_NAME(ls_stencil_forward)(c, axis, &job.axes[axis]);
    ls_canvas_clear(&job.canvas, count);
    const int64_t x_image = c->height * c->width * c->in;
    const int64_t y_image = ls_conv_out(c, 0) * ls_conv_out(c, 1) * c->out;
    for (int64_t n = 0, images; n < count; n += images) {
        images = smaller(job.canvas.images, count - n);
        const real *from = ls_canvas_place(&job.canvas, images, x + n * x_image);
        for (int64_t g = 0; g < c->groups; g++)
            add_images(&job, g, images, from, dy + n * y_image, fresh && n == 0,
                       leaf + g * ls_conv_group_elements(c));
    }
}

/* What lasts from begin to finish: the tree's partial gradients, sums of frequencies, a result that
 * is not whole panels. */
static void take_kept(const struct ls_conv *c, struct ls_conv_sum *sum,
                      struct ls_scratch *scratch) {
    const int64_t leaf = leaf_elements(c);
    real *packed = ls_scratch_take(scratch, ls_conv_packs(c) ? leaf : 0, sizeof(real));
    sum->frequencies = ls_scratch_take(
        scratch, ls_winograd_applies(c) ? LS_NAME(ls_winograd_sum_elements)(c) : 0, sizeof(real));
    sum->tree = ls_tree_stack_begin(
        ls_conv_packs(c) ? packed : sum->dw,
        ls_scratch_take(scratch, (ls_tree_slots(c->images) - 1) * leaf, sizeof(real)), leaf);
}

void LS_NAME(ls_conv_sum_begin)(struct ls_conv_sum *sum, const struct ls_conv *c, real *dw,
                                void *kept) {
    *sum = (struct ls_conv_sum){.conv = c, .dw = dw, .fresh = true};
    take_kept(c, sum, &(struct ls_scratch){.memory = kept});
}

void LS_NAME(ls_conv_sum_add)(struct ls_conv_sum *sum, int64_t images, const real *x,
                              const real *dy, void *scratch) {
    const struct ls_conv *c = sum->conv;
    real *leaf = ls_tree_stack_leaf(&sum->tree);
    if (ls_depthwise(c))
        LS_NAME(ls_depthwise_weight_gradient)(c, sum->fresh, images, x, dy, leaf);
    else if (ls_winograd_applies(c))
        LS_NAME(ls_winograd_sum)(c, sum->fresh, images, x, dy, sum->frequencies, scratch);
    else
        add_to_leaf(c, sum->fresh, images, x, dy, leaf, scratch);
    sum->fresh = false;
}

void LS_NAME(ls_conv_sum_push)(struct ls_conv_sum *sum) {
    if (ls_winograd_applies(sum->conv))
        LS_NAME(ls_winograd_sum_back)
    (sum->conv, sum->frequencies, ls_tree_stack_leaf(&sum->tree));
    ls_tree_stack_push(&sum->tree);
    sum->fresh = true;
}

void LS_NAME(ls_conv_sum_finish)(struct ls_conv_sum *sum) {
    ls_tree_stack_finish(&sum->tree);
    if (ls_conv_packs(sum->conv))
        LS_NAME(ls_conv_unpack)(sum->conv, sum->tree.first, sum->dw);
}

size_t LS_NAME(ls_conv_sum_bytes)(const struct ls_conv *c) {
    struct ls_scratch scratch = {0};
    take_kept(c, &(struct ls_conv_sum){0}, &scratch);
    return scratch.used;
}

void LS_NAME(ls_conv_weight_gradient)(const struct ls_conv *c, const real *x, const real *dy,
                                      real *dw, void *scratch) {
    const int64_t x_image = c->height * c->width * c->in;
    const int64_t y_image = ls_conv_out(c, 0) * ls_conv_out(c, 1) * c->out;
    struct ls_conv_sum sum;
    LS_NAME(ls_conv_sum_begin)(&sum, c, dw, scratch);
    char *behind = (char *)scratch + LS_NAME(ls_conv_sum_bytes)(c);
    for (int64_t n = 0; n < c->images; n += c->microbatch_images) {
        LS_NAME(ls_conv_sum_add)
        (&sum, smaller(c->microbatch_images, c->images - n), x + n * x_image, dy + n * y_image,
         behind);
        LS_NAME(ls_conv_sum_push)(&sum);
    }
    LS_NAME(ls_conv_sum_finish)(&sum);
}

size_t LS_NAME(ls_conv_weight_scratch_bytes)(const struct ls_conv *c) {
    struct ls_scratch scratch = {0};
    take_job(c, &scratch);
    const size_t work =
        ls_winograd_applies(c) ? LS_NAME(ls_winograd_scratch_bytes)(c) : scratch.used;
    return LS_NAME(ls_conv_sum_bytes)(c) + work;
}
