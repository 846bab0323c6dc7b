/* Shapley values (Shapley 1953; Strumbelj & Kononenko 2010): of features F,
 *
 *   a[i] = sum over S in F without i of |S|! (|F| - |S| - 1)! / |F|! (f(S and i) - f(S))
 *
 * where f(S) is the explained value with the features that are not in S at the baseline; of several
 * baselines, the mean over them. Three ways to find them: `exact`, by all 2^|F| sets;
 * `permutation`, by random orders (shapley_orders.c); `kernel`, by a regression on random sets
 * (shapley_kernel.c). The last two tell their standard errors. Either way a sample's attributions
 * add up to f(x) - f(baseline).
 *
 * Features are windows: columns of a table, tokens, patches of an image, whose numbers share the
 * feature's value evenly. */
#include "core/explain/shapley.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/explain/list.h"

enum estimator { AUTO, EXACT, KERNEL, PERMUTATION };
enum { SETS_USUAL = 1024, SETS_OF_A_FEATURE = 4 };

struct options {
    struct ls_baseline_options baseline;
    int64_t patch[2];
    int estimator;
    int64_t permutations, sets;
};

static const char *const estimators[] = {"auto", "exact", "kernel", "permutation", NULL};

static const struct ls_field items[] = {
    LS_BASELINE_FIELDS("auto", "; auto: mean of tables, else zero"),
    LS_WINDOW_FIELD(struct options, patch,
                    "height and width of a feature of an image; 0: a fourteenth of its side"),
    {.name = "estimator",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, estimator),
     .initial = "auto",
     .choices = estimators,
     .help = "exact (up to 16 features), kernel or permutation; auto: exact where it can be, else "
             "permutation"},
    {.name = "permutations",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, permutations),
     .initial = "32",
     .min = 2,
     .max = 1 << 20,
     .help = "of permutation: pairs of orders that are drawn"},
    {.name = "sets",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, sets),
     .initial = "0",
     .min = 0,
     .max = 1 << 24,
     .help = "of kernel: pairs of sets that are drawn; 0: 1024, and 4 for each feature"},
};

enum { ATTRIBUTIONS, ERRORS, BASELINE_OUTPUTS };

static struct ls_windows features_of(const struct ls_explainer *explainer,
                                     const struct options *options) {
    return ls_windows_create(explainer, options->patch, options->patch);
}

static enum estimator estimator_of(const struct options *options, int64_t features) {
    if (options->estimator != AUTO)
        return (enum estimator)options->estimator;
    return features <= LS_EXACT_FEATURES_MAX ? EXACT : PERMUTATION;
}

static int64_t sets_of(const struct options *options, int64_t features) {
    return options->sets ? options->sets : SETS_USUAL + SETS_OF_A_FEATURE * features;
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *given,
                               struct ls_results *results, struct ls_error *error) {
    const struct options *options = given;
    const int64_t features = features_of(explainer, options).count;
    const enum estimator estimator = estimator_of(options, features);
    if (estimator == EXACT && features > LS_EXACT_FEATURES_MAX)
        return ls_fail(error, LS_INVALID,
                       "shapley: estimator=exact asks for every set of at most %d features, but "
                       "there are %lld; larger patches of an image are fewer, and kernel or "
                       "permutation draw some",
                       LS_EXACT_FEATURES_MAX, (long long)features);
    if (estimator == KERNEL && sets_of(options, features) < SETS_OF_A_FEATURE * features)
        return ls_fail(error, LS_INVALID,
                       "shapley: %lld features need at least sets=%lld, found %lld",
                       (long long)features, (long long)(SETS_OF_A_FEATURE * features),
                       (long long)options->sets);
    ls_results_add(results, "attributions", ls_explainer_shape(explainer));
    ls_results_add(results, "standard_errors", ls_explainer_shape(explainer));
    ls_results_add(results, "baseline_outputs", (struct ls_shape){0});
    return LS_OK;
}

struct asking {
    const struct ls_game *game;
    const struct ls_sets *sets;
    int64_t baselines, chosen; /* the set that `holds` has; -1: none */
    bool *holds;               /* [features] owned */
    double *values;
};

