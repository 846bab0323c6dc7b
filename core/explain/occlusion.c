/* Occlusion (Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks"): what is
 * lost where a window of the input is covered by the baseline,
 *
 *   a[i] = mean over the windows w that hold i of f(x) - f(x with w covered)
 *
 * by the baseline or, of several, the mean over them; 0 where a stride beyond the size leaves gaps.
 */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/explain/list.h"
#include "core/explain/windows.h"

struct options {
    struct ls_baseline_options baseline;
    int64_t patch[2], stride[2];
};

static const struct ls_field items[] = {
    LS_BASELINE_FIELDS("auto", "; auto: mean of tables, else zero"),
    LS_WINDOW_FIELD(struct options, patch,
                    "height and width of a window; 0: a fourteenth of an image's side, else 1"),
    LS_WINDOW_FIELD(struct options, stride, "from one window to the next; 0: the patch"),
};

struct occlusion {
    const struct ls_explainer *explainer;
    struct ls_windows windows;
    int64_t width, row; /* numbers of a sample, and of its attributions */
    int64_t baselines;
    double whole;    /* f(x) */
    double *sum;     /* [width] owned, as the next */
    double *covered; /* [width] how many windows hold it */
    float *to;
};

/* Point 0 is the sample as it is; then each window with each baseline. */
static void make(void *context, int64_t sample, int64_t point, float *to) {
    (void)sample;
    const struct occlusion *o = context;
    if (point > 0)
        ls_window_cover(&o->windows, (point - 1) / o->baselines,
                        ls_explainer_baseline(o->explainer, (point - 1) % o->baselines), to);
}

static void finish(struct occlusion *o, int64_t sample) {
    const int64_t together = o->width / o->row;
    for (int64_t i = 0; i < o->width; i++) /* what is covered together shares nothing */
        o->sum[i] = o->covered[i] > 0 && i % together == 0 ? o->sum[i] / o->covered[i] : 0.0;
    ls_explainer_store(o->explainer, o->sum, LS_TOKEN_SUM, o->to + sample * o->row);
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    struct occlusion *o = context;
    if (point == 0) {
        o->whole = probe->value;
        for (int64_t i = 0; i < o->width; i++)
            o->sum[i] = 0;
        return;
    }
    ls_window_add(&o->windows, (point - 1) / o->baselines,
                  (o->whole - probe->value) / (double)o->baselines, o->sum);
    if (point == o->windows.count * o->baselines)
        finish(o, sample);
}

static void explain(struct ls_explanation *explanation) {
    const struct options *options = explanation->options;
    struct occlusion o = {
        .explainer = explanation->explainer,
        .windows = ls_windows_create(explanation->explainer, options->patch, options->stride),
        .width = ls_explainer_width(explanation->explainer),
        .row = ls_shape_count(ls_explainer_shape(explanation->explainer)),
        .baselines = ls_explainer_baselines(explanation->explainer),
        .to = explanation->results[0]};
    o.sum = ls_calloc((size_t)o.width, sizeof *o.sum);
    o.covered = ls_calloc((size_t)o.width, sizeof *o.covered);
    for (int64_t w = 0; w < o.windows.count; w++)
        ls_window_add(&o.windows, w, 1, o.covered);
    const struct ls_sweep sweep = {.samples = o.explainer->rows,
                                   .points = o.windows.count * o.baselines + 1,
                                   .make = make,
                                   .take = take,
                                   .context = &o};
    ls_explainer_sweep(o.explainer, &sweep);
    free(o.sum);
    free(o.covered);
}

const struct ls_explain_method ls_explain_occlusion = {
    .name = "occlusion",
    .help = "what the explained value loses where a window of the input is covered",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .gradients = true,
    .baseline = true,
    .describe = ls_explain_attributions,
    .explain = explain,
};
