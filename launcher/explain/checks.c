/* --faithfulness: how far each sample's attributions can be trusted, beside them in the file. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/explain/faithfulness.h"
#include "launcher/explain/explain.h"

enum { DELETION, INSERTION, SENSITIVITY, RANDOMISED };

enum ls_status ls_checks_describe(struct ls_subject *subject, struct ls_error *error) {
    struct ls_results *results = &subject->results;
    if (!subject->wanted->faithfulness)
        return LS_OK;
    if (subject->method->units || strcmp(results->items[0].name, "attributions") != 0)
        return ls_fail(error, LS_INVALID, "--faithfulness: %s gives no attributions of samples",
                       subject->method->name);
    subject->checks = results->count;
    ls_results_add(results, "deletion", LS_SHAPE(LS_CURVE_POINTS));
    ls_results_add(results, "insertion", LS_SHAPE(LS_CURVE_POINTS));
    ls_results_add(results, "noise_sensitivity", (struct ls_shape){0});
    ls_results_add(results, "random_weights_correlation", (struct ls_shape){0});
    return LS_OK;
}

void ls_weights_draw(const struct ls_subject *subject, float *flat) {
    const struct ls_parameter_set *set = subject->trained.worker.parameters;
    float *drawn = ls_calloc((size_t)set->total, sizeof *drawn);
    ls_parameters_initialise(set, (uint64_t)subject->wanted->seed, drawn);
    for (int i = 0; i < set->count; i++)
        if (set->items[i]->kind == LS_PARAMETER_WEIGHT)
            memcpy(flat + set->items[i]->offset, drawn + set->items[i]->offset,
                   (size_t)set->items[i]->count * sizeof *drawn);
    free(drawn);
}

/* How alike the attributions are to those of a model that has learned nothing. */
static void compare_random(const struct ls_subject *subject,
                           const struct ls_explanation *explanation, float *correlations) {
    const struct ls_worker *worker = &subject->trained.worker;
    const size_t total = (size_t)worker->parameters->total;
    const int64_t row = ls_shape_count(ls_explainer_shape(explanation->explainer));
    float *flat = ls_calloc(total, sizeof *flat);
    memcpy(flat, worker->flat, total * sizeof *flat);
    ls_weights_draw(subject, flat);
    struct ls_explanation other = *explanation;
    for (int i = 0; i < subject->checks; i++)
        other.results[i] =
            ls_calloc((size_t)explanation->count,
                      (size_t)ls_shape_count(subject->results.items[i].row_shape) * 8);
    ls_graph_prepare(subject->model.graph, flat);
    subject->method->explain(&other);
    ls_graph_prepare(subject->model.graph, worker->flat);
    for (int64_t n = 0; n < explanation->count; n++)
        correlations[n] =
            (float)ls_rank_correlation((const float *)explanation->results[0] + n * row,
                                       (const float *)other.results[0] + n * row, row);
    for (int i = 0; i < subject->checks; i++)
        free(other.results[i]);
    free(flat);
}

void ls_checks_run(const struct ls_subject *subject, const struct ls_explanation *explanation) {
    if (!subject->checks)
        return;
    void *const *to = explanation->results + subject->checks;
    ls_faithfulness_curves(explanation->explainer, explanation->results[0], to[DELETION],
                           to[INSERTION]);
    ls_faithfulness_noise(subject->method, explanation, to[SENSITIVITY]);
    compare_random(subject, explanation, to[RANDOMISED]);
}
