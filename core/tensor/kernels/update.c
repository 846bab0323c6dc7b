/* Plain loops that the compiler turns into the variant's vectors. There is no build for double: the
 * reference is in the test. */
#include "core/tensor/kernels/update.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/tensor/variant.h"

#if LS_REAL_IS_FLOAT

/* The factors and arrays as locals: the compiler need not fear that a store changes them. */
#define LS_UPDATE_LOCALS                                                                           \
    const struct ls_update_factors f = *factors;                                                   \
    const int64_t count = range->count;                                                            \
    float *const restrict p = range->parameters;                                                   \
    const float *const restrict sums = range->sums;                                                \
    float *const restrict a = range->state[0];                                                     \
    float *const restrict b = range->state[1];                                                     \
    float *const restrict c = range->state[2];                                                     \
    (void)sums, (void)a, (void)b, (void)c

/* NaN stays NaN. */
LS_INLINE float gradient(const struct ls_update_factors *f, float sum, float parameter) {
    float g = sum * f->scale;
    g = g > f->clip_value ? f->clip_value : g;
    g = g < -f->clip_value ? -f->clip_value : g;
    return g * f->clip_factor + f->decay * parameter;
}

static void update_sgd(const struct ls_update_factors *factors,
                       const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++)
        p[i] -= f.rate * gradient(&f, sums[i], p[i]);
}

static void update_momentum(const struct ls_update_factors *factors,
                            const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        a[i] = f.momentum * a[i] + gradient(&f, sums[i], p[i]);
        p[i] -= f.rate * a[i];
    }
}

static void update_nesterov(const struct ls_update_factors *factors,
                            const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        const float g = gradient(&f, sums[i], p[i]);
        a[i] = f.momentum * a[i] + g;
        p[i] -= f.rate * (f.momentum * a[i] + g);
    }
}

/* a - b^2 is a variance: below zero it is rounding. */
LS_INLINE void update_rmsprop(const struct ls_update_factors *factors,
                              const struct ls_update_range *range, bool centred, bool momentum) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        const float g = gradient(&f, sums[i], p[i]);
        float square = f.keep2 * a[i] + f.take2 * (g * g);
        a[i] = square;
        if (centred) {
            b[i] = f.keep2 * b[i] + f.take2 * g;
            square -= b[i] * b[i];
            square = square < 0.0f ? 0.0f : square;
        }
        float step = g / (sqrtf(square) + f.epsilon);
        if (momentum)
            step = c[i] = f.momentum * c[i] + step;
        p[i] -= f.rate * step;
    }
}

static void update_adagrad(const struct ls_update_factors *factors,
                           const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        const float g = gradient(&f, sums[i], p[i]);
        a[i] += g * g;
        p[i] -= f.rate * g / (sqrtf(a[i]) + f.epsilon);
    }
}

static void update_adam(const struct ls_update_factors *factors,
                        const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        const float g = gradient(&f, sums[i], p[i]);
        a[i] = f.keep1 * a[i] + f.take1 * g;
        b[i] = f.keep2 * b[i] + f.take2 * (g * g);
        p[i] = p[i] * f.shrink - f.rate * a[i] / (sqrtf(b[i]) * f.root + f.epsilon);
    }
}

static void update_lars(const struct ls_update_factors *factors,
                        const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        a[i] = f.momentum * a[i] + f.rate * gradient(&f, sums[i], p[i]);
        p[i] -= a[i];
    }
}

LS_INLINE float direction(const struct ls_update_factors *f, float a, float b, float parameter) {
    return f->first * a / (sqrtf(b) * f->root + f->epsilon) + f->pull * parameter;
}

static void make_direction(const struct ls_update_factors *factors,
                           const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++) {
        const float g = gradient(&f, sums[i], p[i]);
        a[i] = f.keep1 * a[i] + f.take1 * g;
        b[i] = f.keep2 * b[i] + f.take2 * (g * g);
        c[i] = direction(&f, a[i], b[i], p[i]);
    }
}

static void update_lamb(const struct ls_update_factors *factors,
                        const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++)
        p[i] -= f.rate * direction(&f, a[i], b[i], p[i]);
}

static void make_gradient(const struct ls_update_factors *factors,
                          const struct ls_update_range *range) {
    LS_UPDATE_LOCALS;
    for (int64_t i = 0; i < count; i++)
        c[i] = gradient(&f, sums[i], p[i]);
}

static void update(enum ls_update_rule rule, const struct ls_update_factors *factors,
                   const struct ls_update_range *range) {
    const bool centred = range->state[1] != NULL, momentum = range->state[2] != NULL;
    switch (rule) {
    case LS_UPDATE_SGD:
        update_sgd(factors, range);
        return;
    case LS_UPDATE_MOMENTUM:
        update_momentum(factors, range);
        return;
    case LS_UPDATE_NESTEROV:
        update_nesterov(factors, range);
        return;
    case LS_UPDATE_RMSPROP:
        if (centred && momentum)
            update_rmsprop(factors, range, true, true);
        else if (centred)
            update_rmsprop(factors, range, true, false);
        else
            update_rmsprop(factors, range, false, momentum);
        return;
    case LS_UPDATE_ADAGRAD:
        update_adagrad(factors, range);
        return;
    case LS_UPDATE_ADAM:
        update_adam(factors, range);
        return;
    case LS_UPDATE_LARS:
        update_lars(factors, range);
        return;
    case LS_UPDATE_DIRECTION:
        make_direction(factors, range);
        return;
    case LS_UPDATE_LAMB:
        update_lamb(factors, range);
        return;
    case LS_UPDATE_GRADIENT:
        make_gradient(factors, range);
        return;
    }
}

enum { BLOCK = 1024 }; /* elements: with gradients and state they stay in the first-level cache */

static void store_past_caches(float *to, const float *from, int64_t count) {
    int64_t i = 0;
    for (; i + LS_LANES <= count; i += LS_LANES)
        ls_vstream(to + i, ls_vload(from + i));
    for (; i < count; i++)
        to[i] = from[i];
}

static void update_past_caches(enum ls_update_rule rule, const struct ls_update_factors *factors,
                               const struct ls_update_range *range) {
    _Alignas(64) float buffer[BLOCK];
    struct ls_update_range block = *range;
    block.parameters = buffer;
    for (int64_t i = 0; i < range->count; i += BLOCK) {
        block.count = range->count - i < BLOCK ? range->count - i : BLOCK;
        block.sums = range->sums + i;
        for (int s = 0; s < 3; s++)
            block.state[s] = range->state[s] ? range->state[s] + i : NULL;
        memcpy(buffer, range->parameters + i, (size_t)block.count * sizeof(float));
        update(rule, factors, &block);
        store_past_caches(range->parameters + i, buffer, block.count);
    }
    ls_stream_end();
}

void LS_NAME(ls_update)(enum ls_update_rule rule, const struct ls_update_factors *factors,
                        const struct ls_update_range *range) {
    if (range->stream && (uintptr_t)range->parameters % 64 == 0)
        update_past_caches(rule, factors, range);
    else
        update(rule, factors, range);
}

#endif
