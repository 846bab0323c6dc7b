/* Attention from its definition: rows of queries, and of each query only the keys that it sees. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/tensor/kernels/plain.h"
#include "core/tensor/math.h"

static int64_t keys_seen(const struct ls_attention *a, int64_t i) {
    return a->causal && i + 1 < a->keys ? i + 1 : a->keys;
}

/* Sum of x[j], or with y of x[j] y[j]: blocks of 64, in a block 16 lanes along the fixed tree. */
static real sum_over_keys(int64_t keys, const real *x, const real *y) {
    real sum = 0;
    for (int64_t first = 0; first < keys; first += 64) {
        real lanes[16] = {0};
        for (int64_t j = first; j < keys && j < first + 64; j++)
            lanes[j % 16] = y ? ls_fma(x[j], y[j], lanes[j % 16]) : lanes[j % 16] + x[j];
        LS_NAME(ls_plain_tree_sum)(16, 1, lanes);
        sum += lanes[0];
    }
    return sum + (real)0;
}

static real factor(const struct ls_attention *a, int64_t i, int64_t j) {
    if (!a->drop.threshold)
        return 1;
    const int64_t at = a->position + i * a->keys_max + j;
    const struct ls_random_pair pair = ls_random_block(a->key, (uint32_t)(at / 2), 0);
    return pair.word[at % 2] >> 8 >= a->drop.threshold ? a->drop.scale : 0;
}

/* scale * sum over k of x[k * x_step] y[k * y_step] */
static real product(int64_t count, const real *x, int64_t x_step, const real *y, int64_t y_step,
                    real scale) {
    struct ls_plain_sum sum = {0};
    for (int64_t k = 0; k < count; k++)
        ls_plain_add(&sum, k, x[k * x_step], y[k * y_step]);
    return ls_plain_result(&sum) * scale;
}

static real scale_of(const struct ls_attention *a) {
    return (real)(1 / __builtin_sqrt((double)a->width));
}

static const real *query_of(const struct ls_attention *a, int64_t i) {
    return a->q + i * a->q_step;
}

/* p[0 .. keys seen - 1] of query i. */
static void probabilities(const struct ls_attention *a, int64_t i, real *p) {
    const int64_t keys = keys_seen(a, i);
    real largest = -(real)INFINITY;
    for (int64_t j = 0; j < keys; j++) {
        p[j] = product(a->width, query_of(a, i), 1, a->k + j * a->kv_step, 1, scale_of(a));
        largest = p[j] > largest ? p[j] : largest;
    }
    for (int64_t j = 0; j < keys; j++)
        p[j] = ls_math_exp(p[j] - largest);
    const real sum = sum_over_keys(keys, p, NULL);
    for (int64_t j = 0; j < keys; j++)
        p[j] /= sum;
}

void LS_NAME(ls_plain_attention_forward)(const struct ls_attention *a, real *y, int64_t y_step) {
    real *p = ls_calloc((size_t)a->keys + 1, sizeof(real));
    for (int64_t i = 0; i < a->queries; i++) {
        probabilities(a, i, p);
        for (int64_t j = 0; j < keys_seen(a, i); j++)
            p[j] *= factor(a, i, j);
        for (int64_t d = 0; d < a->width; d++)
            y[i * y_step + d] = product(keys_seen(a, i), p, 1, a->v + d, a->kv_step, 1);
    }
    free(p);
}

/* Row i of the weights and of ds; p is room for a row. */
static void backward_query(const struct ls_attention *a, const struct ls_attention_gradients *g,
                           int64_t i, real *p, real *weights, real *ds) {
    const int64_t keys = keys_seen(a, i);
    probabilities(a, i, p);
    for (int64_t j = 0; j < keys; j++) {
        ds[j] = product(a->width, g->dy + i * g->dy_step, 1, a->v + j * a->kv_step, 1, 1) *
                factor(a, i, j);
        weights[j] = p[j] * factor(a, i, j);
    }
    const real mean = sum_over_keys(keys, p, ds);
    for (int64_t j = 0; j < keys; j++)
        ds[j] = p[j] * (ds[j] - mean);
}

static void put(real *to, bool add, real value) {
    *to = add ? *to + value : value;
}

void LS_NAME(ls_plain_attention_backward)(const struct ls_attention *a,
                                          const struct ls_attention_gradients *g) {
    const size_t count = (size_t)(a->queries * a->keys) + 1;
    real *weights = ls_calloc(count, sizeof(real)), *ds = ls_calloc(count, sizeof(real));
    real *p = ls_calloc((size_t)a->keys + 1, sizeof(real));
    for (int64_t i = 0; i < a->queries; i++)
        backward_query(a, g, i, p, weights + i * a->keys, ds + i * a->keys);
    for (int64_t d = 0; d < a->width; d++) {
        for (int64_t i = 0; g->dq && i < a->queries; i++)
            put(g->dq + i * g->dq_step + d, g->add_q,
                product(keys_seen(a, i), ds + i * a->keys, 1, a->k + d, a->kv_step, scale_of(a)));
        for (int64_t j = 0; g->dk && j < a->keys; j++) {
            /* The sums begin where a panel of queries begins that sees the key. */
            const int64_t from = a->causal ? j - j % LS_PANEL : 0, seen_by = a->queries - from;
            put(g->dv + j * g->dkv_step + d, g->add_kv,
                product(seen_by, weights + from * a->keys + j, a->keys, g->dy + from * g->dy_step + d,
                      g->dy_step, 1));
            put(g->dk + j * g->dkv_step + d, g->add_kv,
                product(seen_by, ds + from * a->keys + j, a->keys, query_of(a, from) + d, a->q_step,
                      scale_of(a)));
        }
    }
    free(weights);
    free(ds);
    free(p);
}
