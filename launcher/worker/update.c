/* The end of a phase's step: from the summed gradient to new parameters. */
#include <math.h>

#include "core/base/parallel.h"
#include "core/optim/average.h"
#include "core/tensor/sum.h"
#include "launcher/worker/worker.h"

/* The rank's slice of the gradient's sums, and what becomes of it; shares have a part each. */
struct slice {
    struct ls_worker *worker;
    int phase;
    const float *gradients;
    double limit; /* of the sums, for the norm; 0: none */
    struct ls_update update;
};

/* The first of a share's blocks, among all of the phase. */
static int64_t first_block(const struct slice *slice, int thread) {
    return slice->worker->shares[thread].slices[slice->phase].block_first;
}

static void sum_blocks(void *context, int thread) {
    const struct slice *slice = context;
    const struct ls_worker *worker = slice->worker;
    const struct ls_phase *phase = &worker->phases[slice->phase];
    const struct ls_range part = worker->shares[thread].slices[slice->phase].range;
    const float *gradients = slice->gradients + (part.first - phase->slice.first);
    double *blocks = phase->blocks + first_block(slice, thread);
    if (slice->limit > 0)
        ls_norm_clipped_block_sums(worker->parameters, part.first, part.end, gradients,
                                   slice->limit, blocks);
    else
        ls_norm_block_sums(worker->parameters, part.first, part.end, gradients, blocks);
}

/* This rank's sums of blocks, among all of the phase, to all ranks. */
static void gather_blocks(const struct slice *slice, double *blocks) {
    ls_reducer_gather_blocks(slice->worker->reducer, slice->phase, blocks + first_block(slice, 0),
                             blocks);
}

/* The norm of the mean gradient, from every slice's blocks: the same on every rank. */
static double gradient_norm(struct slice *slice, double weight) {
    const struct ls_worker *worker = slice->worker;
    double *blocks = worker->phases[slice->phase].blocks;
    ls_parallel_run(worker->threads, sum_blocks, slice);
    gather_blocks(slice, blocks);
    return ls_norm_finish(blocks, ls_reducer_blocks(worker->reducer, slice->phase), weight);
}

/* The same of each parameter, where somebody wants to see them. */
static void note_norms(const struct slice *slice, double weight) {
    const struct ls_parameter_set *set = slice->worker->parameters;
    const struct ls_phase *phase = &slice->worker->phases[slice->phase];
    if (!phase->norms)
        return;
    ls_norm_parameters(set, phase->range, phase->blocks, phase->norms);
    for (int i = 0; i < set->count; i++)
        phase->norms[i] /= weight;
}

/* Clipping by norm comes after clipping by value: it goes by the norm of what that leaves. */
static double clip_factor(struct slice *slice, double norm, double weight) {
    const struct ls_optimizer_options *options =
        &slice->worker->phases[slice->phase].options->optimizer;
    if (options->clip_norm > 0 && options->clip_value > 0) {
        slice->limit = options->clip_value * weight;
        norm = gradient_norm(slice, weight);
    }
    return ls_clip_factor(norm, options->clip_norm);
}

/* The update of a share's part; false if it has none. */
static bool update_of(const struct slice *slice, int thread, struct ls_update *update) {
    const struct ls_range part = slice->worker->shares[thread].slices[slice->phase].range;
    *update = slice->update;
    update->first = part.first;
    update->end = part.end;
    return ls_range_count(part) > 0;
}

static void measure_part(void *context, int thread) {
    const struct slice *slice = context;
    const struct ls_worker *worker = slice->worker;
    const struct ls_phase *phase = &worker->phases[slice->phase];
    const int64_t first = first_block(slice, thread);
    struct ls_update update;
    if (update_of(slice, thread, &update))
        ls_optimizer_measure(phase->optimizer, &update, worker->flat, slice->gradients,
                             (struct ls_measures){phase->measures.parameters + first,
                                                  phase->measures.steps + first});
}

/* Rules that go by the norms of whole parameters see those of all slices first. */
static void measure_all(struct slice *slice) {
    const struct ls_phase *phase = &slice->worker->phases[slice->phase];
    if (!ls_optimizer_measures(phase->optimizer))
        return;
    ls_parallel_run(slice->worker->threads, measure_part, slice);
    gather_blocks(slice, phase->measures.parameters);
    gather_blocks(slice, phase->measures.steps);
    ls_optimizer_trust(phase->optimizer, phase->range, phase->measures);
}

static void update_part(void *context, int thread) {
    const struct slice *slice = context;
    const struct ls_worker *worker = slice->worker;
    const struct ls_phase *phase = &worker->phases[slice->phase];
    struct ls_update update;
    if (!update_of(slice, thread, &update))
        return;
    ls_optimizer_step(phase->optimizer, &update, worker->flat, slice->gradients);
    if (phase->average)
        ls_average_step(ls_average_share(worker->config->train.average, update.step),
                        update.end - update.first, worker->flat + update.first,
                        phase->average + (update.first - phase->slice.first));
}

void ls_worker_update(struct ls_worker *worker, int p, const struct ls_summed *summed,
                      struct ls_step_phase *result) {
    const struct ls_phase *phase = &worker->phases[p];
    struct slice slice = {.worker = worker, .phase = p, .gradients = summed->gradients};
    result->gradient_norm = gradient_norm(&slice, summed->weight);
    note_norms(&slice, summed->weight);
    if (!isfinite(result->gradient_norm))
        return; /* every rank sees the same norm; the caller decides whether to go on */
    const int64_t bytes = ls_range_count(phase->slice) * (int64_t)sizeof(float);
    slice.update = (struct ls_update){
        .step = summed->step,
        .learning_rate = result->learning_rate,
        .weight = summed->weight,
        .microbatches = summed->microbatches,
        .clip_factor = clip_factor(&slice, result->gradient_norm, summed->weight),
        .stream = ls_reducer_near(worker->reducer) > 1 && bytes >= LS_STREAM_BYTES,
    };
    measure_all(&slice);
    /* The ranks of a host share the parameters. None reads them any more: it joined the agreement
     * on the norm after its backward. None reads them before all slices are updated: it waits in
     * the gather. */
    ls_parallel_run(worker->threads, update_part, &slice);
    ls_reducer_gather(worker->reducer, p);
}
