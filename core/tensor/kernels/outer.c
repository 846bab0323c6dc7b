#include "core/tensor/kernels/outer.h"

#include "core/base/tree.h"

struct tile {
    const struct ls_outer *outer;
    int64_t offset; /* of the tile's first i, relative to x[line] */
    const real *g;  /* the tile's columns, LS_LANES * vectors wide */
    real *to;
};

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

LS_INLINE void run_tile(const int rows, const int vectors, const struct tile *t) {
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
        const bool last = line == o->lines - 1;
        const int64_t count = last ? o->last_count : o->count;
        const real *x = o->x[line] + t->offset;
        for (int64_t k = 0; k < count; k++) {
            vreal b[LS_TILE_VECTORS];
            LS_UNROLL
            for (int v = 0; v < vectors; v++)
                b[v] = ls_vload(g + v * LS_LANES);
            LS_UNROLL
            for (int r = 0; r < rows; r++) {
                const vreal a = ls_vset(x[r]);
                LS_UNROLL
                for (int v = 0; v < vectors; v++)
                    acc[r * vectors + v] = ls_vfma(a, b[v], acc[r * vectors + v]);
            }
            x += o->x_step;
            g += vectors * LS_LANES;
        }
        if (o->tree) {
            LS_UNROLL
            for (int i = 0; i < rows * vectors; i++)
                acc[i] += (vreal){0};
            depth = push(rows * vectors, depth, line, last, stack, acc);
        }
    }
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            ls_vstore(t->to + r * LS_PANEL + v * LS_LANES, acc[r * vectors + v] + (vreal){0});
    }
}

#define LS_TILE_DEFINE(rows, vectors)                                                              \
    static void tile_##rows##_##vectors(const struct tile *t) {                                    \
        run_tile(rows, vectors, t);                                                                \
    }
LS_TILES(LS_TILE_DEFINE, 1)
LS_TILES(LS_TILE_DEFINE, 2)

typedef void tile_function(const struct tile *t);
#define LS_TILE_ENTRY(rows, vectors) tile_##rows##_##vectors,
static tile_function *const tiles[LS_TILE_VECTORS][LS_TILE_ROWS] = {
    {LS_TILES(LS_TILE_ENTRY, 1)},
    {LS_TILES(LS_TILE_ENTRY, 2)},
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
    int64_t column = 0;
    while (column < o->columns) {
        const int64_t left = o->columns - column;
        const int64_t columns = left < LS_TILE_COLUMNS ? left : LS_TILE_COLUMNS;
        const int vectors = columns > LS_LANES ? 2 : 1;
        real *to = o->to + column / LS_PANEL * o->length * LS_PANEL + column % LS_PANEL;
        struct tile t = {.outer = o, .g = pack(o, column, columns, vectors * LS_LANES)};
        for (int64_t first = 0, tap = 0; first < o->length; first += o->depth, tap++) {
            const int64_t end = o->length - first < o->depth ? o->length - first : o->depth;
            for (int64_t i = 0, rows; i < end; i += rows) {
                rows = ls_tile_rows(end - i);
                t.offset = o->taps[tap] + i;
                t.to = to + (first + i) * LS_PANEL;
                tiles[vectors - 1][rows - 1](&t);
            }
        }
        column += vectors * LS_LANES;
    }
    clear_padding(o, column);
}
