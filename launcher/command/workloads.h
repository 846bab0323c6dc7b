/* The reference workloads of `lockstep bench`: networks, batch and optimiser of the peers'
 * benchmarks. */
#ifndef LS_LAUNCHER_WORKLOADS_H
#define LS_LAUNCHER_WORKLOADS_H

#include "core/tensor/shape.h"

struct ls_workload {
    const char *name;
    int64_t batch;               /* per process */
    struct ls_shape input_shape; /* of one sample */
    int64_t classes;
    const char *config; /* YAML, without data and batch */
};

/* NULL if there is none of that name. */
const struct ls_workload *ls_workload_find(const char *name);
const struct ls_workload *ls_workloads(int *count);

#endif
