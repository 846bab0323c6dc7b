/* The weights' side of the Winograd convolution: their transform, and their gradient. */
#include "core/tensor/kernels/winograd_parts.h"

/* A register tile of the gradient's sums: input channels x vectors of output channels. Fewer rows
 * than a product's tile has, so that they divide a block of 16. */
enum { ROWS = LS_LANES == 16 ? 8 : 4 };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t length_of(const struct ls_conv *c, bool turned) {
    return turned ? c->out : c->in;
}

static int64_t columns_of(const struct ls_conv *c, bool turned) {
    return turned ? c->in : c->out;
}

int64_t LS_NAME(ls_winograd_weight_elements)(const struct ls_conv *c, bool turned) {
    const int64_t side = ls_winograd_side(c);
    return side * side * ls_panel_elements(length_of(c, turned), columns_of(c, turned));
}

/* G g G^T for a vector of columns; the 9 weights are `step` apart. */
LS_INLINE void transform_vector(const int m, const real *w, int64_t step, real *to,
                                int64_t stride) {
    const int side = m + 2;
    vreal rows[LS_WINOGRAD_SIDE_MAX][3];
    LS_UNROLL
    for (int j = 0; j < 3; j++) {
        vreal g[3], t[LS_WINOGRAD_SIDE_MAX];
        LS_UNROLL
        for (int i = 0; i < 3; i++)
            g[i] = ls_vload(w + (i * 3 + j) * step);
        ls_winograd_weight(m, g, t);
        LS_UNROLL
        for (int i = 0; i < side; i++)
            rows[i][j] = t[i];
    }
    LS_UNROLL
    for (int i = 0; i < side; i++) {
        vreal t[LS_WINOGRAD_SIDE_MAX];
        ls_winograd_weight(m, rows[i], t);
        LS_UNROLL
        for (int j = 0; j < side; j++)
            ls_vstore(to + (i * side + j) * stride, t[j]);
    }
}

void LS_NAME(ls_winograd_transform_weights)(const struct ls_conv *c, bool turned, const real *w,
                                            real *to) {
    const int64_t length = length_of(c, turned), columns = columns_of(c, turned);
    const int64_t step = length * LS_PANEL, stride = ls_panel_elements(length, columns);
    for (int64_t panel = 0; panel < ls_panels(columns); panel++, w += 9 * step, to += step)
        for (int64_t i = 0; i < step; i += LS_LANES)
            if (c->winograd == LS_WINOGRAD_F4)
                transform_vector(4, w + i, step, to + i, stride);
            else
                transform_vector(2, w + i, step, to + i, stride);
}

/* A dY A^T for a vector of channels; rows x columns pixels are there. */
LS_INLINE void read_vector(const int m, const bool whole, const real *from, int64_t line,
                           int64_t channels, int64_t some, int64_t rows, int64_t columns, real *to,
                           int64_t stride) {
    const int side = m + 2, half = side / 2;
    LS_UNROLL
    for (int upper = 0; upper < side; upper += half) {
        vreal kept[LS_WINOGRAD_SIDE_MAX / 2][LS_WINOGRAD_OUTPUTS_MAX];
        LS_UNROLL
        for (int j = 0; j < m; j++) {
            vreal d[LS_WINOGRAD_OUTPUTS_MAX], t[LS_WINOGRAD_SIDE_MAX];
            LS_UNROLL
            for (int i = 0; i < m; i++) {
                const real *at = from + i * line + j * channels;
                if (whole)
                    d[i] = ls_vload(at);
                else
                    d[i] = i < rows && j < columns ? ls_vload_some(at, some) : (vreal){0};
            }
            ls_winograd_gradient(m, d, t);
            LS_UNROLL
            for (int i = 0; i < half; i++)
                kept[i][j] = t[upper + i];
        }
        LS_UNROLL
        for (int i = 0; i < half; i++) {
            vreal t[LS_WINOGRAD_SIDE_MAX];
            ls_winograd_gradient(m, kept[i], t);
            LS_UNROLL
            for (int j = 0; j < side; j++)
                ls_vstore(to + ((upper + i) * side + j) * stride, t[j]);
        }
    }
}

