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
    const real **lines; /* of x, for the results' rows of the images on the canvas */
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

/* Terms of the sums that an image brings. */
static int64_t image_terms(const struct ls_conv *c) {
    return ls_winograd_applies(c) ? LS_NAME(ls_winograd_tiles)(c)
                                  : ls_conv_out(c, 0) * ls_conv_out(c, 1);
}

static struct job take_job(const struct ls_conv *c, struct ls_scratch *scratch) {
    const int64_t rows = ls_conv_out(c, 0);
    struct job job = {.conv = c, .canvas = LS_NAME(ls_stencil_input_canvas)(c)};
    job.stretches = LS_NAME(ls_stencil_take)(c, job.axes, scratch);
    job.canvas.memory = ls_scratch_take(scratch, ls_canvas_elements(&job.canvas), sizeof(real));
    job.lines = ls_scratch_take(scratch, job.canvas.images * rows, sizeof *job.lines);
    job.packed = ls_scratch_take(
        scratch, smaller(lines_at_once(c) * ls_conv_out(c, 1), LS_CHAIN_MAX) * LS_TILE_COLUMNS,
        sizeof(real));
    return job;
}

/* Lists where the rows of results of the images on the canvas begin, for one group. */
static void list_lines(const struct job *job, int64_t images, const real *from) {
    const struct ls_conv *c = job->conv;
    const int64_t rows = job->axes[0].results;
    for (int64_t n = 0; n < images; n++)
        for (int64_t i = 0; i < rows; i++)
            job->lines[n * rows + i] = from + n * ls_canvas_image(&job->canvas) +
                                       i * c->stride[0] * ls_canvas_line(&job->canvas);
}

/* Continues (or, with `fresh`, starts) the chains of one group over some pixels of the listed
 * lines: whole lines, several at a time, and parts of a line where a chain begins or ends in it. */
static void add_pixels(const struct job *job, struct ls_conv_stretch pixels, const real *dy,
                       bool fresh, real *to) {
    const struct ls_conv *c = job->conv;
    const int64_t ig = c->in / c->groups, columns = job->axes[1].results;
    const int64_t end = pixels.first + pixels.count;
    struct ls_outer outer = {.x_step = c->stride[1] * c->in,
                             .taps = job->stretches,
                             .length = ls_conv_length(c),
                             .g_step = c->out,
                             .columns = c->out / c->groups,
                             .add = !fresh,
                             .to = to,
                             .packed = job->packed};
    LS_NAME(ls_stencil_stretches)(job->axes, &job->canvas, ig, job->stretches, &outer.depth);
    for (int64_t at = pixels.first; at < end; at += outer.lines * outer.count) {
        const int64_t line = at / columns, column = at % columns;
        const real *start = job->lines[line] + column * outer.x_step;
        const bool whole = column == 0 && end - at >= columns;
        outer.x = whole ? job->lines + line : &start;
        outer.lines = whole ? smaller(lines_at_once(c), (end - at) / columns) : 1;
        outer.count = whole ? columns : smaller(columns - column, end - at);
        outer.last_count = outer.count;
        outer.g = dy + at * c->out;
        LS_NAME(ls_outer)(&outer);
        outer.add = true;
    }
}

/* Continues (or starts) a microbatch's chains, in a leaf of the tree. */
static void add_to_leaf(const struct ls_conv *c, bool fresh, struct ls_conv_stretch pixels,
                        const real *x, const real *dy, real *leaf, void *scratch) {
    struct job job = take_job(c, &(struct ls_scratch){.memory = scratch});
    for (int axis = 0; axis < 2; axis++)
        LS_NAME(ls_stencil_forward)(c, axis, &job.axes[axis]);
    const int64_t x_image = c->height * c->width * c->in, y_image = image_terms(c);
    const int64_t end = pixels.first + pixels.count, images_end = (end - 1) / y_image + 1;
    ls_canvas_clear(&job.canvas, images_end - pixels.first / y_image);
    for (int64_t at = pixels.first, images, some; at < end; at += some) {
        const int64_t n = at / y_image;
        images = smaller(job.canvas.images, images_end - n);
        some = smaller(end, (n + images) * y_image) - at;
        const real *from = ls_canvas_place(&job.canvas, images, x + n * x_image);
        for (int64_t g = 0; g < c->groups; g++) {
            list_lines(&job, images, from + g * (c->in / c->groups));
            add_pixels(&job, (struct ls_conv_stretch){at - n * y_image, some},
                       dy + n * y_image * c->out + g * (c->out / c->groups),
                       fresh && at == pixels.first, leaf + g * ls_conv_group_elements(c));
        }
    }
}

