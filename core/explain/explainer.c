/* Points through the model, a run of the graph at a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/explain/explain.h"

const char *const ls_baseline_names[] = {"auto", "zero", "mean", "samples", NULL};

int64_t ls_explainer_width(const struct ls_explainer *explainer) {
    return ls_shape_row_count(explainer->model->explained->shape);
}

struct ls_shape ls_explainer_shape(const struct ls_explainer *explainer) {
    struct ls_shape shape = ls_shape_of_row(explainer->model->explained->shape);
    shape.rank -= explainer->tokens;
    return shape;
}

int64_t ls_explainer_baselines(const struct ls_explainer *explainer) {
    return explainer->baselines ? explainer->baseline_count : 1;
}

const float *ls_explainer_baseline(const struct ls_explainer *explainer, int64_t k) {
    return explainer->baselines ? explainer->baselines + k * ls_explainer_width(explainer)
                                : explainer->baseline;
}

static struct ls_value *explained_value(const struct ls_explainer *explainer) {
    return explainer->of ? explainer->of : explainer->model->output;
}

/* The other feeds of a point are those of its sample. */
static void copy_feeds(const struct ls_explainer *explainer, int64_t sample, int64_t row) {
    const struct ls_model *model = explainer->model;
    for (int i = 0; i < model->input_count; i++) {
        const struct ls_value *value = model->inputs[i].value;
        if (!value->data || !explainer->feeds[i] ||
            (value == model->explained && explainer->inputs))
            continue; /* or make_points writes it */
        const size_t bytes = (size_t)ls_shape_row_count(value->shape) * 4; /* float or int32 */
        memcpy((char *)value->data + (size_t)row * bytes,
               (const char *)explainer->feeds[i] + (size_t)sample * bytes, bytes);
    }
}

/* Points first .. first + rows - 1 of the sweep into the graph's inputs. */
static void make_points(const struct ls_explainer *explainer, const struct ls_sweep *sweep,
                        int64_t first, int64_t rows, uint64_t *ids) {
    const int64_t width = ls_explainer_width(explainer);
    float *points = explainer->inputs ? explainer->model->explained->data : NULL;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t sample = sweep->first + (first + r) / sweep->points;
        copy_feeds(explainer, sample, r);
        ids[r] = explainer->ids[sample];
        if (!points)
            continue;
        memcpy(points + r * width, explainer->inputs + sample * width,
               (size_t)width * sizeof *points);
        if (sweep->make)
            sweep->make(sweep->context, sample, (first + r) % sweep->points, points + r * width);
    }
}

static int64_t elements_of(const struct ls_explained *e) {
    return e->count ? e->count : 1;
}

/* Of what is explained, in the units of the targets; 1 where outputs are taken as they are. */
static double scale_of(const struct ls_explainer *explainer, int64_t element) {
    return explainer->scales && !explainer->of ? (double)explainer->scales[element] : 1.0;
}

/* The gradient of each row's explained value. */
static void go_back(const struct ls_explainer *explainer, const struct ls_sweep *sweep,
                    int64_t first, const struct ls_run *run) {
    struct ls_value *of = explained_value(explainer);
    const int64_t outputs = ls_shape_row_count(of->shape);
    float *gradient = of->gradient;
    memset(gradient, 0, (size_t)(run->rows * outputs) * sizeof *gradient);
    for (int64_t r = 0; r < run->rows; r++) {
        const struct ls_explained *e =
            &explainer->explained[sweep->first + (first + r) / sweep->points];
        for (int64_t k = 0; k < elements_of(e); k++) {
            const int64_t element = e->element + k * e->step;
            gradient[r * outputs + element] =
                (float)((double)e->sign / (double)elements_of(e) / scale_of(explainer, element));
        }
    }
    ls_graph_backward_from(explainer->model->graph, of, run, NULL);
}

double ls_explained_offset(const struct ls_explainer *explainer, const struct ls_explained *e) {
    double sum = 0;
    for (int64_t k = 0; k < elements_of(e) && explainer->means && !explainer->of; k++)
        sum += explainer->means[e->element + k * e->step];
    return (double)e->sign * sum / (double)elements_of(e);
}

double ls_explained_value(const struct ls_explainer *explainer, const struct ls_explained *e,
                          const float *output) {
    double sum = 0;
    for (int64_t k = 0; k < elements_of(e); k++) {
        const int64_t element = e->element + k * e->step;
        sum += (double)output[element] / scale_of(explainer, element);
    }
    return (double)e->sign * sum / (double)elements_of(e) + ls_explained_offset(explainer, e);
}

