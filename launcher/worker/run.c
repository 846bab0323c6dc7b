/* The life of a run: open, restore, train, report, close. */
#include "launcher/worker/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/reason.h"
#include "launcher/worker/restarts.h"
#include "launcher/worker/run_parts.h"

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int number) {
    (void)number;
    stop_asked = 1;
}

static void ask_to_stop_once(int number) {
    stop_asked = 1;
    signal(number, SIG_DFL);
}

void ls_run_catch_signals(bool alone) {
    const struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* no nohup */
        sigaction(SIGHUP, &action, NULL);
    /* That of ranks is the launcher's to handle. */
    sigaction(SIGINT,
              &(struct sigaction){.sa_handler = alone ? ask_to_stop_once : SIG_IGN,
                                  .sa_flags = SA_RESTART},
              NULL);
}

bool ls_run_stop_asked(void) {
    return stop_asked;
}

_Noreturn void ls_run_fail_alone(struct run *run, const struct ls_error *error) {
    ls_log(LS_LOG_ERROR, "rank %d: %s", ls_communicator_rank(run->communicator), error->text);
    ls_run_report_failure(run, error);
    ls_reason_finish(ls_exit_code(error->status), error->text);
    ls_communicator_abort(run->communicator, ls_exit_code(error->status));
}

static bool takes_masked(const struct ls_feed_use *uses, int count) {
    for (int u = 0; u < count; u++)
        if (uses[u].feed->masked)
            return true;
    return false;
}

static enum ls_status open_loader(struct run *run, int role, struct ls_error *error) {
    const struct ls_worker *worker = &run->worker;
    const struct ls_part *part = &run->data.parts[role];
    if (!part->dataset)
        return LS_OK;
    const bool training = role == LS_SOURCE_TRAIN;
    struct ls_feed_use uses[LS_FEEDS_MAX];
    const int use_count = ls_data_uses(&run->data, role, worker, uses);
    if (run->config->augment.mask > 0 && !takes_masked(uses, use_count))
        return ls_fail(error, LS_INVALID,
                       "augment.mask: no loss takes the feed 'targets', which the masks make");
    const struct ls_loader_options options = {
        .part = *part,
        .shuffle = training && run->config->train.shuffle,
        .shuffle_block = ls_config_shuffle_block(run->config),
        .seed = (uint64_t)run->config->seed,
        .batch = run->config->train.batch,
        .microbatches = worker->microbatches,
        .first = worker->first,
        .count = worker->count,
        .uses = uses,
        .use_count = use_count,
        .augment = training ? run->config->augment
                            : (struct ls_augment_options){.mask = run->config->augment.mask},
    };
    return ls_loader_create(&run->loaders[role], &options, error);
}

/* Rank 0 fills the cache; then the first rank of each other host, and at last all others, open the
 * same files. */
static enum ls_status open_data(struct run *run, struct ls_error *error) {
    const enum ls_turn mine = run->leader ? LS_TURN_FIRST
                              : ls_communicator_leads_host(run->communicator)
                                  ? LS_TURN_FIRST_OF_HOST
                                  : LS_TURN_AFTER;
    enum ls_status status = LS_OK;
    for (enum ls_turn turn = LS_TURN_FIRST; turn <= LS_TURN_AFTER && status == LS_OK; turn++) {
        const struct ls_data_request request = {.turn = turn, .run = run->request->run};
        if (turn == mine)
            status = ls_data_open(&run->data, run->config, &request, error);
        status = ls_communicator_agree(run->communicator, status, error);
    }
    return status;
}

enum ls_status ls_run_open(struct run *run, struct ls_error *error) {
    enum ls_status status = open_data(run, error);
    if (status != LS_OK)
        return status;
    const struct ls_worker_options options = {
        .config = run->config,
        .communicator = run->communicator,
        .feeds = run->data.feeds,
        .feed_count = run->data.feed_count,
    };
    if ((status = ls_worker_create(&run->worker, &options, error)) != LS_OK)
        return status;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++)
        status = open_loader(run, role, error);
    if ((status = ls_communicator_agree(run->communicator, status, error)) != LS_OK)
        return status;
    if (run->leader)
        ls_worker_note_threads(&run->worker);
    run->sums = ls_calloc((size_t)ls_worker_sum_count(&run->worker, true), sizeof *run->sums);
    return LS_OK;
}