LS_INLINE void read_tile(const int m, const struct ls_tiling *t, const real *dy, int64_t tile,
                         const struct ls_planes *to, int64_t at) {
    const struct ls_tile_place place = ls_tile_at(t, tile);
    const int64_t rows = t->out_height - place.y, columns = t->out_width - place.x;
    const bool whole = rows >= m && columns >= m;
    const int64_t line = t->out_width * t->out;
    const real *from = dy + (place.image * t->out_height + place.y) * line + place.x * t->out;
    for (int64_t c = 0; c < t->out; c += LS_LANES) {
        real *plane = ls_plane_at(to, 0, c) + at * LS_PLANE_CHANNELS;
        if (whole && c + LS_LANES <= t->out)
            read_vector(m, true, from + c, line, t->out, LS_LANES, rows, columns, plane,
                        to->stride);
        else
            read_vector(m, false, from + c, line, t->out, t->out - c, rows, columns, plane,
                        to->stride);
    }
}

/* sums[i][c] += over tiles of x[tile][i] * g[tile][c] for a register tile. */
LS_INLINE void add_products(const int rows, const int vectors, int64_t tiles, const real *x,
                            const real *const *gradients, real *sums) {
    vreal acc[2 * ROWS];
    const real *g[LS_TILE_VECTORS];
    LS_UNROLL
    for (int v = 0; v < vectors; v++) {
        g[v] = gradients[v];
        LS_UNROLL
        for (int r = 0; r < rows; r++)
            acc[r * vectors + v] = ls_vload(sums + r * LS_PANEL + v * LS_LANES);
    }
    for (int64_t i = 0; i < tiles * LS_PLANE_CHANNELS; i += LS_PLANE_CHANNELS) {
        vreal b[LS_TILE_VECTORS];
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            b[v] = ls_vload(g[v] + i);
        LS_UNROLL
        for (int r = 0; r < rows; r++) {
            const vreal a = ls_vset(x[i + r]);
            LS_UNROLL
            for (int v = 0; v < vectors; v++)
                acc[r * vectors + v] = ls_vfma(a, b[v], acc[r * vectors + v]);
        }
    }
    LS_UNROLL
    for (int r = 0; r < rows; r++) {
        LS_UNROLL
        for (int v = 0; v < vectors; v++)
            ls_vstore(sums + r * LS_PANEL + v * LS_LANES, acc[r * vectors + v]);
    }
}

/* The sums: per frequency [panels of out][rows][32], rows a multiple of 16; not a power of two
 * apart. */
static int64_t sum_rows(const struct ls_conv *c) {
    return ls_plane_blocks(c->in) * LS_PLANE_CHANNELS;
}

static int64_t sum_stride(const struct ls_conv *c) {
    return ls_panel_elements(sum_rows(c), c->out) + LS_PLANE_CHANNELS;
}

int64_t LS_NAME(ls_winograd_sum_elements)(const struct ls_conv *c) {
    return ls_winograd_side(c) * ls_winograd_side(c) * sum_stride(c);
}

struct job {
    struct ls_planes x, dy;
    real *zeros;
};

static struct job take_job(const struct ls_conv *c, struct ls_scratch *scratch) {
    return (struct job){.x = LS_NAME(ls_winograd_take_planes)(c, c->in, scratch),
                        .dy = LS_NAME(ls_winograd_take_planes)(c, c->out, scratch),
                        .zeros =
                            ls_scratch_take(scratch, LS_WINOGRAD_SIDE_MAX * c->in, sizeof(real))};
}

