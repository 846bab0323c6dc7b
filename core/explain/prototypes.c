/* What the prototypes p of a model stand for (Li et al. 2018, "Deep learning for case-based
 * reasoning through prototypes"): the training samples whose values z at the layer are nearest, by
 * the Euclidean distance; where the model has a decoder, what it draws of them. Of each sample, how
 * far it is from each prototype, and how like (Chen et al. 2019, "This looks like that"):
 *
 *   similarity = log((d^2 + 1) / (d^2 + 1e-4)),  d = |z - p|. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"
#include "core/explain/nearest.h"

struct options {
    int64_t count;
};

static const struct ls_field items[] = {
    {.name = "count",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, count),
     .initial = "5",
     .min = 1,
     .max = 256,
     .help = "training samples of each prototype, from the nearest on"},
};

/* The single ones in the order of the file; pictures and classes where there are such. */
enum { DISTANCES, SIMILARITIES, PROTOTYPES, NEAREST, NEAREST_DISTANCES, OTHERS };

/* [count, width]; NULL: the layer is none of prototypes. */
static const struct ls_value *prototypes_of(const struct ls_explainer *explainer) {
    const struct ls_node *node = explainer->model->layer->producer;
    return node && !strcmp(node->op->name, "prototypes") ? node->inputs[1] : NULL;
}

/* Whether the model makes pictures of what is at the cut. */
static bool draws(const struct ls_explainer *explainer) {
    const struct ls_shape row = ls_shape_of_row(explainer->model->output->shape);
    return row.rank == 3 && (row.dims[2] == 1 || row.dims[2] == 3) &&
           ls_explainer_goes_on(explainer);
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    const struct ls_value *prototypes = prototypes_of(explainer);
    const int64_t each = ((const struct options *)options)->count;
    if (!prototypes)
        return ls_fail(error, LS_INVALID, "prototypes: this layer is none of prototypes");
    const int64_t count = prototypes->shape.dims[0];
    ls_results_add(results, "distances", LS_SHAPE(count));
    ls_results_add(results, "similarities", LS_SHAPE(count));
    ls_results_add(results, "prototypes", prototypes->shape)->single = true;
    struct ls_result *nearest = ls_results_add(results, "nearest", LS_SHAPE(count, each));
    nearest->single = nearest->integer = nearest->wide = true;
    ls_results_add(results, "nearest_distances", LS_SHAPE(count, each))->single = true;
    if (explainer->concepts->judged) {
        nearest = ls_results_add(results, "nearest_classes", LS_SHAPE(count, each));
        nearest->single = nearest->integer = true;
    }
    if (draws(explainer)) {
        const struct ls_shape row = ls_shape_of_row(explainer->model->output->shape);
        ls_results_add(results, "pictures", LS_SHAPE(count, row.dims[0], row.dims[1], row.dims[2]))
            ->single = true;
    }
    return LS_OK;
}

static double similarity(double squared) {
    return ls_random_log(squared + 1) - ls_random_log(squared + 1e-4);
}

static void compare(const struct ls_explainer *explainer, const float *points, int64_t count,
                    struct ls_explanation *explanation) {
    const int64_t width = ls_explainer_width(explainer);
    float *distances = explanation->results[DISTANCES];
    float *similarities = explanation->results[SIMILARITIES];
    for (int64_t n = 0; n < explainer->rows; n++)
        for (int64_t k = 0; k < count; k++, distances++, similarities++) {
            const double squared =
                ls_squared_distance(explainer->inputs + n * width, points + k * width, width);
            *distances = (float)sqrt(squared);
            *similarities = (float)similarity(squared);
        }
}

static void find_nearest(const struct ls_explainer *explainer, const float *points, int64_t count,
                         struct ls_explanation *explanation) {
    const int64_t width = ls_explainer_width(explainer);
    const int64_t each = ((const struct options *)explanation->options)->count;
    int64_t *rows = explanation->results[NEAREST];
    float *to = explanation->results[NEAREST_DISTANCES];
    int32_t *classes = explainer->concepts->judged ? explanation->results[OTHERS] : NULL;
    double *distances = ls_calloc((size_t)each, sizeof *distances);
    for (int64_t k = 0; k < count; k++, rows += each, to += each) {
        ls_explainer_nearest(explainer, points + k * width, width, each, rows, distances);
        for (int64_t i = 0; i < each; i++) {
            const int64_t place = rows[i];
            rows[i] = place < 0 ? -1 : (int64_t)explainer->known_ids[place];
            to[i] = (float)distances[i];
            if (classes)
                classes[k * each + i] = place < 0 ? -1 : explainer->known_labels[place];
        }
    }
    free(distances);
}

struct drawing {
    const struct ls_value *output;
    float *to;
};

static void take_picture(void *context, int64_t sample, int64_t point,
                         const struct ls_probe *probe) {
    const struct drawing *drawing = context;
    const int64_t width = ls_shape_row_count(drawing->output->shape);
    (void)point;
    memcpy(drawing->to + sample * width, (const float *)drawing->output->data + probe->row * width,
           (size_t)width * sizeof *drawing->to);
}

/* The prototypes as if samples had these values at the cut. */
static void draw(const struct ls_explainer *explainer, const float *points, int64_t count,
                 float *to) {
    struct ls_explainer of_points = *explainer;
    struct drawing drawing = {explainer->model->output, to};
    uint64_t *ids = ls_calloc((size_t)count, sizeof *ids);
    of_points.rows = count;
    of_points.inputs = points;
    of_points.ids = ids;
    of_points.explained = NULL;
    memset(of_points.feeds, 0, sizeof of_points.feeds);
    const struct ls_sweep sweep = {
        .samples = count, .points = 1, .take = take_picture, .context = &drawing};
    ls_explainer_sweep(&of_points, &sweep);
    free(ids);
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    const struct ls_value *prototypes = prototypes_of(explainer);
    const int64_t count = prototypes->shape.dims[0];
    float *points = ls_calloc((size_t)ls_shape_count(prototypes->shape), sizeof *points);
    ls_parameter_fetch(prototypes->parameter, prototypes->data, points);
    compare(explainer, points, count, explanation);
    if (explanation->first == 0) {
        memcpy(explanation->results[PROTOTYPES], points,
               (size_t)ls_shape_count(prototypes->shape) * sizeof *points);
        find_nearest(explainer, points, count, explanation);
        if (draws(explainer))
            draw(explainer, points, count,
                 explanation->results[OTHERS + explainer->concepts->judged]);
    }
    free(points);
}

const struct ls_explain_method ls_explain_prototypes = {
    .name = "prototypes",
    .help = "the training samples that each prototype is nearest to, and how near samples are to "
            "it",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .training = true,
    .cuts = true,
    .layer = LS_LAYER_PROTOTYPES,
    .describe = describe,
    .explain = explain,
};
