/* Evaluation: forward over a part, sums per microbatch, along the tree, batches in order. */
#include <string.h>

#include "launcher/worker/trainer.h"

static void evaluate_batch(struct ls_trainer *trainer, const struct ls_batch *batch, int sums) {
    const struct ls_model *model = &trainer->model;
    memset(trainer->exchange, 0, (size_t)(trainer->microbatches * sums) * sizeof(double));
    for (int i = 0; i < trainer->evaluation.count; i++) {
        const struct ls_tree_node node = trainer->evaluation.nodes[i];
        struct ls_run run;
        if (!ls_trainer_forward(trainer, batch, node, false, 0, NULL, &run))
            continue;
        for (int m = 0; m < run.microbatches; m++)
            ls_task_measure(trainer->task, &run, m, model->output, model->target, model->loss, true,
                            trainer->exchange + (size_t)(node.first + m) * (size_t)sums);
    }
    if (trainer->communicator)
        ls_communicator_combine(trainer->communicator, trainer->exchange,
                                (int64_t)trainer->microbatches * sums);
}

enum ls_status ls_trainer_evaluate(struct ls_trainer *trainer, struct ls_loader *loader,
                                   double *sums, struct ls_error *error) {
    const int count = ls_trainer_sum_count(trainer, true);
    memset(sums, 0, (size_t)count * sizeof(double));
    ls_graph_prepare(trainer->model.graph, trainer->flat);
    ls_loader_seek(loader, 0, 0, 1);
    for (int64_t b = 0; b < ls_loader_batches(loader); b++) {
        struct ls_batch batch;
        const enum ls_status status = ls_loader_next(loader, &batch, error);
        if (status != LS_OK)
            return status;
        evaluate_batch(trainer, &batch, count);
        for (int s = 0; s < count; s++)
            sums[s] += ls_tree_sum(trainer->exchange + s, trainer->microbatches, count);
    }
    return LS_OK;
}

enum ls_status ls_trainer_predict(struct ls_trainer *trainer, struct ls_loader *loader,
                                  ls_trainer_output *output, void *context,
                                  struct ls_error *error) {
    ls_graph_prepare(trainer->model.graph, trainer->flat);
    ls_loader_seek(loader, 0, 0, 1);
    for (int64_t b = 0; b < ls_loader_batches(loader); b++) {
        struct ls_batch batch;
        enum ls_status status = ls_loader_next(loader, &batch, error);
        for (int i = 0; status == LS_OK && i < trainer->evaluation.count; i++) {
            struct ls_run run;
            if (ls_trainer_forward(trainer, &batch, trainer->evaluation.nodes[i], false, 0, NULL,
                                   &run))
                status = output(context, trainer->model.output->data, run.rows, error);
        }
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}