/* All sums of one frequency, for `count` tiles. */
static void add_frequency(const struct ls_conv *conv, const struct job *job, int f, int64_t count,
                          real *sums) {
    const int64_t in = sum_rows(conv);
    for (int64_t c = 0; c < conv->out; c += LS_TILE_COLUMNS) {
        const bool wide = conv->out - c > LS_LANES;
        const real *const g[] = {ls_plane_at(&job->dy, f, c),
                                 ls_plane_at(&job->dy, f, c + (wide ? LS_LANES : 0))};
        real *to = sums + f * sum_stride(conv) + c / LS_PANEL * in * LS_PANEL + c % LS_PANEL;
        const int rows = wide ? ROWS : 2 * ROWS;
        for (int64_t i = 0; i < in; i += rows)
            if (wide)
                add_products(ROWS, 2, count, ls_plane_at(&job->x, f, i), g, to + i * LS_PANEL);
            else
                add_products(2 * ROWS, 1, count, ls_plane_at(&job->x, f, i), g, to + i * LS_PANEL);
    }
}

/* G^T sums G of a vector of columns. */
LS_INLINE void write_vector(const int m, const real *sums, int64_t stride, real *to, int64_t step) {
    const int side = m + 2;
    vreal rows[3][LS_WINOGRAD_SIDE_MAX];
    LS_UNROLL
    for (int j = 0; j < side; j++) {
        vreal t[LS_WINOGRAD_SIDE_MAX], g[3];
        LS_UNROLL
        for (int i = 0; i < side; i++)
            t[i] = ls_vload(sums + (i * side + j) * stride);
        ls_winograd_weight_back(m, t, g);
        LS_UNROLL
        for (int i = 0; i < 3; i++)
            rows[i][j] = g[i];
    }
    LS_UNROLL
    for (int i = 0; i < 3; i++) {
        vreal g[3];
        ls_winograd_weight_back(m, rows[i], g);
        LS_UNROLL
        for (int j = 0; j < 3; j++)
            ls_vstore(to + (i * 3 + j) * step, g[j] + (vreal){0});
    }
}

void LS_NAME(ls_winograd_sum_back)(const struct ls_conv *c, const real *sums, real *dw) {
    const int64_t step = c->in * LS_PANEL, panel = sum_rows(c) * LS_PANEL;
    for (int64_t p = 0; p < ls_panels(c->out); p++, dw += 9 * step, sums += panel)
        for (int64_t i = 0; i < step; i += LS_LANES)
            if (c->winograd == LS_WINOGRAD_F4)
                write_vector(4, sums + i, sum_stride(c), dw + i, step);
            else
                write_vector(2, sums + i, sum_stride(c), dw + i, step);
}

int64_t LS_NAME(ls_winograd_tiles)(const struct ls_conv *c) {
    const struct ls_tiling t = LS_NAME(ls_winograd_tiling)(c, false);
    return t.rows * t.columns;
}

void LS_NAME(ls_winograd_sum)(const struct ls_conv *c, bool fresh, struct ls_conv_stretch tiles,
                              const real *x, const real *dy, real *sums, void *scratch) {
    const struct job job = take_job(c, &(struct ls_scratch){.memory = scratch});
    const struct ls_tiling t = LS_NAME(ls_winograd_tiling)(c, false);
    const int64_t end = tiles.first + tiles.count;
    memset(job.zeros, 0, (size_t)(LS_WINOGRAD_SIDE_MAX * c->in) * sizeof(real));
    if (fresh)
        memset(sums, 0, (size_t)LS_NAME(ls_winograd_sum_elements)(c) * sizeof(real));
    for (int64_t first = tiles.first; first < end; first += job.x.tiles) {
        const int64_t count = smaller(job.x.tiles, end - first);
        LS_NAME(ls_winograd_read)(&t, x, first, count, job.zeros, &job.x);
        for (int64_t i = 0; i < count; i++)
            if (t.m == 4)
                read_tile(4, &t, dy, first + i, &job.dy, i);
            else
                read_tile(2, &t, dy, first + i, &job.dy, i);
        for (int f = 0; f < (t.m + 2) * (t.m + 2); f++)
            add_frequency(c, &job, f, count, sums);
    }
}

/* Zeros as the input gradient needs them, too. */
size_t LS_NAME(ls_winograd_scratch_bytes)(const struct ls_conv *c) {
    struct ls_scratch scratch = {0};
    take_job(c, &scratch);
    ls_scratch_take(&scratch, LS_WINOGRAD_SIDE_MAX * c->out, sizeof(real));
    return scratch.used;
}
