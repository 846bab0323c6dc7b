/* What the supervisor is made of. */
#ifndef LS_LAUNCHER_SUPERVISOR_INTERNAL_H
#define LS_LAUNCHER_SUPERVISOR_INTERNAL_H

#include <signal.h>
#include <sys/types.h>

#include "launcher/supervisor/supervisor.h"

/* ---- reason.c: what a rank left behind ---- */

struct ls_reason {
    long pid;
    uint64_t step;
    int exit_code;  /* -1: it did not get as far as saying */
    int asked;      /* how often it has answered SIGUSR2 */
    char waits[32]; /* the MPI call that it was in then, "MPI_Waitall"; "": in none */
    char host[256], phase[64];
};
/* False if the rank has left nothing (yet). */
bool ls_reason_read(const char *run, int rank, struct ls_reason *reason);
/* Removes what an earlier start left. */
LS_MUST_USE enum ls_status ls_reasons_clear(const char *run, struct ls_error *error);

/* ---- scratch.c: a folder for the files that MPI maps, gone with the job however it ends ---- */

struct ls_scratch {
    char path[256]; /* "": there is none, Open MPI uses its own places */
    int lock;
};
/* Where there is room for so many ranks of one host; LS_SYSTEM says where there is none. Also
 * removes those that killed launchers of this user left. */
LS_MUST_USE enum ls_status ls_scratch_open(struct ls_scratch *scratch, int ranks,
                                           struct ls_error *error);
void ls_scratch_close(struct ls_scratch *scratch);

/* ---- mpirun.c: the command line and the environment ---- */

struct ls_mpirun {
    char **arguments, **environment; /* NULL-terminated; owned, with their texts */
    int outputs[2];                  /* what it writes to: the caller's descriptors */
};
/* Whether all ranks are to run on this host: nothing names others. */
bool ls_launch_local(const struct ls_launch *launch);
/* Whether ranks that are asked to stop save a checkpoint first, however long that takes. */
bool ls_launch_saves(const struct ls_launch *launch);
struct ls_mpirun ls_mpirun_create(const struct ls_launch *launch, const struct ls_scratch *scratch);
void ls_mpirun_destroy(struct ls_mpirun *mpirun);
/* The command line, as a shell would take it. Owned by the caller. */
char *ls_mpirun_print(const struct ls_mpirun *mpirun);

/* ---- relay.c: its output ---- */

struct ls_relay;
/* Makes mpirun->outputs, to be closed by the caller, and passes on to our stdout and stderr what is
 * written to them. ls_relay_finish, also after an error. */
LS_MUST_USE enum ls_status ls_relay_create(struct ls_relay **relay, struct ls_mpirun *mpirun,
                                           struct ls_error *error);
/* Nothing more to stderr: what mpirun says while it is being killed. */
void ls_relay_mute(struct ls_relay *relay);
/* Waits until all is passed on, when nobody writes any more; not for ever unless patient. Returns
 * what mpirun itself had to say, to be freed by the caller. */
char *ls_relay_finish(struct ls_relay *relay, bool patient);

/* ---- process.c ---- */

/* Starts it in a session of its own; it gets SIGKILL if this process dies. */
LS_MUST_USE enum ls_status ls_process_start(const struct ls_mpirun *mpirun, pid_t *process,
                                            struct ls_error *error);
/* This process's children; *children is owned by the caller. */
int ls_process_children(pid_t **children);
/* SIGKILL to all children but the spared ones, until none is left; false if some are still there
 * after five seconds (they hang in the kernel). */
bool ls_process_end_children(const pid_t *spared, int spared_count);

/* ---- watch.c: which rank dies first (mpirun knows, but says so only in prose) ---- */

struct uv_loop_s;
struct ls_watch;
/* lost: called once, when the first rank ends without having said why; with rank -1 when all have
 * ended and no such rank is known. */
struct ls_watch *ls_watch_create(struct uv_loop_s *loop, const char *run, int ranks,
                                 void (*lost)(void *context, int rank), void *context);
/* The ranks will be this process's children. */
void ls_watch_children(struct ls_watch *watch, pid_t mpirun);
bool ls_watch_seen(const struct ls_watch *watch); /* any rank so far */
void ls_watch_destroy(struct ls_watch *watch);    /* when the loop has closed its handles */

/* ---- stall.c: a job that makes no step ---- */

struct ls_stall;
/* Says who is waited for when there has been no step for launcher.stall_seconds. hopeless: called
 * once, after ten times as long, where that rank will not go on by itself. */
struct ls_stall *ls_stall_create(struct uv_loop_s *loop, const struct ls_launch *launch,
                                 pid_t mpirun, void (*hopeless)(void *context), void *context);
int64_t ls_stall_patience(const struct ls_launch *launch); /* seconds until then */
void ls_stall_destroy(struct ls_stall *stall); /* NULL is allowed; when its handles are closed */

/* ---- verdict.c: what it all means ---- */

struct ls_ending {
    const struct ls_launch *launch;
    const struct ls_mpirun *mpirun;
    int status;       /* of mpirun, from waitpid */
    const char *kept; /* what mpirun had to say */
    bool seen;        /* some rank has run */
    bool stopping;    /* told to checkpoint, then stop */
    bool forced;      /* told to end at once */
    bool overdue;     /* mpirun did not end after its ranks: it was made to */
    bool stalled;     /* it was ended for want of a step */
    int lost;         /* first rank that ended without a word; -1: none known */
};
/* The exit code, with the reason printed. */
int ls_verdict(const struct ls_ending *ending);

#endif
