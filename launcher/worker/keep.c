/* What of a run is kept while it goes on: lines of metrics.jsonl, and checkpoints. */
#include <string.h>

#include "core/base/log.h"
#include "launcher/supervisor/reason.h"
#include "launcher/worker/run_folder.h"
#include "launcher/worker/run_parts.h"
#include "launcher/worker/tensorboard.h"

enum { AGAIN_SECONDS = 60 };

/* Trouble is told when it begins, and once a minute while it lasts or comes back. */
static bool trouble_to_tell(struct trouble *trouble, enum ls_status status) {
    trouble->there = status != LS_OK;
    if (!trouble->there || (trouble->told > 0 && ls_seconds() - trouble->told < AGAIN_SECONDS))
        return false;
    trouble->told = ls_seconds();
    return true;
}

double ls_run_position(const struct run *run) {
    return (double)run->state.epoch +
           (double)run->state.index / (double)ls_loader_batches(run->loaders[LS_SOURCE_TRAIN]);
}

void ls_run_append_metrics(struct run *run, const char *split, const struct ls_metrics *metrics,
                           const struct ls_metric *extra, int extra_count) {
    struct ls_error error;
    if (!run->leader)
        return;
    const enum ls_status status =
        ls_metrics_append(run->metrics, run->state.step, ls_run_position(run), split, metrics,
                          extra, extra_count, &error);
    if (trouble_to_tell(&run->metrics_trouble, status))
        ls_log(LS_LOG_WARNING, "%s\nits lines are kept until they can be written", error.text);
    const struct ls_tensorboard_line line = {.step = run->state.step,
                                             .split = split,
                                             .items = {metrics->items, extra},
                                             .counts = {metrics->count, extra_count}};
    if (run->events &&
        trouble_to_tell(&run->events_trouble, ls_tensorboard_add(run->events, &line, &error)))
        ls_log(LS_LOG_WARNING, "%s\nits records are kept until they can be written", error.text);
}

void ls_run_open_events(struct run *run) {
    struct ls_error error;
    if (run->config->log.tensorboard &&
        ls_tensorboard_open(&run->events, run->request->run, run->state.seconds, &error) != LS_OK)
        ls_log(LS_LOG_WARNING, "no files for TensorBoard: %s", error.text);
}

void ls_run_show_batch(struct run *run, const struct ls_batch *batch) {
    const struct ls_worker *worker = &run->worker;
    struct ls_error error;
    for (int i = 0; run->events && i < worker->input_count; i++) {
        const struct ls_model_input *input = &worker->inputs[i];
        const struct ls_feed *feed = &run->data.feeds[input->feed];
        if (strcmp(feed->name, "inputs") != 0 || input->value->type != LS_TYPE_REAL)
            continue;
        if (ls_tensorboard_show(run->events, run->state.step,
                                ls_worker_feed(worker, batch, input, 0), batch->rows, feed->shape,
                                &error) != LS_OK)
            ls_log(LS_LOG_WARNING, "no images for TensorBoard: %s", error.text);
    }
}

enum ls_status ls_run_check_folder(struct run *run, struct ls_error *error) {
    enum ls_status status = LS_OK;
    if (run->leader)
        status = ls_run_check(run->request->run, run->request->incarnation, error);
    status = ls_communicator_agree(run->communicator, status, error);
    run->folder_lost = status != LS_OK;
    return status;
}

void ls_run_sync_metrics(struct run *run) {
    struct ls_error error;
    const enum ls_status status = ls_metrics_sync(run->metrics, &error);
    if (trouble_to_tell(&run->metrics_trouble, status))
        ls_log(LS_LOG_WARNING, "%s", error.text);
    run->state.metrics_bytes = ls_metrics_size(run->metrics);
}

static void tell_no_checkpoint(struct run *run, enum ls_status status,
                               const struct ls_error *error) {
    const bool before = run->save_trouble.there;
    if (trouble_to_tell(&run->save_trouble, status))
        ls_log(LS_LOG_WARNING,
               "step %llu: no checkpoint: %s\n"
               "training goes on and tries again at every interval; the last checkpoint is of step "
               "%llu",
               (unsigned long long)run->state.step, error->text,
               (unsigned long long)run->saved_step);
    else if (before && status == LS_OK)
        ls_progress_line(&run->progress, "step %llu: checkpoints can be saved again",
                         (unsigned long long)run->state.step);
}

enum ls_status ls_run_save(struct run *run, bool last, struct ls_error *error) {
    if (run->saved_step == run->state.step && run->state.step > 0)
        return LS_OK;
    ls_reason_phase("saving a checkpoint");
    run->state.seconds = run->seconds_before + ls_seconds() - run->began;
    enum ls_status status = ls_run_check_folder(run, error);
    if (status != LS_OK)
        return status;
    if (run->leader)
        ls_run_sync_metrics(run);
    status = ls_save(&run->worker, &run->save, &run->state, error);
    run->last_save = ls_seconds();
    ls_reason_phase("training");
    if (status == LS_DIVERGED)
        return status;
    if (status != LS_OK && last)
        return ls_fail_context(error, "step %llu: no checkpoint, the last is of step %llu: ",
                               (unsigned long long)run->state.step,
                               (unsigned long long)run->saved_step);
    if (run->leader)
        tell_no_checkpoint(run, status, error);
    if (status == LS_OK)
        run->saved_step = run->state.step;
    return LS_OK;
}
