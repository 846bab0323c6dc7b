#include "dist/host.h"

#include <sched.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/memory.h"

enum { PAGE = 4096, SPINS = 200 };

static size_t flat_bytes(const struct ls_cut *cut) {
    return ls_round_up((size_t)cut->total * sizeof(float), PAGE);
}

static size_t counter_bytes(const struct ls_host *host) {
    return ls_round_up((size_t)host->size * sizeof *host->counters, PAGE);
}

/* Says who shares memory with whom, and how much this host needs. */
static void find_members(struct ls_host *host, struct ls_cut *cut, MPI_Comm comm) {
    LS_MPI(MPI_Comm_rank(host->comm, &host->rank));
    LS_MPI(MPI_Comm_size(host->comm, &host->size));
    int first = cut->rank, partials = 0;
    LS_MPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, host->comm));
    LS_MPI(MPI_Allgather(&first, 1, MPI_INT, cut->hosts, 1, MPI_INT, comm));
    for (int r = 0; r < cut->size; r++)
        if (ls_cut_near(cut, r))
            partials += ls_cut_partials(cut, r);
    host->others = host->size < cut->size;
    host->bytes = counter_bytes(host) + (size_t)(1 + partials) * flat_bytes(cut);
}

/* Counters, parameters, partials in the order of their ranks. */
static void place(struct ls_host *host, const struct ls_cut *cut) {
    char *next = host->memory;
    host->counters = (struct ls_counters *)next;
    host->parameters = (float *)(next += counter_bytes(host));
    for (int r = 0; r < cut->size; r++)
        for (int n = cut->node_bounds[r]; n < cut->node_bounds[r + 1]; n++)
            host->partials[n] = ls_cut_near(cut, r) ? (float *)(next += flat_bytes(cut)) : NULL;
}

/* Pages lie near the rank that touches them first: those of its partials, and its share of the
 * parameters. */
static bool touch(const struct ls_host *host, const struct ls_cut *cut) {
    const size_t flat = flat_bytes(cut), pages = flat / PAGE, size = (size_t)host->size;
    const size_t first = pages * (size_t)host->rank / size * PAGE;
    const size_t end = pages * (size_t)(host->rank + 1) / size * PAGE;
    const bool touched = ls_window_touch((char *)host->parameters + first, end - first) &&
                         ls_window_touch((char *)host->partials[cut->node_bounds[cut->rank]],
                                         flat * (size_t)ls_cut_partials(cut, cut->rank));
    int all = touched;
    LS_MPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, host->comm));
    if (all && host->rank == 0)
        ls_window_join_pages(&host->window);
    LS_MPI(MPI_Barrier(host->comm));
    return all;
}

static bool share(struct ls_host *host, const struct ls_cut *cut, int64_t bytes_max) {
    if (!ls_window_create(&host->window, host->comm, host->bytes, bytes_max))
        return false;
    host->memory = host->window.memory;
    place(host, cut);
    if (touch(host, cut))
        return true;
    if (host->rank == 0)
        ls_log(LS_LOG_WARNING,
               "ranks of this host exchange messages: shared memory was used up by others");
    ls_window_destroy(&host->window);
    return false;
}

/* The ranks of this host, or as many of them at a time as may share memory. */
static void find_host(struct ls_host *host, const struct ls_cut *cut, MPI_Comm comm,
                      int sharing_max) {
    LS_MPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, cut->rank, MPI_INFO_NULL, &host->comm));
    if (!sharing_max)
        return;
    int rank;
    MPI_Comm all = host->comm;
    LS_MPI(MPI_Comm_rank(all, &rank));
    LS_MPI(MPI_Comm_split(all, rank / sharing_max, rank, &host->comm));
    LS_MPI(MPI_Comm_free(&all));
}

void ls_host_create(struct ls_host *host, struct ls_cut *cut, MPI_Comm comm,
                    const struct ls_reducer_options *options) {
    *host = (struct ls_host){.window.mpi = MPI_WIN_NULL};
    host->partials = ls_calloc((size_t)cut->node_bounds[cut->size], sizeof *host->partials);
    find_host(host, cut, comm, options->sharing_max);
    find_members(host, cut, comm);
    if (host->size > 1 && !share(host, cut, options->shared_bytes_max)) {
        LS_MPI(MPI_Comm_free(&host->comm));
        LS_MPI(MPI_Comm_dup(MPI_COMM_SELF, &host->comm));
    }
    find_members(host, cut, comm);
    if (host->size == 1) {
        host->memory = ls_memory_map(host->bytes);
        place(host, cut);
    }
}

void ls_host_destroy(struct ls_host *host) {
    if (host->window.mpi == MPI_WIN_NULL)
        ls_memory_unmap(host->memory, host->bytes);
    else
        ls_window_destroy(&host->window);
    LS_MPI(MPI_Comm_free(&host->comm));
    free(host->partials);
}

uint64_t ls_host_counted(const struct ls_host *host, enum ls_counter counter) {
    return atomic_load_explicit(&host->counters[host->rank].of[counter].value,
                                memory_order_relaxed);
}

uint64_t ls_host_count(struct ls_host *host, enum ls_counter counter) {
    const uint64_t value = ls_host_counted(host, counter) + 1;
    atomic_store_explicit(&host->counters[host->rank].of[counter].value, value,
                          memory_order_release);
    return value;
}

bool ls_host_reached(const struct ls_host *host, enum ls_counter counter, uint64_t value) {
    for (int r = 0; r < host->size; r++)
        if (atomic_load_explicit(&host->counters[r].of[counter].value, memory_order_acquire) <
            value)
            return false;
    return true;
}

/* The others are a moment away, or need this core, or a message of ours that MPI has yet to move.
 */
void ls_host_wait(const struct ls_host *host, enum ls_counter counter, uint64_t value) {
    ls_mpi_now = "shared memory";
    for (int spins = 0; !ls_host_reached(host, counter, value); spins++) {
        int found;
        if (host->others)
            LS_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, host->comm, &found, MPI_STATUS_IGNORE));
        if (spins >= SPINS)
            sched_yield();
    }
    ls_mpi_now = NULL;
}

void ls_host_barrier(struct ls_host *host) {
    ls_host_wait(host, LS_COUNT_ARRIVED, ls_host_count(host, LS_COUNT_ARRIVED));
}
