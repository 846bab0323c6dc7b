/* Threads inside a process, by OpenMP: the only place that knows of it.
 *
 * Work is cut into parts by numbers alone and each part writes memory of its own, so that results
 * depend neither on how many threads there are nor on which comes first. Threads are kept between
 * calls and have the system's default stacks (8 MB, 2 MB where there is no limit; OMP_STACKSIZE
 * sets others): kernels need up to 256 kB. */
#ifndef LS_BASE_PARALLEL_H
#define LS_BASE_PARALLEL_H

#include <stdint.h>

#include "core/base/status.h"

/* Calls work(context, part) for 0 .. parts-1, each on a thread of its own, part 0 on the caller's;
 * returns when all are done. Where the system allows fewer threads, some take several parts, so
 * parts must not wait for each other. A call inside a part runs its parts one after the other. */
void ls_parallel_run(int parts, void (*work)(void *context, int part), void *context);

/* LS_SYSTEM if the system does not give that many threads: OpenMP would end the process over it. */
LS_MUST_USE enum ls_status ls_parallel_check(int parts, struct ls_error *error);

/* Where part `part` of `parts` nearly even runs of 0 .. count-1 begins; it ends where the next one
 * begins. */
static inline int64_t ls_even_first(int64_t count, int part, int parts) {
    return count * part / parts;
}

#endif
