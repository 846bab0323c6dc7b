/* lockstep train: checks the config, finds where to continue, starts the workers and watches them.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "dist/communicator.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "launcher/command/run_options.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/supervisor.h"
#include "launcher/worker/data.h"
#include "launcher/worker/restarts.h"
#include "launcher/worker/result.h"
#include "launcher/worker/run.h"
#include "launcher/worker/run_folder.h"
#include "launcher/worker/save.h"
#include "launcher/worker/start.h"
#include "launcher/worker/worker.h"

static const struct ls_option options[] = {
    {.letter = 'n',
     .field = {.name = "ranks",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct ls_run_options, ranks),
               .initial = "0",
               .min = 0,
               .max = 65536,
               .help = "worker processes; 0: launcher.ranks, or as many as have cores"}},
    LS_OPTION_THREADS(struct ls_run_options),
    LS_RUN_OPTION_OUT,
    LS_RUN_OPTION_SET,
    LS_RUN_OPTION_ACCEPT_DATA,
    {.field = {.name = "restart",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct ls_run_options, restart),
               .initial = "false",
               .help = "set the run directory aside and start afresh"}},
    {.field = {.name = "find-rate",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct ls_run_options, find_rate),
               .initial = "false",
               .help = "print the loss over some steps of rising learning rates and suggest one; "
                       "leaves no run"}},
};

/* Whether the run begins: what it starts from is read then. */
static enum ls_status look_for_beginning(const struct ls_config *config, const char *run,
                                         bool restart, bool *begins, struct ls_error *error) {
    uint64_t *steps;
    int count;
    *begins = true;
    if (!config->start.from[0] || !run)
        return LS_OK;
    const enum ls_status status = ls_checkpoint_list(run, &steps, &count, error);
    free(steps);
    *begins = restart || count == 0;
    char *own = realpath(run, NULL);
    const size_t length = own ? strlen(own) : 0;
    const bool itself = own && !strncmp(config->start.from, own, length) &&
                        (config->start.from[length] == '/' || !config->start.from[length]);
    free(own);
    if (status == LS_OK && *begins && itself)
        return ls_config_fail(config, LS_PLACE_START, error,
                              "%s is the run itself; give this one another folder with --out", run);
    return status;
}

/* Whether what the run starts from fits, before anything is written. */
static enum ls_status check_start(const struct ls_data *data, const struct ls_worker *worker,
                                  struct ls_error *error) {
    struct ls_start start;
    const enum ls_status status = ls_start_open(&start, data, worker, error);
    ls_start_close(&start);
    return status;
}

/* Opens the data, builds the graph and reads all indices and labels once, so that what can be known
 * to fail fails here, in one process, with one message. */
static enum ls_status rehearse(const struct ls_config *config, const char *run, bool restart,
                               struct ls_error *error) {
    struct ls_data data;
    bool begins;
    enum ls_status status = look_for_beginning(config, run, restart, &begins, error);
    if (status != LS_OK)
        return status;
    const struct ls_data_request request = {.run = begins ? NULL : run};
    status = ls_data_open(&data, config, &request, error);
    if (status != LS_OK)
        return status;
    ls_data_note(&data, config);
    struct ls_worker worker;
    const struct ls_worker_options worker_options = {
        .config = config, .feeds = data.feeds, .feed_count = data.feed_count};
    status = ls_worker_create(&worker, &worker_options, error);
    if (status == LS_OK) {
        status = ls_data_check(&data, &worker, error);
        if (status == LS_OK && begins && config->start.from[0])
            status = check_start(&data, &worker, error);
        ls_worker_destroy(&worker);
    }
    ls_data_close(&data);
    return status;
}

static enum ls_status choose_ranks(const struct ls_run_options *given,
                                   const struct ls_config *config, int *ranks,
                                   struct ls_error *error) {
    const int64_t microbatches = ls_config_microbatches(config);
    const int64_t wanted = given->ranks ? given->ranks : config->launcher.ranks;
    *ranks = wanted ? (int)wanted : ls_default_ranks(microbatches, config->compute.threads);
    if (*ranks <= microbatches)
        return LS_OK;
    return ls_fail(
        error, LS_INVALID,
        "%d ranks, but a batch has %lld microbatches and every rank needs one of its own\n"
        "use -n %lld or less, or raise train.microbatches",
        *ranks, (long long)microbatches, (long long)microbatches);
}

