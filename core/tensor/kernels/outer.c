#include "core/tensor/kernels/outer.h"

#include "core/base/tree.h"
#include "core/tensor/chain.h"

struct tile {
    const struct ls_outer *outer;
    int64_t offset;      /* of the tile's first i, relative to x[line] */
    const int64_t *taps; /* of a tile of several stretches: where they start */
    const real *g;       /* the tile's columns, LS_LANES * vectors wide */
    int64_t g_step;      /* of a tile of several stretches, which need not be packed */
    real *to;
};

LS_INLINE void start(const int rows, const int vectors, const struct tile *t, vreal *acc) {
    const bool add = t->outer->add;
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r * vectors + v] = add ? ls_vload(t->to + r * LS_PANEL + v * LS_LANES) : (vreal){0};
    }
}

/* A chain's end: -0 becomes +0. */
LS_INLINE void finish_chain(const int elements, vreal *acc) {
    LS_UNROLL
    for (int i = 0; i < elements; i++)
        acc[i] += (vreal){0};
}

LS_INLINE void store(const int rows, const int vectors, vreal *acc, real *to) {
    finish_chain(rows * vectors, acc);
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            ls_vstore(to + r * LS_PANEL + v * LS_LANES, acc[r * vectors + v]);
    }
}

/* Adds acc to the stack of finished subtrees as leaf number `line`; the last leaf adds up what
 * is left. */
LS_INLINE int push(const int elements, int depth, int64_t line, bool last,
                   real (*stack)[LS_TILE_ROWS * LS_TILE_COLUMNS], vreal *acc) {
    for (int64_t n = line + 1; depth > 0 && (last || n % 2 == 0); n /= 2) {
        depth--;
        LS_UNROLL
        for (int i = 0; i < elements; i++)
            acc[i] = ls_vload(stack[depth] + i * LS_LANES) + acc[i];
    }
    if (last)
        return depth;
    LS_UNROLL
    for (int i = 0; i < elements; i++) {
        ls_vstore(stack[depth] + i * LS_LANES, acc[i]);
        acc[i] = (vreal){0};
    }
    return depth + 1;
}

static int64_t samples_of(const struct ls_outer *o, int64_t line) {
    return line < o->lines - 1 ? o->count : line == o->lines - 1 ? o->last_count : 0;
}

/* What a long line's chains have come to, but for the one that is in registers. */
struct long_line {
    real chains[LS_TILE_ROWS * LS_TILE_COLUMNS];
    double totals[LS_TILE_ROWS * LS_TILE_COLUMNS];
};

/* Ends a chain inside a line, and begins the next one. */
LS_INLINE void cut_chain(const int elements, struct long_line *sum, vreal *acc) {
    LS_UNROLL
    for (int i = 0; i < elements; i++) {
        ls_vstore(sum->chains + i * LS_LANES, acc[i]);
        acc[i] = (vreal){0};
    }
    ls_chain_add(elements * LS_LANES, sum->chains, sum->totals);
}

/* Ends a long line's last chain: acc is the line's sum. */
LS_INLINE void join_chains(const int elements, struct long_line *sum, vreal *acc) {
    LS_UNROLL
    for (int i = 0; i < elements; i++)
        ls_vstore(sum->chains + i * LS_LANES, acc[i]);
    ls_chain_finish(elements * LS_LANES, sum->totals, sum->chains);
    LS_UNROLL
    for (int i = 0; i < elements; i++)
        acc[i] = ls_vload(sum->chains + i * LS_LANES);
}

/* One line after the other: in one chain, or with o->tree in a chain each. cuts: lines are longer
 * than a chain may be; where none is, the accumulators never leave their registers. */
LS_INLINE void run_lines(const int rows, const int vectors, const bool cuts, const struct tile *t) {
    const struct ls_outer *o = t->outer;
    _Alignas(64) real stack[LS_TREE_DEPTH_MAX][LS_TILE_ROWS * LS_TILE_COLUMNS];
    int depth = 0;
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    start(rows, vectors, t, acc);
    const real *g = t->g;
    for (int64_t line = 0; line < o->lines; line++) {
        const int64_t count = samples_of(o, line);
        const real *x = o->x[line] + t->offset;
        struct long_line sum;
        if (cuts)
            memset(sum.totals, 0, sizeof sum.totals);
        for (int64_t left = count; left > 0; left -= LS_CHAIN_MAX) {
            const int64_t some = cuts && left > LS_CHAIN_MAX ? LS_CHAIN_MAX : left;
            for (int64_t k = 0; k < some; k++, x += o->x_step, g += vectors * LS_LANES)
                ls_tile_step(rows, vectors, x, 1, g, acc);
            if (cuts && left > LS_CHAIN_MAX)
                cut_chain(rows * vectors, &sum, acc);
        }
        if (cuts && count > LS_CHAIN_MAX)
            join_chains(rows * vectors, &sum, acc);
        if (o->tree) {
            finish_chain(rows * vectors, acc);
            depth = push(rows * vectors, depth, line, line == o->lines - 1, stack, acc);
        }
    }
    store(rows, vectors, acc, t->to);
}

