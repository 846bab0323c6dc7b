/* Integrated gradients (Sundararajan et al. 2017, "Axiomatic attribution for deep networks"):
 *
 *   a[i] = (x[i] - b[i]) * integral over t from 0 to 1 of df/dx[i] at b + t (x - b)
 *
 * of several baselines b, the mean over them (Erion et al. 2021, "Improving performance of deep
 * learning models with axiomatic attribution priors and expected gradients"). Completeness: the
 * attributions of a sample add up to f(x) - f(b), with the mean of f(b).
 *
 * The way is cut into `steps` intervals, of each of which the gradient at its middle is taken. How
 * far that misses the difference of f between the interval's ends is known; where it does by more
 * than its share of `gap`, the interval is halved, and again: steps go where f bends, up to
 * `steps_max` of them. Shares are made smaller where the gap is still too large. */
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
     .help = "they are halved up to so many"},
    {.name = "gap",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, gap),
     .initial = "0.001",
     .min = 0,
     .max = 1,
     .help = "how far the sum of attributions may be from f(x) - f(baseline), as a share of it"},
};

static const double rounding = 1e-6;   /* of sums in float, as a share of f */
static const double width_min = 1e-12; /* of an interval: float tells its ends no longer apart */
enum { TRIES = 4, SHARE_OF_TRY = 8 };

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

/* From baseline to baseline + t (x - baseline), and f there. */
struct interval {
    int64_t baseline;
    double from, to, value_from, value_to;
};

struct intervals {
    int64_t count, room;
    struct interval *items; /* owned */
};

static void add_interval(struct intervals *to, const struct interval *interval) {
    if (to->count == to->room) {
        to->room = 2 * to->room + 64;
        to->items = ls_realloc(to->items, (size_t)to->room, sizeof *to->items);
    }
    to->items[to->count++] = *interval;
}

struct path {
    const struct ls_explainer *explainer;
    int64_t width, baselines;
    struct intervals now, next; /* whose middles are asked for; their halves that are wanted */
    double *ends;               /* values [baselines][steps + 1] of the first intervals */
    int64_t steps;
    double share;         /* what an interval may miss */
    double *sum;          /* [width] the attributions, of all baselines */
    int64_t asked, taken; /* middles; those of intervals that were not halved */
    int64_t asked_max;
};

static void move(const struct path *path, int64_t baseline, double t, float *to) {
    const float *from = ls_explainer_baseline(path->explainer, baseline);
    for (int64_t i = 0; i < path->width; i++)
        to[i] = (float)((double)from[i] + t * ((double)to[i] - (double)from[i]));
}

static void make_end(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    const struct path *path = context;
    const int64_t each = path->steps + 1;
    move(path, point / each, (double)(point % each) / (double)path->steps, to);
}

static void take_end(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)sample;
    ((struct path *)context)->ends[point] = probe->value;
}

static void make_middle(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    const struct path *path = context;
    const struct interval *at = &path->now.items[point];
    move(path, at->baseline, (at->from + at->to) / 2, to);
}

/* Whether an interval may still be halved. */
static bool more(const struct path *path) {
    return path->asked + 2 <= path->asked_max;
}

/* Takes the interval as it is, or leaves it to its halves. */
static void take_middle(void *context, int64_t sample, int64_t point,
                        const struct ls_probe *probe) {
    struct path *path = context;
    const struct interval at = path->now.items[point];
    const float *x = path->explainer->inputs + sample * path->width;
    const float *from = ls_explainer_baseline(path->explainer, at.baseline);
    const double length = at.to - at.from;
    double rise = 0;
    for (int64_t i = 0; i < path->width; i++)
        rise += ((double)x[i] - (double)from[i]) * (double)probe->gradient[i];
    const double missed = fabs(rise * length - (at.value_to - at.value_from));
    if (missed > path->share && length > width_min && more(path)) {
        struct interval half = at;
        half.to = (at.from + at.to) / 2;
        half.value_to = probe->value;
        add_interval(&path->next, &half);
        half = at;
        half.from = (at.from + at.to) / 2;
        half.value_from = probe->value;
        add_interval(&path->next, &half);
        path->asked += 2;
        return;
    }
    path->taken++;
    for (int64_t i = 0; i < path->width; i++)
        path->sum[i] += length * (((double)x[i] - (double)from[i]) * (double)probe->gradient[i]);
}