/* --restart: RUN becomes RUN.before-TIME; nothing is deleted. */
static enum ls_status set_aside(const char *run, struct ls_error *error) {
    struct stat info;
    if (stat(run, &info) != 0 || !S_ISDIR(info.st_mode))
        return LS_OK;
    struct ls_run_lock lock;
    enum ls_status status = ls_run_claim(run, &lock, error); /* nobody is using it */
    if (status != LS_OK)
        return status;
    char stamp[32], aside[LS_TEXT_MAX + 64];
    const time_t now = time(NULL);
    struct tm parts;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &parts));
    snprintf(aside, sizeof aside, "%s.before-%s", run, stamp);
    ls_path_free(aside, sizeof aside);
    if (rename(run, aside) != 0)
        status = ls_fail(error, LS_SYSTEM, "%s: cannot be set aside as %s: %s", run, aside,
                         strerror(errno));
    else
        fprintf(stderr, "lockstep: the earlier run is in %s\n", aside);
    ls_run_release(&lock);
    return status;
}

/* Whether the newest checkpoint is the end of this config's run, and its result is written. */
static enum ls_status look_for_end(const char *run, const struct ls_config *config, bool *ended,
                                   struct ls_error *error) {
    struct ls_state state = {0};
    bool found;
    *ended = false;
    const enum ls_status status = ls_restore_look(run, config, &state, &found, error);
    if (status != LS_OK || !found)
        return status;
    const bool limit =
        config->train.steps_max > 0 && state.step >= (uint64_t)config->train.steps_max;
    *ended = (state.early_stopped || limit || state.epoch >= (uint64_t)config->train.epochs) &&
             ls_result_final(run, state.step, limit);
    ls_state_clear(&state);
    return LS_OK;
}

struct start {
    const struct ls_config *config;
    const struct ls_run_options *given;
    char **arguments;
    const char *run;
    int ranks;
};

/* *told: somebody wanted it to stop. why: how it lost a rank; "": it lost none. */
static int launch(const struct start *start, uint64_t incarnation, bool *told,
                  char why[LS_WHY_MAX]) {
    const struct ls_config *config = start->config;
    char program[PATH_MAX], number[32], threads[32];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    snprintf(number, sizeof number, "%llu", (unsigned long long)incarnation);
    snprintf(threads, sizeof threads, "%lld", (long long)config->compute.threads);
    char *words[9 + 2 * 64 + 1];
    int count = 0;
    words[count++] = start->arguments[0];
    words[count++] = "--out";
    words[count++] = (char *)(uintptr_t)start->run;
    words[count++] = "--incarnation";
    words[count++] = number;
    words[count++] = "--threads";
    words[count++] = threads;
    if (start->given->accept_data)
        words[count++] = "--accept-data";
    for (int i = 0; i < start->given->set.count; i++) {
        words[count++] = "--set";
        words[count++] = start->given->set.items[i];
    }
    words[count] = NULL;
    const struct ls_launch what = {.program = program,
                                   .command = "worker",
                                   .arguments = words,
                                   .ranks = start->ranks,
                                   .threads = (int)config->compute.threads,
                                   .run = start->run,
                                   .options = &config->launcher,
                                   .why = why};
    why[0] = '\0';
    const int code = ls_supervise(&what, told);
    char result[LS_TEXT_MAX + 16];
    snprintf(result, sizeof result, "%s/result.json", start->run);
    if (code != LS_EXIT_DONE || ls_file_exists(result))
        return code;
    fprintf(stderr, "lockstep: error: all ranks are done, but there is no %s\n", result);
    return LS_EXIT_SYSTEM;
}

/* Of the newest checkpoint; 0: there is none. */
static uint64_t committed_step(const char *run) {
    struct ls_error ignored;
    uint64_t *steps = NULL, newest = 0;
    int count = 0;
    if (ls_checkpoint_list(run, &steps, &count, &ignored) == LS_OK && count)
        newest = steps[count - 1];
    free(steps);
    return newest;
}

