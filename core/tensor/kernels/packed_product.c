#include "core/tensor/kernels/packed_product.h"

#include "core/tensor/chain.h"
#include "core/tensor/kernels/lanes.h"

/* One tile: where its first row and column are, and how many columns to store. */
struct tile {
    const struct ls_packed_product *product;
    const real *x, *w;
    real *y;
    int64_t columns;
};

LS_INLINE void store(const int rows, const int vectors, const bool add, const struct tile *t,
                     const vreal *acc) {
    const vreal scale = ls_vset(t->product->scale);
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        real *y = t->y + r * t->product->y_step;
        LS_UNROLL
        for (int v = 0; v < vectors; v++) {
            const int64_t some = t->columns - v * LS_LANES;
            vreal value = (acc[r * vectors + v] + (vreal){0}) * scale;
            if (add)
                value = ls_vload_some(y + v * LS_LANES, some) + value;
            ls_vstore_some(y + v * LS_LANES, some, value);
        }
    }
}

LS_INLINE void run_tile(const int rows, const int vectors, const bool turned,
                        const struct tile *t) {
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    const struct ls_packed_product *p = t->product;
    ls_tile_clear(rows, vectors, acc);
    if (turned) {
        const real *x = t->x, *w = t->w;
        for (int64_t k = 0; k < p->length; k++, x += LS_PANEL, w += LS_PANEL)
            ls_tile_step(rows, vectors, x, 1, w, acc);
    } else {
        ls_tile_chain(rows, vectors, LS_PANEL, false, p->length, t->x, p->x_next, t->w, acc);
    }
    if (p->add)
        store(rows, vectors, true, t, acc);
    else
        store(rows, vectors, false, t, acc);
}

/* A function for every size of a tile and both ways to read X, and tables of them. */
typedef void tile_function(const struct tile *t);
typedef tile_function *const tile_table[LS_TILE_VECTORS][LS_TILE_ROWS];
#define LS_DEFINE(rows, vectors)                                                                   \
    static void blocks_##rows##_##vectors(const struct tile *t) {                                  \
        run_tile(rows, vectors, false, t);                                                         \
    }                                                                                              \
    static void turned_##rows##_##vectors(const struct tile *t) {                                  \
        run_tile(rows, vectors, true, t);                                                          \
    }
LS_TILES(LS_DEFINE, 1)
LS_TILES(LS_DEFINE, 2)
#define LS_BLOCKS(rows, vectors) blocks_##rows##_##vectors,
#define LS_TURNED(rows, vectors) turned_##rows##_##vectors,
static tile_table blocks = {{LS_TILES(LS_BLOCKS, 1)}, {LS_TILES(LS_BLOCKS, 2)}};
static tile_table turned = {{LS_TILES(LS_TURNED, 1)}, {LS_TILES(LS_TURNED, 2)}};

/* A tile of long chains: products of at most LS_CHAIN_MAX values of k each, added up. */
static void run_long_tile(tile_function *function, int rows, const struct tile *t) {
    const struct ls_packed_product *p = t->product;
    real chains[LS_TILE_ROWS * LS_TILE_COLUMNS] = {0};
    double totals[LS_TILE_ROWS * LS_TILE_COLUMNS] = {0};
    for (int64_t k = 0; k < p->length; k += LS_CHAIN_MAX) {
        const int64_t left = p->length - k;
        struct ls_packed_product part = *p;
        struct tile piece = {.product = &part, .y = chains, .columns = t->columns};
        part.length = left < LS_CHAIN_MAX ? left : LS_CHAIN_MAX;
        part.scale = 1;
        part.add = false;
        part.y_step = LS_TILE_COLUMNS;
        piece.x = t->x + (p->turned ? k * LS_PANEL : k / LS_PANEL * p->x_next);
        piece.w = t->w + k * LS_PANEL;
        function(&piece);
        ls_chain_add(rows * LS_TILE_COLUMNS, chains, totals);
    }
    const int64_t columns = t->columns < LS_TILE_COLUMNS ? t->columns : LS_TILE_COLUMNS;
    for (int r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            real *y = t->y + r * p->y_step + c;
            const real value = ((real)totals[r * LS_TILE_COLUMNS + c] + (real)0) * p->scale;
            *y = p->add ? *y + value : value;
        }
}

void LS_NAME(ls_packed_product)(const struct ls_packed_product *p) {
    const struct ls_cut cut = ls_cut(p->rows, LS_TILE_ROWS);
    const int64_t x_step = p->turned ? 1 : LS_PANEL;
    for (int64_t column = 0; column < p->columns; column += LS_TILE_COLUMNS) {
        const int64_t columns = p->columns - column;
        tile_function *const *functions = (p->turned ? turned : blocks)[columns > LS_LANES];
        struct tile t = {.product = p,
                         .x = p->x,
                         .w = p->w + column / LS_PANEL * p->w_next + column % LS_PANEL,
                         .y = p->y + column,
                         .columns = columns};
        for (int64_t i = 0, n = 0, rows; i < p->rows; i += rows, n++) {
            rows = ls_cut_rows(cut, n);
            if (p->length > LS_CHAIN_MAX)
                run_long_tile(functions[rows - 1], (int)rows, &t);
            else
                functions[rows - 1](&t);
            t.x += rows * x_step;
            t.y += rows * p->y_step;
        }
    }
}
