#include "launcher/worker/save.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/numerics.h"
#include "launcher/worker/saved.h"

/* What a rank's shard holds: its slices of the parameters; of those that are updated, the
 * optimiser's arrays, their moving average, and with early stopping the best so far. */
static struct ls_checkpoint_content content_of(struct ls_worker *worker,
                                               const struct ls_save *save) {
    struct ls_checkpoint_content content = {.parameters = worker->parameters};
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        struct ls_checkpoint_arrays *arrays = &content.groups[content.count++];
        *arrays = (struct ls_checkpoint_arrays){.group = p, .slice = phase->slice};
        ls_checkpoint_add(arrays, LS_ARRAY_PARAMETERS, worker->flat + phase->slice.first);
        for (int i = 0; i < ls_optimizer_state_count(phase->optimizer); i++) {
            char name[LS_ARRAY_NAME_MAX];
            snprintf(name, sizeof name, "optimizer/%s",
                     ls_optimizer_state_name(phase->optimizer, i));
            ls_checkpoint_add(arrays, name, ls_optimizer_state(phase->optimizer, i));
        }
        if (phase->average)
            ls_checkpoint_add(arrays, LS_ARRAY_AVERAGE, phase->average);
        if (save->best[p])
            ls_checkpoint_add(arrays, LS_ARRAY_BEST, save->best[p]);
    }
    struct ls_checkpoint_arrays *fixed = &content.groups[content.count++];
    *fixed = (struct ls_checkpoint_arrays){
        .group = LS_GROUP_FIXED, .slice = ls_reducer_slice(worker->reducer, LS_GROUP_FIXED)};
    ls_checkpoint_add(fixed, LS_ARRAY_PARAMETERS, worker->flat + fixed->slice.first);
    return content;
}

void ls_save_create_best(struct ls_save *save, const struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++)
        save->best[p] =
            ls_calloc((size_t)ls_range_count(worker->phases[p].slice) + 1, sizeof(float));
}

void ls_save_destroy_best(struct ls_save *save) {
    for (int p = 0; p < LS_GROUPS_MAX; p++)
        free(save->best[p]);
}

void ls_save_keep_best(struct ls_save *save, const struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        const float *used = phase->average ? phase->average : worker->flat + phase->slice.first;
        memcpy(save->best[p], used, (size_t)ls_range_count(phase->slice) * sizeof(float));
    }
}

void ls_save_take_best(const struct ls_save *save, struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        const size_t bytes = (size_t)ls_range_count(phase->slice) * sizeof(float);
        memcpy(worker->flat + phase->slice.first, save->best[p], bytes);
        if (phase->average)
            memcpy(phase->average, save->best[p], bytes);
        ls_reducer_gather(worker->reducer, p);
    }
}

/* The values that were measured, of every slice of a checkpoint. */
static struct ls_checkpoint_content measured_content(struct ls_worker *worker) {
    struct ls_checkpoint_content content = {.parameters = worker->parameters};
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        struct ls_checkpoint_arrays *arrays = &content.groups[content.count++];
        *arrays = (struct ls_checkpoint_arrays){.group = p, .slice = phase->slice};
        ls_checkpoint_add(arrays, phase->average ? LS_ARRAY_AVERAGE : LS_ARRAY_PARAMETERS,
                          worker->flat + phase->slice.first);
    }
    return content;
}

enum ls_status ls_save_load_measured(struct ls_worker *worker, const struct ls_save *save,
                                     uint64_t step, struct ls_error *error) {
    struct ls_checkpoint checkpoint = {0};
    const struct ls_checkpoint_content content = measured_content(worker);
    enum ls_status status = ls_checkpoint_open(save->run, step, &checkpoint, error);
    status = ls_communicator_agree(worker->communicator, status, error);
    if (status == LS_OK)
        status = ls_checkpoint_load(&checkpoint, &content, error);
    ls_checkpoint_clear(&checkpoint);
    if ((status = ls_communicator_agree(worker->communicator, status, error)) != LS_OK)
        return status;
    ls_worker_begin_average(worker);
    ls_worker_gather(worker);
    return LS_OK;
}

/* What every rank must have in common before a commit. */
struct position {
    uint64_t step, digest, epoch;
    int64_t index;
};

static enum ls_status agree_on_position(struct ls_worker *worker, const struct ls_state *state,
                                        struct ls_error *error) {
    const int size = ls_communicator_size(worker->communicator);
    const struct position mine = {
        state->step, ls_hash_bytes(worker->flat, (size_t)worker->parameters->total * sizeof(float)),
        state->epoch, state->index};
    struct position *all = ls_calloc((size_t)size, sizeof *all);
    ls_communicator_all_gather(worker->communicator, &mine, sizeof mine, all);
    enum ls_status status = LS_OK;
    for (int r = 1; r < size && status == LS_OK; r++)
        if (memcmp(&all[r], &all[0], sizeof all[r]) != 0)
            status = ls_fail(error, LS_DIVERGED,
                             "rank %d differs from rank 0: step %" PRIu64 " and %" PRIu64
                             ", parameters %016" PRIx64 " and %016" PRIx64
                             "\nnothing was saved; memory of one of them was corrupted",
                             r, all[r].step, all[0].step, all[r].digest, all[0].digest);
    free(all);
    return status;
}

/* Rank 0 collects every rank's file record, and commits. */
static enum ls_status commit(struct ls_communicator *communicator,
                             struct ls_checkpoint_commit *commit,
                             const struct ls_checkpoint_file *file, struct ls_error *error) {
    struct ls_checkpoint_file *files = ls_calloc((size_t)commit->write->world_size, sizeof *files);
    ls_communicator_gather(communicator, file, sizeof *file, files);
    commit->files = files;
    enum ls_status status = LS_OK;
    if (commit->write->rank == 0)
        status = ls_checkpoint_commit(commit, error);
    free(files);
    return ls_communicator_agree(communicator, status, error);
}