/* All attributions, with an interval's share of what may be missed as it is now. */
static void integrate(struct path *path, int64_t sample) {
    memset(path->sum, 0, (size_t)path->width * sizeof *path->sum);
    path->now.count = path->taken = 0;
    for (int64_t k = 0; k < path->baselines; k++)
        for (int64_t n = 0; n < path->steps; n++) {
            const double *ends = path->ends + k * (path->steps + 1) + n;
            add_interval(&path->now, &(struct interval){k, (double)n / (double)path->steps,
                                                        (double)(n + 1) / (double)path->steps,
                                                        ends[0], ends[1]});
        }
    path->asked = path->now.count;
    while (path->now.count) {
        path->next.count = 0;
        const struct ls_sweep sweep = {.first = sample,
                                       .samples = 1,
                                       .points = path->now.count,
                                       .gradients = true,
                                       .make = make_middle,
                                       .take = take_middle,
                                       .context = path};
        ls_explainer_sweep(path->explainer, &sweep);
        const struct intervals done = path->now;
        path->now = path->next;
        path->next = done;
    }
}

/* f at the ends of the first intervals; *nothing: f at the baseline; returns f at the input less
 * that. */
static double ask_ends(struct path *path, int64_t sample, double *nothing) {
    const struct ls_sweep sweep = {.first = sample,
                                   .samples = 1,
                                   .points = path->baselines * (path->steps + 1),
                                   .make = make_end,
                                   .take = take_end,
                                   .context = path};
    ls_explainer_sweep(path->explainer, &sweep);
    *nothing = 0;
    for (int64_t k = 0; k < path->baselines; k++)
        *nothing += path->ends[k * (path->steps + 1)] / (double)path->baselines;
    return path->ends[path->steps] - *nothing;
}

/* The attributions of all baselines become their mean; returns how far its sum is from `whole`. */
static double add_up(const struct path *path, double whole) {
    double sum = 0;
    for (int64_t i = 0; i < path->width; i++) {
        path->sum[i] /= (double)path->baselines;
        sum += path->sum[i];
    }
    return fabs(sum - whole);
}

static void explain_sample(struct ls_explanation *explanation, struct path *path, int64_t n) {
    const struct ls_explainer *explainer = path->explainer;
    const struct options *options = explanation->options;
    const double offset = ls_explained_offset(explainer, &explainer->explained[n]);
    double nothing, gap = 0;
    const double whole = ask_ends(path, n, &nothing);
    const double exact = rounding * (fabs(nothing - offset) + fabs(nothing + whole - offset));
    const double gap_max = fmax(options->gap * fabs(whole), exact);
    /* What intervals miss cancels, mostly; and float hardly tells less of them. */
    path->share = fmax(2 * gap_max / (double)path->steps, exact / 2);
    for (int k = 0; k == 0 || (k < TRIES && gap > gap_max && more(path)); k++) {
        integrate(path, n);
        gap = add_up(path, whole);
        const double least = path->share > exact / 2 ? exact / 2 : 0; /* once more before less */
        path->share = fmax(path->share / SHARE_OF_TRY, least);
    }
    explanation->missed += gap > gap_max;
    ls_explainer_store(explainer, path->sum, LS_TOKEN_SUM,
                       (float *)explanation->results[ATTRIBUTIONS] +
                           n * ls_shape_count(ls_explainer_shape(explainer)));
    ((float *)explanation->results[BASELINE_OUTPUTS])[n] = (float)nothing;
    ((double *)explanation->results[GAPS])[n] = gap;
    ((int32_t *)explanation->results[STEPS])[n] = (int32_t)path->taken;
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    const struct options *options = explanation->options;
    struct path path = {.explainer = explainer,
                        .width = ls_explainer_width(explainer),
                        .baselines = ls_explainer_baselines(explainer),
                        .steps = options->steps};
    path.asked_max = path.baselines * options->steps_max;
    path.sum = ls_calloc((size_t)path.width, sizeof *path.sum);
    path.ends = ls_calloc((size_t)(path.baselines * (path.steps + 1)), sizeof *path.ends);
    for (int64_t n = 0; n < explainer->rows; n++)
        explain_sample(explanation, &path, n);
    free(path.sum);
    free(path.ends);
    free(path.now.items);
    free(path.next.items);
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
