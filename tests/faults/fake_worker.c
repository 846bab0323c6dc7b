/* Plays launcher and worker, to see what the supervisor makes of every way to end.
 * `fake_worker launch RUN RANKS MODE [RANK]` supervises `fake_worker worker RUN MODE [RANK]`. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "dist/communicator.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/reason.h"
#include "launcher/supervisor/supervisor.h"

static volatile sig_atomic_t stop_asked;

static void ask_stop(int number) {
    (void)number;
    stop_asked = 1;
}

static bool is(const char *mode, const char *name) {
    return strcmp(mode, name) == 0;
}

/* What the chosen rank does at step 3. */
static void misbehave(struct ls_communicator *communicator, const char *mode) {
    if (is(mode, "kill"))
        raise(SIGKILL);
    if (is(mode, "crash"))
        raise(SIGABRT);
    while (is(mode, "freeze")) /* mpirun continues it before it ends it */
        raise(SIGSTOP);
    if (is(mode, "stop")) /* until somebody continues it */
        raise(SIGSTOP);
    while (is(mode, "compute"))
        ;
    if (is(mode, "exit"))
        _exit(7);
    if (is(mode, "exit0"))
        _exit(0);
    if (is(mode, "abort")) {
        ls_reason_finish(LS_EXIT_DIVERGED, "the loss is not finite");
        ls_communicator_abort(communicator, LS_EXIT_DIVERGED);
    }
}

static int work(const char *run, const char *mode, int chosen) {
    ls_worker_guard();
    signal(SIGUSR1, ask_stop);
    signal(SIGTERM, ask_stop);
    struct ls_error error;
    struct ls_communicator *communicator;
    if (ls_communicator_create(&communicator, &error) != LS_OK)
        return LS_EXIT_BUG;
    const int rank = ls_communicator_rank(communicator);
    if (is(mode, "silent")) { /* as a worker that fails before it has a run directory */
        ls_communicator_destroy(communicator);
        return LS_EXIT_LOCKED;
    }
    if (ls_reason_open(run, rank, &error) != LS_OK)
        return LS_EXIT_BUG;
    ls_reason_phase("training");
    const bool endless = is(mode, "endless") || is(mode, "freeze") || is(mode, "linger");
    const uint64_t steps = is(mode, "stop") ? 60 : 5; /* three seconds are seen by who looks */
    int code = LS_EXIT_DONE;
    for (uint64_t step = 1; (step <= steps || endless) && code == LS_EXIT_DONE; step++) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        ls_reason_step(step);
        if (step == 2 && rank == 0)
            printf("running\n"), fflush(stdout);
        if (step == 3 && rank == chosen)
            misbehave(communicator, mode);
        if (ls_communicator_max(communicator, stop_asked))
            code = LS_EXIT_STOPPED;
    }
    if (is(mode, "invalid"))
        code = LS_EXIT_INVALID;
    ls_reason_finish(code, "\"quoted\"\n");
    if (is(mode, "linger")) /* all is saved, but MPI's end takes its time */
        nanosleep(&(struct timespec){.tv_sec = 20}, NULL);
    ls_communicator_destroy(communicator);
    return code;
}

static int launch(char **words, int count) {
    char program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    char *arguments[] = {words[0], words[2], count > 3 ? words[3] : NULL, NULL};
    struct ls_launcher_options options = {.mpirun = "mpirun"};
    const char *other = getenv("FAKE_MPIRUN");
    if (other)
        snprintf(options.mpirun, sizeof options.mpirun, "%s", other);
    const char *stall = getenv("FAKE_STALL_SECONDS");
    if (stall)
        options.stall_seconds = atoi(stall);
    const char *more = getenv("FAKE_MPIRUN_ARGUMENTS");
    if (more)
        snprintf(options.mpirun_arguments, sizeof options.mpirun_arguments, "%s", more);
    signal(SIGPIPE, SIG_IGN);
    if (getenv("LS_TEST_NOHUP"))
        signal(SIGHUP, SIG_IGN);
    const struct ls_launch what = {.program = program,
                                   .command = "worker",
                                   .arguments = arguments,
                                   .ranks = atoi(words[1]),
                                   .run = words[0],
                                   .options = &options};
    return ls_supervise(&what, NULL);
}

int main(int argc, char **argv) {
    if (argc >= 5 && is(argv[1], "launch"))
        return launch(argv + 2, argc - 2);
    if (argc >= 4 && is(argv[1], "worker"))
        return work(argv[2], argv[3], argc > 4 ? atoi(argv[4]) : -1);
    fprintf(stderr, "usage: fake_worker launch RUN RANKS MODE [RANK]\n");
    return LS_EXIT_INVALID;
}
