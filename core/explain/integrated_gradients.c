/* Integrated gradients (Sundararajan et al. 2017, "Axiomatic attribution for deep networks"):
 *
 *   a[i] = (x[i] - b[i]) * integral over t from 0 to 1 of df/dx[i] at b + t (x - b)
 *
 * by the trapezoid rule over `steps` intervals; of several baselines b, the mean over them (Erion
 * et al. 2021, "Improving performance of deep learning models with axiomatic attribution priors and
 * expected gradients"). Completeness: the attributions of a sample add up to f(x) - f(b), with the
 * mean of f(b). Where they miss that by more than `gap` of it, and by more than float can tell of
 * f, the intervals are halved, and again, up to `steps_max`; gradients that are there are used
 * again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/explain/list.h"

struct options {
    struct ls_baseline_options baseline;
    int64_t steps, steps_max;
    double gap;
};

static const struct ls_field items[] = {
    LS_BASELINE_FIELDS("auto", "; auto: mean of tables, else zero"),
    {.name = "steps",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, steps),
     .initial = "32",
     .min = 1,
     .max = 1 << 20,
     .help = "intervals between baseline and input, at first"},
    {.name = "steps_max",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, steps_max),
     .initial = "16384",
     .min = 1,
     .max = 1 << 20,
     .help = "they are doubled up to so many"},
    {.name = "gap",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, gap),
     .initial = "0.001",
     .min = 0,
     .max = 1,
     .help = "how far the sum of attributions may be from f(x) - f(baseline), as a share of it"},
};

static const double rounding = 1e-6; /* of sums in float, as a share of f */

enum { ATTRIBUTIONS, BASELINE_OUTPUTS, GAPS, STEPS };

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    (void)options;
    (void)error;
    ls_results_add(results, "attributions", ls_explainer_shape(explainer));
    ls_results_add(results, "baseline_outputs", (struct ls_shape){0});
    ls_results_add(results, "completeness_gaps", (struct ls_shape){0})->wide = true;
    ls_results_add(results, "steps", (struct ls_shape){0})->integer = true;
    return LS_OK;
}

struct path {
    const struct ls_explainer *explainer;
    int64_t width, intervals, baselines;
    bool middles;   /* only the middles of the intervals are asked; else all their ends */
    double *sum;    /* [width] of (x - b) times gradients, the two ends counted by half */
    double *values; /* [width] the attributions */
    double first;   /* f at the baseline, or the mean over several */
    double last;    /* f at the input */
};

/* On the way from one baseline. */
static int64_t points_of(const struct path *path) {
    return path->intervals + !path->middles;
}

static void make(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    const struct path *path = context;
    const int64_t place = point % points_of(path);
    const double t = ((double)place + (path->middles ? 0.5 : 0.0)) / (double)path->intervals;
    const float *from = ls_explainer_baseline(path->explainer, point / points_of(path));
    for (int64_t i = 0; i < path->width; i++)
        to[i] = (float)((double)from[i] + t * ((double)to[i] - (double)from[i]));
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    struct path *path = context;
    const int64_t place = point % points_of(path);
    const float *from = ls_explainer_baseline(path->explainer, point / points_of(path));
    const float *x = path->explainer->inputs + sample * path->width;
    const bool begin = !path->middles && place == 0;
    const bool end = !path->middles && place == path->intervals;
    const double weight = begin || end ? 0.5 : 1.0;
    if (begin)
        path->first += probe->value / (double)path->baselines;
    if (end)
        path->last = probe->value;
    for (int64_t i = 0; i < path->width; i++)
        path->sum[i] += weight * (((double)x[i] - (double)from[i]) * (double)probe->gradient[i]);
}

static void begin(struct path *path, const struct options *options) {
    path->intervals = options->steps;
    path->middles = false;
    path->first = 0;
    memset(path->sum, 0, (size_t)path->width * sizeof *path->sum);
}

static void ask(struct path *path, int64_t sample) {
    const struct ls_sweep sweep = {.first = sample,
                                   .samples = 1,
                                   .points = path->baselines * points_of(path),
                                   .gradients = true,
                                   .make = make,
                                   .take = take,
                                   .context = path};
    ls_explainer_sweep(path->explainer, &sweep);
    path->intervals *= path->middles ? 2 : 1;
    path->middles = true;
}

/* The attributions so far; returns how far their sum is from what it must be. */
static double add_up(const struct path *path) {
    double sum = 0;
    for (int64_t i = 0; i < path->width; i++) {
        path->values[i] = path->sum[i] / (double)(path->intervals * path->baselines);
        sum += path->values[i];
    }
    return fabs(sum - (path->last - path->first));
}

/* Whether a gap is too large. offset: of the explained value. */
static bool misses(const struct path *path, const struct options *options, double offset,
                   double gap) {
    return gap > options->gap * fabs(path->last - path->first) &&
           gap > rounding * (fabs(path->last - offset) + fabs(path->first - offset));
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    const struct options *options = explanation->options;
    const int64_t row = ls_shape_count(ls_explainer_shape(explainer));
    struct path path = {.explainer = explainer,
                        .width = ls_explainer_width(explainer),
                        .baselines = ls_explainer_baselines(explainer)};
    path.sum = ls_calloc((size_t)path.width, sizeof *path.sum);
    path.values = ls_calloc((size_t)path.width, sizeof *path.values);
    for (int64_t n = 0; n < explainer->rows; n++) {
        const double offset = ls_explained_offset(explainer, &explainer->explained[n]);
        begin(&path, options);
        ask(&path, n);
        double gap = add_up(&path);
        while (misses(&path, options, offset, gap) && 2 * path.intervals <= options->steps_max) {
            ask(&path, n);
            gap = add_up(&path);
        }
        explanation->missed += misses(&path, options, offset, gap);
        ls_explainer_store(explainer, path.values, LS_TOKEN_SUM,
                           (float *)explanation->results[ATTRIBUTIONS] + n * row);
        ((float *)explanation->results[BASELINE_OUTPUTS])[n] = (float)path.first;
        ((double *)explanation->results[GAPS])[n] = gap;
        ((int32_t *)explanation->results[STEPS])[n] = (int32_t)path.intervals;
    }
    free(path.sum);
    free(path.values);
}

const struct ls_explain_method ls_explain_integrated_gradients = {
    .name = "integrated_gradients",
    .help = "the mean gradient on the way from a baseline to the input, times the way",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .gradients = true,
    .baseline = true,
    .missed = "the attributions do not add up to f(x) - f(baseline) within the gap (see "
              "/completeness_gaps); raise steps_max",
    .describe = describe,
    .explain = explain,
};
