/* Activation maximisation (Erhan et al. 2009, "Visualizing higher-layer features of a deep
 * network"; decay after Simonyan et al. 2014, jitter after Mordvintsev et al. 2015): inputs that a
 * unit answers to most, by gradient ascent from noise,
 *
 *   x = (1 - decay) x + rate sqrt(n) g / |g|,  g = df/dx at x moved by a few random pixels
 *
 * where f is a class's logit or, of a layer, the mean of a channel over its positions. The x of
 * images is measured from the middle of their range, which they do not leave; that of series and
 * tables from the mean of the training data, in its deviations. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"

enum { STREAM = 0x7000e004, STREAM_JITTER };
enum { INPUTS, VALUES, STARTS };

struct options {
    int64_t steps, jitter;
    double rate, decay, noise, low, high;
};

#define REAL(member, value, least, most, text)                                                     \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_REAL, .offset = offsetof(struct options, member),        \
        .initial = value, .min = least, .max = most, .help = text                                  \
    }

static const struct ls_field items[] = {
    {.name = "steps",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, steps),
     .initial = "128",
     .min = 1,
     .max = 1 << 20,
     .help = "of the ascent"},
    {.name = "jitter",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, jitter),
     .initial = "2",
     .min = 0,
     .max = 1024,
     .help = "pixels that an image is moved by at most, before each step"},
    REAL(rate, "0.02", 1e-9, 1e9,
         "how far a step goes, on average over an input; of others than images in deviations of "
         "the data"),
    REAL(decay, "0.01", 0, 1, "share of the way to the middle that each step gives back"),
    REAL(noise, "0.05", 0, 1e9, "deviation of the start, likewise"),
    REAL(low, "0", -1e9, 1e9, "least value of a pixel"),
    REAL(high, "1", -1e9, 1e9, "greatest value of a pixel"),
};

static struct ls_value *answer_of(const struct ls_explainer *explainer) {
    const struct ls_model *model = explainer->model;
    return model->layer ? model->layer : model->output;
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *given,
                               struct ls_results *results, struct ls_error *error) {
    const struct options *options = given;
    const struct ls_shape input = ls_shape_of_row(explainer->model->explained->shape);
    if (explainer->tokens || explainer->model->explained->type != LS_TYPE_REAL)
        return ls_fail(error, LS_INVALID,
                       "maximise: expected inputs of numbers; those of this run are tokens");
    if (!(options->low < options->high))
        return ls_fail(error, LS_INVALID, "maximise: low must be below high, found %g and %g",
                       options->low, options->high);
    if (!answer_of(explainer)->gradient)
        return ls_fail(error, LS_INVALID, "maximise: this layer does not depend on the input");
    ls_results_add(results, "inputs", input)->picture = true;
    ls_results_add(results, "values", (struct ls_shape){0});
    ls_results_add(results, "start_values", (struct ls_shape){0});
    return LS_OK;
}

static int64_t count_units(const struct ls_explainer *explainer, const void *options) {
    (void)options;
    return ls_shape_last(ls_shape_of_row(answer_of(explainer)->shape));
}

struct ascent {
    struct ls_explainer explainer; /* its samples are the units' inputs */
    const struct options *options;
    int64_t width, height, across, step;
    bool image;
    float *inputs; /* [units][width] owned */
    float *values, *starts;
};

/* Where pixel i lies after this step's move, around the edges. */
static int64_t move(const struct ascent *a, int64_t unit, int64_t i) {
    const int64_t reach = 2 * a->options->jitter + 1;
    if (!a->image || reach == 1)
        return i;
    const struct ls_random_key key =
        ls_random_key(a->explainer.seed, STREAM_JITTER, (uint64_t)a->step, a->explainer.ids[unit]);
    const int64_t channels = a->width / (a->height * a->across);
    const int64_t down = (int64_t)(ls_random_uniform(key, 0) * (double)reach);
    const int64_t right = (int64_t)(ls_random_uniform(key, 1) * (double)reach);
    const int64_t pixel = i / channels, y = (pixel / a->across + down) % a->height;
    return (y * a->across + (pixel % a->across + right) % a->across) * channels + i % channels;
}

static void make(void *context, int64_t unit, int64_t point, float *to) {
    (void)point;
    const struct ascent *a = context;
    for (int64_t i = 0; i < a->width; i++)
        to[move(a, unit, i)] = a->inputs[unit * a->width + i];
}

