/* Kernel SHAP (Lundberg & Lee 2017, "A unified approach to interpreting model predictions"):
 * Shapley values are the a that minimise
 *
 *   sum over sets S of k(|S|) (f(S) - f(none) - sum over i in S of a[i])^2,
 *   k(s) = (n - 1) / (C(n, s) s (n - s)),  with sum a = f(all) - f(none)
 *
 * Sets are drawn as k says, sizes first, each with its complement (Covert & Lee 2021, "Improving
 * KernelSHAP"): with x = 1/2 where S has a feature, else -1/2, and d half of what f has more of S
 * than of its complement, a pair is one row of a least squares problem, d = x.a. Its solution under
 * the constraint is
 *
 *   a = A^-1 b + A^-1 1 (total - 1.A^-1 b) / (1.A^-1 1),  A = 1 1' + sum x x',  b = sum x d
 *
 * where 1 1', which the constraint makes a constant, keeps A from being singular. Standard errors
 * are those that hold whatever f is (MacKinnon & White 1985, HC3): the roots of
 * sum over pairs of (P x)^2 (r / (1 - x.P x))^2, with A^-1 as above less its part along 1 as P, and
 * r what is left of d. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/shapley.h"

enum { STREAM = 0x7000e007 };

struct kernel {
    struct ls_game *game;
    int64_t n, pairs;
    bool *sets;                /* [pairs][n] owned, as all */
    double *factor;            /* [n][n] A, then L of A = L L' */
    double *x, *ones, *solved; /* [n] a row of a pair; A^-1 1; room */
    double *sizes;             /* [n] of sizes 1 to n - 1: the share of sets that are not larger */
    double ones_sum;           /* 1.A^-1 1 */
};

/* Set `pair`: its size, then so many features. */
static void draw_sets(const struct kernel *k) {
    const struct ls_explainer *explainer = k->game->explainer;
    for (int64_t pair = 0; pair < k->pairs; pair++) {
        const struct ls_random_key key = ls_random_key(
            explainer->seed, STREAM, (uint64_t)(2 * pair), explainer->ids[k->game->sample]);
        const struct ls_random_key order = ls_random_key(
            explainer->seed, STREAM, (uint64_t)(2 * pair + 1), explainer->ids[k->game->sample]);
        const double share = ls_random_uniform(key, 0);
        int64_t size = 1;
        while (size < k->n - 1 && share >= k->sizes[size])
            size++;
        for (int64_t j = 0; j < size && k->n > 1; j++)
            k->sets[pair * k->n + (int64_t)ls_random_permute(order, (uint64_t)j, (uint64_t)k->n)] =
                true;
    }
}

/* None, all, and then each set before its complement. */
static void choose(void *context, int64_t number, bool *holds) {
    const struct kernel *k = context;
    const bool odd = number % 2 == 1;
    for (int64_t i = 0; i < k->n; i++)
        holds[i] = number < 2 ? odd : k->sets[(number - 2) / 2 * k->n + i] != odd;
}

static void take_row(const struct kernel *k, int64_t pair) {
    for (int64_t i = 0; i < k->n; i++)
        k->x[i] = k->sets[pair * k->n + i] ? 0.5 : -0.5;
}

static double dot(const double *a, const double *b, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* A, of which the half below the diagonal is used; then L in its place. */
static void factorise(const struct kernel *k) {
    const int64_t n = k->n;
    double *a = k->factor;
    for (int64_t i = 0; i < n * n; i++)
        a[i] = 1;
    for (int64_t pair = 0; pair < k->pairs; pair++) {
        take_row(k, pair);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j <= i; j++)
                a[i * n + j] += k->x[i] * k->x[j];
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double rest = a[i * n + j] - dot(a + i * n, a + j * n, j);
            /* Sets that cannot tell two features apart, which hardly ever are drawn, leave 0. */
            const double least = 1e-9 * (double)k->pairs;
            a[i * n + j] = i == j ? sqrt(rest > least ? rest : least) : rest / a[j * n + j];
        }
}

/* A y = b; y may be b. */
static void solve(const struct kernel *k, const double *b, double *y) {
    const int64_t n = k->n;
    const double *l = k->factor;
    for (int64_t i = 0; i < n; i++)
        y[i] = (b[i] - dot(l + i * n, y, i)) / l[i * n + i];
    for (int64_t i = n - 1; i >= 0; i--) {
        y[i] /= l[i * n + i];
        for (int64_t j = 0; j < i; j++)
            y[j] -= l[i * n + j] * y[i];
    }
}

static double sum_of(const double *values, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* values: of none, all, and the pairs. */
static double difference(const double *values, int64_t pair) {
    return (values[2 + 2 * pair] - values[3 + 2 * pair]) / 2;
}

static void fit(struct kernel *k, const double *values) {
    const int64_t n = k->n;
    double *shares = k->game->shares;
    memset(shares, 0, (size_t)n * sizeof *shares);
    for (int64_t pair = 0; pair < k->pairs; pair++) {
        take_row(k, pair);
        for (int64_t i = 0; i < n; i++)
            shares[i] += k->x[i] * difference(values, pair);
    }
    solve(k, shares, shares);
    for (int64_t i = 0; i < n; i++)
        k->ones[i] = 1;
    solve(k, k->ones, k->ones);
    k->ones_sum = sum_of(k->ones, n);
    const double missing = (values[1] - values[0] - sum_of(shares, n)) / k->ones_sum;
    for (int64_t i = 0; i < n; i++)
        shares[i] += k->ones[i] * missing;
}

static void judge(const struct kernel *k, const double *values) {
    const int64_t n = k->n;
    double *errors = k->game->errors;
    memset(errors, 0, (size_t)n * sizeof *errors);
    for (int64_t pair = 0; pair < k->pairs; pair++) {
        take_row(k, pair);
        solve(k, k->x, k->solved);
        const double along = dot(k->ones, k->x, n) / k->ones_sum;
        for (int64_t i = 0; i < n; i++)
            k->solved[i] -= k->ones[i] * along;
        const double left = difference(values, pair) - dot(k->x, k->game->shares, n);
        const double free_share = 1 - dot(k->x, k->solved, n);
        for (int64_t i = 0; i < n; i++) {
            const double part = k->solved[i] * left / (free_share > 0.01 ? free_share : 0.01);
            errors[i] += part * part;
        }
    }
    for (int64_t i = 0; i < n; i++)
        errors[i] = sqrt(errors[i]);
}

void ls_shapley_kernel(struct ls_game *game, int64_t pairs) {
    const size_t n = (size_t)game->features;
    struct kernel k = {.game = game, .n = game->features, .pairs = pairs};
    double *values = ls_calloc(2 + 2 * (size_t)pairs, sizeof *values);
    k.sets = ls_calloc((size_t)pairs * n, sizeof *k.sets);
    k.factor = ls_calloc(n * (n + 4), sizeof *k.factor);
    k.x = k.factor + n * n;
    k.ones = k.x + n;
    k.solved = k.ones + n;
    k.sizes = k.solved + n;
    double all = 0;
    for (int64_t s = 1; s < k.n; s++)
        k.sizes[s] = all += 1 / ((double)s * (double)(k.n - s));
    for (int64_t s = 1; s < k.n; s++)
        k.sizes[s] /= all;
    draw_sets(&k);
    ls_game_ask(game, &(struct ls_sets){2 + 2 * pairs, choose, &k}, values);
    factorise(&k);
    fit(&k, values);
    judge(&k, values);
    game->nothing = values[0];
    free(values);
    free(k.sets);
    free(k.factor);
}
