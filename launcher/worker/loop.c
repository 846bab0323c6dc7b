/* The training loop: batches, validation, when to save. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/reason.h"
#include "launcher/worker/run_parts.h"

double ls_run_samples_per_second(const struct run *run) {
    return (double)run->samples / (ls_seconds() - run->began + 1e-9);
}

struct ls_metrics ls_run_evaluate(struct run *run, int role) {
    struct ls_error error;
    ls_worker_swap_average(&run->worker);
    if (ls_worker_evaluate(&run->worker, run->loaders[role], run->sums, &error) != LS_OK)
        ls_run_fail_alone(run, &error);
    ls_worker_swap_average(&run->worker);
    return ls_worker_metrics(&run->worker, run->sums, true);
}

static void show_metrics(struct run *run, const char *what, const struct ls_metrics *metrics) {
    char values[256];
    if (run->leader)
        ls_progress_line(&run->progress, "epoch %llu  step %llu  %s: %s",
                         (unsigned long long)run->state.epoch, (unsigned long long)run->state.step,
                         what, ls_metrics_print(metrics, values, sizeof values));
}

bool ls_run_validates(const struct run *run) {
    return run->loaders[LS_SOURCE_VALIDATION] && run->state.index == 0 &&
           run->state.epoch % (uint64_t)run->config->train.validate_every == 0;
}

static enum ls_status end_epoch(struct run *run, struct ls_error *error) {
    if (!ls_run_validates(run))
        return LS_OK;
    const struct ls_metrics metrics = ls_run_evaluate(run, LS_SOURCE_VALIDATION);
    ls_run_append_metrics(run, "validation", &metrics, NULL, 0);
    show_metrics(run, "validation", &metrics);
    return ls_run_watch(run, &metrics, error);
}

static bool finished(const struct run *run) {
    const struct ls_train_options *train = &run->config->train;
    return run->state.epoch >= (uint64_t)train->epochs || run->state.early_stopped ||
           (train->steps_max > 0 && run->state.step >= (uint64_t)train->steps_max);
}

static bool save_due(const struct run *run, bool epoch_ended, bool seconds_over) {
    const struct ls_checkpoint_options *when = &run->config->checkpoint;
    const bool best =
        when->keep_best && run->state.has_best && run->state.best_step == run->state.step;
    return best || (when->every_steps && run->state.step % (uint64_t)when->every_steps == 0) ||
           seconds_over ||
           (epoch_ended && when->every_epochs &&
            run->state.epoch % (uint64_t)when->every_epochs == 0);
}

/* A gradient that is not finite: an error, or a word that its update was left out. */
static enum ls_status check_finite(struct run *run, const struct ls_step *step,
                                   struct ls_error *error) {
    const unsigned long long number = run->state.step + 1;
    for (int p = 0; p < run->worker.phase_count; p++) {
        const struct ls_phase *phase = &run->worker.phases[p];
        const double *sums = step->sums + phase->sums_first;
        const bool named = run->worker.phase_count > 1;
        const char *name = named ? phase->options->name : "";
        if (isfinite(step->phases[p].gradient_norm))
            continue;
        if (run->config->train.stop_not_finite)
            return ls_fail(error, LS_DIVERGED,
                           "step %llu%s%s: the gradient is not finite (loss %g, learning rate %g)\n"
                           "lower optimizer.learning_rate, set optimizer.clip_norm, or let such "
                           "steps be left out "
                           "with train.stop_not_finite: false",
                           number, named ? ", phase " : "", name, sums[0] / sums[1],
                           step->phases[p].learning_rate);
        if (run->leader)
            ls_progress_line(&run->progress,
                             "step %llu%s%s: the gradient is not finite; this update is left out",
                             number, named ? ", phase " : "", name);
    }
    return LS_OK;
}

/* Nothing may be written into a run that nobody locks any more. */
static void end_if_left(const struct run *run) {
    if (!ls_worker_is_left())
        return;
    ls_log(LS_LOG_ERROR, "the launcher of this run is gone; what was committed is safe");
    ls_communicator_abort(run->communicator, LS_EXIT_RANK_LOST);
}

