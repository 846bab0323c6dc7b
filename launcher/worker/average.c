/* The moving average of the parameters, which evaluations use in their place. */
#include <string.h>

#include "launcher/worker/worker.h"

void ls_worker_begin_average(struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        if (phase->average)
            memcpy(phase->average, worker->flat + phase->slice.first,
                   (size_t)ls_range_count(phase->slice) * sizeof(float));
    }
}

/* Ranks of one host share the parameters: all must have come here before the first one writes,
 * since somebody may still have been reading (for a digest). */
void ls_worker_swap_average(struct ls_worker *worker) {
    if (!(worker->config->train.average > 0))
        return;
    ls_communicator_barrier(worker->communicator);
    for (int p = 0; p < worker->phase_count; p++) {
        const struct ls_phase *phase = &worker->phases[p];
        float *parameters = worker->flat + phase->slice.first;
        for (int64_t i = 0; i < ls_range_count(phase->slice); i++) {
            const float value = parameters[i];
            parameters[i] = phase->average[i];
            phase->average[i] = value;
        }
        ls_reducer_gather(worker->reducer, p);
    }
}
