/* A job that makes no step. All ranks make each step together, so it is enough to look at one; when
 * its step stays the same for too long, all are asked (SIGUSR2, by mpirun on other hosts): a rank
 * that is stopped or hangs in the kernel does not answer, the others say whether they wait for
 * somebody. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/supervisor/internal.h"
#include "launcher/worker/progress.h"

enum {
    LOOK_MS = 1000,
    ASKS = 3,          /* a look apart: a rank that computes may be in an MPI call for a moment */
    END_FACTOR = 10,   /* without a step to the end, as multiples of stall_seconds */
    STEPS_FACTOR = 10, /* so many mean steps are no stall */
    NAMED_MAX = 8
};
static const char network[] =
    "is the network down, or does MPI take another than the right one? launcher.mpirun_arguments "
    "names it: --mca btl_tcp_if_include 10.0.0.0/24";

struct answer {
    struct ls_reason reason; /* the last */
    bool unheard;            /* of another host, that no signal reaches */
    bool answered, busy;     /* since the first time that it was asked; it was not waiting */
};

struct ls_stall {
    const struct ls_launch *launch; /* borrowed */
    uv_timer_t look;
    pid_t mpirun;
    char host[256];
    struct ls_reason last;           /* of the first rank that is not done */
    double began, since;             /* at the first step; at the last */
    double next;                     /* how long it stands still when it is asked again */
    bool told;                       /* since the last step */
    uint64_t first;                  /* step */
    int asks;                        /* so far; 0: nobody is asked */
    struct answer *answers;          /* [ranks] owned */
    void (*hopeless)(void *context); /* NULL once it was called */
    void *context;
};

int64_t ls_stall_patience(const struct ls_launch *launch) {
    return END_FACTOR * launch->options->stall_seconds;
}

/* 'T': stopped, 't': held by a debugger, 'D': waits in the kernel; '?': of another host, or gone.
 */
static char state_of(const struct ls_stall *stall, const struct ls_reason *reason) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", reason->pid);
    FILE *file = strcmp(reason->host, stall->host) ? NULL : fopen(path, "re");
    const char *name_end =
        file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL; /* "PID (NAME) S ..." */
    if (file)
        fclose(file);
    return name_end && name_end[1] ? name_end[2] : '?';
}

static const char *explain_state(char state) {
    return state == 'T'   ? "is stopped by a signal (SIGSTOP)"
           : state == 't' ? "is held by a debugger"
           : state == 'D' ? "waits in the kernel, for a disk or a network file system"
                          : "does not answer";
}

/* ---- asking ---- */

/* Whether SIGUSR2 does a process no harm: not a shell's, in whose place mpirun may be. */
static bool takes_question(pid_t process) {
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)process);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "SigCgt:", 7))
            caught = strtoull(line + 7, NULL, 16);
    if (file)
        fclose(file);
    return caught >> (SIGUSR2 - 1) & 1;
}

/* Ranks of this host are asked by us, all others by mpirun. */
static void ask(struct ls_stall *stall) {
    bool passes_on = takes_question(stall->mpirun), others = false;
    for (int r = 0; r < stall->launch->ranks; r++) /* nor one that does not listen yet */
        passes_on = passes_on && stall->answers[r].reason.pid;
    for (int r = 0; r < stall->launch->ranks; r++) {
        struct answer *answer = &stall->answers[r];
        const bool here = !strcmp(answer->reason.host, stall->host);
        answer->unheard = !here && !passes_on;
        others = others || !here;
        if (here && takes_question((pid_t)answer->reason.pid))
            kill((pid_t)answer->reason.pid, SIGUSR2);
    }
    if (others && passes_on)
        kill(stall->mpirun, SIGUSR2);
}