static enum ls_status one_step(struct run *run, double *sums, struct ls_error *error) {
    struct ls_state *state = &run->state;
    struct ls_batch batch;
    run->worker.times.last = ls_seconds(); /* what came between the steps is nobody's */
    if (ls_loader_next(run->loaders[LS_SOURCE_TRAIN], &batch, error) != LS_OK)
        ls_run_fail_alone(run, error);
    ls_times_add(&run->worker.times, LS_TIME_DATA);
    if (run->leader)
        end_if_left(run);
    const double every_seconds = run->config->checkpoint.every_seconds;
    struct ls_step step = {
        .step = state->step,
        .stop = ls_run_stop_asked(),
        .save = run->leader && every_seconds > 0 && ls_seconds() - run->last_save >= every_seconds,
        .sums = sums,
    };
    for (int p = 0; p < run->worker.phase_count; p++)
        step.phases[p].learning_rate = ls_run_rate(run, p, state->step);
    ls_worker_step(&run->worker, &batch, &step);
    if (state->step == run->resumed_from)
        ls_run_show_batch(run, &batch);
    enum ls_status status = check_finite(run, &step, error);
    if (status != LS_OK)
        return status;
    if (state->index == 0)
        memset(state->running, 0, (size_t)state->sum_count * sizeof *state->running);
    state->step++;
    state->index = batch.last ? 0 : batch.index + 1;
    state->epoch += batch.last;
    run->samples += (uint64_t)batch.rows_global;
    ls_reason_step(state->step);
    ls_run_log_step(run, &step);
    if (batch.last && (status = end_epoch(run, error)) != LS_OK)
        return status;
    run->stopped = step.stop && !finished(run); /* a run at its end is reported in full */
    const bool over = finished(run) || run->stopped;
    if (!over && !save_due(run, batch.last, step.save))
        return LS_OK;
    run->worker.times.last = ls_seconds();
    const enum ls_status saved = ls_run_save(run, over, error);
    ls_times_add(&run->worker.times, LS_TIME_CHECKPOINT);
    return saved;
}

enum ls_status ls_run_train(struct run *run, struct ls_error *error) {
    struct ls_state *state = &run->state;
    const struct ls_train_options *options = &run->config->train;
    const uint64_t batches = (uint64_t)ls_loader_batches(run->loaders[LS_SOURCE_TRAIN]);
    uint64_t total = (uint64_t)options->epochs * batches;
    if (options->steps_max > 0 && (uint64_t)options->steps_max < total)
        total = (uint64_t)options->steps_max;
    run->began = run->last_save = run->worker.times.last = ls_seconds();
    run->logged = run->shown = run->worker.times;
    if (run->leader) {
        ls_progress_begin(&run->progress, run->config->log.progress_seconds,
                          (uint64_t)options->epochs, total, state->step);
        if (run->config->train.reduce == LS_REDUCE_ALLREDUCE)
            ls_progress_line(
                &run->progress,
                "train.reduce is allreduce: other numbers of ranks may end in other bits");
        if (run->resumed_from)
            ls_progress_line(&run->progress, "continuing from step %llu",
                             (unsigned long long)run->resumed_from);
    }
    if (finished(run))
        return LS_OK;
    if (run->leader)
        ls_run_note_schedules(run, total);
    double *sums = ls_calloc((size_t)state->sum_count, sizeof *sums);
    ls_reason_phase("training");
    ls_loader_seek(run->loaders[LS_SOURCE_TRAIN], state->epoch, state->index,
                   (uint64_t)options->epochs);
    enum ls_status status = LS_OK;
    while (status == LS_OK && !finished(run) && !run->stopped)
        status = one_step(run, sums, error);
    free(sums);
    run->state.seconds = run->seconds_before + ls_seconds() - run->began;
    return status;
}
