#include "core/tensor/kernels/winograd.h"

#include "core/tensor/kernels/winograd_parts.h"

enum { CACHED = 160 * 1024 }; /* elements of all planes of a chunk */

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

struct ls_tiling LS_NAME(ls_winograd_tiling)(const struct ls_conv *c, bool input_gradient) {
    const int64_t m = ls_winograd_outputs(c);
    struct ls_tiling t = {.m = (int)m,
                          .images = c->images,
                          .height = c->height,
                          .width = c->width,
                          .in = c->in,
                          .out_height = ls_conv_out(c, 0),
                          .out_width = ls_conv_out(c, 1),
                          .out = c->out,
                          .top = c->padding[0],
                          .left = c->padding[2]};
    if (input_gradient)
        t = (struct ls_tiling){.m = t.m,
                               .images = t.images,
                               .height = t.out_height,
                               .width = t.out_width,
                               .in = t.out,
                               .out_height = t.height,
                               .out_width = t.width,
                               .out = t.in,
                               .top = 2 - t.top,
                               .left = 2 - t.left};
    t.rows = (t.out_height + m - 1) / m;
    t.columns = (t.out_width + m - 1) / m;
    return t;
}

int64_t LS_NAME(ls_winograd_chunk)(const struct ls_conv *c) {
    const int64_t side = ls_winograd_side(c);
    const int64_t tile =
        side * side * LS_PLANE_CHANNELS * (ls_plane_blocks(c->in) + ls_plane_blocks(c->out));
    const int64_t fit = CACHED / (tile * LS_TILE_ROWS), most = LS_LANES == 16 ? 4 : 10;
    return LS_TILE_ROWS * (fit < 1 ? 1 : smaller(fit, most));
}

struct ls_planes LS_NAME(ls_winograd_take_planes)(const struct ls_conv *c, int64_t channels,
                                                  struct ls_scratch *scratch) {
    const int side = ls_winograd_side(c);
    struct ls_planes planes = {.tiles = LS_NAME(ls_winograd_chunk)(c), .channels = channels};
    /* Not a power of two, so that a tile's elements of all frequencies find room in the cache. */
    planes.stride = (ls_plane_blocks(channels) * planes.tiles + 1) * LS_PLANE_CHANNELS;
    planes.memory = ls_scratch_take(scratch, side * side * planes.stride, sizeof(real));
    return planes;
}

/* The input pixels under a tile: a pointer per row (to zeros where it is off the image), and which
 * columns are inside. */
struct patch {
    const real *row[LS_WINOGRAD_SIDE_MAX];
    int64_t first, end;
};

/* B^T d B for a vector of channels from c on. `whole`: all of tile and vector is there. Rows in
 * two halves, whose intermediate values fit the registers. */
LS_INLINE void read_vector(const int m, const bool whole, const struct patch *p, int64_t channels,
                           int64_t c, real *to, int64_t stride) {
    const int side = m + 2, half = side / 2;
    LS_UNROLL
    for (int upper = 0; upper < side; upper += half) {
        vreal rows[LS_WINOGRAD_SIDE_MAX / 2][LS_WINOGRAD_SIDE_MAX];
        LS_UNROLL
        for (int j = 0; j < side; j++) {
            vreal d[LS_WINOGRAD_SIDE_MAX], t[LS_WINOGRAD_SIDE_MAX];
            LS_UNROLL
            for (int i = 0; i < side; i++) {
                const real *from = p->row[i] + j * channels + c;
                if (whole)
                    d[i] = ls_vload(from);
                else
                    d[i] = j >= p->first && j < p->end ? ls_vload_some(from, channels - c)
                                                       : (vreal){0};
            }
            ls_winograd_input(m, d, t);
            LS_UNROLL
            for (int i = 0; i < half; i++)
                rows[i][j] = t[upper + i];
        }
        LS_UNROLL
        for (int i = 0; i < half; i++) {
            vreal t[LS_WINOGRAD_SIDE_MAX];
            ls_winograd_input(m, rows[i], t);
            LS_UNROLL
            for (int j = 0; j < side; j++)
                ls_vstore(to + ((upper + i) * side + j) * stride, t[j]);
        }
    }
}

LS_INLINE void read_tile(const int m, const struct ls_tiling *t, const real *x, int64_t tile,
                         const real *zeros, const struct ls_planes *to, int64_t at) {
    const struct ls_tile_place place = ls_tile_at(t, tile);
    const int64_t y = place.y - t->top, left = place.x - t->left;
    struct patch p = {.first = left < 0 ? -left : 0, .end = smaller(m + 2, t->width - left)};
    const bool whole = p.first == 0 && p.end == m + 2;
    for (int i = 0; i < m + 2; i++)
        p.row[i] = y + i >= 0 && y + i < t->height
                       ? x + ((place.image * t->height + y + i) * t->width + left) * t->in
                       : zeros;
    for (int64_t c = 0; c < t->in; c += LS_LANES) {
        real *plane = ls_plane_at(to, 0, c) + at * LS_PLANE_CHANNELS;
        if (whole && c + LS_LANES <= t->in)
            read_vector(m, true, &p, t->in, c, plane, to->stride);
        else
            read_vector(m, false, &p, t->in, c, plane, to->stride);
    }
}