static void collect(struct ls_stall *stall, bool first) {
    for (int r = 0; r < stall->launch->ranks; r++) {
        struct answer *answer = &stall->answers[r];
        const int before = answer->reason.asked;
        struct ls_reason now;
        if (!ls_reason_read(stall->launch->run, r, &now))
            continue;
        if (first)
            *answer = (struct answer){0};
        else if (now.asked != before) {
            answer->answered = true;
            answer->busy = answer->busy || !now.waits[0];
        }
        answer->reason = now;
    }
}

struct count {
    int silent, busy, waiting, unheard;
    bool stopped, debugged; /* some rank */
    const char *waits;      /* for what */
};

static struct count count_answers(const struct ls_stall *stall) {
    struct count count = {0};
    for (int r = 0; r < stall->launch->ranks; r++) {
        const struct answer *answer = &stall->answers[r];
        const bool silent = !answer->answered && !answer->unheard;
        const char state = silent ? state_of(stall, &answer->reason) : '?';
        count.silent += silent;
        count.unheard += answer->unheard;
        count.busy += answer->answered && answer->busy;
        count.waiting += answer->answered && !answer->busy;
        count.stopped = count.stopped || state == 'T';
        count.debugged = count.debugged || state == 't';
        if (answer->answered && !answer->busy)
            count.waits = answer->reason.waits;
    }
    return count;
}

/* Who is waited for: those that do not answer, else those that compute. */
static void print_culprits(const struct ls_stall *stall, const struct count *count, FILE *out) {
    const bool silent = count->silent > 0;
    const int culprits = silent ? count->silent : count->busy;
    int named = 0;
    for (int r = 0; r < stall->launch->ranks; r++) {
        const struct answer *answer = &stall->answers[r];
        const bool meant = silent ? !answer->answered && !answer->unheard : answer->busy;
        if (!meant || named++ >= NAMED_MAX)
            continue;
        fprintf(out, "\nrank %d (process %ld on %s) %s", r, answer->reason.pid, answer->reason.host,
                silent ? explain_state(state_of(stall, &answer->reason))
                       : "computes, or reads or writes a file");
    }
    if (culprits > NAMED_MAX)
        fprintf(out, "\nand %d ranks more", culprits - NAMED_MAX);
    if (!culprits && count->unheard)
        fprintf(out, "\n%d rank%s on other hosts cannot be asked through %s", count->unheard,
                count->unheard == 1 ? "" : "s", stall->launch->options->mpirun);
    else if (!culprits)
        fprintf(out, "\nall ranks wait for messages of each other (%s): %s", count->waits, network);
    else if (count->waiting)
        fprintf(out, "\n%d other%s for %s (%s)", count->waiting,
                count->waiting == 1 ? " waits" : "s wait", culprits == 1 ? "it" : "them",
                count->waits);
}

/* Whether the job will not go on by itself: not where all compute, nor where nobody answers, which
 * may be mpirun's fault, nor under a debugger, nor beside a slow disk or evaluation. */
static bool is_hopeless(const struct ls_stall *stall, const struct count *count) {
    const bool deaf = count->silent && count->busy + count->waiting > 0;
    const bool all_wait = count->waiting == stall->launch->ranks;
    return !count->debugged &&
           (count->stopped || (!strcmp(stall->last.phase, "training") && (deaf || all_wait)));
}

static void tell(struct ls_stall *stall, const struct count *count, double still) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for a message");
    print_culprits(stall, count, out);
    if (is_hopeless(stall, count))
        fprintf(out, "\nthe job is ended if that lasts %lld s (launcher.stall_seconds)",
                (long long)ls_stall_patience(stall->launch));
    fclose(out);
    ls_log(LS_LOG_WARNING, "no step for %.0f s, after step %llu, while %s%s", still,
           (unsigned long long)stall->last.step, stall->last.phase, text);
    free(text);
}

/* ---- looking ---- */

static bool is_starting(const struct ls_stall *stall) {
    return !strcmp(stall->last.phase, "starting");
}

