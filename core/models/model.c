#include "core/models/model.h"

#include <string.h>

#include "core/layers/list.h"

enum { CONVOLUTION_PIECE_ROWS = 16 };
static const int64_t piece_bytes = (int64_t)32 << 20;

static void list_inputs(struct ls_model *model, const struct ls_builder *builder) {
    model->input_count = builder->taken_count;
    for (int i = 0; i < builder->taken_count; i++) {
        const struct ls_taken_feed *taken = &builder->taken[i];
        model->inputs[i] =
            (struct ls_model_input){.value = taken->input,
                                    .feed = taken->feed,
                                    .limit = taken->limit,
                                    .ignores = taken->ignoring && taken->ignoring == taken->limits,
                                    .ignored = taken->ignored,
                                    .zero_to_one = taken->zero_to_one};
    }
}

/* What callers read after forward. */
static void keep_values(struct ls_model *model) {
    struct ls_graph *graph = model->graph;
    ls_graph_keep(graph, model->output);
    if (model->layer)
        ls_graph_keep(graph, model->layer);
    if (model->replaced)
        ls_graph_keep(graph, model->replaced);
    for (int i = 0; i < model->terms.count; i++) {
        const struct ls_term *term = &model->terms.items[i];
        ls_graph_keep(graph, term->of);
        if (term->target)
            ls_graph_keep(graph, term->target);
        if (term->lengths)
            ls_graph_keep(graph, term->lengths);
        ls_graph_keep(graph, term->value);
        for (int b = 0; b < term->baseline_count; b++)
            ls_graph_keep(graph, term->baselines[b]);
    }
}

/* A model that only answers needs no loss; but where a target is offered it is recorded and dropped
 * again by the planner, since a checkpoint has the constants that come with it. */
static bool records_losses(const struct ls_model_options *options) {
    for (int i = 0; i < options->feed_count && options->answers; i++)
        if (ls_losses_take(options->losses, options->feeds[i].name))
            return true;
    return !options->answers;
}

/* The value of a layer that somebody wants to see; NULL after an error in the graph. */
static struct ls_value *find_layer(struct ls_builder *builder, const char *path) {
    struct ls_value *value = ls_builder_layer(builder, path);
    if (value && (!value->batched || value->type != LS_TYPE_REAL))
        return ls_graph_fail(builder->graph, "the layer '%s' has %s", path,
                             value->batched ? "indices; expected one with numbers"
                                            : "no value of its own for each sample");
    return value;
}

/* What is explained; its gradient was asked for when it was made. */
static void find_explained(struct ls_model *model, const struct ls_model_options *options) {
    struct ls_graph *graph = model->graph;
    model->explained = model->cut ? model->cut : ls_graph_find_input(graph, options->explains);
    if (!model->explained)
        ls_graph_fail(graph, "the model takes no feed '%s'", options->explains);
    else if (model->layer && model->layer->wants_gradient)
        ls_graph_want_gradient(graph, model->layer);
}

static void record(struct ls_model *model, struct ls_builder *builder,
                   const struct ls_model_options *options, int phase) {
    for (int i = 0; i < options->networks->count; i++)
        if (options->networks->items[i].layers.count == 0) {
            ls_graph_fail(builder->graph, "a model has at least one layer, found none");
            return;
        }
    if (!ls_task_record(options->task, builder, phase, options->losses,
                        records_losses(options) ? &model->terms : NULL, &model->output))
        return;
    if (options->start_at && !builder->cut) {
        if (ls_builder_layer(builder, options->start_at))
            ls_graph_fail(builder->graph, "the model cannot start at '%s'", options->start_at);
        return;
    }
    model->cut = builder->cut;
    model->replaced = options->both ? builder->replaced : NULL;
    struct ls_value *answer = options->answer ? find_layer(builder, options->answer) : NULL;
    if (answer)
        model->output = answer;
    if (options->layer)
        model->layer = find_layer(builder, options->layer);
    if (options->explains && !ls_graph_failed(model->graph))
        find_explained(model, options);
    if (options->answers)
        model->terms.count = 0;
    if (model->terms.count)
        model->loss = ls_terms_loss(&model->terms, model->graph);
    if (ls_graph_failed(model->graph))
        return;
    keep_values(model);
    if (model->loss)
        ls_graph_set_loss(model->graph, model->loss);
}

static void record_phase(struct ls_model *model, const struct ls_model_options *options, int phase,
                         struct ls_parameter_set *parameters) {
    *model = (struct ls_model){0};
    model->graph = ls_graph_create(
        &(struct ls_graph_options){.variant = options->variant,
                                   .rows_max = options->rows_max,
                                   .parameters = parameters,
                                   .inference = options->inference,
                                   .winograd = options->winograd,
                                   .openblas = options->openblas,
                                   .group = options->explains ? LS_GROUP_NONE : phase,
                                   .keep_all = options->explains != NULL,
                                   .frozen = options->frozen,
                                   .stream_first = (uint32_t)phase << 20,
                                   .step_positions = options->step_positions,
                                   .borrows_arena = options->borrows_arena});
    struct ls_builder builder = {.graph = model->graph,
                                 .feeds = options->feeds,
                                 .feed_count = options->feed_count,
                                 .networks = options->networks,
                                 .start_at = options->start_at,
                                 .explains = options->explains};
    ls_task_groups(options->task, options->networks, builder.network_groups);
    record(model, &builder, options, phase);
    list_inputs(model, &builder);
    model->failed = builder.failed;
    ls_builder_clear(&builder);
}

