/* A sample's features as players of a game, and the ways to find what each of them is worth. */
#ifndef LS_EXPLAIN_SHAPLEY_H
#define LS_EXPLAIN_SHAPLEY_H

#include "core/explain/windows.h"

enum { LS_EXACT_FEATURES_MAX = 16 };

struct ls_game {
    const struct ls_explainer *explainer; /* borrowed */
    struct ls_windows windows;            /* the features */
    int64_t features, sample;
    double *shares; /* [features] out, as the next */
    double *errors; /* [features] their standard errors */
    double nothing; /* out: f(no feature) */
};

/* Some sets of features; `choose` says which are in set `number`: holds[features], all false at
 * first. */
struct ls_sets {
    int64_t count;
    void (*choose)(void *context, int64_t number, bool *holds);
    void *context;
};
/* values[count]: f of each set; of several baselines, the mean over them. */
void ls_game_ask(const struct ls_game *game, const struct ls_sets *sets, double *values);

/* By all sets; by `pairs` pairs of random orders; by a regression on `pairs` pairs of random sets,
 * at least 4 times as many as features. */
void ls_shapley_exact(struct ls_game *game);
void ls_shapley_orders(struct ls_game *game, int64_t pairs);
void ls_shapley_kernel(struct ls_game *game, int64_t pairs);

#endif
