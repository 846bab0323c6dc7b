#include "launcher/supervisor/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <uv.h>

#include "core/base/log.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/internal.h"

enum {
    STRAGGLE_MS = 10000, /* from a death to our ladder: mpirun ends the others in one second */
    LADDER_MS = 2000,    /* from SIGTERM to SIGKILL */
    NUDGE_MS = 500 /* between one SIGUSR1 and the next: mpirun drops it until its ranks are there */
};

struct supervisor {
    const struct ls_launch *launch;
    uv_loop_t loop;
    uv_signal_t signals[4]; /* SIGTERM, SIGINT, SIGUSR1; SIGCHLD */
    uv_timer_t ladder, nudge;
    struct ls_watch *watch; /* owned */
    pid_t mpirun;
    bool ended;
    int status;    /* of mpirun, from waitpid */
    bool stopping; /* told to checkpoint, then stop */
    bool forced;   /* told to end at once */
    int lost;      /* first rank that ended without a word; -1: none known */
};

/* ---- while it runs ---- */

static void kill_mpirun(uv_timer_t *timer) {
    const struct supervisor *supervisor = timer->data;
    if (!supervisor->ended)
        kill(supervisor->mpirun, SIGKILL); /* its ranks follow it: ls_worker_guard */
}

static void begin_ladder(struct supervisor *supervisor) {
    kill(supervisor->mpirun, SIGCONT);
    kill(supervisor->mpirun, SIGTERM);
    uv_timer_start(&supervisor->ladder, kill_mpirun, LADDER_MS, 0);
}

static void begin_ladder_late(uv_timer_t *timer) {
    begin_ladder(timer->data);
}

static void on_lost(void *context, int rank) {
    struct supervisor *supervisor = context;
    supervisor->lost = rank;
    if (!supervisor->forced) /* then it is on the ladder already */
        uv_timer_start(&supervisor->ladder, begin_ladder_late, STRAGGLE_MS, 0);
}

/* SIGUSR1 reaches the ranks through mpirun within a millisecond. SIGTERM and SIGINT it would answer
 * by killing them a second later, in the middle of a step. */
static void ask_to_stop(uv_timer_t *timer) {
    const struct supervisor *supervisor = timer->data;
    if (!supervisor->ended && !supervisor->forced)
        kill(supervisor->mpirun, SIGUSR1);
}

static void on_stop(uv_signal_t *handle, int number) {
    struct supervisor *supervisor = handle->data;
    if (supervisor->stopping && number != SIGUSR1 && !supervisor->forced) {
        supervisor->forced = true;
        begin_ladder(supervisor);
    } else if (!supervisor->stopping) {
        ls_log(LS_LOG_INFO, "saving a checkpoint, then stopping (once more to end at once)");
        supervisor->stopping = true;
        uv_timer_start(&supervisor->nudge, ask_to_stop, 0, NUDGE_MS);
    }
}

static void on_child(uv_signal_t *handle, int number) {
    (void)number;
    struct supervisor *supervisor = handle->data;
    if (supervisor->ended ||
        waitpid(supervisor->mpirun, &supervisor->status, WNOHANG) != supervisor->mpirun)
        return;
    supervisor->ended = true;
    uv_stop(&supervisor->loop);
}

static void listen_to(struct supervisor *supervisor) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGCHLD};
    uv_loop_init(&supervisor->loop);
    for (int i = 0; i < 4; i++) {
        uv_signal_init(&supervisor->loop, &supervisor->signals[i]);
        supervisor->signals[i].data = supervisor;
        uv_signal_start(&supervisor->signals[i], numbers[i] == SIGCHLD ? on_child : on_stop,
                        numbers[i]);
    }
    uv_timer_init(&supervisor->loop, &supervisor->ladder);
    supervisor->ladder.data = supervisor;
    uv_timer_init(&supervisor->loop, &supervisor->nudge);
    supervisor->nudge.data = supervisor;
    supervisor->watch = ls_watch_create(&supervisor->loop, supervisor->launch->run,
                                        supervisor->launch->ranks, on_lost, supervisor);
}

static void close_handle(uv_handle_t *handle, void *context) {
    (void)context;
    uv_close(handle, NULL);
}

static void stop_listening(struct supervisor *supervisor) {
    uv_walk(&supervisor->loop, close_handle, NULL);
    uv_run(&supervisor->loop, UV_RUN_DEFAULT);
    const int left = uv_loop_close(&supervisor->loop);
    LS_ASSERT(left == 0, "the event loop is still busy: %s", uv_strerror(left));
    ls_watch_destroy(supervisor->watch);
}

/* ---- when it has ended ---- */

/* "killed by signal 9 (Killed)" */
static const char *describe_status(int status, char text[96]) {
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : code > 128 ? code - 128 : 0;
    if (number)
        snprintf(text, 96, "killed by signal %d (%s)", number, strsignal(number));
    else
        snprintf(text, 96, "exit code %d", code);
    return text;
}

