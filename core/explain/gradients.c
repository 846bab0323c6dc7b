/* Explanations by one gradient, or by the mean of several, of the explained value f:
 *
 *   saliency              a = df/dx (Simonyan et al. 2014, "Deep inside convolutional networks")
 *
 *   input_times_gradient  a = (x - b) df/dx, b = 0 unless told; of several, their mean
 *                         (Shrikumar et al. 2016, "Not just a black box")
 *
 *   smooth_gradient       a = mean over k of df/dx at x + noise (max x - min x) n_k, n_k normal
 *                         (Smilkov et al. 2017, "SmoothGrad")
 *
 * Attributions keep their signs; of a token, saliency and smooth_gradient give the norm over its
 * embedding. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"

enum { STREAM = 0x7000e001 }; /* of smooth_gradient's noise; its step: the repetition */

struct gradients {
    const struct ls_explainer *explainer;
    int64_t width;
    enum ls_token_rule rule;
    float *to;
    int64_t to_step;
    bool times_input;
    const float *baseline; /* NULL: zero */
    double noise;          /* 0: none */
    int64_t repeats;
    double *sum; /* [width] owned */
};

/* The k-th noisy point; its size goes by the sample's range. */
static void make(void *context, int64_t sample, int64_t point, float *to) {
    const struct gradients *g = context;
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < g->width; i++) {
        low = (double)to[i] < low ? (double)to[i] : low;
        high = (double)to[i] > high ? (double)to[i] : high;
    }
    const struct ls_random_key key =
        ls_random_key(g->explainer->seed, STREAM, (uint64_t)point, g->explainer->ids[sample]);
    for (int64_t i = 0; i < g->width; i++)
        to[i] += (float)(g->noise * (high - low) * ls_random_normal(key, (uint64_t)i));
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    struct gradients *g = context;
    const float *x = g->explainer->inputs + sample * g->width;
    for (int64_t i = 0; i < g->width; i++) {
        const double before = point == 0 ? 0.0 : g->sum[i], slope = (double)probe->gradient[i];
        const double from = g->baseline ? (double)g->baseline[i] : 0.0;
        g->sum[i] = before + (g->times_input ? ((double)x[i] - from) * slope : slope);
    }
    if (point + 1 < g->repeats)
        return;
    for (int64_t i = 0; i < g->width; i++)
        g->sum[i] /= (double)g->repeats;
    ls_explainer_store(g->explainer, g->sum, g->rule, g->to + sample * g->to_step);
}

static void explain_with(struct ls_explanation *explanation, struct gradients *g) {
    g->explainer = explanation->explainer;
    g->width = ls_explainer_width(g->explainer);
    g->to = explanation->results[0];
    g->to_step = ls_shape_count(ls_explainer_shape(g->explainer));
    g->sum = ls_calloc((size_t)g->width, sizeof *g->sum);
    const struct ls_sweep sweep = {.samples = g->explainer->rows,
                                   .points = g->repeats,
                                   .gradients = true,
                                   .make = g->noise > 0 ? make : NULL,
                                   .take = take,
                                   .context = g};
    ls_explainer_sweep(g->explainer, &sweep);
    free(g->sum);
}

static void explain_saliency(struct ls_explanation *explanation) {
    explain_with(explanation, &(struct gradients){.rule = LS_TOKEN_NORM, .repeats = 1});
}

const struct ls_explain_method ls_explain_saliency = {
    .name = "saliency",
    .help = "the gradient of the explained value by the input",
    .gradients = true,
    .describe = ls_explain_attributions,
    .explain = explain_saliency,
};

static const struct ls_field input_items[] = {LS_BASELINE_FIELDS("zero", "")};

static void explain_input(struct ls_explanation *explanation) {
    explain_with(explanation, &(struct gradients){.rule = LS_TOKEN_SUM,
                                                  .repeats = 1,
                                                  .times_input = true,
                                                  .baseline = explanation->explainer->baseline});
}

const struct ls_explain_method ls_explain_input_times_gradient = {
    .name = "input_times_gradient",
    .help = "the gradient times the input",
    .fields = LS_LAYER_FIELDS(input_items),
    .options_size = sizeof(struct ls_baseline_options),
    .gradients = true,
    .baseline = true,
    .describe = ls_explain_attributions,
    .explain = explain_input,
};

struct smooth_options {
    double noise;
    int64_t repeats;
};

static const struct ls_field smooth_items[] = {
    {.name = "noise",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct smooth_options, noise),
     .initial = "0.15",
     .min = 1e-6,
     .max = 10,
     .help = "its deviation, as a share of a sample's range"},
    {.name = "repeats",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct smooth_options, repeats),
     .initial = "32",
     .min = 1,
     .max = 65536,
     .help = "gradients whose mean is taken"},
};

static void explain_smooth(struct ls_explanation *explanation) {
    const struct smooth_options *options = explanation->options;
    explain_with(explanation, &(struct gradients){.rule = LS_TOKEN_NORM,
                                                  .repeats = options->repeats,
                                                  .noise = options->noise});
}

const struct ls_explain_method ls_explain_smooth_gradient = {
    .name = "smooth_gradient",
    .help = "the mean gradient at the input with noise on it",
    .fields = LS_LAYER_FIELDS(smooth_items),
    .options_size = sizeof(struct smooth_options),
    .gradients = true,
    .describe = ls_explain_attributions,
    .explain = explain_smooth,
};
