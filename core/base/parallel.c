#include "core/base/parallel.h"

#include "core/base/status.h"

void ls_parallel_run(int parts, void (*work)(void *context, int part), void *context) {
    LS_ASSERT(parts > 0, "%d parts", parts);
    if (parts == 1) {
        work(context, 0);
        return;
    }
#pragma omp parallel for num_threads(parts) schedule(static, 1)
    for (int part = 0; part < parts; part++)
        work(context, part);
}
