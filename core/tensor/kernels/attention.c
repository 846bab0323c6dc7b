/* Queries go in panels of 32, which are the vectors of all products with them: scores and
 * weights lie as [keys][32], where softmax needs no sum across a vector, where the products for y
 * and dq find their rows, and the products for dk and dv their chains, without turning anything. */
#include "core/tensor/kernels/attention.h"

#include "core/tensor/kernels/pack.h"
#include "core/tensor/kernels/packed_product.h"
#include "core/tensor/kernels/scratch.h"
#include "core/tensor/kernels/softmax_columns.h"

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Elements of a panel [keys_max][32]. */
static int64_t panel_elements(const struct ls_attention *a) {
    return a->keys_max * LS_PANEL;
}

/* What forward leaves for backward. */
struct saved {
    struct ls_softmax_columns_sums *sums; /* per panel of queries */
    real *p;                              /* per panel [keys_max][32], if it is kept */
};

static struct saved take_saved(const struct ls_attention *a, struct ls_scratch *scratch) {
    const int64_t panels = ls_panels(a->queries);
    return (struct saved){
        .sums = ls_scratch_take(scratch, panels, sizeof(struct ls_softmax_columns_sums)),
        .p = ls_scratch_take(scratch, a->keeps ? panels * panel_elements(a) : 0, sizeof(real)),
    };
}

/* Matrices of one head, packed. */
struct room {
    const real *k, *v; /* in blocks */
    real *q, *dy;      /* in blocks, for backward */
    real *turned;      /* a panel of q or dy, [width][32] */
    real *product;     /* s or dp of a panel of queries, [keys][32] */
    real *factors;     /* of dropout, as product; and as they are drawn */
    real *drawn;
    real *weights; /* f p, per panel of queries as product; forward: of one */
    real *ds;      /* per panel of queries, as product */
};

/* From one query's factors, as they are drawn, to the next's: they may start and end with factors
 * of no use. */
static int64_t drawn_step(const struct ls_attention *a) {
    return a->keys_max + 34;
}

static struct room take_room(const struct ls_attention *a, bool backward,
                             struct ls_scratch *scratch) {
    const int64_t blocks = ls_panels(a->width) * LS_PANEL, panels = ls_panels(a->queries);
    const int64_t packed = a->packed ? 0 : blocks * a->keys_max;
    const int64_t panel = panel_elements(a), dropped = a->drop.threshold ? panel : 0;
    const int64_t weights = a->keeps && !dropped ? 0 : panel;
    real *k = ls_scratch_take(scratch, packed, sizeof(real));
    real *v = ls_scratch_take(scratch, packed, sizeof(real));
    if (scratch->memory && !a->packed) {
        ls_pack_blocks(a->keys, a->width, a->k, a->kv_step, k, panel);
        ls_pack_blocks(a->keys, a->width, a->v, a->kv_step, v, panel);
    }
    return (struct room){
        .k = a->packed ? a->k : k,
        .v = a->packed ? a->v : v,
        .q = ls_scratch_take(scratch, backward ? blocks * a->queries : 0, sizeof(real)),
        .dy = ls_scratch_take(scratch, backward ? blocks * a->queries : 0, sizeof(real)),
        .turned = ls_scratch_take(scratch, a->width * LS_PANEL, sizeof(real)),
        .product = ls_scratch_take(scratch, panel, sizeof(real)),
        .factors = ls_scratch_take(scratch, dropped, sizeof(real)),
        .drawn = ls_scratch_take(scratch, dropped ? LS_PANEL * drawn_step(a) : 0, sizeof(real)),
        .weights = ls_scratch_take(scratch, backward ? panels * weights : weights, sizeof(real)),
        .ds = ls_scratch_take(scratch, backward ? panels * panel : 0, sizeof(real)),
    };
}

static int64_t kv_next(const struct ls_attention *a) {
    return a->packed ? a->kv_step : panel_elements(a);
}

/* Queries first .. first+count-1, and the keys that any of them sees. */
struct panel {
    int64_t first, count;
    struct ls_softmax_columns columns;
};

