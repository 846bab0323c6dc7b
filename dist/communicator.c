#include "dist/communicator.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "dist/mpi_check.h"

struct ls_communicator {
    MPI_Comm comm; /* owned: a duplicate of MPI_COMM_WORLD; MPI_COMM_NULL: alone, without MPI */
    int rank, size;
    bool leads_host;
    bool finalise; /* we started MPI, so we end it; a program that links us may have started it */
    ls_job_end *end_before; /* what a lack of memory meant without MPI */
};

enum {
    EXIT_BUG = 1, /* launcher/exit_codes.h */
    EXIT_SYSTEM = 3,
    BROADCAST_BYTES_MAX = 1 << 30 /* MPI counts in int */
};

const char *volatile ls_mpi_now;

const char *ls_communicator_waits(void) {
    return ls_mpi_now;
}

_Noreturn void ls_mpi_failed(const char *call, int code, const char *file, int line) {
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, text, &length);
    ls_log(LS_LOG_ERROR, "MPI failed on rank %d: %s\nin %s\nat %s:%d", ls_log_rank(), text, call,
           file, line);
    MPI_Abort(MPI_COMM_WORLD, EXIT_BUG);
    abort();
}

static void abort_job(bool bug) {
    MPI_Abort(MPI_COMM_WORLD, bug ? EXIT_BUG : EXIT_SYSTEM);
}

/* The largest number of a variable in the list; `none` if there is none. */
static int largest(const char *const *names, int none) {
    int found = none;
    for (; *names; names++) {
        const char *value = getenv(*names);
        const int number = value && *value ? atoi(value) : none;
        found = number > found ? number : found;
    }
    return found;
}

int ls_tasks_started(void) {
    /* Our own kind of mpirun, if there is one, is the innermost. */
    static const char *const own[] = {"OMPI_COMM_WORLD_SIZE", NULL};
    static const char *const sizes[] = {
        "PMI_SIZE",    "PMIX_SIZE",     "MPI_LOCALNRANKS",      "MV2_COMM_WORLD_SIZE", "PALS_SIZE",
        "PALS_NRANKS", "FLUX_JOB_SIZE", "SLURM_STEP_NUM_TASKS", "JSM_NAMESPACE_SIZE",  NULL};
    /* Who is not the first is one of several. */
    static const char *const ranks[] = {"PMI_RANK",           "PMIX_RANK",   "MV2_COMM_WORLD_RANK",
                                        "PALS_RANKID",        "ALPS_APP_PE", "FLUX_TASK_RANK",
                                        "JSM_NAMESPACE_RANK", NULL};
    if (getenv(own[0]))
        return largest(own, 1);
    const int size = largest(sizes, 1), rank = largest(ranks, 0);
    return size > rank ? size : rank + 1;
}

static enum ls_status fail_alone(int tasks, struct ls_error *error) {
    return ls_fail(
        error, LS_INVALID,
        "%d tasks were started, but each is alone to MPI: the launcher is not the one of "
        "this MPI (%s)\nuse its mpirun, `lockstep train` (once), or srun --mpi=pmix",
        tasks, ls_mpi_version());
}

static bool started_by_mpirun(void) {
    return getenv("PMIX_RANK") || getenv("PMI_RANK") || getenv("OMPI_COMM_WORLD_SIZE");
}

/* Without mpirun, Open MPI would start a daemon and look at all networks, which takes half a
 * second; a world of one needs neither. Nor does it need Open MPI's folders in $TMPDIR, which have
 * the same names in every such world: one that ends removes those that another one is making. What
 * the user has set wins. */
static void set_up_world_of_one(void) {
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
    setenv("OMPI_MCA_pml", "ob1", 0);
    setenv("OMPI_MCA_btl", "self", 0);
}

/* Open MPI 5 makes a folder of its own for a world of one, too, and crashes where it cannot. */
static enum ls_status check_session_folder(struct ls_error *error) {
#if defined OMPI_MAJOR_VERSION && OMPI_MAJOR_VERSION >= 5
    const char *given = getenv("TMPDIR");
    const char *folder = given && *given ? given : "/tmp";
    if (access(folder, W_OK | X_OK) != 0)
        return ls_fail(error, LS_SYSTEM,
                       "MPI cannot make its files in %s: %s\nlet TMPDIR name a folder that can be "
                       "written to",
                       folder, strerror(errno));
#endif
    (void)error;
    return LS_OK;
}

static int rank_on_host(const struct ls_communicator *c) {
    MPI_Comm host;
    int rank;
    LS_MPI(MPI_Comm_split_type(c->comm, MPI_COMM_TYPE_SHARED, c->rank, MPI_INFO_NULL, &host));
    LS_MPI(MPI_Comm_rank(host, &rank));
    LS_MPI(MPI_Comm_free(&host));
    return rank;
}

enum ls_status ls_communicator_create(struct ls_communicator **communicator,
                                      struct ls_error *error) {
    int initialised = 0, provided = MPI_THREAD_SINGLE;
    MPI_Initialized(&initialised);
    if (!initialised) {
        const int tasks = ls_tasks_started();
        if (!started_by_mpirun() && tasks > 1)
            return fail_alone(tasks, error); /* MPI itself might end the process over it */
        if (!started_by_mpirun()) {
            const enum ls_status status = check_session_folder(error);
            if (status != LS_OK)
                return status;
            set_up_world_of_one();
        }
        LS_MPI(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided));
    } else {
        LS_MPI(MPI_Query_thread(&provided));
    }
    if (provided < MPI_THREAD_FUNNELED) {
        if (!initialised)
            MPI_Finalize();
        return ls_fail(error, LS_INVALID,
                       "MPI runs with thread level %d, expected at least %d (MPI_THREAD_FUNNELED)",
                       provided, MPI_THREAD_FUNNELED);
    }
    struct ls_communicator *c = ls_calloc(1, sizeof *c);
    c->finalise = !initialised;
    LS_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &c->comm));
    LS_MPI(MPI_Comm_set_errhandler(c->comm, MPI_ERRORS_RETURN));
    LS_MPI(MPI_Comm_rank(c->comm, &c->rank));
    LS_MPI(MPI_Comm_size(c->comm, &c->size));
    ls_log_set_rank(c->rank, c->size);
    c->leads_host = rank_on_host(c) == 0;
    c->end_before = ls_job_set_end(abort_job);
    if (c->size == 1 && c->finalise && ls_tasks_started() > 1) {
        ls_communicator_destroy(c);
        return fail_alone(ls_tasks_started(), error);
    }
    *communicator = c;
    return LS_OK;
}

