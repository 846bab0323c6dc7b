/* The training loop: batches, log lines, validation, early stopping, when to save. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/supervisor/reason.h"
#include "launcher/worker/run_parts.h"

double ls_run_samples_per_second(const struct run *run) {
    return (double)run->samples / (ls_seconds() - run->began + 1e-9);
}

static void add_extra(struct ls_metrics *extra, const struct ls_phase *phase, const char *name,
                      double value) {
    char full[LS_METRIC_NAME_MAX];
    snprintf(full, sizeof full, "%s%s", phase->prefix, name);
    ls_metrics_add(extra, full, value, false);
}

/* Shares since the last line. */
static void add_times(struct run *run, struct ls_metrics *extra) {
    double shares[LS_TIMES];
    ls_times_shares(&run->logged, &run->worker.times, shares);
    run->logged = run->worker.times;
    for (int i = 0; i < LS_TIMES; i++) {
        char name[LS_METRIC_NAME_MAX];
        snprintf(name, sizeof name, "time_%s", ls_time_names[i]);
        ls_metrics_add(extra, name, shares[i], false);
    }
}

/* Adds a step's sums; writes the mean since the last line when it is time. */
static void log_step(struct run *run, const struct ls_step *step, bool epoch_ended) {
    struct ls_state *state = &run->state;
    for (int s = 0; s < state->sum_count; s++) {
        state->window[s] += step->sums[s];
        state->running[s] += step->sums[s];
    }
    const int64_t every = run->config->log.every_steps;
    const bool logged = epoch_ended || (every != 0 && state->step % (uint64_t)every == 0);
    const bool shown = run->leader && ls_progress_due(&run->progress, state->step);
    if (!logged && !shown)
        return;
    const struct ls_metrics window = ls_worker_metrics(&run->worker, state->window, false);
    if (shown) {
        double shares[LS_TIMES];
        ls_times_shares(&run->shown, &run->worker.times, shares);
        run->shown = run->worker.times;
        const struct ls_position where = {.step = state->step,
                                          .epoch = ls_run_position(run),
                                          .samples_per_s = ls_run_samples_per_second(run),
                                          .shares = shares};
        ls_progress_step(&run->progress, &where, &window);
    }
    if (!logged)
        return;
    struct ls_metrics extra = {0};
    for (int p = 0; p < run->worker.phase_count; p++) {
        const struct ls_step_phase *phase = &step->phases[p];
        if (!phase->ran)
            continue;
        add_extra(&extra, &run->worker.phases[p], "learning_rate", phase->learning_rate);
        add_extra(&extra, &run->worker.phases[p], "gradient_norm", phase->gradient_norm);
    }
    ls_metrics_add(&extra, "seconds", run->seconds_before + ls_seconds() - run->began, false);
    ls_metrics_add(&extra, "samples_per_s", ls_run_samples_per_second(run), true);
    add_times(run, &extra);
    ls_run_append_metrics(run, "train", &window, extra.items, extra.count);
    memset(state->window, 0, (size_t)state->sum_count * sizeof *state->window);
}

struct ls_metrics ls_run_evaluate(struct run *run, int role) {
    struct ls_error error;
    if (ls_worker_evaluate(&run->worker, run->loaders[role], run->sums, &error) != LS_OK)
        ls_run_fail_alone(run, &error);
    return ls_worker_metrics(&run->worker, run->sums, true);
}

static void show_metrics(struct run *run, const char *what, const struct ls_metrics *metrics) {
    char values[256];
    if (run->leader)
        ls_progress_line(&run->progress, "epoch %llu  step %llu  %s: %s",
                         (unsigned long long)run->state.epoch, (unsigned long long)run->state.step,
                         what, ls_metrics_print(metrics, values, sizeof values));
}

static struct ls_metric watched(const struct run *run, const struct ls_metrics *metrics) {
    const char *name = ls_worker_watched(&run->worker);
    const struct ls_metric *metric = ls_metrics_find(metrics, name);
    LS_ASSERT(metric, "no metric '%s' among %d", name, metrics->count);
    return *metric;
}

/* Prechelt 1998, "Early stopping - but when?": after `patience` epochs without a better value, stop
 * and take the best parameters back. */
