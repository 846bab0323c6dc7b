/* Shapley values (Shapley 1953; Strumbelj & Kononenko 2010; Lundberg & Lee 2017): of features F,
 *
 *   a[i] = sum over S in F without i of |S|! (|F| - |S| - 1)! / |F|! (f(S and i) - f(S))
 *
 * where f(S) is the explained value with the features that are not in S at the baseline. Up to 16
 * features: exact, by all 2^|F| sets. Above: the mean of f(before and i) - f(before) over random
 * orders of the features, each with its reverse (Castro et al. 2009; Mitchell et al. 2022), and the
 * standard error of that mean. Either way a sample's attributions add up to f(x) - f(baseline).
 *
 * Features are windows: columns of a table, tokens, patches of an image, whose numbers share the
 * feature's value evenly. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"
#include "core/explain/windows.h"

enum { EXACT_MAX = 16, STREAM = 0x7000e002 };

struct options {
    struct ls_baseline_options baseline;
    int64_t patch[2];
    int64_t permutations;
};

static const struct ls_field items[] = {
    LS_BASELINE_FIELD,
    LS_WINDOW_FIELD(struct options, patch,
                    "height and width of a feature of an image; 0: a fourteenth of its side"),
    {.name = "permutations",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, permutations),
     .initial = "32",
     .min = 2,
     .max = 1 << 20,
     .help = "pairs of orders that are drawn, of more than 16 features"},
};

enum { ATTRIBUTIONS, ERRORS, BASELINE_OUTPUTS };

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    (void)options;
    (void)error;
    ls_results_add(results, "attributions", ls_explainer_shape(explainer));
    ls_results_add(results, "standard_errors", ls_explainer_shape(explainer));
    ls_results_add(results, "baseline_outputs", (struct ls_shape){0});
    return LS_OK;
}

struct game {
    const struct ls_explainer *explainer;
    struct ls_windows windows;
    int features;
    int64_t width, pairs;
    double *values;   /* exact: [2^features]; else [features + 1] of the order at hand */
    double *shares;   /* [features] */
    double *squares;  /* [features] of the pairs' estimates */
    double *pair;     /* [features] of the pair at hand */
    double *elements; /* [width] */
    int32_t *order;   /* [features] */
    int64_t ordered;  /* the order that is there; -1: none */
    double first;     /* f(no feature) */
};

/* Point m has the features whose bits are set in m. */
static void make_set(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    const struct game *game = context;
    for (int i = 0; i < game->features; i++)
        if (!(point >> i & 1))
            ls_window_cover(&game->windows, i, game->explainer->baseline, to);
}

static void take_set(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)sample;
    ((struct game *)context)->values[point] = probe->value;
}

/* Sets in ascending order of their bits. */
static void add_sets(struct game *game) {
    const int n = game->features;
    double weights[EXACT_MAX]; /* by the size of the set: s! (n - s - 1)! / n! */
    weights[0] = 1.0 / n;
    for (int s = 1; s < n; s++)
        weights[s] = weights[s - 1] * s / (n - s);
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t set = 0; set < (int64_t)1 << n; set++)
            if (!(set >> i & 1))
                sum += weights[__builtin_popcountll((unsigned long long)set)] *
                       (game->values[set | (int64_t)1 << i] - game->values[set]);
        game->shares[i] = sum;
        game->squares[i] = 0;
    }
    game->first = game->values[0];
}

/* Order `number` of a sample: odd ones are those before them from behind. */
static void draw_order(struct game *game, int64_t sample, int64_t number) {
    if (game->ordered == number)
        return;
    const int n = game->features;
    const struct ls_random_key key = ls_random_key(
        game->explainer->seed, STREAM, (uint64_t)(number / 2), game->explainer->ids[sample]);
    for (int i = 0; i < n; i++)
        game->order[number % 2 ? n - 1 - i : i] =
            (int32_t)ls_random_permute(key, (uint64_t)i, (uint64_t)n);
    game->ordered = number;
}

/* Point j of an order has its first j features. */
static void make_prefix(void *context, int64_t sample, int64_t point, float *to) {
    struct game *game = context;
    draw_order(game, sample, point / (game->features + 1));
    for (int64_t j = point % (game->features + 1); j < game->features; j++)
        ls_window_cover(&game->windows, game->order[j], game->explainer->baseline, to);
}