static struct panel panel_at(const struct ls_attention *a, int64_t first) {
    const int64_t count = smaller(LS_PANEL, a->queries - first);
    const int64_t keys = a->causal ? smaller(a->keys, first + count) : a->keys;
    const int64_t hidden = a->causal ? smaller(first + 1, keys) : keys;
    return (struct panel){first, count, {keys, hidden, count <= LS_PANEL / 2}};
}

/* room->product[j][i] = scale * chain over d of (q or dy)[i][d] (k or v)[j][d] */
static void multiply(const struct ls_attention *a, const struct panel *p, const real *by_query,
                     int64_t step, const real *by_key, real scale, const struct room *room) {
    ls_turn_rows(p->count, a->width, by_query + p->first * step, step, room->turned);
    LS_NAME(ls_packed_product)
    (&(struct ls_packed_product){.rows = p->columns.keys,
                                 .columns = p->columns.half ? LS_PANEL / 2 : LS_PANEL,
                                 .length = a->width,
                                 .x = by_key,
                                 .x_next = kv_next(a),
                                 .w = room->turned,
                                 .scale = scale,
                                 .y = room->product,
                                 .y_step = LS_PANEL});
}

/* y or dq [i][d] = scale * chain over j of panel[j][i] (v or k)[j][d] */
static void gather(const struct ls_attention *a, const struct panel *p, const real *panel,
                   const real *by_key, real scale, bool add, real *y, int64_t step) {
    LS_NAME(ls_packed_product)
    (&(struct ls_packed_product){.rows = p->count,
                                 .columns = a->width,
                                 .length = p->columns.keys,
                                 .x = panel,
                                 .turned = true,
                                 .w = by_key,
                                 .w_next = kv_next(a),
                                 .scale = scale,
                                 .add = add,
                                 .y = y + p->first * step,
                                 .y_step = step});
}

static real scale_of(const struct ls_attention *a) {
    return (real)(1 / __builtin_sqrt((double)a->width));
}

/* room->factors for the keys that the panel's queries see. */
static void draw(const struct ls_attention *a, const struct panel *p, const struct room *room) {
    for (int64_t i = 0; i < p->count; i++) {
        const int64_t first = a->position + (p->first + i) * a->keys_max, odd = first & 1;
        real *to = room->drawn + i * drawn_step(a) + 1 - odd;
        for (int64_t j = 0; j < p->columns.keys + odd; j += LS_DROP_MAX)
            ls_drop_draw(a->drop, a->key, first - odd + j,
                         smaller(LS_DROP_MAX, p->columns.keys + odd - j), to + j);
    }
    ls_turn_rows(p->count, p->columns.keys, room->drawn + 1, drawn_step(a), room->factors);
}

/* to = from * factors, over the keys of a panel; the two may be the same. */
static void apply(const struct panel *p, const real *factors, const real *from, real *to) {
#pragma GCC ivdep
    for (int64_t i = 0; i < p->columns.keys * LS_PANEL; i++)
        to[i] = from[i] * factors[i];
}

void LS_NAME(ls_attention_forward)(const struct ls_attention *a, real *y, int64_t y_step) {
    const struct room room = take_room(a, false, &(struct ls_scratch){.memory = a->scratch});
    const struct saved saved = take_saved(a, &(struct ls_scratch){.memory = a->saved});
    for (int64_t first = 0, n = 0; first < a->queries; first += LS_PANEL, n++) {
        const struct panel p = panel_at(a, first);
        real *weights = a->keeps ? saved.p + n * panel_elements(a) : room.weights;
        if (p.columns.keys > 0) {
            multiply(a, &p, a->q, a->q_step, room.k, scale_of(a), &room);
            LS_NAME(ls_softmax_columns)(&p.columns, room.product, weights, &saved.sums[n]);
        }
        if (a->drop.threshold) {
            draw(a, &p, &room);
            apply(&p, room.factors, weights, room.weights);
            weights = room.weights;
        }
        gather(a, &p, weights, room.v, 1, false, y, y_step);
    }
}