/* Two microbatches at once, in registers of their own, added while they are there: their sums pay
 * the way to the stack and back once. The pairs are nodes of the tree; a last line without a
 * second is added to 0, which changes nothing. */
LS_INLINE void run_pairs(const int rows, const int vectors, const struct tile *t) {
    const struct ls_outer *o = t->outer;
    _Alignas(64) real stack[LS_TREE_DEPTH_MAX][LS_TILE_ROWS * LS_TILE_COLUMNS];
    const int64_t line_elements = o->count * vectors * LS_LANES;
    int depth = 0;
    vreal acc[LS_OUTER_PAIR_ROWS * LS_TILE_VECTORS] = {0},
                                   other[LS_OUTER_PAIR_ROWS * LS_TILE_VECTORS];
    for (int64_t line = 0; line < o->lines; line += 2) {
        const int64_t first = samples_of(o, line), second = samples_of(o, line + 1);
        const real *x = o->x[line] + t->offset, *g = t->g + line * line_elements;
        const real *y = second ? o->x[line + 1] + t->offset : x, *h = g + line_elements;
        ls_tile_clear(rows, vectors, acc);
        ls_tile_clear(rows, vectors, other);
        int64_t k = 0;
        for (; k < second; k++) {
            ls_tile_step(rows, vectors, x, 1, g, acc);
            ls_tile_step(rows, vectors, y, 1, h, other);
            x += o->x_step;
            y += o->x_step;
            g += vectors * LS_LANES;
            h += vectors * LS_LANES;
        }
        for (; k < first; k++, x += o->x_step, g += vectors * LS_LANES)
            ls_tile_step(rows, vectors, x, 1, g, acc);
        finish_chain(rows * vectors, acc);
        finish_chain(rows * vectors, other);
        LS_UNROLL
        for (int i = 0; i < rows * vectors; i++)
            acc[i] += other[i];
        depth = push(rows * vectors, depth, line / 2, line + 2 >= o->lines, stack, acc);
    }
    store(rows, vectors, acc, t->to);
}

/* One chain through all lines, for whole stretches of few values: several of them make a tile that
 * is worth the loads of g. */
LS_INLINE void run_stretches(const int stretches, const int depth, const int vectors,
                             const struct tile *t) {
    const struct ls_outer *o = t->outer;
    const int rows = stretches * depth;
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    start(rows, vectors, t, acc);
    const real *g = t->g;
    for (int64_t line = 0; line < o->lines; line++) {
        const real *x[LS_TILE_ROWS];
        LS_UNROLL
        for (int s = 0; s < stretches; s++)
            x[s] = o->x[line] + t->taps[s];
        for (int64_t k = 0, left = samples_of(o, line); k < left; k++, g += t->g_step) {
            LS_UNROLL
            for (int s = 0; s < stretches; s++)
                ls_tile_step(depth, vectors, x[s] + k * o->x_step, 1, g, acc + s * depth * vectors);
        }
    }
    store(rows, vectors, acc, t->to);
}

#define LS_LINES_DEFINE(rows, vectors)                                                             \
    static void lines_##rows##_##vectors(const struct tile *t) {                                   \
        if (t->outer->count > LS_CHAIN_MAX)                                                        \
            run_lines(rows, vectors, true, t);                                                     \
        else                                                                                       \
            run_lines(rows, vectors, false, t);                                                    \
    }
#define LS_PAIRS_DEFINE(rows, vectors)                                                             \
    static void pairs_##rows##_##vectors(const struct tile *t) {                                   \
        run_pairs(rows, vectors, t);                                                               \
    }
LS_TILES(LS_LINES_DEFINE, 1)
LS_TILES(LS_LINES_DEFINE, 2)
LS_HALF_TILES(LS_PAIRS_DEFINE, 1)
LS_HALF_TILES(LS_PAIRS_DEFINE, 2)

typedef void tile_function(const struct tile *t);
#define LS_LINES_ENTRY(rows, vectors) lines_##rows##_##vectors,
#define LS_PAIRS_ENTRY(rows, vectors) pairs_##rows##_##vectors,
static tile_function *const line_tiles[LS_TILE_VECTORS][LS_TILE_ROWS] = {
    {LS_TILES(LS_LINES_ENTRY, 1)},
    {LS_TILES(LS_LINES_ENTRY, 2)},
};
static tile_function *const pair_tiles[LS_TILE_VECTORS][LS_OUTER_PAIR_ROWS] = {
    {LS_HALF_TILES(LS_PAIRS_ENTRY, 1)},
    {LS_HALF_TILES(LS_PAIRS_ENTRY, 2)},
};

/* Stretches of 3, 4 and 5 values, as images of one channel have. */
enum { SHORTEST = 3, LONGEST = 5, STRETCHES = LS_TILE_ROWS / SHORTEST };
#if LS_LANES == 16
#define LS_STRETCHES(X, vectors)                                                                   \
    X(2, 3, vectors)                                                                               \
    X(3, 3, vectors) X(4, 3, vectors) X(2, 4, vectors) X(3, 4, vectors) X(2, 5, vectors)
