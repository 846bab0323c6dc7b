/* Rotary positions (Su et al. 2021, section 3.4.2): pairs of neighbouring channels are turned by an
 * angle that grows with the position; backward turns the gradient back. The table of cosines and
 * sines lies in `state` and is made once. */
#include "core/ops/elementwise.h"
#include "core/ops/options.h"
#include "core/tensor/positions.h"
#include "core/tensor/variant.h"

struct shape {
    int64_t positions;       /* of a sample */
    int64_t table_positions; /* those of a whole sequence in step mode */
    int64_t channels;        /* of a position */
    int64_t rotated, width;  /* the first so many, in heads of this width */
    double base;
};

static struct shape shape_of(const struct ls_node *node) {
    const struct ls_rotary_options *options = node->options;
    const struct ls_shape x = node->inputs[0]->shape;
    struct shape s = {.positions = x.dims[1],
                      .table_positions = node->step_positions ? node->step_positions : x.dims[1],
                      .channels = ls_shape_row_count(x) / x.dims[1]};
    s.rotated = options->channels ? options->channels : s.channels;
    s.width = options->width ? options->width : s.rotated;
    s.base = options->base != 0 ? options->base : 10000;
    return s;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    if (ls_check_batched(node, 0, 3, error) != LS_OK)
        return error->status;
    const struct shape s = shape_of(node);
    if (s.rotated < 1 || s.rotated > s.channels)
        return ls_fail(error, LS_INVALID, "rotary: can rotate 1 to %lld channels, found %lld",
                       (long long)s.channels, (long long)s.rotated);
    if (s.width < 1 || s.width % 2 || s.rotated % s.width)
        return ls_fail(error, LS_INVALID,
                       "rotary: the width of a head must be even and divide the %lld channels, "
                       "found %lld",
                       (long long)s.rotated, (long long)s.width);
    if (!(s.base > 1 && s.base < 1e30))
        return ls_fail(error, LS_INVALID, "rotary: the base must be above 1, found %g", s.base);
    if (node->step_positions && s.positions != 1)
        return ls_fail(error, LS_INVALID, "rotary: a step brings 1 position, found %lld",
                       (long long)s.positions);
    ls_infer_like(node);
    node->state_bytes = (size_t)(s.table_positions * s.width) * sizeof(real);
    node->flops = 3 * s.positions * s.rotated;
    return LS_OK;
}

/* Per position the cosines of all pairs, then their sines. */
static void prepare(struct ls_node *node) {
    const struct shape s = shape_of(node);
    const int64_t pairs = s.width / 2;
    real *table = node->state;
    if (table[0] != 0) /* the cosine of 0: it is made already */
        return;
    for (int64_t t = 0; t < s.table_positions; t++, table += s.width)
        for (int64_t i = 0; i < pairs; i++) {
            const struct ls_angle angle = ls_angle(t, i, s.width, s.base);
            table[i] = (real)angle.cosine;
            table[pairs + i] = (real)angle.sine;
        }
}

/* One head: y = x turned by the angles, or added to y; x and y may be the same. `sign` -1 turns
 * back. */
LS_INLINE void turn(int64_t pairs, const real *x, const real *table, const real sign,
                    const bool add, real *y) {
#pragma GCC ivdep
    for (int64_t i = 0; i < pairs; i++) {
        const real a = x[2 * i], b = x[2 * i + 1], sine = sign * table[pairs + i];
        const real even = ls_fma(a, table[i], -(b * sine)), odd = ls_fma(b, table[i], a * sine);
        y[2 * i] = add ? y[2 * i] + even : even;
        y[2 * i + 1] = add ? y[2 * i + 1] + odd : odd;
    }
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct shape s = shape_of(node);
    const real *x = node->inputs[0]->data;
    real *y = node->output->data;
    const int64_t first = node->step_positions ? run->position : 0;
    LS_ASSERT(first >= 0 && first + s.positions <= s.table_positions,
              "%s: position %lld, expected 0 to %lld", node->name, (long long)first,
              (long long)s.table_positions - 1);
    for (int64_t n = 0; n < run->rows; n++)
        for (int64_t t = 0; t < s.positions; t++, x += s.channels, y += s.channels) {
            const real *table = (const real *)node->state + (first + t) * s.width;
            for (int64_t c = 0; c < s.rotated; c += s.width)
                turn(s.width / 2, x + c, table, 1, false, y + c);
            ls_pass_elements(s.channels - s.rotated, x + s.rotated, y + s.rotated, false);
        }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct shape s = shape_of(node);
    const real *dy = node->output->gradient;
    real *dx = node->inputs[0]->gradient;
    const bool add = node->accumulate[0];
    for (int64_t n = 0; dx && n < run->rows; n++)
        for (int64_t t = 0; t < s.positions; t++, dx += s.channels, dy += s.channels) {
            const real *table = (const real *)node->state + t * s.width;
            for (int64_t c = 0; c < s.rotated; c += s.width)
                if (add)
                    turn(s.width / 2, dy + c, table, -1, true, dx + c);
                else
                    turn(s.width / 2, dy + c, table, -1, false, dx + c);
            ls_pass_elements(s.channels - s.rotated, dy + s.rotated, dx + s.rotated, add);
        }
}

#define OPTIONS(...)                                                                               \
    .options = &(const struct ls_rotary_options){__VA_ARGS__},                                     \
    .options_size = sizeof(struct ls_rotary_options), .input_count = 1

static const struct ls_op_case cases[] = {
    {.name = "one head of all channels",
     OPTIONS(0),
     .inputs = {{.shape = LS_CASE_SHAPE(5, 7, 38), .low = -1, .high = 1}},
     .microbatches = 3},
    {.name = "heads, and channels that stay",
     OPTIONS(.channels = 12, .width = 4, .base = 100),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 9, 17), .low = -1, .high = 1}},
     .microbatches = 2},
    {.name = "four dimensions",
     OPTIONS(.width = 6),
     .inputs = {{.shape = LS_CASE_SHAPE(2, 3, 2, 6), .low = -1, .high = 1}}},
};

const struct ls_op LS_NAME(ls_op_rotary) = {
    .name = "rotary",
    .formula = "channels (2i, 2i+1) of a head turned by t base^(-2i / width) at position t",
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .in_place = true,
    .cases = cases,
    .case_count = (int)(sizeof cases / sizeof *cases),
};
