/* Starting a process that cannot outlive us, and ending whatever was handed to us. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "launcher/supervisor/internal.h"

/* In the child, between fork and exec: system calls only. */
static _Noreturn void become(const struct ls_mpirun *mpirun, pid_t parent, int report) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    setsid(); /* the terminal's Ctrl-C is for us: we turn it into "checkpoint, then stop" */
    const int input = open("/dev/null", O_RDONLY);
    if (input > STDIN_FILENO)
        dup2(input, STDIN_FILENO);
    dup2(mpirun->outputs[0], STDOUT_FILENO);
    dup2(mpirun->outputs[1], STDERR_FILENO);
    execvpe(mpirun->arguments[0], mpirun->arguments, mpirun->environment);
    const int number = errno;
    (void)!write(report, &number, sizeof number);
    _exit(EXIT_FAILURE);
}

enum ls_status ls_process_start(const struct ls_mpirun *mpirun, pid_t *process,
                                struct ls_error *error) {
    int report[2]; /* closed by a successful exec, else brings errno */
    if (pipe2(report, O_CLOEXEC))
        return ls_fail(error, LS_SYSTEM, "cannot start mpirun: %s", strerror(errno));
    sigset_t all, before; /* a handler of ours must not run in the child */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t parent = getpid();
    *process = fork();
    if (*process == 0)
        become(mpirun, parent, report[1]);
    int number = *process < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (*process > 0 && read(report[0], &number, sizeof number) == sizeof number)
        waitpid(*process, NULL, 0);
    close(report[0]);
    if (!number)
        return LS_OK;
    return ls_fail(
        error, LS_SYSTEM, "cannot start %s: %s%s", mpirun->arguments[0], strerror(number),
        number == ENOENT ? "; is Open MPI installed? launcher.mpirun names another" : "");
}

static pid_t parent_of(const char *pid) {
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    const ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    const char *name_end = count > 0 ? strrchr(text, ')') : NULL; /* the name may hold anything */
    int parent = -1;
    if (name_end)
        sscanf(name_end, ") %*c %d", &parent);
    return parent;
}

int ls_process_children(pid_t **children) {
    int count = 0;
    *children = NULL;
    DIR *folder = opendir("/proc");
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            parent_of(entry->d_name) == getpid()) {
            *children = ls_realloc(*children, (size_t)count + 1, sizeof **children);
            (*children)[count++] = (pid_t)atol(entry->d_name);
        }
    closedir(folder);
    return count;
}

static bool contains(const pid_t *list, int count, pid_t process) {
    for (int i = 0; i < count; i++)
        if (list[i] == process)
            return true;
    return false;
}

bool ls_process_end_children(const pid_t *spared, int spared_count) {
    for (int tries = 0; tries < 1000; tries++) { /* what a child leaves is handed to us in turn */
        pid_t *children;
        int left = 0;
        const int count = ls_process_children(&children);
        for (int i = 0; i < count; i++)
            if (!contains(spared, spared_count, children[i])) {
                kill(children[i], SIGKILL);
                left += waitpid(children[i], NULL, WNOHANG) != children[i];
            }
        free(children);
        if (!left && tries > 0) /* once more after the last one, for those it left */
            return true;
        nanosleep(&(struct timespec){.tv_nsec = left ? 5000000 : 0}, NULL);
    }
    return false;
}
