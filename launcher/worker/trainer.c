#include "launcher/worker/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/tensor/blas.h"
#include "launcher/supervisor/supervisor.h"

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

static enum ls_status create_models(struct ls_trainer *trainer,
                                    const struct ls_trainer_options *options, int piece_max,
                                    struct ls_error *error) {
    const struct ls_config *config = options->config;
    enum ls_status status = ls_task_create(&trainer->task, &config->task, error);
    if (status != LS_OK)
        return status;
    trainer->parameters = ls_parameters_create();
    struct ls_model_options model =
        ls_config_model(config, options->input_shape, options->input_integer, trainer->variant,
                        piece_max * trainer->microbatch_rows);
    model.task = trainer->task;
    model.inference = !options->communicator;
    if (model.openblas && trainer->threads > 1)
        ls_blas_set_threads(1);
    const struct ls_layer_spec *failed;
    status = ls_shares_create(trainer, &model, piece_max, &failed, error);
    return status != LS_OK && failed ? ls_config_layer_error(config, failed, error) : status;
}

/* Reducer, optimiser and what a step needs besides. */
static enum ls_status create_training(struct ls_trainer *trainer, int piece_max,
                                      struct ls_error *error) {
    const struct ls_config *config = trainer->config;
    const struct ls_reducer_options options = {
        .kind = (enum ls_reducer_kind)config->train.reduce,
        .parameters = trainer->parameters,
        .microbatches = trainer->microbatches,
        .threads = trainer->threads,
        .variant = trainer->variant,
        .messages = !config->train.share_memory,
    };
    enum ls_status status =
        ls_reducer_create(&trainer->reducer, trainer->communicator, &options, error);
    if (status != LS_OK)
        return status;
    trainer->flat = ls_reducer_parameters(trainer->reducer);
    ls_shares_create_training(trainer, piece_max);
    ls_reducer_slice(trainer->reducer, &trainer->begin, &trainer->end);
    trainer->optimizer = ls_optimizer_create(&config->optimizer, trainer->parameters,
                                             trainer->begin, trainer->end, trainer->variant);
    trainer->blocks = ls_calloc((size_t)ls_reducer_blocks(trainer->reducer) + 1, sizeof(double));
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
    trainer->first = (int)ls_part_first(trainer->microbatches, rank, size);
    trainer->count = (int)ls_part_first(trainer->microbatches, rank + 1, size) - trainer->first;
    if (size > trainer->microbatches)
        return ls_fail(
            error, LS_INVALID,
            "%d ranks, but a batch has %d microbatches: every rank needs one of its own\n"
            "use at most %d ranks, or raise train.microbatches",
            size, trainer->microbatches, trainer->microbatches);

    enum ls_status status = choose_variant(trainer, error);
    const int64_t wanted = options->config->compute.threads;
    trainer->threads = wanted < trainer->count ? (int)wanted : trainer->count;
    const int most = (trainer->count + trainer->threads - 1) / trainer->threads; /* of a share */
    const int piece_max = (int)ls_config_piece_microbatches(options->config, most);
    if (status == LS_OK)
        status = create_models(trainer, options, piece_max, error);
    if (options->communicator)
        status = ls_communicator_agree(options->communicator, status, error);
    if (status == LS_OK && options->communicator)
        status = create_training(trainer, piece_max, error);
    if (status != LS_OK) {
        ls_trainer_destroy(trainer);
        return status;
    }

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
    ls_shares_destroy(trainer);
    ls_reducer_destroy(trainer->reducer);
    ls_task_destroy(trainer->task);
    ls_parameters_destroy(trainer->parameters);
    free(trainer->blocks);
    free(trainer->exchange);
    *trainer = (struct ls_trainer){0};
}

void ls_trainer_note_threads(const struct ls_trainer *trainer) {
    const int size = trainer->communicator ? ls_communicator_size(trainer->communicator) : 1;
    const int least = trainer->microbatches / size;
    const int64_t wanted = trainer->config->compute.threads;
    if (wanted > least)
        ls_log(LS_LOG_INFO,
               "%lld threads, but a rank has only %d of the %d microbatches: the other threads "
               "stay without work\nuse fewer threads or ranks, or raise train.microbatches",
               (long long)wanted, least, trainer->microbatches);
    if (trainer->threads > ls_cores())
        ls_log(
            LS_LOG_INFO,
            "the %d threads of a rank share %d %s; mpirun binds ranks to cores unless it is told "
            "--bind-to none",
            trainer->threads, ls_cores(), ls_cores() == 1 ? "core" : "cores");
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

bool ls_share_forward(const struct ls_pass *pass, const struct ls_share *share,
                      struct ls_tree_node node, float *gradients, struct ls_run *run) {
    const struct ls_trainer *trainer = pass->trainer;
    const struct ls_batch *batch = pass->batch;
    int64_t first;
    const int64_t rows = node_rows(trainer, batch, node, &first);
    if (rows == 0)
        return false;
    const struct ls_value *input = share->model.input, *target = share->model.target;
    const size_t input_bytes = (size_t)ls_shape_row(input->shape) * 4;
    const size_t target_bytes = (size_t)ls_shape_row(target->shape) * 4;
    memcpy(input->data, (const char *)batch->inputs + (size_t)first * input_bytes,
           (size_t)rows * input_bytes);
    if (batch->targets)
        memcpy(target->data, (const char *)batch->targets + (size_t)first * target_bytes,
               (size_t)rows * target_bytes);
    *run = (struct ls_run){
        .training = pass->training,
        .rows = rows,
        .microbatch_rows = trainer->microbatch_rows,
        .microbatches = (int)((rows + trainer->microbatch_rows - 1) / trainer->microbatch_rows),
        .seed = (uint64_t)trainer->config->seed,
        .step = pass->step,
        .row_ids = batch->row_ids + first,
        .row_first = batch->row_first + (uint64_t)first,
    };
    ls_graph_forward(share->model.graph, run, gradients);
    return true;
}