/* launcher.restarts: what loses a rank goes on from its newest checkpoint. */
static int launch_until_it_ends(const struct start *start, uint64_t incarnation) {
    const long long most = start->config->launcher.restarts;
    uint64_t committed = committed_step(start->run);
    struct ls_error error;
    for (long long tries = 1;; tries++) {
        bool told;
        char why[LS_WHY_MAX];
        const int code = launch(start, incarnation, &told, why);
        const bool wanted = code == LS_EXIT_RANK_LOST && !told && most;
        const uint64_t now = wanted ? committed_step(start->run) : committed;
        if (now > committed)
            tries = 1;
        committed = now;
        const struct ls_ended end = {code, why, wanted && tries <= most};
        ls_starts_end(start->run, incarnation, &end);
        if (!wanted)
            return code;
        if (!end.again) {
            ls_log(LS_LOG_ERROR, "given up: %lld starts, and no new checkpoint since step %llu",
                   tries, (unsigned long long)committed);
            return code;
        }
        ls_log(LS_LOG_INFO, "starting again from step %llu (%lld of launcher.restarts %lld)",
               (unsigned long long)committed, tries, most);
        if (ls_run_number(start->run, &incarnation, &error) != LS_OK)
            return ls_command_fail(&error);
    }
}

/* `mpirun -n 2 lockstep train`: each copy would start ranks of its own. */
static enum ls_status check_alone(const char *config, struct ls_error *error) {
    const int tasks = ls_tasks_started();
    if (tasks == 1)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%d copies of `lockstep train` were started together, but one starts all ranks "
                   "itself\nuse `lockstep worker %s` in their place, or `lockstep train %s -n %d` "
                   "once, without a launcher",
                   tasks, config, config, tasks);
}

/* In this process: what the finder trains is thrown away. */
static int find_rate(const struct ls_config *config, struct ls_error *error) {
    struct ls_communicator *communicator;
    if (rehearse(config, NULL, true, error) != LS_OK ||
        ls_communicator_create(&communicator, error) != LS_OK)
        return ls_command_fail(error);
    const enum ls_status status = ls_find_rate(communicator, config, error);
    const int code = status == LS_OK ? LS_EXIT_DONE : ls_command_fail(error);
    ls_communicator_destroy(communicator);
    return code;
}

static int run_train(int argument_count, char **arguments, const void *given_options) {
    (void)argument_count;
    const struct ls_run_options *given = given_options;
    struct ls_error error;
    struct ls_config config;
    if (check_alone(arguments[0], &error) != LS_OK ||
        ls_run_config(given, arguments[0], &config, &error) != LS_OK)
        return ls_command_fail(&error);
    if (given->find_rate) {
        const int found = find_rate(&config, &error);
        ls_config_clear(&config);
        return found;
    }
    char run[LS_TEXT_MAX];
    ls_run_directory(given, &config, run);

    int ranks = 0, code;
    struct ls_run_lock lock = LS_RUN_UNLOCKED;
    uint64_t incarnation = 0;
    bool ended = false;
    enum ls_status status = choose_ranks(given, &config, &ranks, &error);
    if (status == LS_OK)
        status = rehearse(&config, run, given->restart, &error);
    if (status == LS_OK && given->restart)
        status = set_aside(run, &error);
    if (status == LS_OK)
        status = ls_run_claim(run, &lock, &error);
    if (status == LS_OK)
        status = look_for_end(run, &config, &ended, &error);
    if (status == LS_OK && ended)
        status = ls_result_print(run, &error);
    if (status == LS_OK && !ended)
        status = ls_run_number(run, &incarnation, &error);
    if (status == LS_OK && !ended)
        status = ls_run_config_write(run, &config, &error);

    if (status != LS_OK)
        code = ls_command_fail(&error);
    else if (ended)
        code = LS_EXIT_DONE;
    else
        code = launch_until_it_ends(&(struct start){&config, given, arguments, run, ranks},
                                    incarnation);
    ls_run_release(&lock);
    ls_config_clear(&config);
    return code;
}

const struct ls_command ls_command_train = {
    .name = "train",
    .usage = "CONFIG [-n RANKS] [--threads T] [--out RUN] [--set KEY=VALUE ...]\n"
             "                      [--accept-data] [--restart] [--find-rate]",
    .help = "train, or continue, a run",
    .details =
        "Starts RANKS workers under mpirun, watches them, and continues from the newest "
        "intact checkpoint when the\n"
        "run directory has one. The same command again continues a run that broke off; a "
        "finished run prints its\n"
        "result. -n, --threads, train.steps_max, train.epochs, train.share_memory, "
        "compute.isa,\n"
        "checkpoint.* (but keep_best), launcher.* and log.* may differ from the first time, and "
        "the folders of the\n"
        "data. Other data than the run began with is refused: --accept-data goes on with it, as "
        "with what it was\n"
        "taught so far.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_train,
    .options_size = sizeof(struct ls_run_options),
};