static enum ls_status watch_improvement(struct run *run, const struct ls_metrics *metrics,
                                        struct ls_error *error) {
    struct ls_state *state = &run->state;
    const struct ls_metric metric = watched(run, metrics);
    const char *name = metric.name;
    const double value = metric.value;
    const double gain = metric.higher_is_better ? value - state->best : state->best - value;
    if (isfinite(value) && (!state->has_best || gain > run->config->train.improvement)) {
        state->has_best = true;
        state->best = value;
        state->best_epoch = state->epoch;
        state->best_step = state->step;
        state->epochs_without = 0;
        ls_save_keep_best(&run->save, &run->worker);
        return LS_OK;
    }
    state->epochs_without += run->config->train.validate_every;
    if (state->epochs_without < run->config->train.patience)
        return LS_OK;
    if (!state->has_best) /* never a number: there is nothing to go back to */
        return ls_fail(
            error, LS_DIVERGED,
            "validation: no %s that is a number for %lld epochs\n"
            "lower optimizer.learning_rate, set optimizer.clip_norm, or look at the data "
            "with lockstep data info",
            name, (long long)state->epochs_without);
    state->early_stopped = true;
    /* Nobody reads the shared parameters now: the sums of the last batch of the evaluation were
     * exchanged after its forward. */
    ls_save_take_best(&run->save, &run->worker);
    if (run->leader)
        ls_progress_line(&run->progress,
                         "no better %s for %lld epochs: back to epoch %llu (%s %.4f)", name,
                         (long long)state->epochs_without, (unsigned long long)state->best_epoch,
                         name, state->best);
    return LS_OK;
}

static enum ls_status end_epoch(struct run *run, struct ls_error *error) {
    if (!run->loaders[LS_SOURCE_VALIDATION] ||
        run->state.epoch % (uint64_t)run->config->train.validate_every != 0)
        return LS_OK;
    const struct ls_metrics metrics = ls_run_evaluate(run, LS_SOURCE_VALIDATION);
    ls_run_append_metrics(run, "validation", &metrics, NULL, 0);
    show_metrics(run, "validation", &metrics);
    return run->config->train.patience > 0 ? watch_improvement(run, &metrics, error) : LS_OK;
}

static bool finished(const struct run *run) {
    const struct ls_train_options *train = &run->config->train;
    return run->state.epoch >= (uint64_t)train->epochs || run->state.early_stopped ||
           (train->steps_max > 0 && run->state.step >= (uint64_t)train->steps_max);
}

static bool save_due(const struct run *run, bool epoch_ended, bool seconds_over) {
    const struct ls_checkpoint_options *when = &run->config->checkpoint;
    return (when->every_steps && run->state.step % (uint64_t)when->every_steps == 0) ||
           seconds_over ||
           (epoch_ended && when->every_epochs &&
            run->state.epoch % (uint64_t)when->every_epochs == 0);
}

static int64_t schedule_steps(const struct run *run, const struct ls_phase *phase) {
    const int64_t given = phase->options->schedule.steps;
    return given ? given : run->state.schedule_steps;
}

static double rate_of(const struct run *run, const struct ls_phase *phase, uint64_t step) {
    return ls_schedule_rate(&phase->options->schedule, phase->options->optimizer.learning_rate,
                            schedule_steps(run, phase), (int64_t)step);
}

/* A schedule that ends before the training does: what comes behind it would surprise. */
static void note_schedules(struct run *run, uint64_t total) {
    for (int p = 0; p < run->worker.phase_count; p++) {
        const struct ls_phase *phase = &run->worker.phases[p];
        const uint64_t end = (uint64_t)schedule_steps(run, phase);
        const uint64_t behind = total - (run->state.step > end ? run->state.step : end);
        if (phase->options->schedule.name == LS_SCHEDULE_CONSTANT || end >= total)
            continue;
        ls_progress_line(&run->progress,
                         "%s%sthe schedule ends at step %llu: %llu steps behind it have the "
                         "learning rate %g; schedule.steps: %llu extends it",
                         run->worker.phase_count > 1 ? phase->options->name : "",
                         run->worker.phase_count > 1 ? ": " : "", (unsigned long long)end,
                         (unsigned long long)behind, rate_of(run, phase, end),
                         (unsigned long long)total);
    }
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

static enum ls_status one_step(struct run *run, double *sums, struct ls_error *error) {
    struct ls_state *state = &run->state;
    struct ls_batch batch;
    run->worker.times.last = ls_seconds(); /* what came between the steps is nobody's */
    if (ls_loader_next(run->loaders[LS_SOURCE_TRAIN], &batch, error) != LS_OK)
        ls_run_fail_alone(run, error);
    ls_times_add(&run->worker.times, LS_TIME_DATA);
    const double every_seconds = run->config->checkpoint.every_seconds;
    struct ls_step step = {
        .step = state->step,
        .stop = ls_run_stop_asked(),
        .save = run->leader && every_seconds > 0 && ls_seconds() - run->last_save >= every_seconds,
        .sums = sums,
    };
    for (int p = 0; p < run->worker.phase_count; p++)
        step.phases[p].learning_rate = rate_of(run, &run->worker.phases[p], state->step);
    ls_worker_step(&run->worker, &batch, &step);
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
    log_step(run, &step, batch.last);
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
        note_schedules(run, total);
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