/* dq of a panel of queries; leaves its weights and ds in room. */
static void backward_panel(const struct ls_attention *a, const struct ls_attention_gradients *g,
                           int64_t first, const struct room *room) {
    const struct saved saved = take_saved(a, &(struct ls_scratch){.memory = a->saved});
    const struct panel p = panel_at(a, first);
    const int64_t n = first / LS_PANEL, at = n * panel_elements(a);
    real *weights = a->keeps ? saved.p + at : room->weights + at;
    if (p.columns.keys > 0 && !a->keeps) {
        multiply(a, &p, a->q, a->q_step, room->k, scale_of(a), room);
        LS_NAME(ls_softmax_columns_again)(&p.columns, room->product, weights, &saved.sums[n]);
    }
    multiply(a, &p, g->dy, g->dy_step, room->v, 1, room);
    if (a->drop.threshold) {
        draw(a, &p, room);
        apply(&p, room->factors, room->product, room->product);
    }
    if (p.columns.keys > 0)
        LS_NAME(ls_softmax_columns_gradient)
    (&p.columns, weights, room->product, room->ds + at);
    if (a->drop.threshold)
        apply(&p, room->factors, weights, room->weights + at);
    if (g->dq)
        gather(a, &p, room->ds + at, room->k, scale_of(a), g->add_q, g->dq, g->dq_step);
}

/* dv or dk of keys first .. first+count-1: scale * chain over i of panels[j][i] (dy or q)[i][d];
 * causal keys are seen by the queries from their own panel on. */
static void spread(const struct ls_attention *a, int64_t first, int64_t count, const real *panels,
                   const real *by_query, real scale, bool add, real *y, int64_t step) {
    const int64_t from = a->causal ? first / LS_PANEL : 0, queries = a->queries - from * LS_PANEL;
    LS_NAME(ls_packed_product)
    (&(struct ls_packed_product){.rows = count,
                                 .columns = a->width,
                                 .length = queries,
                                 .x = panels + from * panel_elements(a) + first * LS_PANEL,
                                 .x_next = panel_elements(a),
                                 .w = by_query + from * LS_PANEL * LS_PANEL,
                                 .w_next = a->queries * LS_PANEL,
                                 .scale = scale,
                                 .add = add,
                                 .y = y + first * step,
                                 .y_step = step});
}

void LS_NAME(ls_attention_backward)(const struct ls_attention *a,
                                    const struct ls_attention_gradients *g) {
    const struct room room = take_room(a, true, &(struct ls_scratch){.memory = a->scratch});
    const struct saved saved = take_saved(a, &(struct ls_scratch){.memory = a->saved});
    const real *weights = a->keeps && !a->drop.threshold ? saved.p : room.weights;
    const int64_t group = a->causal ? LS_PANEL : a->keys;
    for (int64_t first = 0; first < a->queries; first += LS_PANEL)
        backward_panel(a, g, first, &room);
    if (!g->dk)
        return;
    ls_pack_blocks(a->queries, a->width, a->q, a->q_step, room.q, a->queries * LS_PANEL);
    ls_pack_blocks(a->queries, a->width, g->dy, g->dy_step, room.dy, a->queries * LS_PANEL);
    for (int64_t first = 0; first < a->keys; first += group) {
        const int64_t count = smaller(group, a->keys - first);
        spread(a, first, count, weights, room.dy, 1, g->add_kv, g->dv, g->dkv_step);
        spread(a, first, count, room.ds, room.q, scale_of(a), g->add_kv, g->dk, g->dkv_step);
    }
}

size_t LS_NAME(ls_attention_scratch_bytes)(const struct ls_attention *a) {
    struct ls_scratch forward = {0}, backward = {0};
    take_room(a, false, &forward);
    take_room(a, true, &backward);
    return forward.used > backward.used ? forward.used : backward.used;
}

size_t LS_NAME(ls_attention_saved_bytes)(const struct ls_attention *a) {
    struct ls_scratch saved = {0};
    take_saved(a, &saved);
    return saved.used;
}