struct ls_communicator *ls_communicator_alone(void) {
    struct ls_communicator *c = ls_calloc(1, sizeof *c);
    *c = (struct ls_communicator){.comm = MPI_COMM_NULL, .size = 1, .leads_host = true};
    return c;
}

static bool is_alone(const struct ls_communicator *communicator) {
    return communicator->comm == MPI_COMM_NULL;
}

void ls_communicator_destroy(struct ls_communicator *communicator) {
    if (!communicator || is_alone(communicator)) {
        free(communicator);
        return;
    }
    ls_job_set_end(communicator->end_before);
    LS_MPI(MPI_Comm_free(&communicator->comm));
    if (communicator->finalise)
        MPI_Finalize();
    free(communicator);
}

int ls_communicator_rank(const struct ls_communicator *communicator) {
    return communicator->rank;
}

int ls_communicator_size(const struct ls_communicator *communicator) {
    return communicator->size;
}

bool ls_communicator_leads_host(const struct ls_communicator *communicator) {
    return communicator->leads_host;
}

MPI_Comm ls_communicator_mpi(const struct ls_communicator *communicator) {
    return communicator->comm;
}

_Noreturn void ls_communicator_abort(struct ls_communicator *communicator, int exit_code) {
    if (!is_alone(communicator))
        MPI_Abort(communicator->comm, exit_code);
    _Exit(exit_code);
}

static void broadcast_from(struct ls_communicator *communicator, int rank, void *bytes,
                           int64_t count) {
    if (is_alone(communicator))
        return;
    for (int64_t sent = 0; sent < count; sent += BROADCAST_BYTES_MAX) {
        const int64_t left = count - sent;
        const int now = left < BROADCAST_BYTES_MAX ? (int)left : BROADCAST_BYTES_MAX;
        LS_MPI(MPI_Bcast((char *)bytes + sent, now, MPI_BYTE, rank, communicator->comm));
    }
}

enum ls_status ls_communicator_agree(struct ls_communicator *communicator, enum ls_status status,
                                     struct ls_error *error) {
    const int size = communicator->size;
    if (is_alone(communicator))
        return status;
    int failed = status == LS_OK ? size : communicator->rank;
    LS_MPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MIN, communicator->comm));
    if (failed == size)
        return LS_OK;
    if (communicator->rank == failed)
        error->status = status;
    broadcast_from(communicator, failed, error, sizeof *error);
    if (size > 1)
        ls_fail_context(error, "rank %d: ", failed);
    return error->status;
}

void ls_communicator_barrier(struct ls_communicator *communicator) {
    if (!is_alone(communicator))
        LS_MPI(MPI_Barrier(communicator->comm));
}

void ls_communicator_broadcast(struct ls_communicator *communicator, void *bytes, int64_t count) {
    broadcast_from(communicator, 0, bytes, count);
}

void ls_communicator_gather(struct ls_communicator *communicator, const void *mine, int64_t bytes,
                            void *all_at_zero) {
    LS_ASSERT(bytes <= INT_MAX, "%lld bytes, at most %d", (long long)bytes, INT_MAX);
    if (is_alone(communicator))
        memcpy(all_at_zero, mine, (size_t)bytes);
    else
        LS_MPI(MPI_Gather(mine, (int)bytes, MPI_BYTE, all_at_zero, (int)bytes, MPI_BYTE, 0,
                          communicator->comm));
}

void ls_communicator_all_gather(struct ls_communicator *communicator, const void *mine,
                                int64_t bytes, void *all) {
    LS_ASSERT(bytes <= INT_MAX, "%lld bytes, at most %d", (long long)bytes, INT_MAX);
    if (is_alone(communicator))
        memcpy(all, mine, (size_t)bytes);
    else
        LS_MPI(MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE,
                             communicator->comm));
}

void ls_communicator_combine(struct ls_communicator *communicator, double *values, int64_t count) {
    LS_ASSERT(count <= INT_MAX, "%lld values, at most %d", (long long)count, INT_MAX);
    if (!is_alone(communicator))
        LS_MPI(MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_DOUBLE, MPI_SUM,
                             communicator->comm));
}

void ls_communicator_sum(struct ls_communicator *communicator, float *values, int64_t count) {
    LS_ASSERT(count <= INT_MAX, "%lld values, at most %d", (long long)count, INT_MAX);
    if (!is_alone(communicator))
        LS_MPI(MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM,
                             communicator->comm));
}

int64_t ls_communicator_max(struct ls_communicator *communicator, int64_t value) {
    if (!is_alone(communicator))
        LS_MPI(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, communicator->comm));
    return value;
}

int64_t ls_communicator_min(struct ls_communicator *communicator, int64_t value) {
    if (!is_alone(communicator))
        LS_MPI(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MIN, communicator->comm));
    return value;
}

const char *ls_mpi_version(void) {
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(text, &length);
    text[strcspn(text, "\n")] = '\0';
    return text;
}