enum ls_status ls_save(struct ls_worker *worker, const struct ls_save *save,
                       const struct ls_state *state, struct ls_error *error) {
    struct ls_communicator *const communicator = worker->communicator;
    const struct ls_checkpoint_write write = {
        .run = save->run,
        .step = state->step,
        .incarnation = save->incarnation,
        .rank = ls_communicator_rank(communicator),
        .world_size = ls_communicator_size(communicator),
    };
    enum ls_status status = agree_on_position(worker, state, error);
    if (status != LS_OK)
        return status;
    if (write.rank == 0)
        status = ls_checkpoint_begin(&write, error);
    if ((status = ls_communicator_agree(communicator, status, error)) != LS_OK)
        return status;

    const struct ls_checkpoint_content content = content_of(worker, save);
    struct ls_checkpoint_file file;
    status = ls_checkpoint_write_shard(&write, &content, &file, error);
    status = ls_communicator_agree(communicator, status, error);
    if (status == LS_OK) {
        char *text = ls_state_print(state, save->config_text);
        status = commit(communicator,
                        &(struct ls_checkpoint_commit){
                            .write = &write,
                            .content = &content,
                            .state = text,
                            .keep = save->keep,
                            .kept = worker->config->checkpoint.keep_best ? state->best_step : 0},
                        &file, error);
        free(text);
    }
    if (status != LS_OK && write.rank == 0)
        ls_checkpoint_abandon(&write);
    return status;
}

/* A schedule may become longer while a run goes on, but not shorter. */
static enum ls_status check_schedules(const struct ls_state *state, const struct ls_config *before,
                                      const struct ls_config *now, struct ls_error *error) {
    for (int p = 0; p < now->phase_count; p++) {
        const int64_t given = before->phases[p].schedule.steps;
        const int64_t old = given ? given : state->schedule_steps;
        const int64_t steps = now->phases[p].schedule.steps;
        if (steps && steps < old)
            return ls_fail(error, LS_INVALID,
                           "schedule.steps is %" PRId64
                           ", but the schedule of this run has %" PRId64
                           " steps: it may be extended, not cut\n"
                           "give as many or more, or start again with --restart",
                           steps, old);
    }
    return LS_OK;
}

/* Whether a run that began with that state and config may go on with the present ones. */
static enum ls_status check_resumable(const struct ls_state *state, const struct ls_config *before,
                                      const struct ls_config *now, struct ls_error *error) {
    if (state->numerics != LS_NUMERICS_VERSION)
        return ls_fail(error, LS_INVALID,
                       "the checkpoint was written with numerics version %d, this program has %d: "
                       "the run would not end in the same bits\ncontinue with the program of that "
                       "version, or start again with --restart",
                       state->numerics, LS_NUMERICS_VERSION);
    const enum ls_status status = ls_config_resumable(before, now, error);
    return status == LS_OK ? check_schedules(state, before, now, error) : status;
}

/* Takes the state out of a run that may go on with the present config. */
static enum ls_status take_state(struct ls_saved_run *saved, const struct ls_config *config,
                                 struct ls_state *state, struct ls_error *error) {
    enum ls_status status = ls_saved_run_read(saved, error);
    if (status == LS_OK)
        status = check_resumable(&saved->state, &saved->config, config, error);
    if (status != LS_OK)
        return ls_fail_context(error, "cannot continue from %s: ", saved->checkpoint.path);
    *state = saved->state;
    saved->state = (struct ls_state){0};
    return LS_OK;
}

enum ls_status ls_restore(struct ls_worker *worker, const struct ls_save *save,
                          struct ls_state *state, bool *found, struct ls_error *error) {
    struct ls_communicator *const communicator = worker->communicator;
    struct ls_saved_run saved = {0};
    enum ls_status status = LS_OK;
    uint64_t step = UINT64_MAX;
    /* Rank 0 chooses (and sets damaged ones aside); the others open the same. */
    if (ls_communicator_rank(communicator) == 0) {
        status = ls_saved_run_find(&saved, save->run, true, found, error);
        if (status == LS_OK && *found)
            step = saved.checkpoint.step;
    }
    if ((status = ls_communicator_agree(communicator, status, error)) != LS_OK)
        return status;
    ls_communicator_broadcast(communicator, &step, sizeof step);
    *found = step != UINT64_MAX;
    if (!*found)
        return LS_OK;
    if (ls_communicator_rank(communicator) != 0)
        status = ls_checkpoint_open(save->run, step, &saved.checkpoint, error);
    if (status == LS_OK)
        status = take_state(&saved, worker->config, state, error);
    if (status == LS_OK) {
        const struct ls_checkpoint_content content = content_of(worker, save);
        status = ls_checkpoint_load(&saved.checkpoint, &content, error);
    }
    ls_saved_run_close(&saved);
    if ((status = ls_communicator_agree(communicator, status, error)) != LS_OK)
        return status;
    ls_worker_gather(worker);
    return LS_OK;
}

enum ls_status ls_restore_look(const char *run, const struct ls_config *config,
                               struct ls_state *state, bool *found, struct ls_error *error) {
    struct ls_saved_run saved;
    enum ls_status status = ls_saved_run_find(&saved, run, false, found, error);
    if (status == LS_OK && *found)
        status = take_state(&saved, config, state, error);
    ls_saved_run_close(&saved);
    return status;
}
