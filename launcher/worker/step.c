/* One training step. */
#include <math.h>
#include <string.h>

#include "launcher/worker/trainer.h"

struct piece_ready {
    struct ls_trainer *trainer;
    int piece;
    bool last;
};

/* Elements [first, end) of a piece's gradient are final: add them up the tree; once the rank's last
 * piece has them, they can travel while backward goes on. */
static void gradient_ready(void *context, int64_t first, int64_t end) {
    const struct piece_ready *ready = context;
    ls_accumulator_ready(ready->trainer->accumulator, ready->piece, first, end);
    if (ready->last)
        ls_reducer_ready(ready->trainer->reducer, first, end);
}

/* Forward, measure, backward of one piece. An empty one contributes exact zero. */
static void run_piece(struct ls_trainer *trainer, const struct ls_batch *batch, int index,
                      uint64_t step) {
    const struct ls_piece piece = ls_accumulator_piece(trainer->accumulator, index);
    float *gradients = ls_accumulator_buffer(trainer->accumulator, index);
    struct piece_ready ready = {trainer, index,
                                index + 1 == ls_accumulator_pieces(trainer->accumulator)};
    struct ls_run run;
    if (!ls_trainer_forward(trainer, batch, piece.node, true, step, gradients, &run)) {
        memset(gradients, 0, (size_t)trainer->parameters->total * sizeof(float));
        gradient_ready(&ready, 0, trainer->parameters->total);
        return;
    }
    const struct ls_model *model = &trainer->model;
    const int sums = ls_trainer_sum_count(trainer, false);
    for (int m = 0; m < run.microbatches; m++)
        ls_task_measure(trainer->task, &run, m, model->output, model->target, model->loss, false,
                        trainer->exchange + (size_t)(piece.node.first + m) * (size_t)sums);
    ls_graph_backward(model->graph, &run, gradients, gradient_ready, &ready);
}

/* Every rank learns all microbatches' sums, rank 0's learning rate, and who wants to stop or save.
 */
static void exchange_sums(struct ls_trainer *trainer, struct ls_step *step) {
    const int sums = ls_trainer_sum_count(trainer, false);
    double *extra = trainer->exchange + trainer->microbatches * sums;
    extra[LS_EXCHANGE_RATE] =
        ls_communicator_rank(trainer->communicator) == 0 ? step->learning_rate : 0;
    extra[LS_EXCHANGE_STOP] = step->stop;
    extra[LS_EXCHANGE_SAVE] = step->save;
    ls_communicator_combine(trainer->communicator, trainer->exchange,
                            (int64_t)trainer->microbatches * sums + LS_EXCHANGE_EXTRA);
    step->learning_rate = extra[LS_EXCHANGE_RATE];
    step->stop = extra[LS_EXCHANGE_STOP] > 0;
    step->save = extra[LS_EXCHANGE_SAVE] > 0;
    for (int s = 0; s < sums; s++)
        step->sums[s] = ls_tree_sum(trainer->exchange + s, trainer->microbatches, sums);
}

/* The norm of the mean gradient, from every slice's blocks: the same on every rank. */
static double gradient_norm(struct ls_trainer *trainer, const float *gradients, double weight) {
    double *mine = trainer->blocks + trainer->block_first;
    ls_norm_block_sums(trainer->parameters, trainer->begin, trainer->end, gradients, mine);
    ls_reducer_gather_blocks(trainer->reducer, mine, trainer->blocks);
    return ls_norm_finish(trainer->blocks, ls_reducer_blocks(trainer->reducer), weight);
}

void ls_trainer_step(struct ls_trainer *trainer, const struct ls_batch *batch,
                     struct ls_step *step) {
    const int sums = ls_trainer_sum_count(trainer, false);
    memset(trainer->exchange, 0, (size_t)(trainer->microbatches * sums) * sizeof(double));

    ls_graph_prepare(trainer->model.graph, trainer->flat);
    ls_reducer_begin(trainer->reducer, NULL);
    for (int i = 0; i < ls_accumulator_pieces(trainer->accumulator); i++)
        run_piece(trainer, batch, i, step->step);
    const float *gradients = ls_reducer_finish(trainer->reducer);
    exchange_sums(trainer, step);

    const double weight = step->sums[1];
    if (weight == 0) { /* every label is one to ignore: nothing to learn, no update */
        step->gradient_norm = 0;
        return;
    }
    step->gradient_norm = gradient_norm(trainer, gradients, weight);
    if (!isfinite(step->gradient_norm))
        return; /* every rank sees the same norm; the caller decides whether to go on */
    const struct ls_update update = {
        .step = step->step + 1,
        .learning_rate = step->learning_rate,
        .weight = weight,
        .microbatches = batch->microbatches,
        .clip_factor = ls_clip_factor(step->gradient_norm, trainer->config->optimizer.clip_norm),
    };
    /* The ranks of a host share the parameters. None reads them any more: it joined the agreement
     * on the norm after its backward. None reads them before all slices are updated: it waits in
     * the gather. */
    ls_optimizer_step(trainer->optimizer, &update, trainer->flat, gradients);
    ls_reducer_gather(trainer->reducer);
}
