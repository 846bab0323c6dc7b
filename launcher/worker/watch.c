/* What a run makes of its validation: the best so far, early stopping, and the learning rate of the
 * steps behind it. */
#include <math.h>

#include "launcher/worker/run_parts.h"

static struct ls_metric watched(const struct run *run, const struct ls_metrics *metrics) {
    const char *name = ls_worker_watched(&run->worker);
    const struct ls_metric *metric = ls_metrics_find(metrics, name);
    LS_ASSERT(metric, "no metric '%s' among %d", name, metrics->count);
    return *metric;
}

static int64_t schedule_steps(const struct run *run, const struct ls_phase *phase) {
    const int64_t given = phase->options->schedule.steps;
    return given ? given : run->state.schedule_steps;
}

double ls_run_rate(const struct run *run, int p, uint64_t step) {
    const struct ls_phase_options *options = run->worker.phases[p].options;
    const int64_t steps = schedule_steps(run, &run->worker.phases[p]);
    return ls_schedule_rate(&options->schedule, options->optimizer.learning_rate, steps,
                            (int64_t)step) *
           ls_schedule_reduction(&options->schedule, run->state.plateaus[p].reductions);
}

/* Whether anything goes by the best value of the watched metric. */
static bool watches(const struct run *run) {
    bool plateau = false;
    for (int p = 0; p < run->worker.phase_count; p++)
        plateau |= run->worker.phases[p].options->schedule.name == LS_SCHEDULE_PLATEAU;
    return plateau || run->config->train.patience > 0 || run->config->checkpoint.keep_best;
}

/* The present parameters are the best so far. */
static void note_best(struct run *run, double value) {
    struct ls_state *state = &run->state;
    state->has_best = true;
    state->best = value;
    state->best_epoch = state->epoch;
    state->best_step = state->step;
    state->epochs_without = 0;
    for (int p = 0; p < LS_PHASES_MAX; p++)
        state->plateaus[p].epochs = 0;
    if (run->config->train.patience > 0)
        ls_save_keep_best(&run->save, &run->worker);
}

/* Schedules that wait for a plateau. */
static void reduce_rates(struct run *run, const char *metric) {
    for (int p = 0; p < run->worker.phase_count; p++) {
        const struct ls_schedule_options *schedule = &run->worker.phases[p].options->schedule;
        struct ls_plateau *plateau = &run->state.plateaus[p];
        if (schedule->name != LS_SCHEDULE_PLATEAU)
            continue;
        plateau->epochs += run->config->train.validate_every;
        if (plateau->epochs < schedule->patience)
            continue;
        const double before = ls_schedule_reduction(schedule, plateau->reductions++);
        plateau->epochs = 0;
        if (run->leader && ls_schedule_reduction(schedule, plateau->reductions) < before)
            ls_progress_line(&run->progress,
                             "no better %s for %lld epochs: the learning rate is now %g", metric,
                             (long long)schedule->patience, ls_run_rate(run, p, run->state.step));
    }
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
        note_best(run, value);
        return LS_OK;
    }
    state->epochs_without += run->config->train.validate_every;
    reduce_rates(run, name);
    if (!run->config->train.patience || state->epochs_without < run->config->train.patience)
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

enum ls_status ls_run_watch(struct run *run, const struct ls_metrics *metrics,
                            struct ls_error *error) {
    return watches(run) ? watch_improvement(run, metrics, error) : LS_OK;
}

/* A schedule that ends before the training does: what comes behind it would surprise. */
void ls_run_note_schedules(struct run *run, uint64_t total) {
    for (int p = 0; p < run->worker.phase_count; p++) {
        const struct ls_phase *phase = &run->worker.phases[p];
        const uint64_t end = (uint64_t)schedule_steps(run, phase);
        const uint64_t behind = total - (run->state.step > end ? run->state.step : end);
        if (!ls_schedule_ends(&phase->options->schedule) || end >= total)
            continue;
        ls_progress_line(&run->progress,
                         "%s%sthe schedule ends at step %llu: %llu steps behind it have the "
                         "learning rate %g; schedule.steps: %llu extends it",
                         run->worker.phase_count > 1 ? phase->options->name : "",
                         run->worker.phase_count > 1 ? ": " : "", (unsigned long long)end,
                         (unsigned long long)behind, ls_run_rate(run, p, end),
                         (unsigned long long)total);
    }
}
