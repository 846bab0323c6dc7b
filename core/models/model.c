#include "core/models/model.h"

#include <string.h>

#include "core/layers/list.h"

enum { CONVOLUTION_PIECE_ROWS = 16 };

/* y = (x - mean) * scale with constants that are set from the training data (1 and 0 until then).
 */
static struct ls_value *standardise(struct ls_graph *graph, struct ls_value *x,
                                    const struct ls_model_options *options) {
    struct ls_shape shape = options->input_shape;
    if (!options->standardise_whole_row)
        shape = LS_SHAPE(ls_shape_last(shape));
    const struct ls_initialiser zero = {.kind = LS_INIT_ZEROS};
    const struct ls_initialiser one = {.kind = LS_INIT_CONSTANT, .scale = 1};
    ls_graph_push(graph, "input");
    struct ls_value *mean = ls_graph_parameter(graph, "mean", shape, LS_LAYOUT_PLAIN,
                                               LS_PARAMETER_CONSTANT, false, 0, zero);
    struct ls_value *scale = ls_graph_parameter(graph, "scale", shape, LS_LAYOUT_PLAIN,
                                                LS_PARAMETER_CONSTANT, false, 0, one);
    struct ls_value *y = ls_standardise(graph, x, mean, scale);
    ls_graph_pop(graph);
    return y;
}

static void record(struct ls_model *model, const struct ls_model_options *options) {
    struct ls_graph *graph = model->graph;
    struct ls_builder builder = {.graph = graph};
    model->input = ls_graph_input(graph, "input", options->input_shape,
                                  options->input_integer ? LS_TYPE_INT32 : LS_TYPE_REAL);
    struct ls_value *x = model->input;
    if (options->standardise_features && options->input_integer)
        ls_graph_fail(graph, "inputs that are indices cannot be standardised");
    else if (options->standardise_features)
        x = standardise(graph, x, options);
    if (options->layers->count == 0)
        ls_graph_fail(graph, "a model has at least one layer, found none");
    model->output = ls_layers_build(&builder, x, options->layers);
    model->failed = builder.failed;
    ls_builder_clear(&builder);
    if (ls_graph_failed(graph))
        return;
    model->loss = ls_task_record(options->task, graph, model->output, &model->target);
    if (ls_graph_failed(graph))
        return;
    ls_graph_keep(graph, model->output);
    ls_graph_keep(graph, model->loss);
    ls_graph_set_loss(graph, model->loss);
}

enum ls_status ls_model_create(struct ls_model *model, const struct ls_model_options *options,
                               struct ls_parameter_set *parameters, struct ls_error *error) {
    *model = (struct ls_model){0};
    model->graph = ls_graph_create(&(struct ls_graph_options){.variant = options->variant,
                                                              .rows_max = options->rows_max,
                                                              .parameters = parameters,
                                                              .inference = options->inference,
                                                              .winograd = options->winograd,
                                                              .openblas = options->openblas});
    record(model, options);
    const enum ls_status status = ls_graph_plan(model->graph, error);
    if (status != LS_OK) {
        const struct ls_layer_spec *failed = model->failed;
        ls_model_destroy(model);
        model->failed = failed;
    }
    return status;
}

void ls_model_destroy(struct ls_model *model) {
    if (model->graph)
        ls_graph_destroy(model->graph);
    *model = (struct ls_model){0};
}

static bool has_convolutions(const struct ls_layer_list *layers) {
    for (int i = 0; i < layers->count; i++) {
        const struct ls_layer_spec *spec = &layers->items[i];
        if (spec->layer == &ls_layer_conv2d || spec->layer == &ls_layer_conv_transpose2d)
            return true;
        for (int b = 0; b < LS_BRANCHES_MAX; b++)
            if (has_convolutions(&spec->branches[b]))
                return true;
    }
    return false;
}

int64_t ls_model_piece_rows(const struct ls_layer_list *layers) {
    return has_convolutions(layers) ? CONVOLUTION_PIECE_ROWS : 0;
}

int64_t ls_model_index_limit(const struct ls_model *model) {
    for (int i = 0; i < ls_graph_node_count(model->graph); i++) {
        const struct ls_node *node = ls_graph_node_at(model->graph, i);
        if (node->inputs[0] == model->input && strcmp(node->op->name, "embedding") == 0)
            return node->inputs[1]->shape.dims[0];
    }
    return 0;
}
