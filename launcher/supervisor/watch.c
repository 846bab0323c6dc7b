/* mpirun ends all ranks when one dies and then tells which only in prose. So each rank's process is
 * watched from the moment it has written its pid: the first to end without having said why is the
 * one that was lost. Now and then mpirun itself does not end after its ranks have: that is told,
 * too. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/memory.h"
#include "launcher/supervisor/internal.h"

enum {
    LOOK_MS = 100,
    CHILDLESS_LOOKS = 20 /* mpirun may start and end helpers of its own before the ranks */
};

struct rank {
    uv_poll_t poll; /* on a pidfd: readable when the process has ended */
    struct ls_watch *watch;
    bool seen;
    int file; /* -1: not watched */
};

struct ls_watch {
    const char *run; /* borrowed */
    char host[256];
    uv_timer_t look;
    pid_t mpirun;       /* 0: its children are not watched */
    bool parent;        /* mpirun has had children */
    int childless;      /* looks since they were gone */
    int count;          /* of ranks */
    int seen, ended;    /* ranks whose pid is known; of them those whose end was seen */
    struct rank *ranks; /* owned */
    void (*lost)(void *context, int rank); /* NULL once it was called */
    void *context;
};

static void tell(struct ls_watch *watch, int rank) {
    if (watch->lost)
        watch->lost(watch->context, rank);
    watch->lost = NULL;
}

static void rank_is_gone(struct ls_watch *watch, int rank) {
    struct ls_reason reason;
    watch->ended++;
    if (!ls_reason_read(watch->run, rank, &reason) || reason.exit_code < 0)
        tell(watch, rank);
    else if (watch->ended == watch->count)
        tell(watch, -1);
}

static void rank_ended(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct rank *rank = poll->data;
    uv_poll_stop(poll);
    rank_is_gone(rank->watch, (int)(rank - rank->watch->ranks));
}

/* Ranks on other hosts, and kernels without pidfds, are not watched: then a lost rank has no name.
 */
static void look_for(struct ls_watch *watch, struct rank *rank, int number) {
    struct ls_reason reason;
    if (!ls_reason_read(watch->run, number, &reason))
        return;
    rank->seen = true;
    watch->seen++;
    if (strcmp(reason.host, watch->host) != 0)
        return;
    rank->file = (int)syscall(SYS_pidfd_open, (pid_t)reason.pid, 0);
    if (rank->file < 0) {
        if (errno == ESRCH)
            rank_is_gone(watch, number);
        return;
    }
    uv_poll_init(watch->look.loop, &rank->poll, rank->file);
    rank->poll.data = rank;
    uv_poll_start(&rank->poll, UV_READABLE, rank_ended);
}

/* Whether it has a child process; true where the kernel does not say. */
static bool is_parent(pid_t process) {
    char pattern[64];
    glob_t threads;
    snprintf(pattern, sizeof pattern, "/proc/%d/task/*/children", (int)process);
    if (glob(pattern, GLOB_NOSORT, NULL, &threads))
        return true;
    bool found = false;
    for (size_t i = 0; i < threads.gl_pathc && !found; i++) {
        FILE *file = fopen(threads.gl_pathv[i], "re");
        found = file && fgetc(file) != EOF;
        if (file)
            fclose(file);
    }
    globfree(&threads);
    return found;
}

/* A rank that ends before it has written its pid leaves no other trace. */
static void look_for_children(struct ls_watch *watch) {
    const bool parent = is_parent(watch->mpirun);
    watch->parent = watch->parent || parent;
    watch->childless = parent ? 0 : watch->childless + 1;
    if (watch->parent && watch->childless == CHILDLESS_LOOKS)
        tell(watch, -1);
}

static void look(uv_timer_t *timer) {
    struct ls_watch *watch = timer->data;
    for (int r = 0; r < watch->count; r++)
        if (!watch->ranks[r].seen)
            look_for(watch, &watch->ranks[r], r);
    if (watch->seen == watch->count)
        uv_timer_stop(timer);
    else if (watch->mpirun)
        look_for_children(watch);
}

struct ls_watch *ls_watch_create(uv_loop_t *loop, const char *run, int ranks,
                                 void (*lost)(void *context, int rank), void *context) {
    struct ls_watch *watch = ls_calloc(1, sizeof *watch);
    *watch = (struct ls_watch){.run = run, .count = ranks, .lost = lost, .context = context};
    if (gethostname(watch->host, sizeof watch->host - 1))
        watch->host[0] = '\0';
    watch->ranks = ls_calloc((size_t)ranks, sizeof *watch->ranks);
    for (int r = 0; r < ranks; r++) {
        watch->ranks[r].watch = watch;
        watch->ranks[r].file = -1;
    }
    uv_timer_init(loop, &watch->look);
    watch->look.data = watch;
    uv_timer_start(&watch->look, look, LOOK_MS, LOOK_MS);
    return watch;
}

void ls_watch_children(struct ls_watch *watch, pid_t mpirun) {
    watch->mpirun = mpirun;
}

bool ls_watch_seen(const struct ls_watch *watch) {
    return watch->seen > 0;
}

void ls_watch_destroy(struct ls_watch *watch) {
    for (int r = 0; r < watch->count; r++)
        if (watch->ranks[r].file >= 0)
            close(watch->ranks[r].file);
    free(watch->ranks);
    free(watch);
}
