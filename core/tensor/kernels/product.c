#include "core/tensor/kernels/product.h"

/* How the rows of X are found. */
enum reading { TAPS, BLOCKS, FAR_BLOCKS };

/* One tile's arguments: the tile's first row and column, and how many columns to store. */
struct tile {
    const struct ls_product *product;
    const real *blocks;
    const real *const *x;
    real *const *y;
    const real *w;
    const real *bias; /* a full tile of it, or NULL */
    int64_t column;
    int columns;
};

/* Rows through pointers, k in stretches. */
LS_INLINE void follow_taps(const int rows, const int vectors, const struct tile *t, vreal *acc) {
    const struct ls_product *p = t->product;
    const int64_t *tap = p->taps;
    const real *w = t->w;
    for (int64_t left = p->length; left > 0; left -= p->depth) {
        const int64_t depth = left < p->depth ? left : p->depth;
        const int64_t offset = *tap++;
        const real *x[LS_TILE_ROWS];
        LS_UNROLL
        for (int r = 0; r < rows; r++)
            x[r] = t->x[r] + offset;
        for (int64_t k = 0; k < depth; k++) {
            vreal b[LS_TILE_VECTORS];
            LS_UNROLL
            for (int v = 0; v < vectors; v++)
                b[v] = ls_vload(w + v * LS_LANES);
            LS_UNROLL
            for (int r = 0; r < rows; r++) {
                const vreal a = ls_vset(x[r][k]);
                LS_UNROLL
                for (int v = 0; v < vectors; v++)
                    acc[r * vectors + v] = ls_vfma(a, b[v], acc[r * vectors + v]);
            }
            w += LS_PANEL;
        }
    }
}

LS_INLINE void finish(const int rows, const int vectors, const struct tile *t, vreal *acc) {
    LS_UNROLL
    for (int v = 0; v < vectors; v++) {
        LS_UNROLL
        for (int r = 0; r < rows; r++)
            acc[r * vectors + v] += (vreal){0};
        if (t->bias) {
            const vreal bias = ls_vload(t->bias + v * LS_LANES);
            LS_UNROLL
            for (int r = 0; r < rows; r++)
                acc[r * vectors + v] += bias;
        }
        if (t->product->relu) {
            LS_UNROLL
            for (int r = 0; r < rows; r++)
                acc[r * vectors + v] = ls_vrelu(acc[r * vectors + v]);
        }
    }
}

LS_INLINE void store(const int rows, const int vectors, const struct tile *t, const vreal *acc) {
    const bool add = t->product->add;
    if (t->columns == vectors * LS_LANES) {
        LS_UNROLL
        for (int r = 0; r < rows; r++) {
            real *y = t->y[r] + t->column;
            LS_UNROLL
            for (int v = 0; v < vectors; v++) {
                vreal value = acc[r * vectors + v];
                if (add)
                    value = ls_vload(y + v * LS_LANES) + value;
                ls_vstore(y + v * LS_LANES, value);
            }
        }
        return;
    }
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        real line[LS_TILE_COLUMNS] = {0};
        real *y = t->y[r] + t->column;
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            ls_vstore(line + v * LS_LANES, acc[r * vectors + v]);
        for (int c = 0; c < t->columns; c++)
            y[c] = add ? y[c] + line[c] : line[c];
    }
}

LS_INLINE void run_tile(const int rows, const int vectors, const enum reading reading,
                        const struct tile *t) {
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    ls_tile_clear(rows, vectors, acc);
    if (reading == TAPS)
        follow_taps(rows, vectors, t, acc);
    else
        ls_tile_chain(rows, vectors, LS_PANEL, reading == FAR_BLOCKS, t->product->length, t->blocks,
                      t->product->block_next, t->w, acc);
    finish(rows, vectors, t, acc);
    store(rows, vectors, t, acc);
}

#define LS_TILE_DEFINE(rows, vectors)                                                              \
    static void taps_##rows##_##vectors(const struct tile *t) {                                    \
        run_tile(rows, vectors, TAPS, t);                                                          \
    }                                                                                              \
    static void blocks_##rows##_##vectors(const struct tile *t) {                                  \
        run_tile(rows, vectors, BLOCKS, t);                                                        \
    }                                                                                              \
    static void far_blocks_##rows##_##vectors(const struct tile *t) {                              \
        run_tile(rows, vectors, FAR_BLOCKS, t);                                                    \
    }
LS_TILES(LS_TILE_DEFINE, 1)
LS_TILES(LS_TILE_DEFINE, 2)

typedef void tile_function(const struct tile *t);
#define LS_TAPS_ENTRY(rows, vectors) taps_##rows##_##vectors,
#define LS_BLOCKS_ENTRY(rows, vectors) blocks_##rows##_##vectors,
#define LS_FAR_BLOCKS_ENTRY(rows, vectors) far_blocks_##rows##_##vectors,
static tile_function *const tiles[][LS_TILE_VECTORS][LS_TILE_ROWS] = {
    [TAPS] = {{LS_TILES(LS_TAPS_ENTRY, 1)}, {LS_TILES(LS_TAPS_ENTRY, 2)}},
    [BLOCKS] = {{LS_TILES(LS_BLOCKS_ENTRY, 1)}, {LS_TILES(LS_BLOCKS_ENTRY, 2)}},
    [FAR_BLOCKS] = {{LS_TILES(LS_FAR_BLOCKS_ENTRY, 1)}, {LS_TILES(LS_FAR_BLOCKS_ENTRY, 2)}},
};

static enum reading reading_of(const struct ls_product *p) {
    return !p->blocks ? TAPS : p->far ? FAR_BLOCKS : BLOCKS;
}

void LS_NAME(ls_product)(const struct ls_product *p) {
    for (int64_t column = 0; column < p->columns; column += LS_TILE_COLUMNS) {
        const int64_t left = p->columns - column;
        const int columns = left < LS_TILE_COLUMNS ? (int)left : LS_TILE_COLUMNS;
        tile_function *const *by_rows = tiles[reading_of(p)][columns > LS_LANES];
        real bias[LS_TILE_COLUMNS] = {0};
        if (p->bias)
            memcpy(bias, p->bias + column, (size_t)columns * sizeof(real));
        struct tile t = {.product = p,
                         .w = p->w + column / LS_PANEL * p->panel_stride + column % LS_PANEL,
                         .bias = p->bias ? bias : NULL,
                         .column = column,
                         .columns = columns};
        for (int64_t row = 0, rows; row < p->rows; row += rows) {
            rows = ls_tile_rows(p->rows - row, LS_TILE_ROWS);
            if (p->blocks)
                t.blocks = p->blocks + row * LS_PANEL;
            else
                t.x = p->x + row;
            t.y = p->y + row;
            by_rows[rows - 1](&t);
        }
    }
}