void LS_NAME(ls_winograd_read)(const struct ls_tiling *t, const real *x, int64_t first,
                               int64_t count, const real *zeros, const struct ls_planes *to) {
    for (int64_t i = 0; i < count; i++)
        if (t->m == 4)
            read_tile(4, t, x, first + i, zeros, to, i);
        else
            read_tile(2, t, x, first + i, zeros, to, i);
}

/* One frequency's product for some tiles and a tile of columns. */
struct block {
    int64_t depth, tiles; /* input channels; tiles that the planes have room for */
    const real *v, *u;
    real *to[LS_TILE_VECTORS];
};

LS_INLINE void run_block(const int rows, const int vectors, const struct block *b) {
    vreal acc[LS_TILE_ROWS * LS_TILE_VECTORS];
    ls_tile_clear(rows, vectors, acc);
    ls_tile_chain(rows, vectors, LS_PLANE_CHANNELS, false, b->depth, b->v,
                  b->tiles * LS_PLANE_CHANNELS, b->u, acc);
    LS_UNROLL
    for (int i = 0; i < vectors; i++) {
        LS_UNROLL
        for (int r = 0; r < rows; r++)
            ls_vstore(b->to[i] + r * LS_PLANE_CHANNELS, acc[r * vectors + i]);
    }
}

#define LS_TILE_DEFINE(rows, vectors)                                                              \
    static void block_##rows##_##vectors(const struct block *b) {                                  \
        run_block(rows, vectors, b);                                                               \
    }
LS_TILES(LS_TILE_DEFINE, 1)
LS_TILES(LS_TILE_DEFINE, 2)

typedef void block_function(const struct block *b);
#define LS_TILE_ENTRY(rows, vectors) block_##rows##_##vectors,
static block_function *const blocks[LS_TILE_VECTORS][LS_TILE_ROWS] = {
    {LS_TILES(LS_TILE_ENTRY, 1)},
    {LS_TILES(LS_TILE_ENTRY, 2)},
};

/* The rows of y that hold the tiles first .. first+count-1. */
struct lines {
    const real *at;
    int64_t elements;
};

static struct lines lines_of(const struct ls_tiling *t, int64_t first, int64_t count,
                             const real *y) {
    const struct ls_tile_place a = ls_tile_at(t, first), b = ls_tile_at(t, first + count - 1);
    const int64_t begin = a.image * t->out_height + a.y;
    const int64_t end = b.image * t->out_height + smaller(b.y + t->m, t->out_height);
    const int64_t line = t->out_width * t->out;
    return (struct lines){y + begin * line, (end - begin) * line};
}

/* Asks for part `part` of `parts` of them in the second-level cache. */
static void fetch(struct lines lines, int part, int parts) {
    const int64_t line = 64 / sizeof(real), step = (lines.elements + parts - 1) / parts;
    const int64_t end = smaller((part + 1) * step, lines.elements);
    for (int64_t i = part * step; i < end; i += line)
        __builtin_prefetch(lines.at + i, 0, 2);
}

/* to = from times the transformed weights, frequency by frequency, for `count` tiles. Meanwhile
 * memory may bring what is written next: each tile is a few pixels of several rows, an order that
 * no processor foresees. */
static void multiply(const struct ls_tiling *t, int64_t count, const struct ls_planes *from,
                     const real *u, const struct ls_planes *to, struct lines next) {
    const int frequencies = (t->m + 2) * (t->m + 2);
    const struct ls_cut cut = ls_cut(count, LS_TILE_ROWS);
    for (int f = 0; f < frequencies; f++) {
        fetch(next, f, frequencies);
        for (int64_t c = 0; c < t->out; c += LS_TILE_COLUMNS) {
            const int vectors = t->out - c > LS_LANES ? 2 : 1;
            struct block b = {.depth = t->in,
                              .tiles = from->tiles,
                              .u = u + ((f * ls_panels(t->out) + c / LS_PANEL) * t->in) * LS_PANEL +
                                   c % LS_PANEL};
            for (int64_t i = 0, n = 0, rows; i < count; i += rows, n++) {
                rows = ls_cut_rows(cut, n);
                b.v = ls_plane_at(from, f, 0) + i * LS_PLANE_CHANNELS;
                for (int v = 0; v < vectors; v++)
                    b.to[v] = ls_plane_at(to, f, c + v * LS_LANES) + i * LS_PLANE_CHANNELS;
                blocks[vectors - 1][rows - 1](&b);
            }
        }
    }
}