/* Ranks that hang while MPI starts have not left their names yet. */
static void miss_ranks(struct ls_stall *stall, double waited) {
    if (stall->last.pid || stall->told ||
        waited < 2 * (double)stall->launch->options->stall_seconds)
        return;
    stall->told = true;
    ls_log(LS_LOG_WARNING, "no rank has begun after %.0f s\n%s", waited, network);
}

/* The first rank that is not done. False: there is none, or it has not said anything yet. */
static bool find_first(const struct ls_stall *stall, struct ls_reason *reason) {
    for (int r = 0; r < stall->launch->ranks; r++) {
        if (!ls_reason_read(stall->launch->run, r, reason))
            return false;
        if (reason->exit_code < 0)
            return true;
    }
    return false;
}

/* Whether that rank is where it was; else the clock begins anew. */
static bool stands_still(struct ls_stall *stall, double now) {
    struct ls_reason reason;
    if (!find_first(stall, &reason)) {
        miss_ranks(stall, now - stall->since);
        return false;
    }
    const bool same = reason.step == stall->last.step && !strcmp(reason.phase, stall->last.phase);
    stall->last = reason;
    if (same)
        return true;
    if (stall->told)
        ls_log(LS_LOG_INFO, "the job goes on, after %.0f s", now - stall->since);
    if (!stall->began && reason.step) {
        stall->began = now;
        stall->first = reason.step;
    }
    stall->since = now;
    stall->told = false;
    stall->next = 0;
    stall->asks = 0;
    return false;
}

static double mean_step(const struct ls_stall *stall) {
    const uint64_t steps = stall->began > 0 ? stall->last.step - stall->first : 0;
    return steps ? (stall->since - stall->began) / (double)steps : 0;
}

/* Nothing is ended without a word before. */
static void judge(struct ls_stall *stall, double still) {
    const double seconds = (double)stall->launch->options->stall_seconds;
    const double patience = (double)ls_stall_patience(stall->launch);
    const struct count count = count_answers(stall);
    const bool hopeless = is_hopeless(stall, &count);
    if (hopeless && stall->told && still >= patience) {
        stall->hopeless(stall->context);
        stall->hopeless = NULL;
        return;
    }
    /* Who starts may import data for long. */
    if (count.busy < stall->launch->ranks && !(is_starting(stall) && count.busy)) {
        tell(stall, &count, still);
        stall->told = true;
    }
    stall->next = still < patience ? fmin(2 * still, patience)
                  : hopeless       ? still + seconds
                                   : 2 * still;
}

static void look(uv_timer_t *timer) {
    struct ls_stall *stall = timer->data;
    const double now = ls_seconds(), seconds = (double)stall->launch->options->stall_seconds;
    if (!stall->hopeless || !stands_still(stall, now))
        return;
    const double still = now - stall->since;
    if (still < fmax(seconds, STEPS_FACTOR * mean_step(stall)) || still < stall->next)
        return;
    if (stall->asks < ASKS) {
        collect(stall, stall->asks++ == 0);
        ask(stall);
        return;
    }
    collect(stall, false);
    stall->asks = 0;
    judge(stall, still);
}

struct ls_stall *ls_stall_create(struct uv_loop_s *loop, const struct ls_launch *launch,
                                 pid_t mpirun, void (*hopeless)(void *context), void *context) {
    struct ls_stall *stall = ls_calloc(1, sizeof *stall);
    *stall = (struct ls_stall){.launch = launch,
                               .mpirun = mpirun,
                               .since = ls_seconds(),
                               .answers = ls_calloc((size_t)launch->ranks, sizeof *stall->answers),
                               .hopeless = hopeless,
                               .context = context};
    if (gethostname(stall->host, sizeof stall->host - 1))
        stall->host[0] = '\0';
    uv_timer_init(loop, &stall->look);
    stall->look.data = stall;
    uv_timer_start(&stall->look, look, LOOK_MS, LOOK_MS);
    return stall;
}

void ls_stall_destroy(struct ls_stall *stall) {
    if (stall)
        free(stall->answers);
    free(stall);
}
