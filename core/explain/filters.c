/* The weights of each unit of a layer, as they lie on its input (Zeiler & Fergus 2014): of a
 * convolution [height, width, channels], of a linear layer on the model's input that input's shape.
 * What later layers look for: maximise. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/explain/list.h"

/* The parameter whose last dimension counts the units of the layer; NULL: there is none. */
static const struct ls_value *weights_of(const struct ls_value *layer) {
    const struct ls_node *node = layer->producer;
    while (node && !(node->input_count > 1 && node->inputs[1] && node->inputs[1]->parameter &&
                     node->inputs[1]->shape.rank > 1))
        node = node->inputs[0] ? node->inputs[0]->producer : NULL;
    return node ? node->inputs[1] : NULL;
}

/* The shape of one unit's weights. */
static struct ls_shape shape_of(const struct ls_explainer *explainer) {
    const struct ls_value *weights = weights_of(explainer->model->layer);
    const struct ls_shape input = ls_shape_of_row(explainer->model->explained->shape);
    struct ls_shape shape = weights->shape;
    shape.rank--;
    return shape.rank == 1 && !explainer->tokens && shape.dims[0] == ls_shape_count(input) ? input
                                                                                           : shape;
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    (void)options;
    if (!weights_of(explainer->model->layer))
        return ls_fail(error, LS_INVALID, "filters: there are no weights in this layer");
    ls_results_add(results, "filters", shape_of(explainer))->picture = true;
    return LS_OK;
}

static int64_t count_units(const struct ls_explainer *explainer, const void *options) {
    (void)options;
    return ls_shape_last(weights_of(explainer->model->layer)->shape);
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_value *weights = weights_of(explanation->explainer->model->layer);
    const int64_t units = ls_shape_last(weights->shape);
    const int64_t each = ls_shape_count(weights->shape) / units;
    float *plain = ls_calloc((size_t)(units * each), sizeof *plain), *to = explanation->results[0];
    ls_parameter_fetch(weights->parameter, weights->data, plain);
    for (int64_t u = 0; u < explanation->count; u++)
        for (int64_t i = 0; i < each; i++)
            to[u * each + i] = plain[i * units + explanation->first + u];
    free(plain);
}

const struct ls_explain_method ls_explain_filters = {
    .name = "filters",
    .help =
        "the weights of each unit of a layer; by default of the first convolution or linear layer",
    .layer = LS_LAYER_FIRST_WEIGHTS,
    .units = count_units,
    .describe = describe,
    .explain = explain,
};
