/* One training step. */
#include <math.h>
#include <string.h>

#include "core/base/parallel.h"
#include "core/tensor/sum.h"
#include "launcher/worker/worker.h"

enum { JOINED_ELEMENTS = 1 << 20 }; /* a bucket: it can travel while the next is added up */

struct piece_ready {
    struct ls_share *share;
    int piece;
    struct ls_reducer *reducer; /* NULL: nothing can travel yet */
};

/* Elements [first, end) of a piece's gradient are final: add them up the tree; once the rank's last
 * piece has them, they can travel while backward goes on. */
static void gradient_ready(void *context, int64_t first, int64_t end) {
    const struct piece_ready *ready = context;
    ls_accumulator_ready(ready->share->accumulator, ready->piece, first, end);
    if (ready->reducer)
        ls_reducer_ready(ready->reducer, first, end);
}

/* Forward, measure, backward of one piece. An empty one contributes exact zero. */
static void run_piece(const struct ls_pass *pass, struct ls_share *share, int index) {
    struct ls_worker *worker = pass->worker;
    const struct ls_piece piece = ls_accumulator_piece(share->accumulator, index);
    const bool last = index + 1 == ls_accumulator_pieces(share->accumulator);
    float *gradients = ls_accumulator_buffer(share->accumulator, index);
    struct piece_ready ready = {share, index,
                                last && worker->threads == 1 ? worker->reducer : NULL};
    struct ls_run run;
    if (!ls_share_forward(pass, share, piece.node, gradients, &run)) {
        memset(gradients, 0, (size_t)worker->parameters->total * sizeof(float));
        gradient_ready(&ready, 0, worker->parameters->total);
        return;
    }
    const struct ls_model *model = &share->model;
    const int sums = ls_worker_sum_count(worker, false);
    for (int m = 0; m < run.microbatches; m++)
        ls_task_measure(worker->task, &run, m, model->output, model->target, model->loss, false,
                        worker->exchange + (size_t)(piece.node.first + m) * (size_t)sums);
    ls_graph_backward(model->graph, &run, gradients, gradient_ready, &ready);
}

static void run_share(void *context, int thread) {
    const struct ls_pass *pass = context;
    struct ls_share *share = &pass->worker->shares[thread];
    ls_graph_prepare(share->model.graph, pass->worker->flat);
    for (int i = 0; i < ls_accumulator_pieces(share->accumulator); i++)
        run_piece(pass, share, i);
}

/* Adds the shares' sums up, and lets them travel: only this thread speaks MPI. */
static void join_shares(struct ls_worker *worker) {
    const int64_t total = worker->parameters->total;
    for (int64_t first = 0, end; first < total; first = end) {
        end = total - first < JOINED_ELEMENTS ? total : first + JOINED_ELEMENTS;
        ls_join_run(&worker->join, first, end);
        ls_reducer_ready(worker->reducer, first, end);
    }
}

/* Every rank learns all microbatches' sums, rank 0's learning rate, and who wants to stop or save.
 */
static void exchange_sums(struct ls_worker *worker, struct ls_step *step) {
    const int sums = ls_worker_sum_count(worker, false);
    double *extra = worker->exchange + worker->microbatches * sums;
    extra[LS_EXCHANGE_RATE] =
        ls_communicator_rank(worker->communicator) == 0 ? step->learning_rate : 0;
    extra[LS_EXCHANGE_STOP] = step->stop;
    extra[LS_EXCHANGE_SAVE] = step->save;
    ls_communicator_combine(worker->communicator, worker->exchange,
                            (int64_t)worker->microbatches * sums + LS_EXCHANGE_EXTRA);
    step->learning_rate = extra[LS_EXCHANGE_RATE];
    step->stop = extra[LS_EXCHANGE_STOP] > 0;
    step->save = extra[LS_EXCHANGE_SAVE] > 0;
    for (int s = 0; s < sums; s++)
        step->sums[s] = ls_tree_sum(worker->exchange + s, worker->microbatches, sums);
}

/* The rank's slice of the gradient's sums, and what becomes of it; shares have a part each. */
struct slice {
    struct ls_worker *worker;
    const float *gradients;
    struct ls_update update;
};

static void sum_blocks(void *context, int thread) {
    const struct slice *slice = context;
    const struct ls_worker *worker = slice->worker;
    const struct ls_share *share = &worker->shares[thread];
    ls_norm_block_sums(worker->parameters, share->begin, share->end,
                       slice->gradients + (share->begin - worker->begin),
                       worker->blocks + share->block_first);
}

static void update_part(void *context, int thread) {
    const struct slice *slice = context;
    const struct ls_worker *worker = slice->worker;
    struct ls_update update = slice->update;
    update.first = worker->shares[thread].begin;
    update.end = worker->shares[thread].end;
    if (update.first < update.end)
        ls_optimizer_step(worker->optimizer, &update, worker->flat, slice->gradients);
}

/* The norm of the mean gradient, from every slice's blocks: the same on every rank. */
static double gradient_norm(struct slice *slice, double weight) {
    const struct ls_worker *worker = slice->worker;
    ls_parallel_run(worker->threads, sum_blocks, slice);
    ls_reducer_gather_blocks(worker->reducer, worker->blocks + worker->shares[0].block_first,
                             worker->blocks);
    return ls_norm_finish(worker->blocks, ls_reducer_blocks(worker->reducer), weight);
}

void ls_worker_step(struct ls_worker *worker, const struct ls_batch *batch, struct ls_step *step) {
    const int sums = ls_worker_sum_count(worker, false);
    memset(worker->exchange, 0, (size_t)(worker->microbatches * sums) * sizeof(double));

    ls_reducer_begin(worker->reducer, NULL);
    struct ls_pass pass = {worker, batch, true, step->step};
    ls_parallel_run(worker->threads, run_share, &pass);
    if (worker->threads > 1)
        join_shares(worker);
    struct slice slice = {.worker = worker, .gradients = ls_reducer_finish(worker->reducer)};
    exchange_sums(worker, step);

    const double weight = step->sums[1];
    if (weight == 0) { /* every label is one to ignore: nothing to learn, no update */
        step->gradient_norm = 0;
        return;
    }
    step->gradient_norm = gradient_norm(&slice, weight);
    if (!isfinite(step->gradient_norm))
        return; /* every rank sees the same norm; the caller decides whether to go on */
    const int64_t bytes = (worker->end - worker->begin) * (int64_t)sizeof(float);
    slice.update = (struct ls_update){
        .step = step->step + 1,
        .learning_rate = step->learning_rate,
        .weight = weight,
        .microbatches = batch->microbatches,
        .clip_factor = ls_clip_factor(step->gradient_norm, worker->config->optimizer.clip_norm),
        .stream = ls_reducer_near(worker->reducer) > 1 && bytes >= LS_STREAM_BYTES,
    };
    /* The ranks of a host share the parameters. None reads them any more: it joined the agreement
     * on the norm after its backward. None reads them before all slices are updated: it waits in
     * the gather. */
    ls_parallel_run(worker->threads, update_part, &slice);
    ls_reducer_gather(worker->reducer);
}
