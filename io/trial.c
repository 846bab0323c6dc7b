#include "io/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/memory.h"

enum { SECONDS_MAX = 10 };
static const uint64_t MEMORY_BYTES = (uint64_t)4 << 30;

struct child {
    pid_t process;
    int reason; /* what comes out of it is its struct ls_error; -1: it was never there */
};

/* Address space in use; 0: not known. */
static uint64_t bytes_in_use(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void lower_limit(int resource, rlim_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit))
        return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value)
        value = limit.rlim_max;
    limit.rlim_cur = value;
    (void)!setrlimit(resource, &limit);
}

static void leave_at_once(bool bug) {
    (void)bug;
    _exit(127);
}

/* No handler of ours, of MPI or of a sanitizer speaks for a child, and it outlives no parent. */
static void confine(const struct ls_trial *trial, uint64_t in_use) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE,  SIGILL, SIGXCPU,
                                  SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        signal(numbers[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ls_job_set_end(leave_at_once);
    ls_job_set_witness(NULL);
    lower_limit(RLIMIT_CORE, 0);
    lower_limit(RLIMIT_CPU, trial->seconds_max ? trial->seconds_max : SECONDS_MAX);
    if (in_use)
        lower_limit(RLIMIT_AS, in_use + (trial->memory_bytes ? trial->memory_bytes : MEMORY_BYTES));
}

static _Noreturn void be_child(const struct ls_trial *trial, int part, int reason,
                               uint64_t in_use) {
    struct ls_error error = {0};
    confine(trial, in_use);
    const enum ls_status status = trial->work(trial->context, part, &error);
    error.status = status;
    const char *bytes = (const char *)&error;
    for (size_t done = 0; done < sizeof error;) {
        const ssize_t put = write(reason, bytes + done, sizeof error - done);
        if (put < 0 && errno != EINTR)
            break;
        done += put > 0 ? (size_t)put : 0;
    }
    _exit(0);
}

static enum ls_status start(const struct ls_trial *trial, int part, struct child *child,
                            struct ls_error *error) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return ls_fail(error, LS_SYSTEM, "%s: cannot make a pipe: %s", trial->path,
                       strerror(errno));
    const uint64_t in_use = bytes_in_use();
    child->process = fork();
    if (child->process == 0)
        be_child(trial, part, ends[1], in_use);
    const int number = errno;
    close(ends[1]);
    child->reason = ends[0];
    if (child->process > 0)
        return LS_OK;
    close(ends[0]);
    child->reason = -1;
    return ls_fail(error, LS_SYSTEM, "%s: cannot start a process to look at it: %s", trial->path,
                   strerror(number));
}

/* All of the child's error, unless it ended before. */
static bool read_reason(int file, struct ls_error *error) {
    size_t filled = 0;
    while (filled < sizeof *error) {
        const ssize_t got = read(file, (char *)error + filled, sizeof *error - filled);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        filled += got > 0 ? (size_t)got : 0;
    }
    return filled == sizeof *error;
}

static enum ls_status finish(const struct ls_trial *trial, const struct child *child,
                             struct ls_error *error) {
    struct ls_error reason;
    const bool spoke = read_reason(child->reason, &reason);
    close(child->reason);
    int ended = 0;
    while (waitpid(child->process, &ended, 0) < 0 && errno == EINTR)
        ;
    if (spoke) {
        if (reason.status != LS_OK)
            *error = reason;
        return reason.status;
    }
    if (WIFSIGNALED(ended) && (WTERMSIG(ended) == SIGXCPU || WTERMSIG(ended) == SIGKILL))
        return ls_fail(error, LS_INVALID,
                       "%s: reading it was not over after %u s of processor time, or took all "
                       "memory: the file is damaged, or made to harm",
                       trial->path, trial->seconds_max ? trial->seconds_max : SECONDS_MAX);
    if (WIFSIGNALED(ended))
        return ls_fail(error, LS_INVALID,
                       "%s: the HDF5 library crashed while it read the file (signal %d, %s): the "
                       "file is damaged",
                       trial->path, WTERMSIG(ended), strsignal(WTERMSIG(ended)));
    return ls_fail(error, LS_INVALID,
                   "%s: reading it ended the process that tried (exit code %d): the file is "
                   "damaged, or claims more than there is memory for",
                   trial->path, WEXITSTATUS(ended));
}

enum ls_status ls_trial_run(const struct ls_trial *trial, struct ls_error *error) {
    const int parts = trial->parts > 1 ? trial->parts : 1;
    struct child *children = ls_calloc((size_t)parts, sizeof *children);
    enum ls_status status = LS_OK;
    int started = 0;
    while (started < parts && status == LS_OK) {
        status = start(trial, started, &children[started], error);
        started += status == LS_OK;
    }
    for (int i = 0; i < started; i++) {
        struct ls_error other;
        const enum ls_status ended = finish(trial, &children[i], &other);
        if (ended != LS_OK && status == LS_OK)
            *error = other;
        status = status == LS_OK ? ended : status;
    }
    free(children);
    return status;
}
