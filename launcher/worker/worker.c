#include "launcher/worker/worker.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/tensor/blas.h"
#include "launcher/supervisor/supervisor.h"

/* The instruction set that all ranks can run: the one asked for, or the best that the weakest has.
 */
static enum ls_status choose_variant(struct ls_worker *worker, struct ls_error *error) {
    enum ls_status status = ls_config_variant(worker->config, &worker->variant, error);
    if (!worker->communicator)
        return status;
    if ((status = ls_communicator_agree(worker->communicator, status, error)) == LS_OK)
        worker->variant =
            (enum ls_variant)ls_communicator_min(worker->communicator, (int64_t)worker->variant);
    return status;
}

static enum ls_status create_models(struct ls_worker *worker,
                                    const struct ls_worker_options *options, int piece_max,
                                    struct ls_error *error) {
    const struct ls_config *config = options->config;
    enum ls_status status = ls_task_create(&worker->task, &config->task, error);
    if (status != LS_OK)
        return status;
    worker->parameters = ls_parameters_create();
    struct ls_model_options model =
        ls_config_model(config, options->input_shape, options->input_integer, worker->variant,
                        piece_max * worker->microbatch_rows);
    model.task = worker->task;
    model.inference = !options->communicator;
    if (model.openblas && worker->threads > 1)
        ls_blas_set_threads(1);
    const struct ls_layer_spec *failed;
    status = ls_shares_create(worker, &model, piece_max, &failed, error);
    return status != LS_OK && failed ? ls_config_layer_error(config, failed, error) : status;
}

/* Reducer, optimiser and what a step needs besides. */
static enum ls_status create_training(struct ls_worker *worker, int piece_max,
                                      struct ls_error *error) {
    const struct ls_config *config = worker->config;
    const struct ls_reducer_options options = {
        .kind = (enum ls_reducer_kind)config->train.reduce,
        .parameters = worker->parameters,
        .microbatches = worker->microbatches,
        .threads = worker->threads,
        .variant = worker->variant,
        .messages = !config->train.share_memory,
    };
    enum ls_status status =
        ls_reducer_create(&worker->reducer, worker->communicator, &options, error);
    if (status != LS_OK)
        return status;
    worker->flat = ls_reducer_parameters(worker->reducer);
    ls_shares_create_training(worker, piece_max);
    ls_reducer_slice(worker->reducer, &worker->begin, &worker->end);
    worker->optimizer = ls_optimizer_create(&config->optimizer, worker->parameters, worker->begin,
                                            worker->end, worker->variant);
    worker->blocks = ls_calloc((size_t)ls_reducer_blocks(worker->reducer) + 1, sizeof(double));
    return LS_OK;
}

enum ls_status ls_worker_create(struct ls_worker *worker, const struct ls_worker_options *options,
                                struct ls_error *error) {
    *worker = (struct ls_worker){.config = options->config, .communicator = options->communicator};
    const int rank = options->communicator ? ls_communicator_rank(options->communicator) : 0;
    const int size = options->communicator ? ls_communicator_size(options->communicator) : 1;
    worker->microbatches = (int)ls_config_microbatches(options->config);
    worker->microbatch_rows = options->config->train.batch / worker->microbatches;
    worker->first = (int)ls_even_first(worker->microbatches, rank, size);
    worker->count = (int)ls_even_first(worker->microbatches, rank + 1, size) - worker->first;
    if (size > worker->microbatches)
        return ls_fail(
            error, LS_INVALID,
            "%d ranks, but a batch has %d microbatches: every rank needs one of its own\n"
            "use at most %d ranks, or raise train.microbatches",
            size, worker->microbatches, worker->microbatches);

    enum ls_status status = choose_variant(worker, error);
    const int64_t wanted = options->config->compute.threads;
    worker->threads = wanted < worker->count ? (int)wanted : worker->count;
    const int most = (worker->count + worker->threads - 1) / worker->threads; /* of a share */
    const int piece_max = (int)ls_config_piece_microbatches(options->config, most);
    if (status == LS_OK)
        status = create_models(worker, options, piece_max, error);
    if (options->communicator)
        status = ls_communicator_agree(options->communicator, status, error);
    if (status == LS_OK && options->communicator)
        status = create_training(worker, piece_max, error);
    if (status != LS_OK) {
        ls_worker_destroy(worker);
        return status;
    }

    const size_t sums = (size_t)ls_worker_sum_count(worker, true);
    worker->exchange =
        ls_calloc((size_t)worker->microbatches * sums + LS_EXCHANGE_EXTRA, sizeof(double));
    if (!worker->reducer)
        worker->flat = ls_memory_map((size_t)worker->parameters->total * sizeof(float));
    if (rank == 0)
        ls_parameters_initialise(worker->parameters, (uint64_t)options->config->seed, worker->flat);
    if (worker->reducer)
        ls_reducer_broadcast(worker->reducer);
    return LS_OK;
}

