#include "launcher/worker/worker.h"

#include <stdio.h>
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

/* What two phases take of one feed: the stricter of both. */
static void join_input(struct ls_model_input *input, const struct ls_model_input *other) {
    const bool first = !input->limit;
    if (other->limit && (first || other->limit < input->limit))
        input->limit = other->limit;
    if (first)
        input->ignored = other->ignored;
    if (other->limit)
        input->ignores =
            (first || (input->ignores && input->ignored == other->ignored)) && other->ignores;
    input->zero_to_one = input->zero_to_one || other->zero_to_one;
}

/* Which feeds the phases take, each once. */
static void list_inputs(struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++)
        for (int i = 0; i < worker->models[p].input_count; i++) {
            const struct ls_model_input *input = &worker->models[p].inputs[i];
            int at = 0;
            while (at < worker->input_count && worker->inputs[at].feed != input->feed)
                at++;
            if (at < worker->input_count)
                join_input(&worker->inputs[at], input);
            else
                worker->inputs[worker->input_count++] = *input;
        }
}

/* Where each phase's sums lie among those of a step and of an evaluation. */
static void place_sums(struct ls_worker *worker) {
    int sums = 0, detailed = 0;
    for (int p = 0; p < worker->phase_count; p++) {
        struct ls_phase *phase = &worker->phases[p];
        const struct ls_terms *terms = &worker->models[p].terms;
        phase->sums_first = sums;
        phase->detailed_first = detailed;
        sums += phase->sums = ls_terms_sum_count(terms, false);
        detailed += phase->detailed = ls_terms_sum_count(terms, true);
    }
}

static enum ls_status create_models(struct ls_worker *worker,
                                    const struct ls_worker_options *options, int *piece_max,
                                    struct ls_error *error) {
    const struct ls_config *config = options->config;
    const int most = (worker->count + worker->threads - 1) / worker->threads; /* of a share */
    worker->parameters = ls_parameters_create();
    struct ls_model_options model = ls_config_model(config, worker->variant, 0);
    model.feeds = options->feeds;
    model.feed_count = options->feed_count;
    model.inference = !options->communicator;
    model.answers = options->answers;
    model.layer = options->layer;
    model.borrows_arena = true;
    if (model.openblas && worker->threads > 1)
        ls_blas_set_threads(1);
    model.rows_max = worker->microbatch_rows;
    *piece_max = ls_config_piece(config, &model, most, worker->parameters, error);
    if (!*piece_max)
        return error->status;
    model.rows_max *= *piece_max;
    const struct ls_layer_spec *failed;
    const enum ls_status status = ls_shares_create(worker, &model, *piece_max, &failed, error);
    if (status != LS_OK)
        return ls_config_layer_error(config, failed, error);
    list_inputs(worker);
    place_sums(worker);
    return LS_OK;
}

static void create_phase(struct ls_worker *worker, int p) {
    struct ls_phase *phase = &worker->phases[p];
    phase->range = worker->parameters->groups[p];
    phase->slice = ls_reducer_slice(worker->reducer, p);
    phase->optimizer = ls_optimizer_create(&phase->options->optimizer, worker->parameters,
                                           phase->slice.first, phase->slice.end, worker->variant);
    phase->blocks = ls_calloc((size_t)ls_reducer_blocks(worker->reducer, p) + 1, sizeof(double));
    if (worker->config->log.gradient_norms)
        phase->norms = ls_calloc((size_t)worker->parameters->count + 1, sizeof *phase->norms);
    if (ls_optimizer_measures(phase->optimizer)) {
        const size_t blocks = (size_t)ls_reducer_blocks(worker->reducer, p) + 1;
        phase->measures.parameters = ls_calloc(2 * blocks, sizeof(double));
        phase->measures.steps = phase->measures.parameters + blocks;
    }
    if (worker->config->train.average > 0)
        phase->average = ls_memory_map((size_t)ls_range_count(phase->slice) * sizeof(float));
}

/* Reducer, optimisers and what a step needs besides. */
static enum ls_status create_training(struct ls_worker *worker, int piece_max,
                                      struct ls_error *error) {
    const struct ls_config *config = worker->config;
    const struct ls_reducer_options options = {
        .kind = (enum ls_reducer_kind)config->train.reduce,
        .parameters = worker->parameters,
        .microbatches = worker->microbatches,
        .threads = worker->threads,
        .variant = worker->variant,
        .sharing_max = config->train.share_memory ? 0 : 1,
    };
    enum ls_status status =
        ls_reducer_create(&worker->reducer, worker->communicator, &options, error);
    if (status != LS_OK)
        return status;
    worker->flat = ls_reducer_parameters(worker->reducer);
    for (int p = 0; p < worker->phase_count; p++)
        create_phase(worker, p);
    ls_shares_create_training(worker, piece_max);
    return LS_OK;
}

