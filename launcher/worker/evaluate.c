/* Evaluation: forward over a part, sums per microbatch, along the tree, batches in order. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "launcher/worker/worker.h"

static void prepare_share(void *context, int thread) {
    const struct ls_worker *worker = context;
    for (int p = 0; p < worker->phase_count; p++)
        ls_graph_prepare(worker->shares[thread].models[p].graph, worker->flat);
}

static void measure_share(void *context, int thread) {
    const struct ls_pass *pass = context;
    const struct ls_worker *worker = pass->worker;
    const struct ls_share *share = &worker->shares[thread];
    const struct ls_model *model = &share->models[pass->phase];
    const int sums = worker->phases[pass->phase].detailed;
    for (int i = 0; i < share->pieces.count; i++) {
        const struct ls_tree_node node = share->pieces.nodes[i];
        struct ls_run run;
        if (!ls_share_forward(pass, share, node, NULL, &run))
            continue;
        for (int m = 0; m < run.microbatches; m++)
            ls_terms_measure(&model->terms, &run, m, true,
                             worker->exchange + (size_t)(node.first + m) * (size_t)sums);
    }
}

/* Adds the sums of one phase's terms over a batch. */
static void measure_phase(struct ls_worker *worker, int p, const struct ls_batch *batch,
                          double *sums) {
    const int count = worker->phases[p].detailed;
    const int64_t all = (int64_t)worker->microbatches * count;
    memset(worker->exchange, 0, (size_t)all * sizeof(double));
    struct ls_pass pass = {.worker = worker, .phase = p, .batch = batch};
    ls_parallel_run(worker->threads, measure_share, &pass);
    if (worker->communicator)
        ls_communicator_combine(worker->communicator, worker->exchange, all);
    for (int s = 0; s < count; s++)
        sums[s] += ls_tree_sum(worker->exchange + s, worker->microbatches, count);
}

enum ls_status ls_worker_evaluate(struct ls_worker *worker, struct ls_loader *loader, double *sums,
                                  struct ls_error *error) {
    memset(sums, 0, (size_t)ls_worker_sum_count(worker, true) * sizeof(double));
    ls_parallel_run(worker->threads, prepare_share, worker);
    ls_loader_seek(loader, 0, 0, 1);
    for (int64_t b = 0; b < ls_loader_batches(loader); b++) {
        struct ls_batch batch;
        const enum ls_status status = ls_loader_next(loader, &batch, error);
        if (status != LS_OK)
            return status;
        for (int p = 0; p < worker->phase_count; p++)
            measure_phase(worker, p, &batch, sums + worker->phases[p].detailed_first);
    }
    return LS_OK;
}

/* Values of the whole batch. */
struct prediction {
    struct ls_pass pass;
    float *outputs, *layer; /* layer NULL: none is asked for */
};

/* The rows of a run, among those of the batch. */
static void copy_rows(const struct ls_worker *worker, struct ls_tree_node node,
                      const struct ls_run *run, const struct ls_value *from, float *to) {
    const int64_t width = ls_shape_row_count(from->shape);
    memcpy(to + (node.first - worker->first) * worker->microbatch_rows * width, from->data,
           (size_t)(run->rows * width) * sizeof *to);
}

static void predict_share(void *context, int thread) {
    const struct prediction *prediction = context;
    const struct ls_worker *worker = prediction->pass.worker;
    const struct ls_share *share = &worker->shares[thread];
    const struct ls_model *model = &share->models[prediction->pass.phase];
    for (int i = 0; i < share->pieces.count; i++) {
        const struct ls_tree_node node = share->pieces.nodes[i];
        struct ls_run run;
        if (!ls_share_forward(&prediction->pass, share, node, NULL, &run))
            continue;
        copy_rows(worker, node, &run, model->output, prediction->outputs);
        if (model->layer)
            copy_rows(worker, node, &run, model->layer, prediction->layer);
    }
}

/* Room for a value of all rows of a batch. */
static float *make_room(const struct ls_worker *worker, const struct ls_value *value) {
    const int64_t rows = worker->count * worker->microbatch_rows;
    return ls_calloc((size_t)(rows * ls_shape_row_count(value->shape)), sizeof(float));
}

enum ls_status ls_worker_predict(struct ls_worker *worker, struct ls_loader *loader,
                                 ls_worker_output *output, void *context, struct ls_error *error) {
    const int phase = ls_worker_answering(worker);
    const struct ls_model *model = &worker->models[phase];
    struct prediction prediction = {
        .pass = {.worker = worker, .phase = phase, .mean_only = true},
        .outputs = make_room(worker, model->output),
        .layer = model->layer ? make_room(worker, model->layer) : NULL,
    };
    enum ls_status status = LS_OK;
    ls_parallel_run(worker->threads, prepare_share, worker);
    ls_loader_seek(loader, 0, 0, 1);
    for (int64_t b = 0; status == LS_OK && b < ls_loader_batches(loader); b++) {
        struct ls_batch batch;
        if ((status = ls_loader_next(loader, &batch, error)) != LS_OK)
            break;
        prediction.pass.batch = &batch;
        ls_parallel_run(worker->threads, predict_share, &prediction);
        const struct ls_answer answer = {
            .rows = batch.rows, .outputs = prediction.outputs, .layer = prediction.layer};
        status = output(context, &answer, error);
    }
    free(prediction.outputs);
    free(prediction.layer);
    return status;
}
