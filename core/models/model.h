/* From a list of layer specs to a graph with inputs, outputs and a loss. */
#ifndef LS_MODELS_MODEL_H
#define LS_MODELS_MODEL_H

#include "core/layers/layer.h"
#include "core/tasks/task.h"

struct ls_model_options {
    const struct ls_layer_list *layers; /* borrowed */
    struct ls_task *task;               /* borrowed; learns the number of outputs */
    struct ls_shape input_shape;        /* of one sample */
    bool input_integer;                 /* int32 indices (embedding first) */
    bool
        standardise_features; /* a constant mean and scale per last dimension: input.mean, .scale */
    bool standardise_whole_row; /* with it: per element of the row instead */
    enum ls_variant variant;
    int64_t rows_max;
    bool inference;
    enum ls_winograd winograd;
    bool openblas; /* see ls_graph_options */
};

/* The graph of a phase, planned. */
struct ls_model {
    struct ls_graph *graph;                          /* owned */
    struct ls_value *input, *target, *output, *loss; /* borrowed from the graph */
    const struct ls_layer_spec *failed; /* after an error: the layer that failed, borrowed from the
                                           options; NULL: none did, the error lies elsewhere */
};

/* parameters: an empty set, or the one of an earlier model of the same options. After an error only
 * model->failed may be read; ls_model_destroy is harmless. */
LS_MUST_USE enum ls_status ls_model_create(struct ls_model *model,
                                           const struct ls_model_options *options,
                                           struct ls_parameter_set *parameters,
                                           struct ls_error *error);

/* Inputs that are indices must be below it: rows of the first embedding; 0 if there is none. */
int64_t ls_model_index_limit(const struct ls_model *model);
void ls_model_destroy(struct ls_model *model);

/* Samples in the best piece: about 32 where there are convolutions, else all (0). */
int64_t ls_model_piece_rows(const struct ls_layer_list *layers);

#endif
