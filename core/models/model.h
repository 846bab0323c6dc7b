/* From networks and losses to the graphs of a task's phases, with the feeds that they take. */
#ifndef LS_MODELS_MODEL_H
#define LS_MODELS_MODEL_H

#include "core/tasks/task.h"

struct ls_model_options {
    const struct ls_networks *networks; /* borrowed, like the next three */
    const struct ls_task *task;
    const struct ls_layer_list *losses;
    const struct ls_feed *feeds; /* [feed_count] what a batch may carry */
    int feed_count;
    const char *answer; /* the path of the layer whose value answers; NULL: the last one */
    enum ls_variant variant;
    int64_t rows_max;
    bool inference;
    bool borrows_arena; /* see ls_graph_options */
    bool answers;       /* records no losses: the output alone (predict, generate) */
    enum ls_winograd winograd;
    bool openblas;                        /* see ls_graph_options */
    const struct ls_pattern_list *frozen; /* see ls_graph_options; borrowed, NULL: none */
    const char *start_at;   /* the cut: begin behind the layer of that path; NULL: none */
    bool both;              /* what lies before the cut is made, too: model->replaced */
    const char *layer;      /* the path of a layer whose value is wanted, too; NULL: none */
    int64_t step_positions; /* step mode, see ls_graph_options; 0: off */
    /* For core/explain: nothing is trained, every value is kept, and gradients are wanted of the
     * feed of this name (with start_at: of the cut) and of `layer`, where they are numbers. NULL:
     * off. */
    const char *explains;
};

/* A feed that the model took: batches are copied into it. */
struct ls_model_input {
    struct ls_value *value; /* borrowed from the graph: int32 or real */
    int feed;               /* index in the feeds on offer */
    int64_t limit;          /* its values must be from 0 to below it; 0: any */
    bool ignores;           /* but `ignored` passes */
    int32_t ignored;
    bool zero_to_one; /* its values must be from 0 to 1 */
};

/* The graph of a phase, planned. One per thread and phase. */
struct ls_model {
    struct ls_graph *graph; /* owned */
    struct ls_model_input inputs[LS_FEEDS_MAX];
    int input_count;
    struct ls_terms terms;              /* none in a model that only answers */
    struct ls_value *output, *loss;     /* borrowed from the graph; loss NULL: it only answers */
    struct ls_value *cut;               /* the input behind start_at; NULL without */
    struct ls_value *replaced;          /* with options.both: what the layer made there; or NULL */
    struct ls_value *layer;             /* of options.layer: reals [rows, ...]; NULL without */
    struct ls_value *explained;         /* with options.explains: that feed's input, or the cut */
    const struct ls_layer_spec *failed; /* after an error: the layer or loss that failed, borrowed
                                           from the options; NULL: the error lies elsewhere */
};

/* The models of all phases of options->task, models[phase_count]. parameters: an empty set, or the
 * one of earlier models of the same options. After an error only models[0].failed may be read;
 * ls_models_destroy is harmless. */
LS_MUST_USE enum ls_status ls_models_create(struct ls_model *models,
                                            const struct ls_model_options *options,
                                            struct ls_parameter_set *parameters,
                                            struct ls_error *error);
void ls_models_destroy(struct ls_model *models, int count);

/* One phase alone, where the parameters are laid out already or the task has one phase. */
LS_MUST_USE enum ls_status ls_model_create(struct ls_model *model,
                                           const struct ls_model_options *options, int phase,
                                           struct ls_parameter_set *parameters,
                                           struct ls_error *error);
void ls_model_destroy(struct ls_model *model);

/* Whole microbatches of `microbatch_rows` samples that go through the graphs in one piece: as many
 * as keep their activations in cache or near it, at most `count`, at least one; one where a
 * parameter is used several times. wanted_rows: samples of a piece that somebody asked for; 0:
 * measured on these models, which are planned for one microbatch. */
int ls_models_piece(const struct ls_model *models, int phase_count, int64_t microbatch_rows,
                    int64_t wanted_rows, int count);

#endif
