/* Memory of an MPI window that the ranks of one host share, if there is room for it: containers
 * give 64 MB, and a write beyond that is SIGBUS. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "dist/host.h"

#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

enum {
    PAGE = 4096,
    HUGE_PAGE = 2 << 20,
    RESERVE_BYTES = 4 << 20 /* per rank: of the same memory, for messages between ranks */
};

/* Where Open MPI has the files of its windows (osc/sm), asked through the tool interface. */
static void find_folder(char *folder, size_t size) {
    int provided, index, count;
    MPI_T_cvar_handle handle;
    snprintf(folder, size, "/dev/shm");
    if (MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) != MPI_SUCCESS)
        return;
    char value[4096] = "";
    if (MPI_T_cvar_get_index("osc_sm_backing_directory", &index) == MPI_SUCCESS &&
        MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) == MPI_SUCCESS) {
        if (count < (int)sizeof value && MPI_T_cvar_read(handle, value) == MPI_SUCCESS && value[0])
            snprintf(folder, size, "%s", value);
        MPI_T_cvar_handle_free(&handle);
    }
    MPI_T_finalize();
}

static double megabytes(double bytes) {
    return bytes / (1 << 20);
}

/* By the host's first rank: the others take its word. */
static bool has_room(size_t bytes, int ranks, int64_t bytes_max) {
    char folder[512];
    struct statvfs info;
    find_folder(folder, sizeof folder);
    double room = (double)bytes_max;
    if (!bytes_max) {
        if (statvfs(folder, &info) != 0) {
            ls_log(LS_LOG_WARNING, "ranks of this host exchange messages: %s: %s", folder,
                   strerror(errno));
            return false;
        }
        room = (double)info.f_bavail * (double)info.f_frsize;
    }
    const double needed = (double)bytes + (double)ranks * RESERVE_BYTES;
    if (needed <= room)
        return true;
    ls_log(
        LS_LOG_WARNING,
        "ranks of this host exchange messages, which takes longer: sharing memory needs %.0f MB, "
        "%s has %.0f MB free (in a container: docker run --shm-size=%.0fm)",
        megabytes(needed), folder, megabytes(room), megabytes(2 * needed));
    return false;
}

/* Where in its file the memory at an address is; false if the kernel does not tell. */
static bool find_offset(const char *memory, size_t *offset) {
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        return false;
    bool found = false;
    char line[4096];
    while (!found && fgets(line, sizeof line, maps)) {
        uintptr_t begin, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %zx", &begin, &end, offset) != 3)
            continue;
        found = begin <= (uintptr_t)memory && (uintptr_t)memory < end;
        *offset += (uintptr_t)memory - begin;
    }
    fclose(maps);
    return found;
}

/* How far behind `base` the next huge page of the file begins; 0 if that is not known. */
static int find_huge_page(const char *base) {
    size_t offset;
    return find_offset(base, &offset) ? (int)(ls_round_up(offset, HUGE_PAGE) - offset) : 0;
}

/* Open MPI maps its file wherever there is room, but a huge page has to begin at a multiple of its
 * size in memory, too: so the file is mapped a second time, in place of private memory that begins
 * at one. From a size of 0, shared memory is not moved, but is there once more. */
static void map_again(struct ls_window *window) {
    char *at = ls_memory_map(window->bytes);
    window->again = mremap(window->memory, 0, ls_round_up(window->bytes, HUGE_PAGE),
                           MREMAP_MAYMOVE | MREMAP_FIXED, at) == at;
    if (window->again)
        window->memory = at;
    else
        ls_memory_unmap(at, window->bytes);
}

void ls_window_join_pages(const struct ls_window *window) {
    if (window->again)
        madvise(window->memory, ls_round_up(window->bytes, HUGE_PAGE), MADV_COLLAPSE);
}

bool ls_window_create(struct ls_window *window, MPI_Comm comm, size_t bytes, int64_t bytes_max) {
    int rank, size, unit;
    LS_MPI(MPI_Comm_rank(comm, &rank));
    LS_MPI(MPI_Comm_size(comm, &size));
    const bool huge = bytes >= HUGE_PAGE;
    const size_t length = bytes + PAGE + (huge ? 2 * HUGE_PAGE : 0);
    int room = rank == 0 && has_room(length, size, bytes_max);
    LS_MPI(MPI_Bcast(&room, 1, MPI_INT, 0, comm));
    if (!room)
        return false;
    /* All of it is asked for by the first rank, so that it is one piece; its beginning is at no
     * page's, but at the same place of a page on every rank. */
    void *mine, *base;
    MPI_Aint given;
    LS_MPI(MPI_Win_allocate_shared(rank == 0 ? (MPI_Aint)length : 0, 1, MPI_INFO_NULL, comm, &mine,
                                   &window->mpi));
    LS_MPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, window->mpi));
    LS_MPI(MPI_Win_shared_query(window->mpi, 0, &given, &unit, &base));
    window->memory = (char *)ls_round_up((size_t)base, PAGE);
    window->bytes = bytes;
    int skip = huge && rank == 0 ? find_huge_page(window->memory) : 0;
    LS_MPI(MPI_Bcast(&skip, 1, MPI_INT, 0, comm));
    window->memory += skip;
    if (huge)
        map_again(window);
    return true;
}

bool ls_window_touch(char *memory, size_t bytes) {
    if (madvise(memory, bytes, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL) /* older kernels do not know it */
        return false;
    memset(memory, 0, bytes);
    return true;
}

void ls_window_destroy(struct ls_window *window) {
    if (window->again)
        ls_memory_unmap(window->memory, window->bytes);
    LS_MPI(MPI_Win_unlock_all(window->mpi));
    LS_MPI(MPI_Win_free(&window->mpi));
    *window = (struct ls_window){.mpi = MPI_WIN_NULL};
}
