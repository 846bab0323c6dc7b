#include "core/tensor/kernels/product.h"

#include "core/tensor/chain.h"
#include "core/tensor/kernels/lanes.h"

/* How the rows of X are found: by pointers, in blocks, or in runs; then it is the distance of
 * neighbouring rows, a constant for which a tile needs one pointer instead of one per row: pixels
 * of 1, 2, 32, 64 or 128 channels, or of half as many at stride 2. */
enum { TAPS = -1, BLOCKS = -2, FAR_BLOCKS = -3 };

/* One tile's arguments: the tile's first row and column, and how many columns to store. */
struct tile {
    const struct ls_product *product;
    const real *blocks;
    const real *const *x;
    real *const *y;
    const real *w;
    const real *bias; /* a full tile of it, zeros without one; never -0, so that a sum is not */
    int64_t column;
    int columns;
};

/* Rows through pointers, k in stretches. */
LS_INLINE void follow_taps(const int rows, const int vectors, const struct tile *t, vreal *acc) {
    const struct ls_product *p = t->product;
    const int64_t *tap = p->taps;
    const real *w = t->w;
    for (int64_t left = p->length, skip = p->skip, depth; left > 0; left -= depth, skip = 0) {
        depth = left < p->depth - skip ? left : p->depth - skip;
        const int64_t offset = *tap++ + skip;
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

/* Rows `step` apart, k in stretches. */
LS_INLINE void follow_run(const int rows, const int vectors, const int step, const struct tile *t,
                          vreal *acc) {
    const struct ls_product *p = t->product;
    const int64_t *tap = p->taps;
    const real *w = t->w;
    for (int64_t left = p->length, skip = p->skip, depth; left > 0; left -= depth, skip = 0) {
        depth = left < p->depth - skip ? left : p->depth - skip;
        const real *x = t->x[0] + *tap++ + skip;
        for (int64_t k = 0; k < depth; k++, w += LS_PANEL)
            ls_tile_step(rows, vectors, x + k, step, w, acc);
    }
}

/* Chains whose columns are all wanted: straight from registers, so one loop for each epilogue. */
LS_INLINE void store_whole(const int rows, const int vectors, const bool relu, const bool add,
                           const struct tile *t, const vreal *acc) {
    vreal bias[LS_TILE_VECTORS];
    LS_UNROLL
    for (int v = 0; v < vectors; v++)
        bias[v] = ls_vload(t->bias + v * LS_LANES);
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        real *y = t->y[r] + t->column;
        LS_UNROLL
        for (int v = 0; v < vectors; v++) {
            vreal value = acc[r * vectors + v] + bias[v];
            if (relu)
                value = ls_vrelu(value);
            if (add)
                value = ls_vload(y + v * LS_LANES) + value;
            ls_vstore(y + v * LS_LANES, value);
        }
    }
}

LS_INLINE void store_some(const int rows, const int vectors, const struct tile *t,
                          const vreal *acc) {
    const bool relu = t->product->relu, add = t->product->add;
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        real *y = t->y[r] + t->column;
        LS_UNROLL
        for (int v = 0; v < vectors; v++) {
            vreal value = acc[r * vectors + v] + ls_vload(t->bias + v * LS_LANES);
            if (relu)
                value = ls_vrelu(value);
            if (add)
                value = ls_vload_some(y + v * LS_LANES, t->columns - v * LS_LANES) + value;
            ls_vstore_some(y + v * LS_LANES, t->columns - v * LS_LANES, value);
        }
    }
}

LS_INLINE void run_tile(const int rows, const int vectors, const int reading,
                        const struct tile *t) {
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    ls_tile_clear(rows, vectors, acc);
    if (reading == TAPS)
        follow_taps(rows, vectors, t, acc);
    else if (reading > 0)
        follow_run(rows, vectors, reading, t, acc);
    else
        ls_tile_chain(rows, vectors, LS_PANEL, reading == FAR_BLOCKS, t->product->length, t->blocks,
                      t->product->block_next, t->w, acc);
    if (t->columns < vectors * LS_LANES)
        store_some(rows, vectors, t, acc);
    else if (t->product->relu)
        store_whole(rows, vectors, true, false, t, acc);
    else if (t->product->add)
        store_whole(rows, vectors, false, true, t, acc);
    else
        store_whole(rows, vectors, false, false, t, acc);
}