/* What lasts from begin to finish: the tree's partial gradients, sums of frequencies, sums of
 * chains, a result that is not whole panels. */
static void take_kept(const struct ls_conv *c, struct ls_conv_sum *sum,
                      struct ls_scratch *scratch) {
    const int64_t leaf = leaf_elements(c);
    const bool cuts = c->images * image_terms(c) > LS_CHAIN_MAX;
    real *packed = ls_scratch_take(scratch, ls_conv_packs(c) ? leaf : 0, sizeof(real));
    sum->frequencies = ls_scratch_take(
        scratch, ls_winograd_applies(c) ? LS_NAME(ls_winograd_sum_elements)(c) : 0, sizeof(real));
    sum->totals = ls_scratch_take(scratch, cuts ? leaf : 0, sizeof(double));
    sum->tree = ls_tree_stack_begin(
        ls_conv_packs(c) ? packed : sum->dw,
        ls_scratch_take(scratch, (ls_tree_slots(c->images) - 1) * leaf, sizeof(real)), leaf);
}

void LS_NAME(ls_conv_sum_begin)(struct ls_conv_sum *sum, const struct ls_conv *c, real *dw,
                                void *kept) {
    *sum = (struct ls_conv_sum){.conv = c, .dw = dw};
    take_kept(c, sum, &(struct ls_scratch){.memory = kept});
}

/* Where the microbatch's chains are now: winograd.h sums frequencies. */
static real *leaf_of(const struct ls_conv_sum *sum) {
    real *leaf = ls_tree_stack_leaf(&sum->tree);
    if (ls_winograd_applies(sum->conv))
        LS_NAME(ls_winograd_sum_back)(sum->conv, sum->frequencies, leaf);
    return leaf;
}

/* Ends a chain inside a microbatch. */
static void cut_chain(struct ls_conv_sum *sum) {
    if (!sum->cut)
        memset(sum->totals, 0, (size_t)sum->tree.count * sizeof *sum->totals);
    ls_chain_add(sum->tree.count, leaf_of(sum), sum->totals);
    sum->cut = true;
    sum->terms = 0;
}

void LS_NAME(ls_conv_sum_add)(struct ls_conv_sum *sum, int64_t images, const real *x,
                              const real *dy, void *scratch) {
    const struct ls_conv *c = sum->conv;
    const int64_t terms = images * image_terms(c);
    real *leaf = ls_tree_stack_leaf(&sum->tree);
    for (struct ls_conv_stretch part = {0}; part.first < terms; part.first += part.count) {
        if (sum->terms == LS_CHAIN_MAX)
            cut_chain(sum);
        const bool fresh = sum->terms == 0;
        part.count = smaller(terms - part.first, LS_CHAIN_MAX - sum->terms);
        if (ls_depthwise(c))
            LS_NAME(ls_depthwise_weight_gradient)(c, fresh, part, x, dy, leaf);
        else if (ls_winograd_applies(c))
            LS_NAME(ls_winograd_sum)(c, fresh, part, x, dy, sum->frequencies, scratch);
        else
            add_to_leaf(c, fresh, part, x, dy, leaf, scratch);
        sum->terms += part.count;
    }
}

void LS_NAME(ls_conv_sum_push)(struct ls_conv_sum *sum) {
    real *leaf = leaf_of(sum);
    if (sum->cut)
        ls_chain_finish(sum->tree.count, sum->totals, leaf);
    ls_tree_stack_push(&sum->tree);
    sum->terms = 0;
    sum->cut = false;
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
