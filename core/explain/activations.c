/* activations: what a layer makes of each sample. neighbours: the training samples whose values
 * there are nearest, by the Euclidean distance (Papernot & McDaniel 2018, "Deep k-nearest
 * neighbors"); of equal distances the earlier sample comes first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/explain/list.h"
#include "core/explain/nearest.h"

static enum ls_status describe_activations(const struct ls_explainer *explainer,
                                           const void *options, struct ls_results *results,
                                           struct ls_error *error) {
    (void)options;
    (void)error;
    ls_results_add(results, "activations", ls_shape_of_row(explainer->model->layer->shape));
    return LS_OK;
}

struct copy {
    const struct ls_value *layer;
    float *to;
};

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)point;
    const struct copy *copy = context;
    const int64_t width = ls_shape_row_count(copy->layer->shape);
    memcpy(copy->to + sample * width, (const float *)copy->layer->data + probe->row * width,
           (size_t)width * sizeof *copy->to);
}

void ls_explainer_layer(const struct ls_explainer *explainer, float *to) {
    const struct ls_model *model = explainer->model;
    struct copy copy = {model->replaced ? model->replaced : model->layer, to};
    const struct ls_sweep sweep = {
        .samples = explainer->rows, .points = 1, .take = take, .context = &copy};
    ls_explainer_sweep(explainer, &sweep);
}

static void explain_activations(struct ls_explanation *explanation) {
    ls_explainer_layer(explanation->explainer, explanation->results[0]);
}

const struct ls_explain_method ls_explain_activations = {
    .name = "activations",
    .help = "the values of a layer; by default that before the last layer with weights",
    .layer = LS_LAYER_LAST_HIDDEN,
    .describe = describe_activations,
    .explain = explain_activations,
};

struct neighbour_options {
    int64_t count;
};

static const struct ls_field items[] = {
    {.name = "count",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct neighbour_options, count),
     .initial = "5",
     .min = 1,
     .max = 4096,
     .help = "how many, from the nearest on"},
};

enum { NEIGHBOURS, DISTANCES };

static enum ls_status describe_neighbours(const struct ls_explainer *explainer, const void *options,
                                          struct ls_results *results, struct ls_error *error) {
    (void)explainer;
    (void)error;
    const struct neighbour_options *wanted = options;
    struct ls_result *rows = ls_results_add(results, "neighbours", LS_SHAPE(wanted->count));
    rows->integer = rows->wide = true;
    ls_results_add(results, "distances", LS_SHAPE(wanted->count));
    return LS_OK;
}

double ls_squared_distance(const float *a, const float *b, int64_t width) {
    double sum = 0;
    for (int64_t i = 0; i < width; i++) {
        const double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sum;
}

/* The nearest so far, in order; one that is nearer than the last takes its place. */
static void insert(double *distances, int64_t *places, int64_t count, double d, int64_t place) {
    int64_t at = count - 1;
    if (!(d < distances[at]))
        return;
    for (; at > 0 && d < distances[at - 1]; at--) {
        distances[at] = distances[at - 1];
        places[at] = places[at - 1];
    }
    distances[at] = d;
    places[at] = place;
}

void ls_explainer_nearest(const struct ls_explainer *explainer, const float *point, int64_t width,
                          int64_t count, int64_t *places, double *distances) {
    for (int64_t i = 0; i < count; i++) {
        distances[i] = HUGE_VAL;
        places[i] = -1;
    }
    for (int64_t t = 0; t < explainer->known; t++)
        insert(distances, places, count,
               ls_squared_distance(point, explainer->known_values + t * width, width), t);
    for (int64_t i = 0; i < count; i++)
        distances[i] = sqrt(distances[i]);
}

static void explain_neighbours(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    const struct neighbour_options *options = explanation->options;
    const int64_t width = ls_shape_row_count(explainer->model->layer->shape), k = options->count;
    int64_t *rows = explanation->results[NEIGHBOURS];
    float *to = explanation->results[DISTANCES];
    float *values = ls_calloc((size_t)(explainer->rows * width), sizeof *values);
    double *nearest = ls_calloc((size_t)k, sizeof *nearest);
    ls_explainer_layer(explainer, values);
    for (int64_t n = 0; n < explainer->rows; n++, rows += k, to += k) {
        ls_explainer_nearest(explainer, values + n * width, width, k, rows, nearest);
        for (int64_t i = 0; i < k; i++) {
            rows[i] = rows[i] < 0 ? -1 : (int64_t)explainer->known_ids[rows[i]];
            to[i] = (float)nearest[i];
        }
    }
    free(values);
    free(nearest);
}

const struct ls_explain_method ls_explain_neighbours = {
    .name = "neighbours",
    .help = "the training samples that a layer sees nearest; by default that before the last",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct neighbour_options),
    .layer = LS_LAYER_LAST_HIDDEN,
    .training = true,
    .describe = describe_neighbours,
    .explain = explain_neighbours,
};