/* The same config may name a file that has changed since. */
static enum ls_status compare_data(const struct run *run, int role, const struct ls_identity *now,
                                   struct ls_error *error) {
    const struct ls_identity *before = &run->state.data[role];
    const uint64_t rows = run->data.parts[role].count;
    const bool alike = !before->rows || (before->rows == now->rows && before->bytes == now->bytes &&
                                         before->digest == now->digest);
    if (!run->state.rows[LS_SOURCE_TRAIN] || (alike && run->state.rows[role] == rows))
        return LS_OK;
    const char *path = now->rows ? ls_dataset_path(run->data.datasets[role]) : "no file";
    const struct ls_data_options *data = &run->config->data;
    const char *const texts[LS_PARTS] = {data->train, data->validation, data->test};
    const char *cure =
        "bring the data back, say --accept-data to go on with this, or start again with "
        "--restart";
    if (run->request->accept_data) {
        ls_log(LS_LOG_INFO, "%s: the %s data is not what the run began with; it goes on with it",
               path, ls_part_name(role));
        return LS_OK;
    }
    if (!before->rows) /* written before checkpoints said which data it was, or there was none */
        return ls_fail(error, LS_INVALID,
                       "%s (%.200s): the run in %s began with %llu rows of %s data, and here are "
                       "%llu; its checkpoint does not say more of that data\n%s",
                       path, texts[role], run->request->run,
                       (unsigned long long)run->state.rows[role], ls_part_name(role),
                       (unsigned long long)rows, cure);
    return ls_fail(
        error, LS_INVALID,
        "%s (%.200s): the %s data is not what the run in %s began with\n  it was %llu rows, "
        "%llu bytes, digest %016llx\n  it is  %llu rows, %llu bytes, digest %016llx\n%s",
        path, texts[role], ls_part_name(role), run->request->run, (unsigned long long)before->rows,
        (unsigned long long)before->bytes, (unsigned long long)before->digest,
        (unsigned long long)now->rows, (unsigned long long)now->bytes,
        (unsigned long long)now->digest, cure);
}

/* Parts that a split cuts off are of the training data. */
static enum ls_status check_data(struct run *run, bool found, struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++) {
        struct ls_identity now = {0};
        if (run->data.datasets[role])
            status = ls_dataset_identity(run->data.datasets[role], &now, error);
        if (status == LS_OK && found)
            status = compare_data(run, role, &now, error);
        run->state.data[role] = now;
    }
    return status;
}

/* The same config has as many sums, unless the checkpoint was made by other software. */
static enum ls_status check_state(const struct run *run, struct ls_error *error) {
    const int expected = ls_worker_sum_count(&run->worker, false);
    if (run->state.sum_count != expected)
        return ls_fail(error, LS_INVALID,
                       "the checkpoint in %s has %d sums of metrics, expected %d of this task",
                       run->request->run, run->state.sum_count, expected);
    return LS_OK;
}

/* Epochs and batches count the steps. */
static bool counts_steps(const struct run *run) {
    const struct ls_state *state = &run->state;
    const int64_t batches = ls_loader_batches(run->loaders[LS_SOURCE_TRAIN]);
    return state->step == state->epoch * (uint64_t)batches + (uint64_t)state->index;
}

/* Other data may have fewer batches in an epoch than have gone by in this one: then it is over. */
static void accept_position(struct run *run) {
    struct ls_state *state = &run->state;
    if (state->index >= ls_loader_batches(run->loaders[LS_SOURCE_TRAIN])) {
        state->epoch++;
        state->index = 0;
    }
    state->other_data = state->other_data || !counts_steps(run);
}

/* They do, unless the checkpoint was made by other software, or the run went on with other data. */
static enum ls_status check_position(const struct run *run, struct ls_error *error) {
    const struct ls_state *state = &run->state;
    const int64_t batches = ls_loader_batches(run->loaders[LS_SOURCE_TRAIN]);
    if (state->index < batches && (state->other_data || counts_steps(run)))
        return LS_OK;
    return ls_fail(
        error, LS_DAMAGED,
        "the checkpoint in %s is of step %llu, but at batch %lld of epoch %llu, which has "
        "%lld batches",
        run->request->run, (unsigned long long)state->step, (long long)state->index,
        (unsigned long long)state->epoch, (long long)batches);
}

/* The words behind the tokens stay those that the run began with: a new text may have as many
 * tokens, but others. */
static enum ls_status settle_vocabularies(const struct run *run, bool resumed,
                                          struct ls_error *error) {
    const char *folder = run->request->run;
    char path[LS_TEXT_MAX];
    if (!resumed || !ls_file_exists(ls_vocabulary_path(folder, path)))
        return ls_data_save_vocabularies(&run->data, folder, error);
    return ls_data_check_vocabularies(&run->data, LS_SOURCE_TRAIN,
                                      (struct ls_meaning){folder, false}, error);
}

