/* Attention from products and a softmax, and rotary positions. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/ops/options.h"
#include "core/tensor/positions.h"
#include "launcher/onnx/list.h"
#include "launcher/onnx/positions.h"

/* Sizes of one attention. */
struct sizes {
    int64_t queries, keys, channels, heads, width;
};

static struct sizes sizes_of(const struct ls_node *node) {
    const struct ls_attention_options *options = node->options;
    const struct ls_value *source = node->inputs[1] ? node->inputs[1] : node->inputs[0];
    struct sizes s = {.queries = node->output->shape.dims[1],
                      .keys = source->shape.dims[1],
                      .channels = ls_shape_last(node->output->shape),
                      .heads = options->heads ? options->heads : 1};
    s.width = s.channels / s.heads;
    return s;
}

/* One of what lies side by side in a value [N, positions, ...]. */
struct part {
    int place;
    int64_t positions;
    bool turned;
};

/* By heads: [N, heads, positions, width], or, turned, [N, heads, width, positions]. */
static const char *heads_of(struct ls_onnx *onnx, const char *x, const struct sizes *s,
                            struct part part) {
    const int64_t first = part.place * s->channels;
    const char *own =
        ls_onnx_slice(onnx, x, (struct ls_onnx_slice){2, first, first + s->channels, 1});
    const char *apart = ls_onnx_reshape(onnx, own, LS_SHAPE(0, part.positions, s->heads, s->width));
    return ls_onnx_transpose(onnx, apart,
                             part.turned ? LS_SHAPE(0, 2, 3, 1) : LS_SHAPE(0, 2, 1, 3));
}

/* bool [queries, keys]: keys that are not behind the query. Worked out by nodes, which are smaller
 * than the table is in long sequences. */
static const char *causal(struct ls_onnx *onnx, const struct sizes *s) {
    const char *keys = ls_onnx_counting(onnx, s->keys);
    const char *queries = ls_onnx_unsqueeze(onnx, ls_onnx_counting(onnx, s->queries), 1);
    return LS_ONNX_NODE(onnx, "LessOrEqual", keys, queries);
}

/* Which keys a query sees, so that it goes with [N, heads, queries, keys]; NULL: all. */
static const char *mask_of(struct ls_onnx *onnx, const struct ls_node *node,
                           const struct sizes *s) {
    const struct ls_attention_options *options = node->options;
    const char *seen = options->causal ? causal(onnx, s) : NULL;
    if (!node->inputs[2])
        return seen;
    const char *valid = ls_onnx_valid(onnx, node->inputs[2], s->keys, LS_SHAPE(0, 1, 1, 1));
    return seen ? LS_ONNX_NODE(onnx, "And", valid, seen) : valid;
}

/* Inputs: queries, keys and values side by side; or queries, and keys and values. Then lengths of
 * the keys. A query that sees no key gets zeros. */
struct ls_onnx_tensor ls_onnx_op_attention(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct sizes s = sizes_of(node);
    const char *x = ls_onnx_last(onnx, node->inputs[0]);
    const char *source = node->inputs[1] ? ls_onnx_last(onnx, node->inputs[1]) : x;
    const int keys = node->inputs[1] ? 0 : 1;
    const char *q = heads_of(onnx, x, &s, (struct part){0, s.queries, false}),
               *k = heads_of(onnx, source, &s, (struct part){keys, s.keys, true}),
               *v = heads_of(onnx, source, &s, (struct part){keys + 1, s.keys, false});
    const char *scores = LS_ONNX_NODE(onnx, "Mul", LS_ONNX_NODE(onnx, "MatMul", q, k),
                                      ls_onnx_real(onnx, 1 / sqrt((double)s.width)));
    const char *mask = mask_of(onnx, node, &s);
    if (mask)
        scores = LS_ONNX_NODE(onnx, "Where", mask, scores, ls_onnx_real(onnx, -3e38));
    const char *weights = LS_ONNX_NODE(onnx, "Softmax", scores);
    ls_onnx_set_integer(onnx, "axis", -1);
    if (node->inputs[2])
        weights = LS_ONNX_NODE(onnx, "Where", mask, weights, ls_onnx_real(onnx, 0));
    const char *y =
        ls_onnx_transpose(onnx, LS_ONNX_NODE(onnx, "MatMul", weights, v), LS_SHAPE(0, 2, 1, 3));
    return ls_onnx_channels_last(ls_onnx_reshape(onnx, y, LS_SHAPE(0, s.queries, s.channels)));
}