static void name_phases(struct ls_worker *worker) {
    const struct ls_config *config = worker->config;
    worker->task = ls_task_of(config->task.kind);
    worker->phase_count = config->phase_count;
    for (int p = 0; p < worker->phase_count; p++) {
        struct ls_phase *phase = &worker->phases[p];
        phase->options = &config->phases[p];
        if (worker->phase_count > 1)
            snprintf(phase->prefix, sizeof phase->prefix, "%s.", phase->options->name);
    }
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
    if (status == LS_OK)
        status = ls_parallel_check(worker->threads, error);
    int piece_max = 1;
    name_phases(worker);
    if (status == LS_OK)
        status = create_models(worker, options, &piece_max, error);
    if (status == LS_OK && !options->answers)
        status = ls_worker_check(worker, error);
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
    for (int p = 0; p < worker->phase_count; p++) {
        ls_optimizer_destroy(worker->phases[p].optimizer);
        free(worker->phases[p].blocks);
        free(worker->phases[p].norms);
        free(worker->phases[p].measures.parameters); /* and steps */
        ls_memory_unmap(worker->phases[p].average,
                        (size_t)ls_range_count(worker->phases[p].slice) * sizeof(float));
    }
    ls_shares_destroy(worker);
    ls_reducer_destroy(worker->reducer);
    ls_parameters_destroy(worker->parameters);
    free(worker->exchange);
    *worker = (struct ls_worker){0};
}

void ls_worker_gather(struct ls_worker *worker) {
    for (int group = 0; group <= LS_GROUP_FIXED; group++)
        ls_reducer_gather(worker->reducer, group);
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
    const struct ls_phase *last = &worker->phases[worker->phase_count - 1];
    return detailed ? last->detailed_first + last->detailed : last->sums_first + last->sums;
}

struct ls_metrics ls_worker_metrics(const struct ls_worker *worker, const double *sums,
                                    bool detailed) {
    struct ls_metrics metrics = {0};
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        const double *own = sums + (detailed ? phase->detailed_first : phase->sums_first);
        if (worker->phase_count == 1 || own[1] > 0)
            ls_terms_metrics(&worker->models[p].terms, phase->prefix, own, detailed, &metrics);
    }
    if (worker->task->metrics)
        worker->task->metrics(&metrics);
    return metrics;
}

const char *ls_worker_watched(const struct ls_worker *worker) {
    if (worker->config->train.watch[0])
        return worker->config->train.watch;
    return worker->task->watched ? worker->task->watched
                                 : ls_terms_watched(&worker->models[0].terms);
}

int ls_worker_answering(const struct ls_worker *worker) {
    return worker->phase_count - 1;
}

int64_t ls_worker_rows(const struct ls_worker *worker, const struct ls_batch *batch,
                       struct ls_tree_node node, int64_t *first) {
    *first = (node.first - worker->first) * worker->microbatch_rows;
    const int64_t left = batch->rows - *first, most = node.count * worker->microbatch_rows;
    return left < 0 ? 0 : left < most ? left : most;
}

static size_t row_bytes(const struct ls_model_input *input) {
    return (size_t)ls_shape_row_count(input->value->shape) * 4; /* float or int32 */
}

const void *ls_worker_feed(const struct ls_worker *worker, const struct ls_batch *batch,
                           const struct ls_model_input *input, int64_t first) {
    int use = 0;
    while (worker->inputs[use].feed != input->feed)
        use++;
    const char *rows = batch->feeds[use];
    return rows ? rows + (size_t)first * row_bytes(input) : NULL;
}

/* Samples of the feed that an input takes; an input that nobody reads has no memory, and a batch
 * for `predict` no targets. */
static void copy_feed(const struct ls_worker *worker, const struct ls_batch *batch,
                      const struct ls_model_input *input, int64_t first, int64_t rows) {
    const void *from = ls_worker_feed(worker, batch, input, first);
    if (from && input->value->data)
        memcpy(input->value->data, from, (size_t)rows * row_bytes(input));
}

bool ls_share_forward(const struct ls_pass *pass, const struct ls_share *share,
                      struct ls_tree_node node, float *gradients, struct ls_run *run) {
    const struct ls_worker *worker = pass->worker;
    const struct ls_batch *batch = pass->batch;
    int64_t first;
    const int64_t rows = ls_worker_rows(worker, batch, node, &first);
    if (rows == 0)
        return false;
    const struct ls_model *model = &share->models[pass->phase];
    for (int i = 0; i < model->input_count; i++)
        copy_feed(worker, batch, &model->inputs[i], first, rows);
    *run = (struct ls_run){
        .training = pass->training,
        .mean_only = pass->mean_only,
        .rows = rows,
        .microbatch_rows = worker->microbatch_rows,
        .microbatches = (int)((rows + worker->microbatch_rows - 1) / worker->microbatch_rows),
        .seed = (uint64_t)worker->config->seed,
        .step = pass->step,
        .row_ids = batch->row_ids + first,
        .row_first = batch->row_first + (uint64_t)first,
        .term_factors = pass->term_factors,
    };
    ls_graph_forward(model->graph, run, gradients);
    return true;
}
