/* One training step. */
#include <string.h>

#include "core/base/parallel.h"
#include "launcher/worker/worker.h"

enum { JOINED_ELEMENTS = 1 << 20 }; /* a bucket: it can travel while the next is added up */

struct piece_ready {
    struct ls_share *share;
    int piece;
    struct ls_range range;      /* of the phase */
    struct ls_reducer *reducer; /* NULL: nothing can travel yet */
};

/* Elements [first, end) of a piece's gradient are final: add them up the tree; once the rank's last
 * piece has them, they can travel while backward goes on. What the phase does not update
 * (constants) has none. */
static void gradient_ready(void *context, int64_t first, int64_t end) {
    const struct piece_ready *ready = context;
    const struct ls_range range = ls_range_common((struct ls_range){first, end}, ready->range);
    if (!ls_range_count(range))
        return;
    ls_accumulator_ready(ready->share->accumulator, ready->piece, range.first, range.end);
    if (ready->reducer)
        ls_reducer_ready(ready->reducer, range.first, range.end);
}

/* Forward, measure, backward of one piece. An empty one contributes exact zero. */
static void run_piece(const struct ls_pass *pass, struct ls_share *share, int index) {
    struct ls_worker *worker = pass->worker;
    const struct ls_piece piece = ls_accumulator_piece(share->accumulator, index);
    const bool last = index + 1 == ls_accumulator_pieces(share->accumulator);
    float *gradients = ls_accumulator_buffer(share->accumulator, index);
    const struct ls_phase *phase = &worker->phases[pass->phase];
    const struct ls_range range = phase->range;
    struct piece_ready ready = {share, index, range,
                                last && worker->threads == 1 ? worker->reducer : NULL};
    struct ls_run run;
    const bool timed = share == worker->shares; /* the main thread's */
    if (!ls_share_forward(pass, share, piece.node, gradients, &run)) {
        memset(gradients + range.first, 0, (size_t)ls_range_count(range) * sizeof(float));
        gradient_ready(&ready, range.first, range.end);
        return;
    }
    const struct ls_model *model = &share->models[pass->phase];
    for (int m = 0; m < run.microbatches; m++)
        ls_terms_measure(&model->terms, &run, m, false,
                         worker->exchange + (size_t)(piece.node.first + m) * (size_t)phase->sums);
    if (timed)
        ls_times_add(&worker->times, LS_TIME_FORWARD);
    ls_graph_backward(model->graph, &run, gradients, gradient_ready, &ready);
    if (timed)
        ls_times_add(&worker->times, LS_TIME_BACKWARD);
}

static void run_share(void *context, int thread) {
    const struct ls_pass *pass = context;
    struct ls_share *share = &pass->worker->shares[thread];
    ls_graph_prepare(share->models[pass->phase].graph, pass->worker->flat);
    for (int i = 0; i < ls_accumulator_pieces(share->accumulator); i++)
        run_piece(pass, share, i);
}

/* Adds the shares' sums up, and lets them travel: only this thread speaks MPI. */
static void join_shares(struct ls_worker *worker, struct ls_range range) {
    for (int64_t first = range.first, end; first < range.end; first = end) {
        end = range.end - first < JOINED_ELEMENTS ? range.end : first + JOINED_ELEMENTS;
        ls_join_run(&worker->join, first, end);
        ls_reducer_ready(worker->reducer, first, end);
    }
}

/* The rank's rows of what a term takes, from `first` on; NULL if it takes none. */
static const void *rows_of(const struct ls_pass *pass, const struct ls_value *value,
                           int64_t first) {
    const struct ls_model *model = &pass->worker->models[pass->phase];
    for (int i = 0; i < model->input_count; i++)
        if (model->inputs[i].value == value)
            return ls_worker_feed(pass->worker, pass->batch, &model->inputs[i], first);
    return NULL;
}

/* Before the forward, where the weights of a term's samples differ: they follow from the batch
 * alone. factors[i] makes the i-th that trains the mean over its own weight once the gradient is
 * divided by the number of samples. Returns that number, or 0 if no term has any weight: nothing to
 * learn. */
