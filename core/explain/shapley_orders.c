/* Shapley values by random orders of the features, each with its reverse (Castro et al. 2009,
 * "Polynomial calculation of the Shapley value based on sampling"; Mitchell et al. 2022, "Sampling
 * permutations for Shapley value estimation"):
 *
 *   a[i] = mean over orders of f(those before i, and i) - f(those before i)
 *
 * and the standard error of that mean over the pairs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/shapley.h"

enum { STREAM = 0x7000e002 };
enum { SETS_TOGETHER = 2048 }; /* so many at least are asked for at once */

struct orders {
    struct ls_game *game;
    int64_t first;   /* pair of those that are asked for now */
    int64_t ordered; /* the order that is there; -1: none */
    int32_t *order;  /* [features] owned */
    double *pair;    /* [features] what they add in the first order of a pair; owned */
};

/* Order `number`: odd ones are those before them from behind. */
static void draw_order(struct orders *o, int64_t number) {
    const struct ls_explainer *explainer = o->game->explainer;
    const int64_t n = o->game->features;
    const struct ls_random_key key = ls_random_key(explainer->seed, STREAM, (uint64_t)(number / 2),
                                                   explainer->ids[o->game->sample]);
    if (o->ordered == number)
        return;
    for (int64_t i = 0; i < n; i++)
        o->order[number % 2 ? n - 1 - i : i] =
            (int32_t)ls_random_permute(key, (uint64_t)i, (uint64_t)n);
    o->ordered = number;
}

/* Set j of an order's n + 1 has its first j features. */
static void choose_prefix(void *context, int64_t number, bool *holds) {
    struct orders *o = context;
    const int64_t each = o->game->features + 1;
    draw_order(o, 2 * o->first + number / each);
    for (int64_t j = 0; j < number % each; j++)
        holds[o->order[j]] = true;
}

/* What each feature adds in an order; a pair's mean is one estimate. shares and errors: the sums of
 * the estimates and of their squares. */
static void add_order(struct orders *o, int64_t number, const double *values) {
    struct ls_game *game = o->game;
    draw_order(o, number);
    for (int64_t j = 0; j < game->features; j++) {
        const int32_t i = o->order[j];
        const double share = values[j + 1] - values[j];
        if (number % 2 == 0) {
            o->pair[i] = share;
            continue;
        }
        const double mean = (o->pair[i] + share) / 2;
        game->shares[i] += mean;
        game->errors[i] += mean * mean;
    }
}

/* From sums over the pairs to means and their standard errors. */
static void finish(const struct ls_game *game, double pairs) {
    for (int64_t i = 0; i < game->features; i++) {
        const double mean = game->shares[i] / pairs;
        const double variance = (game->errors[i] - pairs * mean * mean) / (pairs - 1);
        game->shares[i] = mean;
        game->errors[i] = variance > 0 ? sqrt(variance / pairs) : 0;
    }
}

void ls_shapley_orders(struct ls_game *game, int64_t pairs) {
    const int64_t n = game->features, each = n + 1;
    const int64_t together = SETS_TOGETHER / (2 * each) + 1;
    struct orders o = {.game = game, .ordered = -1};
    o.order = ls_calloc((size_t)n, sizeof *o.order);
    o.pair = ls_calloc((size_t)n, sizeof *o.pair);
    double *values = ls_calloc((size_t)(together * 2 * each), sizeof *values);
    memset(game->shares, 0, (size_t)n * sizeof *game->shares);
    memset(game->errors, 0, (size_t)n * sizeof *game->errors);
    for (int64_t count; o.first < pairs; o.first += count) {
        count = pairs - o.first < together ? pairs - o.first : together;
        ls_game_ask(game, &(struct ls_sets){2 * count * each, choose_prefix, &o}, values);
        for (int64_t k = 0; k < 2 * count; k++)
            add_order(&o, 2 * o.first + k, values + k * each);
    }
    finish(game, (double)pairs);
    game->nothing = values[0];
    free(values);
    free(o.order);
    free(o.pair);
}