void ls_worker_destroy(struct ls_worker *worker) {
    if (worker->flat && !worker->reducer)
        ls_memory_unmap(worker->flat, (size_t)worker->parameters->total * sizeof(float));
    ls_optimizer_destroy(worker->optimizer);
    ls_shares_destroy(worker);
    ls_reducer_destroy(worker->reducer);
    ls_task_destroy(worker->task);
    ls_parameters_destroy(worker->parameters);
    free(worker->blocks);
    free(worker->exchange);
    *worker = (struct ls_worker){0};
}

void ls_worker_note_threads(const struct ls_worker *worker) {
    const int size = worker->communicator ? ls_communicator_size(worker->communicator) : 1;
    const int least = worker->microbatches / size;
    const int64_t wanted = worker->config->compute.threads;
    if (wanted > least)
        ls_log(LS_LOG_INFO,
               "%lld threads, but a rank has only %d of the %d microbatches: the other threads "
               "stay without work\nuse fewer threads or ranks, or raise train.microbatches",
               (long long)wanted, least, worker->microbatches);
    if (worker->threads > ls_cores())
        ls_log(
            LS_LOG_INFO,
            "the %d threads of a rank share %d %s; mpirun binds ranks to cores unless it is told "
            "--bind-to none",
            worker->threads, ls_cores(), ls_cores() == 1 ? "core" : "cores");
}

int ls_worker_sum_count(const struct ls_worker *worker, bool detailed) {
    return ls_task_sum_count(worker->task, detailed);
}

/* Row 0 of `node` among the rank's rows, and how many rows it has in this batch. */
static int64_t node_rows(const struct ls_worker *worker, const struct ls_batch *batch,
                         struct ls_tree_node node, int64_t *first) {
    *first = (node.first - worker->first) * worker->microbatch_rows;
    const int64_t left = batch->rows - *first, most = node.count * worker->microbatch_rows;
    return left < 0 ? 0 : left < most ? left : most;
}

bool ls_share_forward(const struct ls_pass *pass, const struct ls_share *share,
                      struct ls_tree_node node, float *gradients, struct ls_run *run) {
    const struct ls_worker *worker = pass->worker;
    const struct ls_batch *batch = pass->batch;
    int64_t first;
    const int64_t rows = node_rows(worker, batch, node, &first);
    if (rows == 0)
        return false;
    const struct ls_value *input = share->model.input, *target = share->model.target;
    const size_t input_bytes = (size_t)ls_shape_row_count(input->shape) * 4;
    const size_t target_bytes = (size_t)ls_shape_row_count(target->shape) * 4;
    memcpy(input->data, (const char *)batch->inputs + (size_t)first * input_bytes,
           (size_t)rows * input_bytes);
    if (batch->targets)
        memcpy(target->data, (const char *)batch->targets + (size_t)first * target_bytes,
               (size_t)rows * target_bytes);
    *run = (struct ls_run){
        .training = pass->training,
        .rows = rows,
        .microbatch_rows = worker->microbatch_rows,
        .microbatches = (int)((rows + worker->microbatch_rows - 1) / worker->microbatch_rows),
        .seed = (uint64_t)worker->config->seed,
        .step = pass->step,
        .row_ids = batch->row_ids + first,
        .row_first = batch->row_first + (uint64_t)first,
    };
    ls_graph_forward(share->model.graph, run, gradients);
    return true;
}