static void take_points(const struct ls_explainer *explainer, const struct ls_sweep *sweep,
                        int64_t first, int64_t rows) {
    const struct ls_value *of = explained_value(explainer);
    const int64_t outputs = ls_shape_row_count(of->shape);
    const int64_t width = ls_explainer_width(explainer);
    const float *output = of->data, *gradient = explainer->model->explained->gradient;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t sample = sweep->first + (first + r) / sweep->points;
        struct ls_probe probe = {.row = r};
        if (explainer->explained)
            probe.value =
                ls_explained_value(explainer, &explainer->explained[sample], output + r * outputs);
        if (sweep->gradients)
            probe.gradient = gradient + r * width;
        sweep->take(sweep->context, sample, (first + r) % sweep->points, &probe);
    }
}

/* Points of a run. Noise that a model draws follows the place in the run: alone, a point has that
 * of its sample. */
static int64_t points_together(const struct ls_explainer *explainer) {
    const struct ls_graph *graph = explainer->model->graph;
    for (int i = 0; i < ls_graph_node_count(graph); i++)
        if (ls_graph_node_at(graph, i)->op->source)
            return 1;
    return explainer->model->output->shape.dims[0];
}

void ls_explainer_sweep(const struct ls_explainer *explainer, const struct ls_sweep *sweep) {
    const int64_t total = sweep->samples * sweep->points;
    const int64_t rows_max = points_together(explainer);
    uint64_t *ids = ls_calloc((size_t)rows_max, sizeof *ids);
    for (int64_t first = 0, rows; first < total; first += rows) {
        rows = total - first < rows_max ? total - first : rows_max;
        make_points(explainer, sweep, first, rows, ids);
        const struct ls_run run = {.mean_only = true,
                                   .rows = rows,
                                   .microbatch_rows = rows,
                                   .microbatches = 1,
                                   .seed = explainer->seed,
                                   .row_ids = ids,
                                   .row_first = ids[0]};
        ls_graph_forward(explainer->model->graph, &run, NULL);
        if (sweep->gradients)
            go_back(explainer, sweep, first, &run);
        take_points(explainer, sweep, first, rows);
    }
    free(ids);
}

void ls_explainer_store(const struct ls_explainer *explainer, const double *values,
                        enum ls_token_rule rule, float *to) {
    const int64_t width = ls_explainer_width(explainer);
    const int64_t together =
        explainer->tokens ? ls_shape_last(explainer->model->explained->shape) : 1;
    for (int64_t i = 0; i < width / together; i++, values += together) {
        double sum = 0;
        for (int64_t k = 0; k < together; k++)
            sum += rule == LS_TOKEN_NORM && explainer->tokens ? values[k] * values[k] : values[k];
        to[i] = (float)(rule == LS_TOKEN_NORM && explainer->tokens ? sqrt(sum) : sum);
    }
}

struct ls_result *ls_results_add(struct ls_results *results, const char *name,
                                 struct ls_shape row_shape) {
    LS_ASSERT(results->count < LS_RESULTS_MAX, "%d results", results->count);
    struct ls_result *result = &results->items[results->count++];
    *result = (struct ls_result){.row_shape = row_shape};
    strncpy(result->name, name, sizeof result->name - 1);
    return result;
}

int ls_results_find(const struct ls_results *results, const char *name) {
    for (int i = 0; i < results->count; i++)
        if (!strcmp(results->items[i].name, name))
            return i;
    return -1;
}

enum ls_status ls_explain_attributions(const struct ls_explainer *explainer, const void *options,
                                       struct ls_results *results, struct ls_error *error) {
    (void)options;
    (void)error;
    ls_results_add(results, "attributions", ls_explainer_shape(explainer));
    return LS_OK;
}

/* Ops that only look at numbers in another shape may have left the graph. */
static const struct ls_value *content_of(const struct ls_value *value) {
    while (value->producer && value->producer->op->alias)
        value = value->producer->inputs[0];
    return value;
}

bool ls_explainer_goes_on(const struct ls_explainer *explainer) {
    const struct ls_model *model = explainer->model;
    const int count = ls_graph_node_count(model->graph);
    int last = 0;
    for (int i = 0; i < count; i++) {
        const int index = ls_graph_node_at(model->graph, i)->output->index;
        last = index > last ? index : last;
    }
    bool *follows = ls_calloc((size_t)last + 1, sizeof *follows);
    for (int i = 0; i < count; i++) {
        const struct ls_node *node = ls_graph_node_at(model->graph, i);
        for (int k = 0; k < node->input_count; k++) {
            const struct ls_value *input = node->inputs[k] ? content_of(node->inputs[k]) : NULL;
            if (input && (input == model->explained || (input->producer && follows[input->index])))
                follows[node->output->index] = true;
        }
    }
    const struct ls_value *output = content_of(model->output);
    const bool goes_on = output->producer && follows[output->index];
    free(follows);
    return goes_on;
}