/* That x is measured from, and in. */
static double middle_of(const struct ascent *a, int64_t i) {
    return a->image ? (a->options->low + a->options->high) / 2 : (double)a->explainer.baseline[i];
}

static double unit_of(const struct ascent *a, int64_t i) {
    return a->image ? 1 : (double)a->explainer.deviations[i];
}

static float limit(const struct ascent *a, double value) {
    if (a->image && value < a->options->low)
        return (float)a->options->low;
    return a->image && value > a->options->high ? (float)a->options->high : (float)value;
}

static void take(void *context, int64_t unit, int64_t point, const struct ls_probe *probe) {
    (void)point;
    struct ascent *a = context;
    float *x = a->inputs + unit * a->width;
    double squares = 0;
    if (a->step == 0)
        a->starts[unit] = (float)probe->value;
    for (int64_t i = 0; i < a->width; i++) {
        const double g = (double)probe->gradient[i] * unit_of(a, i);
        squares += g * g;
    }
    const double rate = squares > 0 ? a->options->rate * sqrt((double)a->width) / sqrt(squares) : 0;
    for (int64_t i = 0; i < a->width; i++) {
        const double middle = middle_of(a, i), size = unit_of(a, i);
        const double from = (double)x[i] - middle;
        x[i] = limit(a, middle + (1 - a->options->decay) * from +
                            rate * size * size * (double)probe->gradient[move(a, unit, i)]);
    }
}

static void take_value(void *context, int64_t unit, int64_t point, const struct ls_probe *probe) {
    (void)point;
    ((struct ascent *)context)->values[unit] = (float)probe->value;
}

static void begin(struct ascent *a) {
    for (int64_t u = 0; u < a->explainer.rows; u++) {
        const struct ls_random_key key =
            ls_random_key(a->explainer.seed, STREAM, 0, a->explainer.ids[u]);
        for (int64_t i = 0; i < a->width; i++)
            a->inputs[u * a->width + i] =
                limit(a, middle_of(a, i) + a->options->noise * unit_of(a, i) *
                                               ls_random_normal(key, (uint64_t)i));
    }
}

static void climb(struct ascent *a) {
    const struct ls_sweep sweep = {.samples = a->explainer.rows,
                                   .points = 1,
                                   .gradients = true,
                                   .make = make,
                                   .take = take,
                                   .context = a};
    for (a->step = 0; a->step < a->options->steps; a->step++)
        ls_explainer_sweep(&a->explainer, &sweep);
    const struct ls_sweep last = {
        .samples = a->explainer.rows, .points = 1, .take = take_value, .context = a};
    ls_explainer_sweep(&a->explainer, &last);
}

static void explain(struct ls_explanation *explanation) {
    struct ascent a = {.explainer = *explanation->explainer,
                       .options = explanation->options,
                       .inputs = explanation->results[INPUTS],
                       .values = explanation->results[VALUES],
                       .starts = explanation->results[STARTS]};
    const struct ls_shape input = ls_shape_of_row(a.explainer.model->explained->shape);
    const int64_t rows = explanation->count;
    struct ls_value *of = answer_of(&a.explainer);
    const int64_t units = ls_shape_last(ls_shape_of_row(of->shape));
    struct ls_explained *explained = ls_calloc((size_t)rows, sizeof *explained);
    uint64_t *ids = ls_calloc((size_t)rows, sizeof *ids);
    for (int64_t u = 0; u < rows; u++) {
        ids[u] = (uint64_t)(explanation->first + u);
        explained[u] = (struct ls_explained){.element = explanation->first + u,
                                             .sign = 1,
                                             .count = ls_shape_row_count(of->shape) / units,
                                             .step = units};
    }
    a.width = ls_shape_count(input);
    a.image = input.rank == 3;
    a.height = input.dims[0];
    a.across = a.image ? input.dims[1] : 1;
    a.explainer.of = of;
    a.explainer.rows = rows;
    a.explainer.inputs = a.inputs;
    a.explainer.ids = ids;
    a.explainer.explained = explained;
    begin(&a);
    climb(&a);
    free(explained);
    free(ids);
}

const struct ls_explain_method ls_explain_maximise = {
    .name = "maximise",
    .help = "inputs that each class, or each channel of a layer, answers to most",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .gradients = true,
    .spread = true,
    .layer = LS_LAYER_OUTPUT,
    .units = count_units,
    .describe = describe,
    .explain = explain,
};
