/* Memory of an MPI window that the ranks of one host share, if there is room for it: containers
 * give 64 MB, and a write beyond that is SIGBUS. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "dist/host.h"

enum {
    PAGE = 4096,
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

char *ls_window_create(MPI_Comm comm, size_t bytes, int64_t bytes_max, MPI_Win *window) {
    int rank, size, unit;
    LS_MPI(MPI_Comm_rank(comm, &rank));
    LS_MPI(MPI_Comm_size(comm, &size));
    int room = rank == 0 && has_room(bytes, size, bytes_max);
    LS_MPI(MPI_Bcast(&room, 1, MPI_INT, 0, comm));
    if (!room)
        return NULL;
    /* All of it is asked for by the first rank, so that it is one piece; its beginning is at no
     * page's, but at the same place of a page on every rank. */
    void *mine, *base;
    MPI_Aint length = rank == 0 ? (MPI_Aint)(bytes + PAGE) : 0;
    LS_MPI(MPI_Win_allocate_shared(length, 1, MPI_INFO_NULL, comm, &mine, window));
    LS_MPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, *window));
    LS_MPI(MPI_Win_shared_query(*window, 0, &length, &unit, &base));
    return (char *)ls_round_up((size_t)base, PAGE);
}

bool ls_window_touch(char *memory, size_t bytes) {
    if (madvise(memory, bytes, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL) /* older kernels do not know it */
        return false;
    memset(memory, 0, bytes);
    return true;
}

void ls_window_destroy(MPI_Win *window) {
    LS_MPI(MPI_Win_unlock_all(*window));
    LS_MPI(MPI_Win_free(window));
}
