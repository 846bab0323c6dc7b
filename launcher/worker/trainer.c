#include "launcher/worker/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

/* The instruction set that all ranks can run: the one asked for, or the best that the weakest has.
 */
static enum ls_status choose_variant(struct ls_trainer *trainer, struct ls_error *error) {
    enum ls_status status = ls_config_variant(trainer->config, &trainer->variant, error);
    if (!trainer->communicator)
        return status;
    if ((status = ls_communicator_agree(trainer->communicator, status, error)) == LS_OK)
        trainer->variant =
            (enum ls_variant)ls_communicator_min(trainer->communicator, (int64_t)trainer->variant);
    return status;
}

static void plan_evaluation(struct ls_trainer *trainer, int64_t piece_max) {
    struct ls_pieces *pieces = &trainer->evaluation;
    const int room = trainer->count + LS_TREE_NODES_MAX;
    pieces->nodes = ls_calloc((size_t)room, sizeof *pieces->nodes);
    pieces->count = ls_tree_cover(trainer->microbatches, trainer->first, trainer->count,
                                  (int)piece_max, pieces->nodes, room);
}

static enum ls_status create_model(struct ls_trainer *trainer,
                                   const struct ls_trainer_options *options, int64_t rows_max,
                                   struct ls_error *error) {
    const struct ls_config *config = options->config;
    enum ls_status status = ls_task_create(&trainer->task, &config->task, error);
    if (status != LS_OK)
        return status;
    trainer->parameters = ls_parameters_create();
    struct ls_model_options model = ls_config_model(
        config, options->input_shape, options->input_integer, trainer->variant, rows_max);
    model.task = trainer->task;
    model.inference = !options->communicator;
    status = ls_model_create(&trainer->model, &model, trainer->parameters, error);
    if (status != LS_OK && trainer->model.failed)
        return ls_config_layer_error(config, trainer->model.failed, error);
    return status;
}

/* Reducer, optimiser and what a step needs besides. */
static enum ls_status create_training(struct ls_trainer *trainer, int64_t piece_max,
                                      struct ls_error *error) {
    const struct ls_config *config = trainer->config;
    const struct ls_reducer_options options = {
        .kind = (enum ls_reducer_kind)config->train.reduce,
        .parameters = trainer->parameters,
        .microbatches = trainer->microbatches,
        .variant = trainer->variant,
        .messages = !config->train.share_memory,
    };
    enum ls_status status =
        ls_reducer_create(&trainer->reducer, trainer->communicator, &options, error);
    if (status != LS_OK)
        return status;
    trainer->accumulator =
        ls_accumulator_create(trainer->microbatches, trainer->first, trainer->count, (int)piece_max,
                              trainer->parameters->total, ls_reducer_partials(trainer->reducer));
    trainer->flat = ls_reducer_parameters(trainer->reducer);
    ls_reducer_slice(trainer->reducer, &trainer->begin, &trainer->end);
    trainer->optimizer = ls_optimizer_create(&config->optimizer, trainer->parameters,
                                             trainer->begin, trainer->end, trainer->variant);
    trainer->blocks = ls_calloc((size_t)ls_reducer_blocks(trainer->reducer) + 1, sizeof(double));
    trainer->block_first = ls_norm_blocks(trainer->parameters, 0, trainer->begin);
    return LS_OK;
}

