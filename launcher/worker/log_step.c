/* What is said of a step: a line of metrics.jsonl, and where training is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/run_parts.h"

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

/* The layer that a parameter belongs to: its name without the last part. */
static int layer_length(const char *name) {
    const char *dot = strrchr(name, '.');
    return (int)(dot ? (size_t)(dot - name) : strlen(name));
}

/* The norm of each layer's gradient, behind `count` items; parameters of a layer are neighbours in
 * the buffer, but for those that several layers share. Returns how many there are then. */
static int add_norms(const struct run *run, int p, struct ls_metric *items, int count) {
    const struct ls_worker *worker = &run->worker;
    const int first = count;
    for (int i = 0; i < worker->parameters->count; i++) {
        const struct ls_parameter *parameter = worker->parameters->items[i];
        const double norm = worker->phases[p].norms[i];
        char name[LS_METRIC_NAME_MAX];
        if (parameter->group != p || parameter->kind != LS_PARAMETER_WEIGHT)
            continue;
        snprintf(name, sizeof name, "gradient_norm.%.*s",
                 layer_length(parameter->name) < 80 ? layer_length(parameter->name) : 80,
                 parameter->name);
        int at = first;
        while (at < count && strcmp(items[at].name, name) != 0)
            at++;
        if (at == count) {
            items[count] = (struct ls_metric){.value = 0};
            strcpy(items[count++].name, name);
        }
        items[at].value = sqrt(items[at].value * items[at].value + norm * norm);
    }
    return count;
}

bool ls_run_logs(const struct run *run) {
    const uint64_t every = (uint64_t)run->config->log.every_steps;
    return run->state.index == 0 || (every != 0 && run->state.step % every == 0);
}

void ls_run_log_step(struct run *run, const struct ls_step *step) {
    struct ls_state *state = &run->state;
    for (int s = 0; s < state->sum_count; s++) {
        state->window[s] += step->sums[s];
        state->running[s] += step->sums[s];
    }
    const bool logged = ls_run_logs(run);
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
    struct ls_metric *items = extra.items;
    int count = extra.count;
    if (run->config->log.gradient_norms && run->leader) {
        items = ls_calloc((size_t)(count + run->worker.parameters->count), sizeof *items);
        memcpy(items, extra.items, (size_t)count * sizeof *items);
        for (int p = 0; p < run->worker.phase_count; p++)
            if (step->phases[p].ran)
                count = add_norms(run, p, items, count);
    }
    ls_run_append_metrics(run, "train", &window, items, count);
    if (items != extra.items)
        free(items);
    memset(state->window, 0, (size_t)state->sum_count * sizeof *state->window);
}
