/* What a config names of its model must be there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/worker.h"

/* What early stopping is told to watch must be something that is measured. */
static enum ls_status check_watch(const struct ls_worker *worker, struct ls_error *error) {
    const char *watch = worker->config->train.watch;
    if (!watch[0])
        return LS_OK;
    const int count = ls_worker_sum_count(worker, true);
    double *sums = ls_calloc((size_t)count + 1, sizeof *sums);
    for (int s = 0; s < count; s++)
        sums[s] = 1; /* as if every phase had run */
    const struct ls_metrics metrics = ls_worker_metrics(worker, sums, true);
    free(sums);
    if (ls_metrics_find(&metrics, watch))
        return LS_OK;
    char names[1024] = "";
    for (int i = 0; i < metrics.count; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", metrics.items[i].name);
    }
    return ls_config_fail(worker->config, LS_PLACE_WATCH, error,
                          "expected one of %s; found '%.60s'", names, watch);
}

/* What is left of each phase must be something to learn. */
static enum ls_status check_frozen(const struct ls_worker *worker, struct ls_error *error) {
    const struct ls_config *config = worker->config;
    const struct ls_parameter_set *set = worker->parameters;
    enum ls_status status =
        ls_config_check_patterns(config, LS_PLACE_FROZEN, &config->train.frozen, set, error);
    for (int p = 0; p < worker->phase_count && status == LS_OK && config->train.frozen.count; p++) {
        int trained = 0;
        for (int i = 0; i < set->count; i++)
            trained += set->items[i]->group == p && set->items[i]->kind == LS_PARAMETER_WEIGHT;
        if (!trained)
            status = ls_config_fail(config, LS_PLACE_FROZEN, error,
                                    "%s%s has nothing to learn: all its parameters are frozen",
                                    worker->phase_count > 1 ? "phase " : "the model",
                                    config->phases[p].name);
    }
    return status;
}

enum ls_status ls_worker_check(const struct ls_worker *worker, struct ls_error *error) {
    const struct ls_config *config = worker->config;
    enum ls_status status = check_watch(worker, error);
    if (status == LS_OK)
        status = check_frozen(worker, error);
    for (int p = 0; p < worker->phase_count && status == LS_OK; p++)
        status =
            ls_config_check_patterns(config, LS_PLACE_FACTORS, &config->phases[p].optimizer.factors,
                                     worker->parameters, error);
    return status;
}
