/* What the end of a job means: first what the ranks themselves have said, then what mpirun did. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/log.h"
#include "io/file.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/internal.h"

enum { KEPT_LINES = 30 };

struct answers {
    int failure; /* exit code of the first rank that is neither done nor stopped; 0: none */
    int said;    /* ranks that have told how they ended */
    bool stopped;
    int silent;        /* first rank that has not; -1: all have */
    bool silent_began; /* it got as far as to leave its name */
    bool began;        /* some rank did */
};

static struct answers ask_ranks(const struct ls_launch *launch) {
    struct answers answers = {.silent = -1};
    for (int r = 0; r < launch->ranks; r++) {
        struct ls_reason reason;
        const bool began = ls_reason_read(launch->run, r, &reason);
        answers.began = answers.began || began;
        if (!began || reason.exit_code < 0) {
            if (answers.silent < 0) {
                answers.silent = r;
                answers.silent_began = began;
            }
            continue;
        }
        answers.said++;
        if (reason.exit_code == LS_EXIT_STOPPED)
            answers.stopped = true;
        else if (reason.exit_code != LS_EXIT_DONE && !answers.failure)
            answers.failure = reason.exit_code;
    }
    return answers;
}

/* "killed by signal 9 (Killed)". mpirun passes a rank's signal on as 128 and its number, as a shell
 * does; other codes of that size are its own. */
static const char *describe_status(int status, char text[96]) {
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    const int number = WIFSIGNALED(status)        ? WTERMSIG(status)
                       : sigabbrev_np(code - 128) ? code - 128
                                                  : 0;
    if (number)
        snprintf(text, 96, "killed by signal %d (%s)", number, strsignal(number));
    else
        snprintf(text, 96, "exit code %d", code);
    return text;
}

/* mpirun's own words, without empty lines. */
static void print_kept(const char *kept) {
    for (int lines = 0; *kept && lines < KEPT_LINES;) {
        const size_t length = strcspn(kept, "\n");
        if (strspn(kept, " \t\r") < length) {
            fprintf(stderr, "    %.*s\n", (int)length, kept);
            lines++;
        }
        kept += length + (kept[length] == '\n');
    }
}

/* In front of mpirun's words, if it had any, and of the command line. */
static void tell_of_mpirun(const struct ls_ending *ending, const char *what) {
    char how[96];
    if (WIFSIGNALED(ending->status))
        describe_status(ending->status, how);
    else
        snprintf(how, sizeof how, "exit code %d", WEXITSTATUS(ending->status));
    const bool told = ending->kept[strspn(ending->kept, " \t\r\n")] != '\0';
    ls_log(LS_LOG_ERROR, "%s; mpirun ended: %s%s", what, how, told ? "; it says" : "");
    print_kept(ending->kept);
    char *line = ls_mpirun_print(ending->mpirun);
    fprintf(stderr, "the command was: %s\n", line);
    free(line);
}

/* To whoever started the job, for the run's record. */
static void keep_why(const struct ls_ending *ending, const char *who, const char *how) {
    if (ending->launch->why)
        snprintf(ending->launch->why, LS_WHY_MAX, "%s%s", who, how);
}

/* WHO, after which step, HOW. */
static int tell_who(const struct ls_ending *ending, const char *who, const char *where,
                    const char *how) {
    keep_why(ending, who, how);
    ls_log(LS_LOG_ERROR,
           "%s%s%s\nwhat was committed is safe: run the same command again to continue", who, where,
           how);
    return LS_EXIT_RANK_LOST;
}

static int tell_lost(const struct ls_ending *ending, const struct answers *answers) {
    char status[96], who[64], how[128], where[160] = "";
    const int rank = ending->lost >= 0 ? ending->lost : answers->silent;
    struct ls_reason reason;
    if (ending->stalled) {
        snprintf(how, sizeof how, ", since it made no step for %lld s",
                 (long long)ls_stall_patience(ending->launch));
        return tell_who(ending, "the job was ended", "", how);
    }
    snprintf(how, sizeof how, ": %s",
             ending->overdue ? "mpirun did not end after it and was killed"
                             : describe_status(ending->status, status));
    if (WIFSIGNALED(ending->status) && !ending->overdue)
        return tell_who(ending, "mpirun died", "", how);
    if (ls_reason_read(ending->launch->run, rank, &reason))
        snprintf(where, sizeof where, " after step %llu, while %s", (unsigned long long)reason.step,
                 reason.phase);
    if (ending->overdue || ending->lost >= 0 || answers->silent_began) {
        const bool silent = !ending->overdue && WEXITSTATUS(ending->status) == 0;
        snprintf(who, sizeof who, "rank %d %s", rank, silent ? "ended" : "died");
        return tell_who(ending, who, where, silent ? " without saying why" : how);
    }
    snprintf(who, sizeof who, "rank %d of %d never started", rank, ending->launch->ranks);
    keep_why(ending, who, "");
    tell_of_mpirun(ending, who);
    return LS_EXIT_RANK_LOST;
}

/* Nothing that a rank has said can be read any more. */
static int tell_gone(const struct ls_ending *ending) {
    const int code = WIFEXITED(ending->status) ? WEXITSTATUS(ending->status) : 0;
    if (code != LS_EXIT_DONE && ls_exit_text(code))
        return code; /* the ranks have printed why */
    ls_log(LS_LOG_ERROR, "%s was deleted or renamed while its ranks were running",
           ending->launch->run);
    return LS_EXIT_SYSTEM;
}

static int tell_not_started(const struct ls_ending *ending) {
    const int code = WIFEXITED(ending->status) ? WEXITSTATUS(ending->status) : 0;
    if (code > LS_EXIT_BUG && ls_exit_text(code))
        return code; /* of a rank that failed before it could leave its name: it has printed why */
    tell_of_mpirun(ending, "no rank has started");
    return LS_EXIT_SYSTEM;
}

int ls_verdict(const struct ls_ending *ending) {
    const struct answers answers = ask_ranks(ending->launch);
    if (ending->stopping && !ls_launch_saves(ending->launch) &&
        (answers.failure || answers.said < ending->launch->ranks)) {
        ls_log(LS_LOG_ERROR, "stopped, as asked, before it was done");
        return LS_EXIT_STOPPED;
    }
    if (answers.failure)
        return answers.failure; /* the ranks have printed why */
    if (answers.said == ending->launch->ranks || (ending->forced && answers.stopped))
        return answers.stopped ? LS_EXIT_STOPPED : LS_EXIT_DONE;
    if (ending->forced) {
        keep_why(ending, "ended at once, as asked", "");
        ls_log(LS_LOG_ERROR,
               "ended at once, as asked; run the same command again to continue from the last "
               "checkpoint");
        return LS_EXIT_RANK_LOST;
    }
    if (ending->seen && !ls_file_exists(ending->launch->run))
        return tell_gone(ending);
    const bool began = answers.began || ending->lost >= 0 || ending->seen;
    if (ending->stopping && !began)
        return LS_EXIT_STOPPED; /* it came before the ranks were listening */
    return began || ending->overdue || WIFSIGNALED(ending->status) ? tell_lost(ending, &answers)
                                                                   : tell_not_started(ending);
}