enum ls_status ls_trainer_create(struct ls_trainer *trainer,
                                 const struct ls_trainer_options *options, struct ls_error *error) {
    *trainer =
        (struct ls_trainer){.config = options->config, .communicator = options->communicator};
    const int rank = options->communicator ? ls_communicator_rank(options->communicator) : 0;
    const int size = options->communicator ? ls_communicator_size(options->communicator) : 1;
    trainer->microbatches = (int)ls_config_microbatches(options->config);
    trainer->microbatch_rows = options->config->train.batch / trainer->microbatches;
    trainer->first = (int)((int64_t)rank * trainer->microbatches / size);
    trainer->count = (int)((int64_t)(rank + 1) * trainer->microbatches / size) - trainer->first;
    if (size > trainer->microbatches)
        return ls_fail(
            error, LS_INVALID,
            "%d ranks, but a batch has %d microbatches: every rank needs one of its own\n"
            "use at most %d ranks, or raise train.microbatches",
            size, trainer->microbatches, trainer->microbatches);

    enum ls_status status = choose_variant(trainer, error);
    const int64_t piece_max = ls_config_piece_microbatches(options->config, trainer->count);
    if (status == LS_OK)
        status = create_model(trainer, options, piece_max * trainer->microbatch_rows, error);
    if (options->communicator)
        status = ls_communicator_agree(options->communicator, status, error);
    if (status == LS_OK && options->communicator)
        status = create_training(trainer, piece_max, error);
    if (status != LS_OK) {
        ls_trainer_destroy(trainer);
        return status;
    }

    plan_evaluation(trainer, piece_max);
    const size_t sums = (size_t)ls_trainer_sum_count(trainer, true);
    trainer->exchange =
        ls_calloc((size_t)trainer->microbatches * sums + LS_EXCHANGE_EXTRA, sizeof(double));
    if (!trainer->reducer)
        trainer->flat = ls_memory_map((size_t)trainer->parameters->total * sizeof(float));
    if (rank == 0)
        ls_parameters_initialise(trainer->parameters, (uint64_t)options->config->seed,
                                 trainer->flat);
    if (trainer->reducer)
        ls_reducer_broadcast(trainer->reducer);
    return LS_OK;
}

void ls_trainer_destroy(struct ls_trainer *trainer) {
    if (trainer->flat && !trainer->reducer)
        ls_memory_unmap(trainer->flat, (size_t)trainer->parameters->total * sizeof(float));
    ls_optimizer_destroy(trainer->optimizer);
    ls_accumulator_destroy(trainer->accumulator);
    ls_reducer_destroy(trainer->reducer);
    ls_model_destroy(&trainer->model);
    ls_task_destroy(trainer->task);
    ls_parameters_destroy(trainer->parameters);
    free(trainer->blocks);
    free(trainer->exchange);
    free(trainer->evaluation.nodes);
    *trainer = (struct ls_trainer){0};
}

int ls_trainer_sum_count(const struct ls_trainer *trainer, bool detailed) {
    return ls_task_sum_count(trainer->task, detailed);
}

/* Row 0 of `node` among the rank's rows, and how many rows it has in this batch. */
static int64_t node_rows(const struct ls_trainer *trainer, const struct ls_batch *batch,
                         struct ls_tree_node node, int64_t *first) {
    *first = (node.first - trainer->first) * trainer->microbatch_rows;
    const int64_t left = batch->rows - *first, most = node.count * trainer->microbatch_rows;
    return left < 0 ? 0 : left < most ? left : most;
}

bool ls_trainer_forward(struct ls_trainer *trainer, const struct ls_batch *batch,
                        struct ls_tree_node node, bool training, uint64_t step, float *gradients,
                        struct ls_run *run) {
    int64_t first;
    const int64_t rows = node_rows(trainer, batch, node, &first);
    if (rows == 0)
        return false;
    const struct ls_value *input = trainer->model.input, *target = trainer->model.target;
    const size_t input_bytes = (size_t)ls_shape_row(input->shape) * 4;
    const size_t target_bytes = (size_t)ls_shape_row(target->shape) * 4;
    memcpy(input->data, (const char *)batch->inputs + (size_t)first * input_bytes,
           (size_t)rows * input_bytes);
    if (batch->targets)
        memcpy(target->data, (const char *)batch->targets + (size_t)first * target_bytes,
               (size_t)rows * target_bytes);
    *run = (struct ls_run){
        .training = training,
        .rows = rows,
        .microbatch_rows = trainer->microbatch_rows,
        .microbatches = (int)((rows + trainer->microbatch_rows - 1) / trainer->microbatch_rows),
        .seed = (uint64_t)trainer->config->seed,
        .step = step,
        .row_ids = batch->row_ids + first,
        .row_first = batch->row_first + (uint64_t)first,
    };
    ls_graph_forward(trainer->model.graph, run, gradients);
    return true;
}
