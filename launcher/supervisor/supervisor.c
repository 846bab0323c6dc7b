#include "launcher/supervisor/supervisor.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/log.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/internal.h"

enum {
    STRAGGLE_MS = 10000, /* from a death to our ladder: mpirun ends the others in one second */
    LADDER_MS = 2000,    /* from SIGTERM to SIGKILL */
    PATIENCE_MS = 3000,  /* with ranks that save nothing and go on, though asked to stop */
    NUDGE_MS = 500 /* between one SIGUSR1 and the next: mpirun drops it until its ranks are there */
};

struct supervisor {
    const struct ls_launch *launch;
    uv_loop_t loop;
    uv_signal_t signals[5]; /* SIGTERM, SIGINT, SIGUSR1, SIGHUP; SIGCHLD */
    uv_timer_t ladder, nudge;
    struct ls_watch *watch; /* owned */
    struct ls_relay *relay; /* owned */
    struct ls_stall *stall; /* owned; NULL: nobody looks */
    pid_t mpirun;
    bool ended;
    int status;    /* of mpirun, from waitpid */
    char *kept;    /* owned: what mpirun itself had to say */
    bool seen;     /* some rank has run */
    bool stopping; /* told to checkpoint, then stop */
    bool forced;   /* told to end at once */
    bool overdue;  /* mpirun was there long after its ranks */
    bool stalled;  /* ended for want of a step */
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
    struct supervisor *supervisor = timer->data;
    supervisor->overdue = true;
    begin_ladder(supervisor);
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

static void end_by_force(struct supervisor *supervisor) {
    supervisor->forced = true;
    ls_relay_mute(supervisor->relay);
    begin_ladder(supervisor);
}

static void end_by_force_late(uv_timer_t *timer) {
    end_by_force(timer->data);
}

static void on_stop(uv_signal_t *handle, int number) {
    struct supervisor *supervisor = handle->data;
    const bool urgent = number == SIGTERM || number == SIGINT;
    if (supervisor->stopping && urgent && !supervisor->forced) {
        end_by_force(supervisor);
    } else if (!supervisor->stopping) {
        const bool saves = ls_launch_saves(supervisor->launch);
        ls_log(LS_LOG_INFO, "%sstopping (once more to end at once)",
               saves ? "saving a checkpoint, then " : "");
        supervisor->stopping = true;
        uv_timer_start(&supervisor->nudge, ask_to_stop, 0, NUDGE_MS);
        if (!saves && supervisor->lost < 0)
            uv_timer_start(&supervisor->ladder, end_by_force_late, PATIENCE_MS, 0);
    }
}

/* Its ranks follow mpirun, the stopped ones too: asked to end, they would go on for a while. */
static void end_stalled(void *context) {
    struct supervisor *supervisor = context;
    if (supervisor->ended || supervisor->forced)
        return;
    supervisor->stalled = true;
    ls_relay_mute(supervisor->relay);
    kill(supervisor->mpirun, SIGKILL);
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

/* nohup: what goes on when its terminal is closed. */
static bool ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void listen_to(struct supervisor *supervisor) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD};
    uv_loop_init(&supervisor->loop);
    for (int i = 0; i < 5; i++) {
        uv_signal_init(&supervisor->loop, &supervisor->signals[i]);
        supervisor->signals[i].data = supervisor;
        if (numbers[i] == SIGHUP && ignored(SIGHUP))
            continue;
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
    supervisor->seen = ls_watch_seen(supervisor->watch);
    const int left = uv_loop_close(&supervisor->loop);
    LS_ASSERT(left == 0, "the event loop is still busy: %s", uv_strerror(left));
    ls_watch_destroy(supervisor->watch);
    ls_stall_destroy(supervisor->stall);
}

/* ---- from start to end ---- */

/* Starts mpirun and returns when it has ended and nothing of the job is left; its output is passed
 * on meanwhile. */
static enum ls_status run_mpirun(struct supervisor *supervisor, struct ls_mpirun *mpirun,
                                 struct ls_error *error) {
    listen_to(supervisor);
    pid_t *spared; /* a shell may have left us its children through exec */
    const int spared_count = ls_process_children(&spared);
    enum ls_status status = ls_relay_create(&supervisor->relay, mpirun, error);
    if (status == LS_OK)
        status = ls_process_start(mpirun, &supervisor->mpirun, error);
    if (status == LS_OK && ls_launch_local(supervisor->launch))
        ls_watch_children(supervisor->watch, supervisor->mpirun);
    if (status == LS_OK && ls_launch_saves(supervisor->launch) &&
        supervisor->launch->options->stall_seconds > 0)
        supervisor->stall = ls_stall_create(&supervisor->loop, supervisor->launch,
                                            supervisor->mpirun, end_stalled, supervisor);
    for (int i = 0; i < 2; i++)
        if (mpirun->outputs[i] >= 0)
            close(mpirun->outputs[i]);
    bool all_gone = true;
    if (status == LS_OK) {
        uv_run(&supervisor->loop, UV_RUN_DEFAULT);
        all_gone = ls_process_end_children(spared, spared_count);
        if (!all_gone)
            ls_log(LS_LOG_WARNING, "some processes of the job could not be ended");
    }
    stop_listening(supervisor);
    supervisor->kept = ls_relay_finish(supervisor->relay, all_gone && !supervisor->forced);
    free(spared);
    return status;
}

static enum ls_status run(struct supervisor *supervisor, int *code, struct ls_error *error) {
    const struct ls_launch *launch = supervisor->launch;
    struct ls_scratch scratch = {.lock = -1};
    enum ls_status status = ls_reasons_clear(launch->run, error);
    if (status == LS_OK && ls_launch_local(launch))
        status = ls_scratch_open(&scratch, launch->ranks, error);
    if (status != LS_OK)
        return status;
    struct ls_mpirun mpirun = ls_mpirun_create(launch, &scratch);
    status = run_mpirun(supervisor, &mpirun, error);
    ls_scratch_close(&scratch);
    if (status == LS_OK)
        *code = ls_verdict(&(struct ls_ending){.launch = launch,
                                               .mpirun = &mpirun,
                                               .status = supervisor->status,
                                               .kept = supervisor->kept,
                                               .seen = supervisor->seen,
                                               .stopping = supervisor->stopping,
                                               .forced = supervisor->forced,
                                               .overdue = supervisor->overdue,
                                               .stalled = supervisor->stalled,
                                               .lost = supervisor->lost});
    free(supervisor->kept);
    ls_mpirun_destroy(&mpirun);
    return status;
}

int ls_supervise(const struct ls_launch *launch, bool *told) {
    struct supervisor supervisor = {.launch = launch, .lost = -1};
    struct ls_error error;
    int code = LS_EXIT_BUG;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what mpirun leaves behind is handed to us */
    const enum ls_status status = run(&supervisor, &code, &error);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (told)
        *told = supervisor.stopping;
    if (status == LS_OK)
        return code;
    ls_log(LS_LOG_ERROR, "%s", error.text);
    return (int)ls_exit_code(status);
}