/* A^T m A for a vector of channels, and what belongs to it; `rows` x `columns` pixels are stored.
 * `whole`: all m x m, and a whole vector. */
LS_INLINE void write_vector(const int m, const bool whole, const real *from, int64_t stride,
                            int64_t rows, int64_t columns, struct ls_epilogue e,
                            const struct ls_tiling *t, real *y, int64_t c) {
    const int side = m + 2;
    vreal half[LS_WINOGRAD_OUTPUTS_MAX][LS_WINOGRAD_SIDE_MAX];
    LS_UNROLL
    for (int j = 0; j < side; j++) {
        vreal d[LS_WINOGRAD_SIDE_MAX], out[LS_WINOGRAD_OUTPUTS_MAX];
        LS_UNROLL
        for (int i = 0; i < side; i++)
            d[i] = ls_vload(from + (i * side + j) * stride);
        ls_winograd_output(m, d, out);
        LS_UNROLL
        for (int i = 0; i < m; i++)
            half[i][j] = out[i];
    }
    const vreal bias = e.bias ? ls_vload_some(e.bias + c, t->out - c) : (vreal){0};
    LS_UNROLL
    for (int i = 0; i < m; i++) {
        vreal out[LS_WINOGRAD_OUTPUTS_MAX];
        ls_winograd_output(m, half[i], out);
        LS_UNROLL
        for (int j = 0; j < m; j++) {
            real *to = y + (i * t->out_width + j) * t->out + c;
            if (!whole && (i >= rows || j >= columns))
                continue;
            vreal value = out[j];
            if (e.bias)
                value += bias;
            if (e.relu)
                value = ls_vrelu(value);
            if (e.add)
                value = (whole ? ls_vload(to) : ls_vload_some(to, t->out - c)) + value;
            if (whole)
                ls_vstore(to, value);
            else
                ls_vstore_some(to, t->out - c, value);
        }
    }
}

LS_INLINE void write_tile(const int m, const struct ls_tiling *t, const struct ls_planes *from,
                          int64_t at, int64_t tile, struct ls_epilogue e, real *y) {
    const struct ls_tile_place place = ls_tile_at(t, tile);
    const int64_t rows = t->out_height - place.y, columns = t->out_width - place.x;
    const bool whole = rows >= m && columns >= m;
    y += ((place.image * t->out_height + place.y) * t->out_width + place.x) * t->out;
    for (int64_t c = 0; c < t->out; c += LS_LANES) {
        const real *plane = ls_plane_at(from, 0, c) + at * LS_PLANE_CHANNELS;
        if (whole && c + LS_LANES <= t->out)
            write_vector(m, true, plane, from->stride, rows, columns, e, t, y, c);
        else
            write_vector(m, false, plane, from->stride, rows, columns, e, t, y, c);
    }
}

struct job {
    struct ls_planes in, out;
    real *zeros;
};

static struct job take_job(const struct ls_conv *c, const struct ls_tiling *t,
                           struct ls_scratch *scratch) {
    return (struct job){.in = LS_NAME(ls_winograd_take_planes)(c, t->in, scratch),
                        .out = LS_NAME(ls_winograd_take_planes)(c, t->out, scratch),
                        .zeros =
                            ls_scratch_take(scratch, LS_WINOGRAD_SIDE_MAX * t->in, sizeof(real))};
}

static void sweep(const struct ls_conv *c, const struct ls_tiling *t, const real *x, const real *u,
                  struct ls_epilogue e, real *y, void *scratch) {
    const struct job job = take_job(c, t, &(struct ls_scratch){.memory = scratch});
    const int64_t tiles = ls_tiling_count(t);
    memset(job.zeros, 0, (size_t)(LS_WINOGRAD_SIDE_MAX * t->in) * sizeof(real));
    for (int64_t first = 0; first < tiles; first += job.in.tiles) {
        const int64_t count = smaller(job.in.tiles, tiles - first);
        LS_NAME(ls_winograd_read)(t, x, first, count, job.zeros, &job.in);
        multiply(t, count, &job.in, u, &job.out, lines_of(t, first, count, y));
        for (int64_t i = 0; i < count; i++)
            if (t->m == 4)
                write_tile(4, t, &job.out, i, first + i, e, y);
            else
                write_tile(2, t, &job.out, i, first + i, e, y);
    }
}

void LS_NAME(ls_winograd_forward)(const struct ls_conv *c, const real *x, const real *u,
                                  struct ls_epilogue e, real *y, void *scratch) {
    const struct ls_tiling t = LS_NAME(ls_winograd_tiling)(c, false);
    sweep(c, &t, x, u, e, y, scratch);
}

void LS_NAME(ls_winograd_input_gradient)(const struct ls_conv *c, const real *dy, const real *u,
                                         struct ls_epilogue e, real *dx, void *scratch) {
    const struct ls_tiling t = LS_NAME(ls_winograd_tiling)(c, true);
    sweep(c, &t, dy, u, e, dx, scratch);
}