/* What each feature adds in the order that is complete now; the pair's mean is one estimate. */
static void add_order(struct game *game, int64_t sample, int64_t number) {
    draw_order(game, sample, number);
    for (int j = 0; j < game->features; j++) {
        const int32_t i = game->order[j];
        const double share = game->values[j + 1] - game->values[j];
        if (number % 2 == 0) {
            game->pair[i] = share;
            continue;
        }
        const double mean = (game->pair[i] + share) / 2;
        game->shares[i] += mean;
        game->squares[i] += mean * mean;
    }
}

static void take_prefix(void *context, int64_t sample, int64_t point,
                        const struct ls_probe *probe) {
    struct game *game = context;
    const int64_t number = point / (game->features + 1), j = point % (game->features + 1);
    if (point == 0)
        for (int i = 0; i < game->features; i++)
            game->shares[i] = game->squares[i] = 0;
    game->values[j] = probe->value;
    if (j < game->features)
        return;
    game->first = game->values[0];
    add_order(game, sample, number);
}

/* From sums over the pairs to means and their standard errors. */
static void finish_orders(struct game *game) {
    const double n = (double)game->pairs;
    for (int i = 0; i < game->features; i++) {
        const double mean = game->shares[i] / n;
        const double variance = (game->squares[i] - n * mean * mean) / (n - 1);
        game->shares[i] = mean;
        game->squares[i] = variance > 0 ? sqrt(variance / n) : 0;
    }
}

/* A number for each feature, spread over its window. */
static void spread(struct game *game, const double *shares, float *to) {
    memset(game->elements, 0, (size_t)game->width * sizeof *game->elements);
    for (int i = 0; i < game->features; i++) {
        const struct ls_window w = ls_window_at(&game->windows, i);
        const int64_t numbers =
            (w.end[0] - w.first[0]) * (w.end[1] - w.first[1]) * game->windows.depth;
        ls_window_add(&game->windows, i, shares[i] / (double)numbers, game->elements);
    }
    ls_explainer_store(game->explainer, game->elements, LS_TOKEN_SUM, to);
}

static void explain(struct ls_explanation *explanation) {
    const struct options *options = explanation->options;
    const struct ls_explainer *explainer = explanation->explainer;
    struct game game = {.explainer = explainer,
                        .windows = ls_windows_create(explainer, options->patch, options->patch),
                        .width = ls_explainer_width(explainer),
                        .pairs = options->permutations,
                        .ordered = -1};
    const bool exact = game.windows.count <= EXACT_MAX;
    game.features = (int)game.windows.count;
    const size_t n = (size_t)game.features;
    const int64_t row = ls_shape_count(ls_explainer_shape(explainer));
    game.values = ls_calloc(exact ? (size_t)1 << n : n + 1, sizeof *game.values);
    game.shares = ls_calloc(3 * n + (size_t)game.width, sizeof *game.shares);
    game.squares = game.shares + n;
    game.pair = game.squares + n;
    game.elements = game.pair + n;
    game.order = ls_calloc(n, sizeof *game.order);
    for (int64_t s = 0; s < explainer->rows; s++) {
        const struct ls_sweep sweep = {.first = s,
                                       .samples = 1,
                                       .points = exact ? (int64_t)1 << n
                                                       : 2 * game.pairs * (game.features + 1),
                                       .make = exact ? make_set : make_prefix,
                                       .take = exact ? take_set : take_prefix,
                                       .context = &game};
        game.ordered = -1;
        ls_explainer_sweep(explainer, &sweep);
        if (exact)
            add_sets(&game);
        else
            finish_orders(&game);
        spread(&game, game.shares, (float *)explanation->results[ATTRIBUTIONS] + s * row);
        spread(&game, game.squares, (float *)explanation->results[ERRORS] + s * row);
        ((float *)explanation->results[BASELINE_OUTPUTS])[s] = (float)game.first;
    }
    free(game.values);
    free(game.shares);
    free(game.order);
}

const struct ls_explain_method ls_explain_shapley = {
    .name = "shapley",
    .help = "what each feature adds to the explained value, over all orders of the features",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .gradients = true,
    .baseline = true,
    .describe = describe,
    .explain = explain,
};
