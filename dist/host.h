/* The ranks that share memory with this one, and what lies in it: the host's parameters (once),
 * each rank's partials, and counters by which ranks tell each other how far they are. A rank that
 * shares with none is a host of its own, in private memory. */
#ifndef LS_DIST_HOST_H
#define LS_DIST_HOST_H

#include <stdatomic.h>

#include "dist/exchange.h"

/* Each counts up for ever, written by its rank alone. What a rank wrote before it counted is seen
 * by those that see the count. */
enum ls_counter {
    LS_COUNT_READY,   /* buckets that are final in its partials */
    LS_COUNT_SUMMED,  /* steps whose sums it has: it reads nobody's partials of them any more */
    LS_COUNT_ARRIVED, /* at a barrier */
    LS_COUNTERS
};

struct ls_counters {
    struct {
        _Alignas(64) _Atomic uint64_t value; /* in a cache line of its own */
    } of[LS_COUNTERS];
};

struct ls_window {
    MPI_Win mpi; /* MPI_WIN_NULL: there is none */
    char *memory;
    size_t bytes;
    bool again; /* memory is a second mapping, of our own, for huge pages */
};

struct ls_host {
    MPI_Comm comm; /* owned; the host's ranks, in their order */
    int rank, size;
    bool others;             /* there are other hosts: MPI has to work while this rank waits */
    struct ls_window window; /* owned; or private memory: */
    char *memory;
    size_t bytes;
    struct ls_counters *counters; /* per rank of the host */
    float *parameters;            /* the flat buffer */
    float **partials;             /* owned array; per node of the cut, NULL on another host */
};

/* Collective over comm. Fills cut->hosts. */
void ls_host_create(struct ls_host *host, struct ls_cut *cut, MPI_Comm comm,
                    const struct ls_reducer_options *options);
void ls_host_destroy(struct ls_host *host);

/* One more of this rank; returns its new value. */
uint64_t ls_host_count(struct ls_host *host, enum ls_counter counter);
uint64_t ls_host_counted(const struct ls_host *host, enum ls_counter counter); /* this rank's */
/* Whether every rank of the host has come to `value`; and waits until it has. */
bool ls_host_reached(const struct ls_host *host, enum ls_counter counter, uint64_t value);
void ls_host_wait(const struct ls_host *host, enum ls_counter counter, uint64_t value);
void ls_host_barrier(struct ls_host *host);

/* window.c: zeroed memory, aligned to pages, that the ranks of comm share; false on all of them,
 * and a note from the first that says why, if it cannot be had. bytes_max: as in the options. */
bool ls_window_create(struct ls_window *window, MPI_Comm comm, size_t bytes, int64_t bytes_max);
/* Takes pages for a part of it now, near this rank; false if there are none left. */
bool ls_window_touch(char *memory, size_t bytes);
/* Makes huge pages of them where the kernel does; by one rank, when all have touched theirs. */
void ls_window_join_pages(const struct ls_window *window);
void ls_window_destroy(struct ls_window *window);

#endif
