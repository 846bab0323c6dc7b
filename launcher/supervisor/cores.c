/* How many ranks this machine is good for: all threads are busy, so one for each physical core that
 * this process may use. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "launcher/supervisor/supervisor.h"

enum { CPUS_MAX = 8192 };

/* The first hardware thread of the core that `cpu` belongs to; cpu itself if the system does not
 * say. */
static int first_sibling(int cpu) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *file = fopen(path, "re");
    int first = cpu;
    if (!file)
        return cpu;
    if (fscanf(file, "%d", &first) != 1 || first < 0 || first >= CPUS_MAX)
        first = cpu;
    fclose(file);
    return first;
}

/* The CPU time that a container may use, in CPUs; CPUS_MAX if there is no limit. */
static int container_quota(void) {
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    long long quota = 0, period = 1;
    if (!file)
        return CPUS_MAX;
    const bool limited = fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0;
    fclose(file);
    const long long cpus = limited ? (quota + period - 1) / period : CPUS_MAX;
    return cpus < CPUS_MAX ? (int)cpus : CPUS_MAX;
}

static int physical_cores(void) {
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    const size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
    bool *used = ls_calloc(CPUS_MAX, sizeof *used);
    int cores = 0;
    if (set && sched_getaffinity(0, size, set) == 0)
        for (int cpu = 0; cpu < CPUS_MAX; cpu++)
            if (CPU_ISSET_S((size_t)cpu, size, set)) {
                const int core = first_sibling(cpu);
                cores += !used[core];
                used[core] = true;
            }
    free(used);
    CPU_FREE(set);
    return cores;
}

int ls_cores(void) {
    const int cores = physical_cores(), quota = container_quota();
    return cores < quota ? cores : quota;
}

int ls_default_ranks(int64_t microbatches, int64_t threads) {
    const int64_t cores = ls_cores();
    const int64_t ranks = (cores < microbatches ? cores : microbatches) / threads;
    return ranks > 0 ? (int)ranks : 1;
}