static int tell_lost(const struct supervisor *supervisor) {
    static const char advice[] =
        "what was committed is safe: run the same command again to continue";
    char how[96], where[160] = "";
    describe_status(supervisor->status, how);
    struct ls_reason reason;
    if (supervisor->lost >= 0 && ls_reason_read(supervisor->launch->run, supervisor->lost, &reason))
        snprintf(where, sizeof where, " after step %llu, while %s", (unsigned long long)reason.step,
                 reason.phase);
    if (WIFSIGNALED(supervisor->status))
        ls_log(LS_LOG_ERROR, "mpirun died: %s\n%s", how, advice);
    else if (supervisor->lost >= 0)
        ls_log(LS_LOG_ERROR, "rank %d died%s: %s\n%s", supervisor->lost, where, how, advice);
    else
        ls_log(LS_LOG_ERROR, "a rank died: %s\n%s", how, advice);
    return LS_EXIT_RANK_LOST;
}

/* What the ranks themselves say: the first that is neither done nor stopped, else stopped, else
 * done; -1 if none has said anything. *started: some rank got as far as to leave its name. */
static int ask_ranks(const struct ls_launch *launch, bool *started) {
    int answer = -1;
    *started = false;
    for (int r = 0; r < launch->ranks; r++) {
        struct ls_reason reason;
        if (!ls_reason_read(launch->run, r, &reason))
            continue;
        *started = true;
        if (reason.exit_code < 0)
            continue;
        if (reason.exit_code != LS_EXIT_DONE && reason.exit_code != LS_EXIT_STOPPED)
            return reason.exit_code;
        if (answer != LS_EXIT_STOPPED)
            answer = reason.exit_code;
    }
    return answer;
}

static bool died_of(int status, int number) {
    return (WIFSIGNALED(status) && WTERMSIG(status) == number) ||
           (WIFEXITED(status) && WEXITSTATUS(status) == 128 + number);
}

static int conclude(const struct supervisor *supervisor) {
    const int status = supervisor->status;
    bool started;
    const int answer = ask_ranks(supervisor->launch, &started);
    if (answer > 0 && answer != LS_EXIT_STOPPED)
        return answer; /* the ranks have printed why */
    if (supervisor->forced) {
        ls_log(LS_LOG_ERROR,
               "ended at once, as asked; run the same command again to continue from the last "
               "checkpoint");
        return LS_EXIT_RANK_LOST;
    }
    if (supervisor->stopping && died_of(status, SIGUSR1))
        return LS_EXIT_STOPPED; /* it came before the ranks were listening: nothing had begun */
    if (supervisor->lost >= 0 || WIFSIGNALED(status) || WEXITSTATUS(status) > 128)
        return tell_lost(supervisor);
    if (answer == LS_EXIT_STOPPED || WEXITSTATUS(status) == 0)
        return answer == LS_EXIT_STOPPED ? LS_EXIT_STOPPED : LS_EXIT_DONE;
    if (started)
        return tell_lost(supervisor); /* exit() in the middle, without a word */
    if (WEXITSTATUS(status) == 1)
        ls_log(LS_LOG_ERROR,
               "mpirun ended with exit code 1 before a rank could say why\n"
               "'mpirun -n %d hostname' may show what it needs",
               supervisor->launch->ranks);
    return ls_exit_text(WEXITSTATUS(status)) ? WEXITSTATUS(status) : LS_EXIT_BUG;
}

static int run(struct supervisor *supervisor, struct ls_error *error) {
    struct ls_scratch scratch;
    ls_scratch_open(&scratch);
    struct ls_mpirun mpirun = ls_mpirun_create(supervisor->launch, &scratch);
    pid_t *spared; /* a shell may have left us its children through exec */
    const int spared_count = ls_process_children(&spared);
    listen_to(supervisor);
    const enum ls_status status = ls_process_start(&mpirun, &supervisor->mpirun, error);
    if (status == LS_OK) {
        uv_run(&supervisor->loop, UV_RUN_DEFAULT);
        if (!ls_process_end_children(spared, spared_count))
            ls_log(LS_LOG_WARNING, "some processes of the job could not be ended");
    }
    stop_listening(supervisor);
    free(spared);
    ls_mpirun_destroy(&mpirun);
    ls_scratch_close(&scratch);
    return status;
}

int ls_supervise(const struct ls_launch *launch) {
    struct supervisor supervisor = {.launch = launch, .lost = -1};
    struct ls_error error;
    enum ls_status status = ls_reasons_clear(launch->run, &error);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what mpirun leaves behind is handed to us */
    if (status == LS_OK)
        status = run(&supervisor, &error);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (status == LS_OK)
        return conclude(&supervisor);
    ls_log(LS_LOG_ERROR, "%s", error.text);
    return (int)ls_exit_code(status);
}
