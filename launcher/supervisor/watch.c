/* mpirun ends all ranks when one dies and then tells which only in prose. So each rank's process is
 * watched from the moment it has written its pid: the first to end without having said why is the
 * one that was lost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/memory.h"
#include "launcher/supervisor/internal.h"

enum { LOOK_MS = 100 };

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
    int count, seen;
    struct rank *ranks;                    /* owned */
    void (*lost)(void *context, int rank); /* NULL once it was called */
    void *context;
};

static void tell(struct ls_watch *watch, int rank) {
    struct ls_reason reason;
    if (!watch->lost || (ls_reason_read(watch->run, rank, &reason) && reason.exit_code >= 0))
        return;
    watch->lost(watch->context, rank);
    watch->lost = NULL;
}

static void rank_ended(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct rank *rank = poll->data;
    uv_poll_stop(poll);
    tell(rank->watch, (int)(rank - rank->watch->ranks));
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
            tell(watch, number);
        return;
    }
    uv_poll_init(watch->look.loop, &rank->poll, rank->file);
    rank->poll.data = rank;
    uv_poll_start(&rank->poll, UV_READABLE, rank_ended);
}

static void look(uv_timer_t *timer) {
    struct ls_watch *watch = timer->data;
    for (int r = 0; r < watch->count; r++)
        if (!watch->ranks[r].seen)
            look_for(watch, &watch->ranks[r], r);
    if (watch->seen == watch->count)
        uv_timer_stop(timer);
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
