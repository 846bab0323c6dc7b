#include "launcher/supervisor/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "dist/communicator.h"
#include "io/file.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/internal.h"
#include "launcher/supervisor/supervisor.h"

enum { REASON_BYTES = 4096, PATH_BYTES = 4096 };

/* How each record begins: what a signal handler can fill in, in places of its own. */
static const char head[] = "{\"asked\":      , \"waits\": \"                        \", ";
enum { HEAD = sizeof head - 1, ASKED_END = 14, WAITS_AT = 27, WAITS_MAX = 24 };

/* One process is one rank, so there is one of these. */
static struct {
    int file;                    /* 0: not open */
    volatile sig_atomic_t asked; /* how often SIGUSR2 came */
    int rank, exit_code;
    int cores; /* that it may use */
    char host[256], processor[128];
    uint64_t step;
    const char *phase;
} own;

static void print_path(char path[PATH_BYTES], const char *run, int rank) {
    const int length = snprintf(path, PATH_BYTES, "%s/ranks/rank-%d.json", run, rank);
    LS_ASSERT(length < PATH_BYTES, "a path of %d characters", length);
}

/* JSON text without what would need escapes. */
static void print_plain(char *text, size_t size, const char *message) {
    size_t used = 0;
    for (; *message && used + 1 < size; message++)
        text[used++] = (unsigned char)*message < ' '         ? ' '
                       : *message == '"' || *message == '\\' ? '\''
                                                             : *message;
    text[used] = '\0';
}

/* How often this rank was asked, and the MPI call that it is in, without its arguments. Calls
 * nothing that a signal handler must not call. */
static void print_head(char text[HEAD]) {
    memcpy(text, head, HEAD);
    const char *waits = ls_communicator_waits();
    for (int i = 0; waits && i < WAITS_MAX && waits[i] && waits[i] != '('; i++)
        text[WAITS_AT + i] = waits[i];
    int asked = own.asked % 100000, at = ASKED_END;
    do
        text[at--] = (char)('0' + asked % 10);
    while ((asked /= 10) > 0);
}

/* SIGUSR2: somebody wants to know whether this rank is well. */
static void answer(int number) {
    (void)number;
    const int before = errno;
    char text[HEAD];
    own.asked++;
    print_head(text);
    if (own.file)
        (void)!pwrite(own.file, text, HEAD, 0);
    errno = before;
}

/* Every record has the same size: one write puts it in place of the last, whole. Nothing is
 * allocated, and a failure is not worth ending a run for. */
static void write_record(const char *message) {
    if (!own.file)
        return;
    char record[REASON_BYTES + 1], plain[2048];
    print_plain(plain, sizeof plain, message);
    print_head(record);
    const int used =
        HEAD + snprintf(record + HEAD, sizeof record - HEAD,
                        "\"rank\": %d, \"pid\": %ld, \"host\": \"%s\", \"processor\": \"%s\", "
                        "\"cores\": %d, \"step\": %" PRIu64
                        ", \"phase\": \"%s\", \"exit_code\": %d, \"message\": \"%s\"}",
                        own.rank, (long)getpid(), own.host, own.processor, own.cores, own.step,
                        own.phase, own.exit_code, plain);
    memset(record + used, ' ', REASON_BYTES - 1 - (size_t)used);
    record[REASON_BYTES - 1] = '\n';
    (void)!pwrite(own.file, record, REASON_BYTES, 0);
}

/* "": the system has no word for it that we know. */
static void name_processor(char *text, size_t size) {
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    text[0] = '\0';
    while (file && !text[0] && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        print_plain(text, size, colon + 1 + strspn(colon + 1, " "));
    }
    if (file)
        fclose(file);
}

static void witness(bool bug, const char *text) {
    ls_reason_finish(bug ? LS_EXIT_BUG : LS_EXIT_SYSTEM, text);
}

enum ls_status ls_reason_open(const char *run, int rank, struct ls_error *error) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/ranks", run);
    enum ls_status status = ls_folder_add(path, error);
    if (status != LS_OK)
        return status;
    print_path(path, run, rank);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return ls_file_fail(error, "write", path, errno);
    own.file = file;
    own.rank = rank;
    own.exit_code = -1;
    own.phase = "starting";
    if (gethostname(own.host, sizeof own.host - 1))
        own.host[0] = '\0';
    name_processor(own.processor, sizeof own.processor);
    own.cores = ls_cores();
    write_record("");
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = answer, .sa_flags = SA_RESTART}, NULL);
    ls_job_set_witness(witness);
    return LS_OK;
}

enum ls_status ls_reason_open_launched(int rank, struct ls_error *error) {
    const char *run = getenv(LS_REASON_VARIABLE);
    return run ? ls_reason_open(run, rank, error) : LS_OK;
}

void ls_reason_step(uint64_t step) {
    own.step = step;
    write_record("");
}

void ls_reason_phase(const char *phase) {
    own.phase = phase;
    write_record("");
}

void ls_reason_finish(int exit_code, const char *message) {
    own.exit_code = exit_code;
    write_record(message);
}

bool ls_reason_read(const char *run, int rank, struct ls_reason *reason) {
    char path[PATH_BYTES];
    print_path(path, run, rank);
    *reason = (struct ls_reason){.exit_code = -1};
    json_t *root = json_load_file(path, 0, NULL);
    json_int_t pid, step;
    const char *host, *phase, *waits;
    const bool ok = json_unpack(root, "{s:i, s:s, s:I, s:s, s:I, s:s, s:i}", "asked",
                                &reason->asked, "waits", &waits, "pid", &pid, "host", &host, "step",
                                &step, "phase", &phase, "exit_code", &reason->exit_code) == 0;
    if (ok) {
        int length = (int)strlen(waits);
        while (length && waits[length - 1] == ' ')
            length--;
        snprintf(reason->waits, sizeof reason->waits, "%.*s", length, waits);
        reason->pid = (long)pid;
        reason->step = (uint64_t)step;
        snprintf(reason->host, sizeof reason->host, "%s", host);
        snprintf(reason->phase, sizeof reason->phase, "%s", phase);
    }
    json_decref(root);
    return ok;
}

enum ls_status ls_reasons_clear(const char *run, struct ls_error *error) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/ranks", run);
    return ls_folder_remove(path, error);
}

static pid_t guarded_by; /* 0: nobody, or in another table of process ids than ours */

bool ls_worker_is_left(void) {
    static time_t looked;
    const time_t now = time(NULL);
    if (!guarded_by || now == looked)
        return false;
    looked = now;
    return kill(guarded_by, 0) && errno == ESRCH;
}

void ls_worker_guard(void) {
    const pid_t parent = getppid();
    const char *launcher =
        getenv("LOCKSTEP_LAUNCHER"); /* its pid; only set for ranks on its host */
    if (launcher && kill((pid_t)atol(launcher), 0) == 0)
        guarded_by = (pid_t)atol(launcher);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A parent that died before that call sends no signal: then we were handed to init or to the
     * launcher. */
    if (getppid() != parent || (launcher && (parent == 1 || parent == (pid_t)atol(launcher))))
        _exit(EXIT_FAILURE);
}