/* Points: each set with each baseline. */
static void make(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    struct asking *a = context;
    const struct ls_game *game = a->game;
    const float *baseline = ls_explainer_baseline(game->explainer, point % a->baselines);
    if (a->chosen != point / a->baselines) {
        a->chosen = point / a->baselines;
        memset(a->holds, 0, (size_t)game->features * sizeof *a->holds);
        a->sets->choose(a->sets->context, a->chosen, a->holds);
    }
    for (int64_t i = 0; i < game->features; i++)
        if (!a->holds[i])
            ls_window_cover(&game->windows, i, baseline, to);
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)sample;
    const struct asking *a = context;
    double *value = &a->values[point / a->baselines];
    *value = (point % a->baselines ? *value : 0) + probe->value / (double)a->baselines;
}

void ls_game_ask(const struct ls_game *game, const struct ls_sets *sets, double *values) {
    struct asking asking = {.game = game,
                            .sets = sets,
                            .baselines = ls_explainer_baselines(game->explainer),
                            .chosen = -1,
                            .values = values};
    asking.holds = ls_calloc((size_t)game->features, sizeof *asking.holds);
    const struct ls_sweep sweep = {.first = game->sample,
                                   .samples = 1,
                                   .points = sets->count * asking.baselines,
                                   .make = make,
                                   .take = take,
                                   .context = &asking};
    ls_explainer_sweep(game->explainer, &sweep);
    free(asking.holds);
}

/* Set m has the features whose bits are set in m. */
static void choose_bits(void *context, int64_t number, bool *holds) {
    (void)context;
    for (int i = 0; i < LS_EXACT_FEATURES_MAX; i++)
        if (number >> i & 1)
            holds[i] = true;
}

/* Sets in ascending order of their bits. */
void ls_shapley_exact(struct ls_game *game) {
    const int n = (int)game->features;
    const struct ls_sets all = {.count = (int64_t)1 << n, .choose = choose_bits};
    double *values = ls_calloc((size_t)all.count, sizeof *values);
    double weights[LS_EXACT_FEATURES_MAX]; /* by the size of the set: s! (n - s - 1)! / n! */
    weights[0] = 1.0 / n;
    for (int s = 1; s < n; s++)
        weights[s] = weights[s - 1] * s / (n - s);
    ls_game_ask(game, &all, values);
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t set = 0; set < all.count; set++)
            if (!(set >> i & 1))
                sum += weights[__builtin_popcountll((unsigned long long)set)] *
                       (values[set | (int64_t)1 << i] - values[set]);
        game->shares[i] = sum;
        game->errors[i] = 0;
    }
    game->nothing = values[0];
    free(values);
}

/* A number for each feature, spread over its window; elements: [width] to work in. */
static void spread(const struct ls_game *game, const double *shares, double *elements, float *to) {
    const int64_t width = ls_explainer_width(game->explainer);
    memset(elements, 0, (size_t)width * sizeof *elements);
    for (int64_t i = 0; i < game->features; i++) {
        const struct ls_window w = ls_window_at(&game->windows, i);
        const int64_t numbers =
            (w.end[0] - w.first[0]) * (w.end[1] - w.first[1]) * game->windows.depth;
        ls_window_add(&game->windows, i, shares[i] / (double)numbers, elements);
    }
    ls_explainer_store(game->explainer, elements, LS_TOKEN_SUM, to);
}

static void explain(struct ls_explanation *explanation) {
    const struct options *options = explanation->options;
    const struct ls_explainer *explainer = explanation->explainer;
    struct ls_game game = {.explainer = explainer, .windows = features_of(explainer, options)};
    game.features = game.windows.count;
    const size_t n = (size_t)game.features;
    const int64_t row = ls_shape_count(ls_explainer_shape(explainer));
    const enum estimator estimator = estimator_of(options, game.features);
    double *elements = ls_calloc((size_t)ls_explainer_width(explainer), sizeof *elements);
    game.shares = ls_calloc(2 * n, sizeof *game.shares);
    game.errors = game.shares + n;
    for (; game.sample < explainer->rows; game.sample++) {
        if (estimator == EXACT)
            ls_shapley_exact(&game);
        else if (estimator == KERNEL)
            ls_shapley_kernel(&game, sets_of(options, game.features));
        else
            ls_shapley_orders(&game, options->permutations);
        const int64_t at = game.sample * row;
        spread(&game, game.shares, elements, (float *)explanation->results[ATTRIBUTIONS] + at);
        spread(&game, game.errors, elements, (float *)explanation->results[ERRORS] + at);
        ((float *)explanation->results[BASELINE_OUTPUTS])[game.sample] = (float)game.nothing;
    }
    free(elements);
    free(game.shares);
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