#else
#define LS_STRETCHES(X, vectors) X(2, 3, vectors)
#endif
#define LS_STRETCHES_DEFINE(stretches, depth, vectors)                                             \
    static void stretches_##stretches##_##depth##_##vectors(const struct tile *t) {                \
        run_stretches(stretches, depth, vectors, t);                                               \
    }
LS_STRETCHES(LS_STRETCHES_DEFINE, 1)
LS_STRETCHES(LS_STRETCHES_DEFINE, 2)
#define LS_STRETCHES_ENTRY(stretches, depth, vectors)                                              \
    [vectors - 1][depth - SHORTEST][stretches - 1] = stretches_##stretches##_##depth##_##vectors,
static tile_function *const stretch_tiles[LS_TILE_VECTORS][LONGEST + 1 - SHORTEST][STRETCHES] = {
    LS_STRETCHES(LS_STRETCHES_ENTRY, 1) LS_STRETCHES(LS_STRETCHES_ENTRY, 2)};

/* Columns first .. first+columns-1 of g next to each other, filled up to `width` with zeros. */
static const real *pack(const struct ls_outer *o, int64_t first, int64_t columns, int64_t width) {
    if (columns == width && o->g_step == width)
        return o->g + first;
    const int64_t samples = o->lines == 0 ? 0 : (o->lines - 1) * o->count + o->last_count;
    const real *from = o->g + first;
    real *to = o->packed;
    for (int64_t s = 0; s < samples; s++) {
        if (columns == LS_TILE_COLUMNS)
            memcpy(to, from, LS_TILE_COLUMNS * sizeof(real));
        else
            for (int64_t c = 0; c < width; c++)
                to[c] = c < columns ? from[c] : 0;
        from += o->g_step;
        to += width;
    }
    return o->packed;
}

/* The columns of the last panel that no tile has written. */
static void clear_padding(const struct ls_outer *o, int64_t written) {
    const int64_t left = ls_panels(o->columns) * LS_PANEL - written;
    real *to = o->to + written / LS_PANEL * o->length * LS_PANEL + written % LS_PANEL;
    for (int64_t i = 0; left > 0 && i < o->length; i++)
        memset(to + i * LS_PANEL, 0, (size_t)left * sizeof(real));
}

/* All rows of a tile of columns, stretch by stretch. */
static void run_rows(const struct ls_outer *o, int vectors, struct tile t, real *to) {
    const int rows_max = ls_outer_rows_max(o->tree, o->lines, o->count);
    tile_function *const *tiles =
        rows_max == LS_TILE_ROWS ? line_tiles[vectors - 1] : pair_tiles[vectors - 1];
    for (int64_t first = 0, tap = 0; first < o->length; first += o->depth, tap++) {
        const int64_t end = o->length - first < o->depth ? o->length - first : o->depth;
        const struct ls_cut cut = ls_cut(end, rows_max);
        for (int64_t i = 0, n = 0, rows; i < end; i += rows, n++) {
            rows = ls_cut_rows(cut, n);
            t.offset = o->taps[tap] + i;
            t.to = to + (first + i) * LS_PANEL;
            tiles[rows - 1](&t);
        }
    }
}

/* The same several stretches at a time; returns how many have been done. */
static int64_t run_short_stretches(const struct ls_outer *o, int vectors, struct tile t, real *to) {
    const int64_t count = o->length / o->depth;
    const struct ls_cut cut = ls_cut(count, LS_TILE_ROWS / (int)o->depth);
    int64_t tap = 0;
    for (int64_t n = 0, some; tap < count; tap += some, n++) {
        some = ls_cut_rows(cut, n);
        tile_function *const tile = stretch_tiles[vectors - 1][o->depth - SHORTEST][some - 1];
        if (!tile)
            break;
        t.taps = o->taps + tap;
        t.to = to + tap * o->depth * LS_PANEL;
        tile(&t);
    }
    return tap;
}

void LS_NAME(ls_outer)(const struct ls_outer *o) {
    const bool short_stretches =
        !o->tree && o->depth >= SHORTEST && o->depth <= LONGEST && o->length % o->depth == 0;
    int64_t column = 0;
    while (column < o->columns) {
        const int64_t left = o->columns - column;
        const int64_t columns = left < LS_TILE_COLUMNS ? left : LS_TILE_COLUMNS;
        const int vectors = columns > LS_LANES ? 2 : 1;
        const bool whole = columns == vectors * LS_LANES;
        real *to = o->to + column / LS_PANEL * o->length * LS_PANEL + column % LS_PANEL;
        struct tile t = {.outer = o, .g = o->g + column, .g_step = o->g_step};
        struct ls_outer rest = *o;
        if (short_stretches && whole) {
            const int64_t done = run_short_stretches(o, vectors, t, to);
            rest.taps += done;
            rest.length -= done * o->depth;
            to += done * o->depth * LS_PANEL;
        }
        if (rest.length > 0) {
            t.g = pack(o, column, columns, vectors * LS_LANES);
            run_rows(&rest, vectors, t, to);
        }
        column += vectors * LS_LANES;
    }
    clear_padding(o, column);
}
