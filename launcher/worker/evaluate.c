/* Evaluation: forward over a part, sums per microbatch, along the tree, batches in order. What
 * ranks samples goes to every rank, in the order of the data set, and is judged once at the end. */
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

/* What one phase's terms rank samples by. */
struct ranked {
    int width;        /* floats of a sample; 0: none */
    float *batch;     /* [samples of a global batch][width] owned; this rank's, else 0 */
    double *exchange; /* the same of all ranks; owned */
    float *all;       /* [count][width] owned; of the batches so far */
    int64_t count, room;
};

static int64_t batch_rows(const struct ls_worker *worker) {
    return worker->microbatches * worker->microbatch_rows;
}

static struct ranked ranked_begin(const struct ls_worker *worker, int phase) {
    struct ranked r = {.width = ls_terms_score_width(&worker->models[phase].terms)};
    const size_t values = (size_t)batch_rows(worker) * (size_t)r.width;
    r.batch = ls_calloc(values + 1, sizeof *r.batch);
    r.exchange = ls_calloc(values + 1, sizeof *r.exchange);
    return r;
}

static void ranked_end(struct ranked *r) {
    free(r->batch);
    free(r->exchange);
    free(r->all);
}

/* Appends a batch of so many samples. */
static void ranked_take(struct ranked *r, const struct ls_worker *worker, int64_t rows) {
    const int64_t values = rows * r->width;
    if (r->width == 0)
        return;
    for (int64_t i = 0; i < values; i++)
        r->exchange[i] = (double)r->batch[i];
    if (worker->communicator)
        ls_communicator_combine(worker->communicator, r->exchange, values);
    while (r->count + rows > r->room) {
        r->room = 2 * r->room + batch_rows(worker);
        r->all = ls_realloc(r->all, (size_t)(r->room * r->width), sizeof *r->all);
    }
    for (int64_t i = 0; i < values; i++)
        r->all[r->count * r->width + i] = (float)r->exchange[i];
    r->count += rows;
}

/* A pass over a batch that measures. */
struct measuring {
    struct ls_pass pass;
    struct ranked *ranked;
};

static void measure_share(void *context, int thread) {
    const struct measuring *measuring = context;
    const struct ls_pass *pass = &measuring->pass;
    const struct ls_worker *worker = pass->worker;
    const int64_t row = worker->microbatch_rows * measuring->ranked->width;
    const struct ls_share *share = &worker->shares[thread];
    const struct ls_model *model = &share->models[pass->phase];
    const int sums = worker->phases[pass->phase].detailed;
    for (int i = 0; i < share->pieces.count; i++) {
        const struct ls_tree_node node = share->pieces.nodes[i];
        struct ls_run run;
        if (!ls_share_forward(pass, share, node, NULL, &run))
            continue;
        for (int m = 0; m < run.microbatches; m++) {
            ls_terms_measure(&model->terms, &run, m, true,
                             worker->exchange + (size_t)(node.first + m) * (size_t)sums);
            ls_terms_score(&model->terms, &run, m,
                           measuring->ranked->batch + (node.first + m) * row);
        }
    }
}

/* Adds the sums of one phase's terms over a batch. */
static void measure_phase(struct measuring *measuring, double *sums) {
    struct ls_worker *worker = measuring->pass.worker;
    const int count = worker->phases[measuring->pass.phase].detailed;
    const int64_t all = (int64_t)worker->microbatches * count;
    struct ranked *ranked = measuring->ranked;
    memset(worker->exchange, 0, (size_t)all * sizeof(double));
    memset(ranked->batch, 0, (size_t)(batch_rows(worker) * ranked->width) * sizeof *ranked->batch);
    ls_parallel_run(worker->threads, measure_share, measuring);
    ranked_take(ranked, worker, measuring->pass.batch->rows_global);
    if (worker->communicator)
        ls_communicator_combine(worker->communicator, worker->exchange, all);
    for (int s = 0; s < count; s++)
        sums[s] += ls_tree_sum(worker->exchange + s, worker->microbatches, count);
}

enum ls_status ls_worker_evaluate(struct ls_worker *worker, struct ls_loader *loader, double *sums,
                                  struct ls_error *error) {
    struct ranked ranked[LS_PHASES_MAX];
    enum ls_status status = LS_OK;
    memset(sums, 0, (size_t)ls_worker_sum_count(worker, true) * sizeof(double));
    for (int p = 0; p < worker->phase_count; p++)
        ranked[p] = ranked_begin(worker, p);
    ls_parallel_run(worker->threads, prepare_share, worker);
    ls_loader_seek(loader, 0, 0, 1);
    for (int64_t b = 0; status == LS_OK && b < ls_loader_batches(loader); b++) {
        struct ls_batch batch;
        if ((status = ls_loader_next(loader, &batch, error)) != LS_OK)
            break;
        for (int p = 0; p < worker->phase_count; p++)
            measure_phase(
                &(struct measuring){{.worker = worker, .phase = p, .batch = &batch}, &ranked[p]},
                sums + worker->phases[p].detailed_first);
    }
    for (int p = 0; p < worker->phase_count; p++) {
        if (status == LS_OK)
            ls_terms_judge(&worker->models[p].terms, ranked[p].all, ranked[p].count,
                           sums + worker->phases[p].detailed_first);
        ranked_end(&ranked[p]);
    }
    return status;
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
        const struct ls_answer answer = {.rows = batch.rows,
                                         .outputs = prediction.outputs,
                                         .layer = prediction.layer,
                                         .batch = &batch};
        status = output(context, &answer, error);
    }
    free(prediction.outputs);
    free(prediction.layer);
    return status;
}
