#include "core/tensor/kernels/outer.h"

#include "core/base/tree.h"

struct tile {
    const struct ls_outer *outer;
    int64_t offset; /* of the tile's first i, relative to x[line] */
    const real *g;  /* the tile's columns, LS_LANES * vectors wide */
    real *to;
};

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

/* One line after the other: in one chain, or with o->tree in a chain each. */
LS_INLINE void run_lines(const int rows, const int vectors, const struct tile *t) {
    const struct ls_outer *o = t->outer;
    _Alignas(64) real stack[LS_TREE_DEPTH_MAX][LS_TILE_ROWS * LS_TILE_COLUMNS];
    int depth = 0;
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r * vectors + v] =
                o->add ? ls_vload(t->to + r * LS_PANEL + v * LS_LANES) : (vreal){0};
    }
    const real *g = t->g;
    for (int64_t line = 0; line < o->lines; line++) {
        const int64_t count = samples_of(o, line);
        const real *x = o->x[line] + t->offset;
        for (int64_t k = 0; k < count; k++, x += o->x_step, g += vectors * LS_LANES)
            ls_tile_step(rows, vectors, x, 1, g, acc);
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

#define LS_LINES_DEFINE(rows, vectors)                                                             \
    static void lines_##rows##_##vectors(const struct tile *t) {                                   \
        run_lines(rows, vectors, t);                                                               \
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

void LS_NAME(ls_outer)(const struct ls_outer *o) {
    const int rows_max = ls_outer_rows_max(o->tree, o->lines, o->count);
    int64_t column = 0;
    while (column < o->columns) {
        const int64_t left = o->columns - column;
        const int64_t columns = left < LS_TILE_COLUMNS ? left : LS_TILE_COLUMNS;
        const int vectors = columns > LS_LANES ? 2 : 1;
        tile_function *const *tiles =
            rows_max == LS_TILE_ROWS ? line_tiles[vectors - 1] : pair_tiles[vectors - 1];
        real *to = o->to + column / LS_PANEL * o->length * LS_PANEL + column % LS_PANEL;
        struct tile t = {.outer = o, .g = pack(o, column, columns, vectors * LS_LANES)};
        for (int64_t first = 0, tap = 0; first < o->length; first += o->depth, tap++) {
            const int64_t end = o->length - first < o->depth ? o->length - first : o->depth;
            for (int64_t i = 0, rows; i < end; i += rows) {
                rows = ls_tile_rows(end - i, rows_max);
                t.offset = o->taps[tap] + i;
                t.to = to + (first + i) * LS_PANEL;
                tiles[rows - 1](&t);
            }
        }
        column += vectors * LS_LANES;
    }
    clear_padding(o, column);
}