/* Each way of reading has a function for every size of a tile, and a table of them. */
typedef void tile_function(const struct tile *t);
typedef tile_function *const tile_table[LS_TILE_VECTORS][LS_TILE_ROWS];
#define LS_TILE_DEFINE(name, reading, rows, vectors)                                               \
    static void name##_##rows##_##vectors(const struct tile *t) {                                  \
        run_tile(rows, vectors, reading, t);                                                       \
    }
#define LS_DEFINE_TAPS(rows, vectors) LS_TILE_DEFINE(taps, TAPS, rows, vectors)
#define LS_ENTRY_TAPS(rows, vectors) taps_##rows##_##vectors,
#define LS_DEFINE_BLOCKS(rows, vectors) LS_TILE_DEFINE(blocks, BLOCKS, rows, vectors)
#define LS_ENTRY_BLOCKS(rows, vectors) blocks_##rows##_##vectors,
#define LS_DEFINE_FAR_BLOCKS(rows, vectors) LS_TILE_DEFINE(far_blocks, FAR_BLOCKS, rows, vectors)
#define LS_ENTRY_FAR_BLOCKS(rows, vectors) far_blocks_##rows##_##vectors,
#define LS_DEFINE_RUN_1(rows, vectors) LS_TILE_DEFINE(run_1, 1, rows, vectors)
#define LS_ENTRY_RUN_1(rows, vectors) run_1_##rows##_##vectors,
#define LS_DEFINE_RUN_2(rows, vectors) LS_TILE_DEFINE(run_2, 2, rows, vectors)
#define LS_ENTRY_RUN_2(rows, vectors) run_2_##rows##_##vectors,
#define LS_DEFINE_RUN_32(rows, vectors) LS_TILE_DEFINE(run_32, 32, rows, vectors)
#define LS_ENTRY_RUN_32(rows, vectors) run_32_##rows##_##vectors,
#define LS_DEFINE_RUN_64(rows, vectors) LS_TILE_DEFINE(run_64, 64, rows, vectors)
#define LS_ENTRY_RUN_64(rows, vectors) run_64_##rows##_##vectors,
#define LS_DEFINE_RUN_128(rows, vectors) LS_TILE_DEFINE(run_128, 128, rows, vectors)
#define LS_ENTRY_RUN_128(rows, vectors) run_128_##rows##_##vectors,
#define LS_TILE_TABLE(name, define, entry)                                                         \
    LS_TILES(define, 1)                                                                            \
    LS_TILES(define, 2)                                                                            \
    static tile_table name = {{LS_TILES(entry, 1)}, {LS_TILES(entry, 2)}};
LS_TILE_TABLE(taps, LS_DEFINE_TAPS, LS_ENTRY_TAPS)
LS_TILE_TABLE(blocks, LS_DEFINE_BLOCKS, LS_ENTRY_BLOCKS)
LS_TILE_TABLE(far_blocks, LS_DEFINE_FAR_BLOCKS, LS_ENTRY_FAR_BLOCKS)
LS_TILE_TABLE(run_1, LS_DEFINE_RUN_1, LS_ENTRY_RUN_1)
LS_TILE_TABLE(run_2, LS_DEFINE_RUN_2, LS_ENTRY_RUN_2)
LS_TILE_TABLE(run_32, LS_DEFINE_RUN_32, LS_ENTRY_RUN_32)
LS_TILE_TABLE(run_64, LS_DEFINE_RUN_64, LS_ENTRY_RUN_64)
LS_TILE_TABLE(run_128, LS_DEFINE_RUN_128, LS_ENTRY_RUN_128)