/* Plans, or says what is wrong: with `failed` in front of all models. */
static enum ls_status plan(struct ls_model *models, int count, struct ls_error *error) {
    struct ls_graph *graphs[LS_PHASES_MAX] = {NULL};
    enum ls_status status = LS_OK;
    int bad = 0;
    bool failed = false;
    for (int p = 0; p < count; p++) {
        graphs[p] = models[p].graph;
        failed = failed || ls_graph_failed(graphs[p]);
    }
    if (!failed)
        ls_graph_order_parameters(graphs, count);
    for (int p = 0; p < count && status == LS_OK; p++)
        if (!failed || ls_graph_failed(graphs[p])) {
            status = ls_graph_plan(graphs[p], error);
            bad = p;
        }
    const struct ls_layer_spec *spec = models[bad].failed;
    if (status != LS_OK) {
        ls_models_destroy(models, count);
        models[0].failed = spec;
    }
    return status;
}

/* What to point at when phase p has nothing to learn: the first layer of its network, or else of
 * the entry. */
static const struct ls_layer_spec *first_layer(const struct ls_model_options *options, int p) {
    const struct ls_networks *networks = options->networks;
    const struct ls_network *network = ls_network_find(networks, options->task->phases[p]);
    return (network ? network : ls_networks_entry(networks))->layers.items;
}

/* A phase whose networks have no parameters would learn nothing. */
static enum ls_status check_phases(struct ls_model *models, const struct ls_model_options *options,
                                   const struct ls_parameter_set *parameters,
                                   struct ls_error *error) {
    const struct ls_task *task = options->task;
    for (int p = 0; p < task->phase_count && !options->inference; p++) {
        int trained = 0, frozen = 0;
        for (int i = 0; i < parameters->count; i++) {
            const bool weight = parameters->items[i]->kind == LS_PARAMETER_WEIGHT;
            trained += weight && parameters->items[i]->group == p;
            frozen += weight && parameters->items[i]->group == LS_GROUP_FIXED;
        }
        if (trained)
            continue;
        ls_models_destroy(models, task->phase_count);
        models[0].failed = first_layer(options, p);
        if (frozen)
            return ls_fail(error, LS_INVALID,
                           "%s%s has nothing to learn: all its parameters are frozen",
                           task->phase_count > 1 ? "phase " : "the model", task->phases[p]);
        if (task->phase_count == 1)
            return ls_fail(error, LS_INVALID,
                           "the model has no parameters: there is nothing to learn");
        return ls_fail(
            error, LS_INVALID,
            "phase %s: the network %s has no parameters, so the phase has nothing to learn",
            task->phases[p], task->phases[p]);
    }
    return LS_OK;
}

enum ls_status ls_models_create(struct ls_model *models, const struct ls_model_options *options,
                                struct ls_parameter_set *parameters, struct ls_error *error) {
    for (int p = 0; p < options->task->phase_count; p++)
        record_phase(&models[p], options, p, parameters);
    const enum ls_status status = plan(models, options->task->phase_count, error);
    return status == LS_OK ? check_phases(models, options, parameters, error) : status;
}

enum ls_status ls_model_create(struct ls_model *model, const struct ls_model_options *options,
                               int phase, struct ls_parameter_set *parameters,
                               struct ls_error *error) {
    record_phase(model, options, phase, parameters);
    return plan(model, 1, error);
}

void ls_model_destroy(struct ls_model *model) {
    if (model->graph)
        ls_graph_destroy(model->graph);
    *model = (struct ls_model){0};
}

void ls_models_destroy(struct ls_model *models, int count) {
    for (int p = 0; p < count; p++)
        ls_model_destroy(&models[p]);
}

/* Samples that run best together: few images, since their activations are large. */
static int64_t piece_rows(const struct ls_model *model) {
    for (int i = 0; i < ls_graph_node_count(model->graph); i++) {
        const char *name = ls_graph_node_at(model->graph, i)->op->name;
        if (!strcmp(name, "conv2d") || !strcmp(name, "conv_transpose2d"))
            return CONVOLUTION_PIECE_ROWS;
    }
    const int64_t row_bytes = ls_graph_summarise(model->graph).row_bytes;
    return row_bytes ? piece_bytes / row_bytes : INT64_MAX;
}

int ls_models_piece(const struct ls_model *models, int phase_count, int64_t microbatch_rows,
                    int64_t wanted_rows, int count) {
    int piece = count;
    for (int p = 0; p < phase_count; p++) {
        const int64_t rows = wanted_rows ? wanted_rows : piece_rows(&models[p]);
        const int64_t most =
            ls_graph_single_microbatch(models[p].graph) ? 1 : rows / microbatch_rows;
        if (most < piece)
            piece = most < 1 ? 1 : (int)most;
    }
    return piece;
}
