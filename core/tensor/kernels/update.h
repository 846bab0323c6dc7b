/* The element-wise update of optimisers: one pass over parameters, gradients and state. The float
 * variants give the same bits: only additions, products, divisions and square roots, each rounded
 * once. */
#ifndef LS_TENSOR_UPDATE_H
#define LS_TENSOR_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

/* With p a parameter, g its gradient, a, b, c the state arrays: */
enum ls_update_rule {
    LS_UPDATE_SGD,      /* p -= rate g */
    LS_UPDATE_MOMENTUM, /* a = momentum a + g; p -= rate a */
    LS_UPDATE_NESTEROV, /* a = momentum a + g; p -= rate (momentum a + g) */
    /* a = keep2 a + take2 g^2; with b: b = keep2 b + take2 g; d = g / (sqrt(a - b^2) + epsilon);
     * p -= rate d, or with c: c = momentum c + d; p -= rate c */
    LS_UPDATE_RMSPROP,
    LS_UPDATE_ADAGRAD, /* a = a + g^2; p -= rate g / (sqrt(a) + epsilon) */
    /* a = keep1 a + take1 g; b = keep2 b + take2 g^2; p -= rate a / (sqrt(b) root + epsilon) */
    LS_UPDATE_ADAM,
    LS_UPDATE_LARS, /* a = momentum a + rate g; p -= a */
    /* a = keep1 a + take1 g; b = keep2 b + take2 g^2; p stays; c = the direction
     * d = first a / (sqrt(b) root + epsilon) + pull p */
    LS_UPDATE_DIRECTION,
    LS_UPDATE_LAMB,    /* p -= rate d, of moments that are those of this step */
    LS_UPDATE_GRADIENT /* p stays; c = g */
};

/* Before the rule: g = sum * scale, limited to +-clip_value, times clip_factor, plus decay p; then
 * p *= shrink. */
struct ls_update_factors {
    float scale, clip_value, clip_factor; /* clip_value: INFINITY for none */
    float decay, shrink;
    float rate, momentum, keep1, take1, keep2, take2, first, root, epsilon, pull;
};

struct ls_update_range {
    int64_t count;
    float *parameters;
    const float *sums;
    float *state[3]; /* a, b, c; NULL where the rule has none */
    /* Parameters go past the caches, for memory that other cores have read and will read again: its
     * lines need not be taken from them first. Where they start at a multiple of 64 bytes; they are
     * there for all when the call is over. */
    bool stream;
};

typedef void ls_update_function(enum ls_update_rule rule, const struct ls_update_factors *factors,
                                const struct ls_update_range *range);
ls_update_function ls_update_f32_portable, ls_update_f32_avx2, ls_update_f32_avx512;

#endif