static const tile_table *table_of(const struct ls_product *p) {
    if (p->blocks)
        return p->far ? &far_blocks : &blocks;
    /* Few rows have their pointers in registers anyway. */
    switch (LS_TILE_ROWS > 8 && p->run > 0 ? p->step : 0) {
    case 1:
        return &run_1;
    case 2:
        return &run_2;
    case 32:
        return &run_32;
    case 64:
        return &run_64;
    case 128:
        return &run_128;
    default:
        return &taps;
    }
}

/* A tile of long chains: products of at most LS_CHAIN_MAX values of k each, added up. */
static void run_long_tile(tile_function *function, int rows, const struct tile *t) {
    static const real zeros[LS_TILE_COLUMNS];
    const struct ls_product *p = t->product;
    real chains[LS_TILE_ROWS * LS_TILE_COLUMNS] = {0}, *to[LS_TILE_ROWS];
    double totals[LS_TILE_ROWS * LS_TILE_COLUMNS] = {0};
    for (int r = 0; r < rows; r++)
        to[r] = chains + r * LS_TILE_COLUMNS;
    for (int64_t k = 0; k < p->length; k += LS_CHAIN_MAX) {
        const int64_t left = p->length - k;
        struct ls_product part = *p;
        struct tile piece = *t;
        part.length = left < LS_CHAIN_MAX ? left : LS_CHAIN_MAX;
        part.relu = part.add = false;
        if (p->blocks) {
            piece.blocks += k / LS_PANEL * p->block_next;
        } else {
            part.taps += k / p->depth;
            part.skip = k % p->depth;
        }
        piece.product = &part;
        piece.w += k * LS_PANEL;
        piece.bias = zeros;
        piece.y = to;
        piece.column = 0;
        function(&piece);
        ls_chain_add(rows * LS_TILE_COLUMNS, chains, totals);
    }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < t->columns; c++) {
            real *y = t->y[r] + t->column + c, value = (real)totals[r * LS_TILE_COLUMNS + c];
            value += t->bias[c];
            value = p->relu && value < 0 ? 0 : value;
            *y = p->add ? *y + value : value;
        }
}

/* The tiles of one run, or of all rows where there are no runs: a tile stays inside a run. `t` goes
 * on to the row behind. */
static inline void run_tiles(tile_function *const *functions, int64_t count, struct ls_cut cut,
                             struct tile *t) {
    for (int64_t i = 0, n = 0, rows; i < count; i += rows, n++) {
        rows = ls_cut_rows(cut, n);
        if (t->product->length > LS_CHAIN_MAX)
            run_long_tile(functions[rows - 1], (int)rows, t);
        else
            functions[rows - 1](t);
        if (t->blocks)
            t->blocks += rows * LS_PANEL;
        else
            t->x += rows;
        t->y += rows;
    }
}

void LS_NAME(ls_product)(const struct ls_product *p) {
    const tile_table *const table = table_of(p);
    const bool runs = !p->blocks && table != &taps;
    const int64_t run = runs && p->run < p->rows ? p->run : p->rows;
    const struct ls_cut cut = ls_cut(run, LS_TILE_ROWS);
    for (int64_t column = 0; column < p->columns; column += LS_TILE_COLUMNS) {
        const int64_t left = p->columns - column;
        const int columns = left < LS_TILE_COLUMNS ? (int)left : LS_TILE_COLUMNS;
        real bias[LS_TILE_COLUMNS] = {0};
        for (int c = 0; p->bias && c < columns; c++)
            bias[c] = p->bias[column + c] + (real)0;
        struct tile t = {.product = p,
                         .blocks = p->blocks,
                         .x = p->x,
                         .y = p->y,
                         .w = p->w + column / LS_PANEL * p->panel_stride + column % LS_PANEL,
                         .bias = bias,
                         .column = column,
                         .columns = columns};
        tile_function *const *functions = (*table)[columns > LS_LANES];
        int64_t row = run;
        for (; row > 0 && row <= p->rows; row += run)
            run_tiles(functions, run, cut, &t);
        const int64_t rest = p->rows - (row - run);
        if (rest > 0)
            run_tiles(functions, rest, ls_cut(rest, LS_TILE_ROWS), &t);
    }
}
