/* lockstep worker: one rank of a run, started by `lockstep train` through mpirun, or by hand under
 * mpirun or srun. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/command/run_options.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/reason.h"
#include "launcher/worker/run.h"
#include "launcher/worker/run_folder.h"

static const struct ls_option options[] = {
    LS_OPTION_THREADS(struct ls_run_options),
    LS_RUN_OPTION_OUT,
    LS_RUN_OPTION_SET,
    LS_RUN_OPTION_ACCEPT_DATA,
    {.field = {.name = "incarnation",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct ls_run_options, incarnation),
               .initial = "0",
               .help = "number of this start, from a launcher that holds the run's lock; 0: take "
                       "both here"}},
};

/* Rank 0's config is everybody's: its resolved text travels, so no rank can read another file. */
static enum ls_status share_config(struct ls_communicator *communicator, struct ls_config *config,
                                   const char *path, const struct ls_run_options *given,
                                   struct ls_error *error) {
    const bool leader = ls_communicator_rank(communicator) == 0;
    enum ls_status status = LS_OK;
    if (leader)
        status = ls_run_config(given, path, config, error);
    if ((status = ls_communicator_agree(communicator, status, error)) != LS_OK)
        return status;
    char *text = leader ? ls_config_print(config) : NULL;
    int64_t size = leader ? (int64_t)strlen(text) : 0;
    ls_communicator_broadcast(communicator, &size, sizeof size);
    if (!leader)
        text = ls_calloc((size_t)size + 1, 1);
    ls_communicator_broadcast(communicator, text, size);
    if (!leader)
        status = ls_config_parse(config, text, (size_t)size, path, NULL, 0, error);
    free(text);
    return ls_communicator_agree(communicator, status, error);
}

/* Without a launcher, rank 0 takes the run's lock and number. */
static enum ls_status claim(struct ls_communicator *communicator, const char *run,
                            const struct ls_run_options *given, struct ls_run_lock *lock,
                            uint64_t *incarnation, struct ls_error *error) {
    enum ls_status status = LS_OK;
    *incarnation = (uint64_t)given->incarnation;
    if (given->incarnation == 0 && ls_communicator_rank(communicator) == 0) {
        if ((status = ls_run_claim(run, lock, error)) == LS_OK)
            status = ls_run_number(run, incarnation, error);
    }
    if ((status = ls_communicator_agree(communicator, status, error)) == LS_OK)
        ls_communicator_broadcast(communicator, incarnation, sizeof *incarnation);
    return status;
}

static int run_worker(int argument_count, char **arguments, const void *given_options) {
    (void)argument_count;
    const struct ls_run_options *given = given_options;
    if (given->incarnation)
        ls_worker_guard();
    ls_run_catch_signals(false);
    struct ls_error error;
    struct ls_communicator *communicator;
    if (ls_communicator_create(&communicator, &error) != LS_OK)
        return ls_command_fail(&error);

    struct ls_config config = {0};
    char run[LS_TEXT_MAX] = "";
    struct ls_run_lock lock = LS_RUN_UNLOCKED;
    uint64_t incarnation = 0;
    enum ls_exit_code end = LS_EXIT_DONE;
    const int rank = ls_communicator_rank(communicator);
    enum ls_status status =
        ls_communicator_agree(communicator, ls_reason_open_launched(rank, &error), &error);
    if (status == LS_OK)
        status = share_config(communicator, &config, arguments[0], given, &error);
    if (status == LS_OK) {
        ls_run_directory(given, &config, run);
        status = claim(communicator, run, given, &lock, &incarnation, &error);
    }
    if (status == LS_OK && given->incarnation && rank == 0)
        status = ls_run_config_check(run, &config, arguments[0], &error);
    if (given->incarnation)
        status = ls_communicator_agree(communicator, status, &error);
    if (status == LS_OK && given->incarnation == 0)
        status = ls_communicator_agree(communicator, ls_reason_open(run, rank, &error), &error);
    if (status == LS_OK) {
        const struct ls_run_request request = {.config = &config,
                                               .run = run,
                                               .incarnation = incarnation,
                                               .accept_data = given->accept_data};
        status = ls_run(communicator, &request, &end, &error);
    }
    const int code = status == LS_OK ? (int)end : (int)ls_exit_code(status);
    if (status != LS_OK) {
        if (rank == 0) /* every rank has the same error by now; one of them says it */
            ls_command_fail(&error);
        ls_reason_finish(code, error.text);
    }
    ls_run_release(&lock);
    ls_config_clear(&config);
    ls_communicator_destroy(communicator);
    return code;
}

const struct ls_command ls_command_worker = {
    .name = "worker",
    .usage = "CONFIG [--threads T] [--out RUN] [--set KEY=VALUE ...] [--accept-data]",
    .help = "one rank of a run: mpirun -n N lockstep worker CONFIG",
    .details = "Does the same work as train, without the launcher that watches it. Rank 0 takes "
               "the run's lock.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_worker,
    .options_size = sizeof(struct ls_run_options),
};
