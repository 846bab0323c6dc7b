/* The end of a run: evaluation and result. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/supervisor/reason.h"
#include "launcher/worker/result.h"
#include "launcher/worker/run_parts.h"
#include "launcher/worker/translations.h"

static bool is_loss(const char *name) {
    const char *dot = strrchr(name, '.');
    return !strcmp(dot ? dot + 1 : name, "loss");
}

/* Whether there are losses, and none of any part is a number. */
static bool lost(const struct ls_result *result) {
    int count = 0;
    for (int role = 0; role < LS_PARTS; role++)
        for (int i = 0; result->parts[role] && i < result->parts[role]->count; i++) {
            if (!is_loss(result->parts[role]->items[i].name))
                continue;
            count++;
            if (isfinite(result->parts[role]->items[i].value))
                return false;
        }
    return count > 0;
}

static void judge_translations(struct run *run, int role, struct ls_metrics *metrics) {
    struct ls_error error;
    if (!ls_translations_wanted(run->config, &run->data, role))
        return;
    if (run->leader)
        ls_progress_line(&run->progress, "translating the %s data", ls_part_name(role));
    ls_worker_swap_average(&run->worker);
    if (ls_translations_judge(&run->worker, &run->data, role, run->request->run, metrics, &error) !=
        LS_OK)
        ls_run_fail_alone(run, &error);
    ls_worker_swap_average(&run->worker);
}

/* With checkpoint.keep_best the last measurements are of the best parameters; *best: whether they
 * are, or the last ones were the best. */
static enum ls_status turn_to_best(struct run *run, bool *best, struct ls_error *error) {
    const struct ls_state *state = &run->state;
    const bool wanted = run->config->checkpoint.keep_best && state->has_best && !run->stopped;
    *best = state->early_stopped || wanted;
    if (!wanted || state->early_stopped || state->best_step == state->step ||
        ls_save_load_measured(&run->worker, &run->save, state->best_step, error) == LS_OK)
        return LS_OK;
    *best = false;
    if (run->leader)
        ls_log(LS_LOG_WARNING,
               "the best checkpoint, of step %llu, cannot be used: %s\n"
               "the last parameters are measured",
               (unsigned long long)state->best_step, error->text);
    return ls_save_load_measured(&run->worker, &run->save, state->step, error);
}

/* Of a run that ends where none is due (train.steps_max), a line of the steps since the last one. A
 * start that goes on from here takes it back, like all lines behind the last checkpoint. */
static void tell_rest(struct run *run) {
    const struct ls_metrics window = ls_worker_metrics(&run->worker, run->state.window, false);
    const struct ls_metric seconds = {.name = "seconds", .value = run->state.seconds};
    if (!ls_run_logs(run) && !run->stopped)
        ls_run_append_metrics(run, "train", &window, &seconds, 1);
}

/* A run that a signal stopped is not evaluated: it has to be gone soon. */
enum ls_status ls_run_report(struct run *run, struct ls_error *error) {
    struct ls_metrics metrics[LS_PARTS];
    double *sums[LS_PARTS] = {0};
    const struct ls_state *state = &run->state;
    const bool complete = state->epoch >= (uint64_t)run->config->train.epochs;
    struct ls_result result = {
        .status = state->early_stopped ? "early_stopped"
                  : complete           ? "done"
                                       : "stopped",
        .steps = state->step,
        .epochs = state->epoch,
        .resumed_from_step = run->resumed_from,
        .steps_this_run = state->step - run->resumed_from,
        .seconds = state->seconds,
        .samples_per_s = ls_run_samples_per_second(run),
        .world_size = ls_communicator_size(run->communicator),
        .parameters_digest = ls_parameters_digest(run->worker.parameters, run->worker.flat),
        .data = &run->data,
        .start = state->start,
    };
    metrics[0] = ls_worker_metrics(&run->worker, state->running, false);
    result.parts[0] = state->running[1] > 0 ? &metrics[0] : NULL;
    ls_reason_phase("evaluating");
    tell_rest(run);
    const bool validated = ls_run_validates(run); /* by the loop */
    bool best;
    enum ls_status status = turn_to_best(run, &best, error);
    if (status != LS_OK)
        return status;
    if (best)
        result.best = (struct ls_result_best){.metric = ls_worker_watched(&run->worker),
                                              .value = state->best,
                                              .epoch = state->best_epoch,
                                              .step = state->best_step};
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS && !run->stopped; role++) {
        if (!run->loaders[role])
            continue;
        metrics[role] = ls_run_evaluate(run, role);
        if (metrics[role]
                .judged_count) { /* borrowed from run->sums, which the next part overwrites */
            const size_t count = (size_t)ls_worker_sum_count(&run->worker, true);
            sums[role] = ls_calloc(count, sizeof(double));
            memcpy(sums[role], run->sums, count * sizeof(double));
            metrics[role] = ls_worker_metrics(&run->worker, sums[role], true);
        }
        judge_translations(run, role, &metrics[role]);
        result.parts[role] = &metrics[role];
        if (role == LS_SOURCE_TEST || !validated)
            ls_run_append_metrics(run, ls_part_name(role), &metrics[role], NULL, 0);
    }
    status = ls_run_check_folder(run, error);
    struct ls_error problem;
    if (status == LS_OK && !run->stopped && lost(&result)) {
        status = ls_fail(error, LS_DIVERGED,
                         "the loss is not a number in any part of the data\n"
                         "lower optimizer.learning_rate, set optimizer.clip_norm, or look at the "
                         "data with lockstep data info");
        result.status = "failed";
        result.message = error->text;
    }
    if (run->leader && (status == LS_OK || status == LS_DIVERGED)) {
        ls_run_sync_metrics(run);
        enum ls_status written = ls_result_write(run->request->run, &result, &problem);
        ls_progress_clear(&run->progress);
        if (written == LS_OK)
            written = ls_result_print(run->request->run, &problem);
        fflush(stdout);
        if (status == LS_OK && (status = written) != LS_OK)
            *error = problem;
    }
    for (int role = 0; role < LS_PARTS; role++)
        free(sums[role]);
    return ls_communicator_agree(run->communicator, status, error);
}

void ls_run_report_failure(const struct run *run, const struct ls_error *error) {
    struct ls_error ignored;
    if (run->folder_lost)
        return;
    const struct ls_result result = {
        .status = "failed",
        .steps = run->state.step,
        .epochs = run->state.epoch,
        .resumed_from_step = run->resumed_from,
        .steps_this_run = run->state.step - run->resumed_from,
        .seconds = run->state.seconds,
        .world_size = ls_communicator_size(run->communicator),
        .parameters_digest = ls_parameters_digest(run->worker.parameters, run->worker.flat),
        .message = error->text,
    };
    if (ls_result_write(run->request->run, &result, &ignored) != LS_OK)
        ls_log(LS_LOG_WARNING, "%s", ignored.text);
}
