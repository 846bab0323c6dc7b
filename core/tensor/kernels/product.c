#include "core/tensor/kernels/product.h"

/* One tile's arguments: the tile's first row and column, and how many columns to store. */
struct tile {
    const struct ls_product *product;
    const real *const *x;
    real *const *y;
    const real *w;
    const real *bias; /* a full tile of it, or NULL */
    int64_t column;
    int columns;
};

LS_INLINE void accumulate(const int rows, const int vectors, const struct tile *t, vreal *acc) {
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

LS_INLINE void run_tile(const int rows, const int vectors, const struct tile *t) {
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    LS_UNROLL
    for (int i = 0; i < rows * vectors; i++)
        acc[i] = (vreal){0};
    accumulate(rows, vectors, t, acc);
    finish(rows, vectors, t, acc);
    store(rows, vectors, t, acc);
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

void LS_NAME(ls_product)(const struct ls_product *p) {
    for (int64_t column = 0; column < p->columns; column += LS_TILE_COLUMNS) {
        const int64_t left = p->columns - column;
        const int columns = left < LS_TILE_COLUMNS ? (int)left : LS_TILE_COLUMNS;
        tile_function *const *by_rows = tiles[columns > LS_LANES];
        real bias[LS_TILE_COLUMNS] = {0};
        if (p->bias)
            memcpy(bias, p->bias + column, (size_t)columns * sizeof(real));
        struct tile t = {.product = p,
                         .w = p->w + column / LS_PANEL * p->panel_stride + column % LS_PANEL,
                         .bias = p->bias ? bias : NULL,
                         .column = column,
                         .columns = columns};
        for (int64_t row = 0, rows; row < p->rows; row += rows) {
            rows = ls_tile_rows(p->rows - row);
            t.x = p->x + row;
            t.y = p->y + row;
            by_rows[rows - 1](&t);
        }
    }
}