/* What turns the heads of a value. */
struct rotation {
    int64_t positions, width;
    double base;
};

/* Cosines, or sines, of the angles of all pairs at all positions: [positions, 1, pairs]. */
static const char *angles(struct ls_onnx *onnx, const struct rotation *r, bool sine) {
    const int64_t pairs = r->width / 2;
    float *table = ls_calloc((size_t)(r->positions * pairs), sizeof *table);
    for (int64_t t = 0; t < r->positions; t++)
        for (int64_t i = 0; i < pairs; i++) {
            const struct ls_angle angle = ls_angle(t, i, r->width, r->base);
            table[t * pairs + i] = (float)(sine ? angle.sine : angle.cosine);
        }
    const char *name =
        ls_onnx_constant(onnx, LS_ONNX_REAL, LS_SHAPE(r->positions, 1, pairs), table);
    free(table);
    return name;
}

/* x [N, positions, heads, pairs, 2] with each pair turned by its angle. */
static const char *turn(struct ls_onnx *onnx, const char *x, const char *cosine, const char *sine) {
    const char *parts[2], *turned[2];
    for (int i = 0; i < 2; i++) {
        parts[i] = LS_ONNX_NODE(onnx, "Gather", x, ls_onnx_integer32(onnx, i));
        ls_onnx_set_integer(onnx, "axis", -1);
    }
    for (int i = 0; i < 2; i++) {
        const char *kept = LS_ONNX_NODE(onnx, "Mul", parts[i], cosine),
                   *other = LS_ONNX_NODE(onnx, "Mul", parts[1 - i], sine);
        turned[i] = ls_onnx_unsqueeze(onnx, LS_ONNX_NODE(onnx, i ? "Add" : "Sub", kept, other), -1);
    }
    return ls_onnx_concat(onnx, turned, 2, -1);
}

struct ls_onnx_tensor ls_onnx_op_rotary(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_rotary_options *options = node->options;
    struct ls_shape shape = node->inputs[0]->shape;
    const int64_t positions = shape.dims[1], all = ls_shape_row_count(shape) / positions;
    const int64_t rotated = options->channels ? options->channels : all;
    const struct rotation r = {.positions = positions,
                               .width = options->width ? options->width : rotated,
                               .base = options->base != 0 ? options->base : 10000};
    const char *cosine = angles(onnx, &r, false), *sine = angles(onnx, &r, true);
    const char *x =
        ls_onnx_reshape(onnx, ls_onnx_last(onnx, node->inputs[0]), LS_SHAPE(0, positions, all));
    const char *first = ls_onnx_slice(onnx, x, (struct ls_onnx_slice){2, 0, rotated, 1});
    first = ls_onnx_reshape(onnx, first, LS_SHAPE(0, positions, rotated / r.width, r.width / 2, 2));
    first = ls_onnx_reshape(onnx, turn(onnx, first, cosine, sine), LS_SHAPE(0, positions, rotated));
    if (rotated < all) {
        const char *rest = ls_onnx_slice(onnx, x, (struct ls_onnx_slice){2, rotated, all, 1});
        first = ls_onnx_concat(onnx, (const char *const[]){first, rest}, 2, 2);
    }
    shape.dims[0] = 0;
    return ls_onnx_channels_last(ls_onnx_reshape(onnx, first, shape));
}