static double weigh_terms(const struct ls_pass *pass, double *factors) {
    const struct ls_worker *worker = pass->worker;
    const struct ls_terms *terms = &worker->models[pass->phase].terms;
    const int count = terms->count;
    memset(worker->exchange, 0, (size_t)(worker->microbatches * count) * sizeof(double));
    for (int m = worker->first; m < worker->first + worker->count; m++) {
        int64_t first;
        const int64_t rows =
            ls_worker_rows(worker, pass->batch, (struct ls_tree_node){m, 1}, &first);
        for (int i = 0; i < count && rows; i++)
            worker->exchange[m * count + i] =
                ls_term_weigh(&terms->items[i], rows_of(pass, terms->items[i].target, first),
                              rows_of(pass, terms->items[i].lengths, first), rows);
    }
    ls_communicator_combine(worker->communicator, worker->exchange,
                            (int64_t)worker->microbatches * count);
    const double samples = (double)pass->batch->rows_global;
    bool any = false;
    int trained = 0;
    for (int i = 0; i < count; i++) {
        const double weight = ls_tree_sum(worker->exchange + i, worker->microbatches, count);
        if (!ls_term_trains(terms, i))
            continue;
        factors[trained++] = weight > 0 ? samples / weight : 0;
        any = any || weight > 0;
    }
    return any ? samples : 0;
}

/* Every rank learns all microbatches' sums, rank 0's learning rate, and who wants to stop or save.
 */
static void exchange_sums(struct ls_worker *worker, int p, struct ls_step *step) {
    const struct ls_phase *phase = &worker->phases[p];
    const int sums = phase->sums;
    double *extra = worker->exchange + worker->microbatches * sums;
    extra[LS_EXCHANGE_RATE] =
        ls_communicator_rank(worker->communicator) == 0 ? step->phases[p].learning_rate : 0;
    extra[LS_EXCHANGE_STOP] = step->stop;
    extra[LS_EXCHANGE_SAVE] = step->save;
    ls_communicator_combine(worker->communicator, worker->exchange,
                            (int64_t)worker->microbatches * sums + LS_EXCHANGE_EXTRA);
    step->phases[p].learning_rate = extra[LS_EXCHANGE_RATE];
    step->stop = extra[LS_EXCHANGE_STOP] > 0;
    step->save = extra[LS_EXCHANGE_SAVE] > 0;
    for (int s = 0; s < sums; s++)
        step->sums[phase->sums_first + s] =
            ls_tree_sum(worker->exchange + s, worker->microbatches, sums);
}

/* One phase: all pieces, the sum of their gradients, and the update of what the phase learns. */
static void run_phase(struct ls_worker *worker, int p, const struct ls_batch *batch,
                      struct ls_step *step) {
    const struct ls_phase *phase = &worker->phases[p];
    const bool weighed = worker->models[p].terms.weighed;
    double factors[LS_TERMS_MAX];
    struct ls_pass pass = {.worker = worker,
                           .phase = p,
                           .batch = batch,
                           .training = true,
                           .step = step->step,
                           .term_factors = weighed ? factors : NULL};
    const double samples = weighed ? weigh_terms(&pass, factors) : 0;
    memset(worker->exchange, 0, (size_t)(worker->microbatches * phase->sums) * sizeof(double));
    ls_reducer_begin(worker->reducer, p, NULL);
    ls_parallel_run(worker->threads, run_share, &pass);
    if (worker->threads > 1)
        join_shares(worker, phase->range);
    struct ls_summed summed = {.gradients = ls_reducer_finish(worker->reducer),
                               .step = step->step / (uint64_t)phase->options->every + 1,
                               .microbatches = batch->microbatches};
    exchange_sums(worker, p, step);
    ls_times_add(&worker->times, LS_TIME_AVERAGE);
    summed.weight = weighed ? samples : step->sums[phase->sums_first + 1];
    if (summed.weight == 0) /* every label is one to ignore: nothing to learn, no update */
        return;
    ls_worker_update(worker, p, &summed, &step->phases[p]);
    ls_times_add(&worker->times, LS_TIME_UPDATE);
}

void ls_worker_step(struct ls_worker *worker, const struct ls_batch *batch, struct ls_step *step) {
    memset(step->sums, 0, (size_t)ls_worker_sum_count(worker, false) * sizeof(double));
    for (int p = 0; p < worker->phase_count; p++) {
        step->phases[p].gradient_norm = 0;
        step->phases[p].ran = step->step % (uint64_t)worker->phases[p].options->every == 0;
        if (step->phases[p].ran)
            run_phase(worker, p, batch, step);
    }
}
