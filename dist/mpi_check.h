/* The only include of mpi.h, and how a failed MPI call ends: its text, the call, the rank, then
 * abort. */
#ifndef LS_DIST_MPI_CHECK_H
#define LS_DIST_MPI_CHECK_H

#include <mpi.h>

#include "dist/communicator.h"

/* What this process waits for, as ls_communicator_waits says it. */
extern const char *volatile ls_mpi_now;

#define LS_MPI(call)                                                                               \
    do {                                                                                           \
        const char *const ls_mpi_before = ls_mpi_now;                                              \
        ls_mpi_now = #call;                                                                        \
        const int ls_mpi_code = (call);                                                            \
        ls_mpi_now = ls_mpi_before;                                                                \
        if (ls_mpi_code != MPI_SUCCESS)                                                            \
            ls_mpi_failed(#call, ls_mpi_code, __FILE__, __LINE__);                                 \
    } while (0)

_Noreturn void ls_mpi_failed(const char *call, int code, const char *file, int line);

/* Borrowed; its errors are returned, for LS_MPI to see. */
MPI_Comm ls_communicator_mpi(const struct ls_communicator *communicator);

#endif