/* Checkpoints say what the data offers, so that the model can be built without it. */
static void note_feeds(struct run *run) {
    struct ls_state *state = &run->state;
    state->feed_count = 0;
    for (int i = 0; i < run->data.feed_count; i++)
        if (!run->data.feeds[i].missing)
            state->feeds[state->feed_count++] = run->data.feeds[i];
}

enum ls_status ls_run_restore(struct run *run, struct ls_error *error) {
    struct ls_worker *worker = &run->worker;
    if (run->config->train.patience > 0)
        ls_save_create_best(&run->save, worker);
    bool found;
    enum ls_status status = ls_restore(worker, &run->save, &run->state, &found, error);
    if (status != LS_OK)
        return status;
    if (found)
        status = check_state(run, error);
    if (status == LS_OK && run->leader)
        status = check_data(run, found, error);
    if (status == LS_OK && found && run->request->accept_data)
        accept_position(run);
    if (status == LS_OK && found)
        status = check_position(run, error);
    if (status == LS_OK && run->leader)
        status = settle_vocabularies(run, found, error);
    if ((status = ls_communicator_agree(run->communicator, status, error)) != LS_OK)
        return status;
    status = ls_run_learn(run, found, error);
    if (status == LS_OK && run->leader)
        status = ls_data_save_schema(&run->data, run->request->run, error);
    if ((status = ls_communicator_agree(run->communicator, status, error)) != LS_OK)
        return status;
    for (int role = 0; role < LS_PARTS; role++)
        run->state.rows[role] = run->data.parts[role].count;
    note_feeds(run);
    if (!found)
        ls_state_create_sums(&run->state, ls_worker_sum_count(worker, false));
    if (run->config->schedule.steps)
        run->state.schedule_steps = run->config->schedule.steps;
    else if (!found)
        run->state.schedule_steps =
            run->config->train.epochs * ls_loader_batches(run->loaders[LS_SOURCE_TRAIN]);
    if (run->leader)
        ls_checkpoint_clean(run->request->run, run->request->incarnation);
    run->resumed_from = run->saved_step = run->state.step;
    run->seconds_before = run->state.seconds;
    if (run->leader) {
        char path[LS_PATH_MAX];
        snprintf(path, sizeof path, "%s/metrics.jsonl", run->request->run);
        status =
            ls_metrics_open(&run->metrics, path, run->state.metrics_bytes, run->state.step, error);
        if (status == LS_OK)
            ls_run_open_events(run);
        const struct ls_begun start = {.number = run->request->incarnation,
                                       .ranks = ls_communicator_size(run->communicator),
                                       .threads = (int)run->config->compute.threads,
                                       .from_step = run->state.step};
        if (status == LS_OK)
            ls_starts_begin(run->request->run, &start);
    }
    return ls_communicator_agree(run->communicator, status, error);
}

void ls_run_close(struct run *run) {
    ls_metrics_close(run->metrics);
    ls_events_close(run->events);
    for (int role = 0; role < LS_PARTS; role++)
        ls_loader_destroy(run->loaders[role]);
    ls_worker_destroy(&run->worker);
    ls_data_close(&run->data);
    ls_save_destroy_best(&run->save);
    ls_state_clear(&run->state);
    free(run->sums);
}

enum ls_status ls_run(struct ls_communicator *communicator, const struct ls_run_request *request,
                      enum ls_exit_code *code, struct ls_error *error) {
    struct run run = {
        .request = request,
        .config = request->config,
        .communicator = communicator,
        .leader = ls_communicator_rank(communicator) == 0,
    };
    char *config_text = ls_config_print(request->config);
    run.save = (struct ls_save){.run = request->run,
                                .incarnation = request->incarnation,
                                .config_text = config_text,
                                .keep = (int)request->config->checkpoint.keep};
    enum ls_status status = ls_run_open(&run, error);
    if (status == LS_OK)
        status = ls_run_restore(&run, error);
    if (status == LS_OK) {
        status = ls_run_train(&run, error);
        if (status == LS_OK)
            status = ls_run_report(&run, error); /* also of a run that failed by its results */
        else if (run.leader)
            ls_run_report_failure(&run, error);
    }
    *code = run.stopped ? LS_EXIT_STOPPED : LS_EXIT_DONE;
    if (status == LS_OK) /* all is saved and told: who ends us now takes nothing away */
        ls_reason_finish(*code, "");
    ls_run_close(&run);
    free(config_text);
    return status;
}
